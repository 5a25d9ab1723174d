#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What bash completes of a command line of ipvsadm.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

# From where it was built, or where it is installed
for file in "$(dirname "$0")/../build/ipvsadm/ipvsadm.bash" \
	    /usr/share/bash-completion/completions/ipvsadm; do
	[ ! -e "$file" ] || break
done

# as an interactive bash has it
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'

# complete_line LINE: what bash would offer at the end of the line
complete_line() {
	# shellcheck disable=SC2034 # for the completion
	local COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
	_ipvsadm
	[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
}

# offers LINE WORD...: these, and no other
offers() {
	local line=$1
	shift
	expect "$*" "$(complete_line "$line" | xargs)" "after '$line'"
}

# Each line with what is offered, behind a bar
lines() {
	local line words
	while IFS='|' read -r line words; do
		# shellcheck disable=SC2086 # words
		ktap_check "$line: ${words:-nothing}" offers "$line" $words
	done <<-'E'
		ipvsadm --mon|--monitor
		ipvsadm --sched|--sched-default
		ipvsadm --add-|--add-service --add-server
		ipvsadm -L --js|--json
		ipvsadm --list --sched-p|--sched-param
		ipvsadm -L -n --sched-|--sched-param --sched-default
		ipvsadm -L --sched-param --s|--sctp-service --stats --sched-param --sched-default --sort
		ipvsadm -A -t 10.0.0.1:80 -s wl|wlc wlch
		ipvsadm -A -t 10.0.0.1:80 -s sw|swrr
		ipvsadm -A -t 10.0.0.1:80 -s wlch --sched-param a|active=
		ipvsadm -A -t 10.0.0.1:80 -s wlch --sched-param active=8,h|8,halfopen=
		ipvsadm -A -t 10.0.0.1:80 -s wlch --sched-param active=8,a|
		ipvsadm -A -t 10.0.0.1:80 -s wlch --sched-param active=8,slowstart=3,inactive=1,|1,halfopen= 1,refused= 1,choices=
		ipvsadm --sched-default re|refused=
		ipvsadm -L --sched-default --j|--json
		ipvsadm -E -t 10.0.0.1:80 -s sh -b sh-p|sh-port
		ipvsadm -E -t 10.0.0.1:80 -s sh -b sh-port,sh-|sh-port,sh-fallback
		ipvsadm -a -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type g|gue gre
		ipvsadm -a -t 10.0.0.1:80 -r 10.0.0.2 --w|--weight
		ipvsadm -d -t 10.0.0.1:80 --w|
		ipvsadm -A -t |
		ipvsadm --start-daemon m|master
		ipvsadm --start-daemon master --mcast-g|--mcast-group
	E
}

# Every long option that is offered somewhere
all_options() {
	local command
	complete_line "ipvsadm --"
	for command in $(complete_line "ipvsadm --"); do
		complete_line "ipvsadm $command x --"
	done
}

in_the_middle() {
	# shellcheck disable=SC2034 # for the completion
	local COMP_LINE="ipvsadm -L --js -n" COMP_POINT=15 COMPREPLY=()
	_ipvsadm
	expect --json "${COMPREPLY[*]}"
}

wlch_start
# shellcheck disable=SC1090 # one of two
ktap_check "bash reads it" . "$file"
lines
ktap_check "in the middle of a line" in_the_middle
ktap_check "it knows the options that ipvsadm --help has, and no others" diff \
	<({ in_director ipvsadm --help; echo --version; } |
		grep -oE -- '--[a-z][a-z0-9-]+' | sort -u) \
	<(all_options | sort -u)
ktap_check "it is there for the command" expect "complete -F _ipvsadm ipvsadm" \
	"$(complete -p ipvsadm)"
ktap_end
