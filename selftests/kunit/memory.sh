#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a netlink request takes of memory is given back; and where a request gets
# none it does all that it should or nothing, and who listens is told. Each
# allocation that the kernel makes for a request fails once. Needs a kernel with
# FAILSLAB and with SLUB that notes who allocated (slub_debug=U).

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=selftests/lib/netlink.sh
. "$(dirname "$0")/../lib/netlink.sh"
# shellcheck source=selftests/lib/memory.sh
. "$(dirname "$0")/../lib/memory.sh"

MESSAGES=3000
FAIL=/sys/kernel/debug/failslab
ENOMEM=12 ENOBUFS=105

# The key of 10.1.0.100:8800, TCP, and of 10.1.0.100:8801, UDP
KEY=$(attr 1 "$(u16 2)")$(attr 2 "$(u16 6)")$(attr 3 0a010064)$(attr 4 "$(be16 8800)")
UDP_KEY=$(attr 1 "$(u16 2)")$(attr 2 "$(u16 17)")$(attr 3 0a010064)$(attr 4 "$(be16 8801)")
OTHER=$(params 1 2 2 3 3 4 4 5 5 6 6 7)
THESE=$(params 1 8 2 8 3 8 4 1 5 0 6 0)
listened=$(mktemp)

kernel_is_able() {
	[ -d $FAIL ] && slabs_have_owners &&
		echo 0 >$FAIL/verbose &&
		echo N >$FAIL/ignore-gfp-wait &&
		echo N >$FAIL/cache-filter &&
		expect " failed" "$(in_director genl_send --fail 1 $FAMILY $GET_DEFAULTS |
			grep -o ' failed$')" "the first allocation"
}

# gives_back COMMAND...: what it has allocated; the parameters are the same before
# and after it
gives_back() {
	local before
	before=$(owned)
	"$@" || return
	accepts $SET_SERVICE "$KEY$THESE" && poll 30 owns "$before"
}

# The module's objects can be seen at all.
sees_objects() {
	local before
	before=$(owned)
	ipvs -A -f 880 -s wlch
	[ "$(owned)" -gt "$before" ] || { echo "no more than $before"; return 1; }
	ipvs -D -f 880
	poll 30 owns "$before"
}

mostly_valid() {
	in_director genl_fuzz $MESSAGES 5 1 &&
		accepts $SET_SERVICE "$UDP_KEY$THESE" &&
		accepts $SET_SERVICE "$(by_mark 88 10)$THESE"
}

sets_and_unsets() {
	local i
	for ((i = 0; i < 20; i++)); do
		accepts $SET_SERVICE "$KEY$OTHER" &&
			accepts $SET_SERVICE "$KEY$THESE" || return
	done
}

sets_the_same() {
	local i
	for ((i = 0; i < 20; i++)); do
		accepts $SET_SERVICE "$KEY$THESE" || return
	done
}

# Refused when the parameters are there already
sets_unusable() {
	local i
	for ((i = 0; i < 20; i++)); do
		in_director genl_send $FAMILY $SET_SERVICE "$UDP_KEY$(params 1 9 4 0)" |
			grep -q '^error=22 ' || return
	done
}

# each_fails AFTER REQUEST...: another allocation each time, until there is none
# left that could fail; each time AFTER, which gets the error and the number of
# messages that were the answer
each_fails() {
	local after=$1 n said answer='^error=([0-9]+) messages=([0-9]+) text=.* failed$'
	shift
	for ((n = 1; n < 100; n++)); do
		said=$(in_director genl_send --fail $n "$@") || return
		[[ $said =~ $answer ]] || break
		"$after" "${BASH_REMATCH[@]:1}" || { echo "allocation $n: $said"; return 1; }
	done
	ktap_note "$((n - 1)) allocations" >&3
	echo "the last: $said"
	[ $n -gt 3 ] && [[ $said =~ ^error=(0)\ messages=([0-9]+) ]] &&
		"$after" "${BASH_REMATCH[@]:1}"
}

shown() { ipvs -L -n "$@" | sed -n 's/^  sched-param //p;s/^Scheduler defaults (wlch): //p'; }

# all_or_nothing ERROR SHOWN: prints "all" or "nothing", whichever it was
all_or_nothing() {
	local all=active=2,halfopen=3,refused=4,inactive=5,slowstart=6,choices=7
	case $1:$2 in
	"0:$all" | "$ENOBUFS:$all") echo all ;;
	"$ENOMEM:$DEFAULTS" | "$ENOBUFS:$DEFAULTS") echo nothing ;;
	*) echo "error $1 and $2" ;;
	esac
}

# told EVENT: how often that was heard, or that something was lost
told() { grep -c -e "$1" -e '^error: No buffer space available$' "$listened"; }
told_more() { [ "$(told "$2")" -gt "$1" ]; }

told_service=0
service_after() {
	local event='^service-change.*params=2,3,4,5,6,7$' state
	state=$(all_or_nothing "$1" "$(shown -t 10.1.0.100:8800 --sched-param)")
	case $state in
	nothing) return ;;
	all) ;;
	*) echo "$state"; return 1 ;;
	esac
	poll 30 told_more "$told_service" "$event" || return
	accepts $SET_SERVICE "$KEY$THESE"
	told_service=$(told "$event")
}

told_defaults=0
defaults_after() {
	local event='^defaults-change params=2,3,4,5,6,7$' state
	state=$(all_or_nothing "$1" "$(shown --sched-default)")
	case $state in
	nothing) return ;;
	all) ;;
	*) echo "$state"; return 1 ;;
	esac
	poll 30 told_more "$told_defaults" "$event" || return
	accepts $SET_DEFAULTS "$THESE"
	told_defaults=$(told "$event")
}

# What is asked for has one answer, or an error, or is lost.
asked_after() {
	case $1:$2 in
	0:1 | "$ENOMEM:0" | "$ENOBUFS:"[01]) ;;
	*) return 1 ;;
	esac
}

# IPVS's own request for a new service, by mark 881
new_service() {
	attr $((1 | NESTED)) "$(attr 1 "$(u16 2)")$(attr 5 "$(u32 881)")$(
		)$(attr 6 776c636800)$(attr 7 00000000ffffffff)$(attr 8 00000000)$(
		)$(attr 9 ffffffff)"
}

# It is there with its parameters, or not at all.
service_added_after() {
	local there
	there=$(shown -f 881 --sched-param 2>/dev/null)
	case $1:$there in
	"0:$DEFAULTS" | "$ENOBUFS:$DEFAULTS") ipvs -D -f 881 ;;
	"$ENOMEM:" | "$ENOBUFS:") ;;
	*) echo "error $1 and $there"; return 1 ;;
	esac
}

requests() {
	ktap_check "set-service without memory: all or nothing, and who listens is told" \
		gives_back each_fails service_after $FAMILY $SET_SERVICE "$KEY$OTHER"
	ktap_check "set-defaults without memory: all or nothing, and who listens is told" \
		gives_back each_fails defaults_after $FAMILY $SET_DEFAULTS "$OTHER"
	accepts $SET_DEFAULTS "$THESE"
	ktap_check "get-service without memory" \
		gives_back each_fails asked_after $FAMILY $GET_SERVICE "$KEY"
	ktap_check "get-defaults without memory" \
		gives_back each_fails asked_after $FAMILY $GET_DEFAULTS
	ktap_check "a service of wlch without memory: it is there, or it is not" \
		gives_back each_fails service_added_after IPVS 1 "$(new_service)"
}

exec 3>&1
wlch_start
ktap_check "this kernel can fail allocations, and knows whose they are" \
	kernel_is_able || { ktap_end; exit; }
service 4 8800 m wlch
ipvs -A -u 10.1.0.100:8801 -s wlch
ipvs -A -f 88 -6 -s wlch
ktap_check "what a service has allocated is seen, and goes with it" sees_objects
ktap_check "parameters that are replaced are freed" gives_back sets_and_unsets
ktap_check "parameters that change nothing are freed" gives_back sets_the_same
ktap_check "parameters that are refused are freed" gives_back sets_unusable
in_director genl_listen >"$listened" &
listener=$!
poll 30 grep -q listening "$listened" || exit
requests
kill $listener
ktap_check "$MESSAGES requests, half of them valid, are freed" gives_back mostly_valid
rm -f "$listened"
ktap_end
