#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Without its new options the patched ipvsadm prints byte for byte what the
# release prints (ipvsadm-orig), for every kind of listing; but for what servers have
# counted above 32 bits. Saved rules differ in what the release leaves out: see restore.sh.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

# A look takes its time, and counters and timers run: look again if need be.
same() { poll 60 same_now "$@"; }

same_now() {
	local ours theirs
	ours=$(in_director ipvsadm "$@" 2>&1; echo "status $?")
	theirs=$(in_director ipvsadm-orig "$@" 2>&1; echo "status $?")
	[ "$ours" = "$theirs" ] && return
	diff <(echo "$theirs") <(echo "$ours")
	return 1
}

fill() {
	local vs
	for vs in "-t 10.1.0.100:8401" "-u 10.1.0.100:8401" "-t [fd00:1::100]:8401" \
		  "-f 5" "-f 5 -6"; do
		echo "-A $vs -s $1"
	done
	cat <<-E
		-A -t 10.1.0.100:8402 -s $1 -p 300 -M 255.255.255.0
		-A -u 10.1.0.100:8402 -s $1 -o
		-a -t 10.1.0.100:8401 -r 10.2.0.11:8401 -m -w 65535
		-a -t 10.1.0.100:8401 -r 10.2.0.12:8401 -g -w 0
		-a -t [fd00:1::100]:8401 -r [fd00:2::11]:8401 -i
		-a -u 10.1.0.100:8401 -r 10.2.0.11:9 -m -x 100 -y 10
		-a -f 5 -r 10.2.0.12 -i
		-a -f 5 -6 -r [fd00:2::12]:8401 -g -w 7
	E
}

differs() { ! same_now "$@"; }

make_services() { fill "$1" | ipvs -R; }

compare_all() {
	local scheduler=$1 options
	while read -r options; do
		# shellcheck disable=SC2086 # options
		ktap_check "$scheduler: ipvsadm $options" same $options
	done <<-'E'
		-L
		-L -n
		-Ln
		-L -n --exact
		-L -n --nosort
		-L -n --stats
		-L -n --stats --exact
		-L -n --rate
		-L -n --thresholds
		-L -n --persistent-conn
		-L -n --tun-info
		-L -n -t 10.1.0.100:8401
		-L -n -t [fd00:1::100]:8401
		-L -n -u 10.1.0.100:8401
		-L -n -f 5
		-L -n -t 10.1.0.100:1
		-L -n -c
		-L --timeout
		-L --daemon
		-v
	E
	ktap_check "$scheduler: ipvsadm" same
}

LARGE=8589934592	# 2^33

# smaller PROGRAM OPTION: of how many services and servers, how many have one smaller than
# LARGE of the five numbers that the option prints
smaller() {
	in_director env LD_PRELOAD="$(type -P kernel_number)" KERNEL_NUMBER=$LARGE \
		"$1" -L -n --exact "$2" |
		awk -v large=$LARGE '
			!/^(TCP|UDP|FWM|  ->) / || /Address:/ { next }
			{ lines++; few = 0 }
			{ for (i = NF - 4; i <= NF; i++) few += $i + 0 < large }
			few { smaller++ }
			END { print lines + 0, smaller + 0 }'
}

# The kernel tells numbers of 64 bits. Here all are large.
large_numbers() {
	local option
	for option in --stats --rate; do
		ktap_check "$option: large numbers are shown" expect "13 0" "$(smaller ipvsadm $option)"
		ktap_check "... the control: those of 6 servers are not by the release" \
			expect "13 6" "$(smaller ipvsadm-orig $option)"
	done
}

wlch_start
serve "$SERVER1" 8401 || exit 1
ktap_check "services of rr are made" make_services rr
compare_all rr
large_numbers
in_director ipvsadm -e -u 10.1.0.100:8401 -r 10.2.0.11:9 -m
ktap_check "rr, without thresholds: ipvsadm -S -n" same -S -n
ipvs -C
ktap_check "services of wlch are made" make_services wlch
clients 4 8401 20
ktap_check "20 clients connect" expect 20 "$(clients_connected)"
compare_all wlch
ktap_check "the control: with --sched-param the listings differ" \
	differs -L -n --sched-param
clients_end
ktap_end
