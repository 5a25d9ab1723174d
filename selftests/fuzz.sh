#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Damaged netlink requests, while services come and go and clients connect: the
# kernel takes or refuses them and goes on scheduling. WLCH_FUZZ is the number of
# messages (20000, 15 seconds in a virtual machine without KVM). "make check"
# sends 200000 in User Mode Linux, in 45 seconds. What memory the messages take
# and give back is seen in kunit/memory.sh.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

MESSAGES=${WLCH_FUZZ:-20000}
SEED=5	# of one half; the other half's is random
out=$(mktemp)

# What genl_fuzz asks for
fuzz_services() {
	service 4 8800 m wlch &&
		ipvs -A -u 10.1.0.100:8801 -s wlch &&
		ipvs -A -f 88 -6 -s wlch
}

# Services and servers come and go until the file is there
commotion() {
	until [ -e "$out.stop" ]; do
		ipvs -R <<-E
			-A -f 89 -s wlch
			-a -f 89 -r 10.2.0.11 -m
			-a -f 89 -r 10.2.0.12 -m
			-E -f 89 -s wlc
			-E -f 89 -s wlch
			-D -f 89
		E
	done
}

# A client every 20 ms, as long
traffic() {
	until [ -e "$out.stop" ]; do
		in_client conn_hold --interval 20000 --hold 0 --rst "${VIP[4]}" 8800 50
	done >/dev/null 2>&1
}

# fuzz COUNT: two at a time, each half of it
fuzz() {
	local half=$(($1 / 2)) first rc
	in_director genl_fuzz $half $SEED >"$out.1" &
	first=$!
	in_director genl_fuzz $half >"$out.2" && wait $first
	rc=$?
	sed 's/^/# /' "$out".[12] >&3
	return $rc
}

# number NAME FILE: what genl_fuzz says
number() { sed -n "s/.* $1=\([0-9]*\).*/\1/p" "$2"; }

# Of the messages many were accepted, many refused, for many reasons.
various() {
	local file name said
	for file in "$out".[12]; do
		for name in accepted refused messages; do
			said=$(number $name "$file")
			[ "${said:-0}" -lt $((MESSAGES / 40)) ] || continue
			echo "too few $name: $(<"$file")"
			return 1
		done
		[ "$(number errors "$file")" -ge 5 ] || { cat "$file"; return 1; }
	done
}

# parameters_valid OPTION...: of a service, each in its range
parameters_valid() {
	ipvs -L -n "$@" --sched-param | sed -n 's/^  sched-param //p' | awk -F '[=,]' '
		function check(i, name, min, max) {
			if ($i != name || $(i + 1) !~ /^[0-9]+$/ || $(i + 1) < min || $(i + 1) > max) {
				print name ": " $0
				bad = 1
			}
		}
		{
			check(1, "active", 1, 4096)
			check(3, "halfopen", 0, 4096)
			check(5, "refused", 0, 4096)
			check(7, "inactive", udp, 4096)
			check(9, "slowstart", 0, 3600)
			check(11, "choices", 0, 64)
		}
		END { exit bad || NR != 1 }' udp="$([ "$1" = -u ] && echo 1 || echo 0)"
}

schedules() {
	local before after
	before=$(sum "$(picks 4 8800)")
	clients 4 8800 20 --rst
	expect 20 "$(clients_connected)" "clients that connect" || return
	after=$(sum "$(picks 4 8800)")
	clients_end
	expect 20 $((after - before)) "servers chosen"
}

exec 3>&1
wlch_start
serve "$SERVER1" 8800 && serve "$SERVER2" 8800 && fuzz_services || exit
commotion &
traffic &
ktap_check "$MESSAGES damaged requests" fuzz "$MESSAGES"
ktap_check "... of which the kernel took many, and refused many" various
touch "$out.stop"
wait
ktap_check "the TCP service's parameters are valid" parameters_valid -t 10.1.0.100:8800
ktap_check "the UDP service's parameters are valid" parameters_valid -u 10.1.0.100:8801
ktap_check "the parameters of the service by mark are valid" parameters_valid -f 88 -6
ktap_check "the service still schedules" schedules
rm -f "$out" "$out".*
ktap_end
