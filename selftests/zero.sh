#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ipvsadm -Z zeroes what wlch counts together with what IPVS counts: for one
# service or for all. The release (ipvsadm-orig) is the control.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

# stats PORT: connections of the service since they were zeroed, as IPVS counts
stats() {
	ipvs -L -n --stats --exact -t 10.1.0.100:"$1" | awk '$1 == "TCP" { print $3 }'
}

# counted PORT: "IPVS wlch". IPVS adds up what the CPUs count every 2 s.
counted() { echo "$(stats "$1") $(sum "$(picks 4 "$1")")"; }

# outcome PORT COUNT WHAT: all these clients are connected, or refused
outcome() {
	local rc
	clients 4 "$1" "$2"
	expect "$2" "$(clients_outcome "$3")" "$3 clients"
	rc=$?
	clients_end
	return $rc
}

connect() { outcome "$1" "$2" connected; }

one_of_two() {
	connect 8601 10 && connect 8602 20 && poll 30 counts 8601 "10 10" &&
		poll 30 counts 8602 "20 20"
}

counts() { expect "$2" "$(counted "$1")"; }

zero() {
	ktap_check "what comes is counted" one_of_two
	in_director ipvsadm-orig -Z -t 10.1.0.100:8601
	ktap_check "the control: the release zeroes what IPVS counts only" \
		expect "0 10" "$(counted 8601)"
	ktap_check "-Z of one service" ipvs -Z -t 10.1.0.100:8601
	ktap_check "... zeroes both" expect "0 0" "$(counted 8601)"
	ktap_check "... and leaves the other service alone" \
		expect "20 20" "$(counted 8602)"
	ktap_check "what comes then" connect 8601 5
	ktap_check "... is counted from 0" poll 30 counts 8601 "5 5"
	ktap_check "-Z of a service of rr" ipvs -Z -t 10.1.0.100:8603
	ktap_check "... zeroes nothing of wlch" expect "5 20" \
		"$(sum "$(picks 4 8601)") $(sum "$(picks 4 8602)")"
	ktap_check "-Z of a service that is not there is refused" \
		refuses "No such service" -Z -t 10.1.0.100:8699
	ktap_check "-Z of all" ipvs -Z
	ktap_check "... zeroes all" expect "0 0 0 0" \
		"$(counted 8601) $(counted 8602)"
}

# What wlch counts of the service itself: choices, and whether there was no server at times
own_counts_are() {
	expect "$1" "$(ipvs -L --json -t 10.1.0.100:8604 |
		jq -r '.services[].wlch | "\(.picks) \(.no_server > 0)"')"
}

no_server() {
	ipvs -e -t 10.1.0.100:8604 -r 10.2.0.11:8604 -m -w 0 && outcome 8604 2 refused &&
		ipvs -e -t 10.1.0.100:8604 -r 10.2.0.11:8604 -m -w 1
}

# What is subtracted grows with each -Z: so the second tells more than the first.
zero_twice() {
	local time
	for time in first second; do
		ktap_check "the $time -Z: clients connect" connect 8604 3
		ktap_check "the $time -Z: clients find no server" no_server
		ktap_check "the $time -Z: the service counts both" own_counts_are "3 true"
		ktap_check "the $time -Z of the service" ipvs -Z -t 10.1.0.100:8604
		ktap_check "the $time -Z: both are zeroed" own_counts_are "0 false"
	done
}

# refuses MESSAGE ARGUMENT...
refuses() {
	local message=$1
	shift
	! ipvs "$@" >"$ktap_out.said" 2>&1 && grep -qF "$message" "$ktap_out.said"
}

# A kernel that could load the module, and need not for this
without_module() {
	ktap_need rmmod ip_vs_wlch || return
	ktap_check "without the module -Z works" ipvs -Z
	ktap_check "... of one service, too" ipvs -Z -t 10.1.0.100:8603
	ktap_check "... and does not load the module" \
		expect "" "$(ls -d /sys/module/ip_vs_wlch 2>/dev/null)"
	ipvs -L -n --sched-param >/dev/null
	ktap_check "the control: --sched-param does" test -d /sys/module/ip_vs_wlch
}

wlch_start
serve "$SERVER1" 8601 8602 8604 && serve "$SERVER2" 8601 8602 || exit 1
service 4 8601 m wlch
service 4 8602 m wlch
service 4 8603 m rr
ipvs -A -t 10.1.0.100:8604 -s wlch
ipvs -a -t 10.1.0.100:8604 -r 10.2.0.11:8604 -m
zero
zero_twice
ipvs -D -t 10.1.0.100:8601
ipvs -D -t 10.1.0.100:8602
ipvs -D -t 10.1.0.100:8604
if poll 30 references_are 0; then
	without_module
else
	ktap_skip "without the module" "it is in use on this machine"
fi
rm -f "$ktap_out.said"
ktap_end
