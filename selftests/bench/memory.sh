#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# memory.sh: what wlch takes over wlc: bytes of the slab caches before and after services
# with servers, and services without, are given wlch. Not in it are a service's counters
# for each CPU, and the buckets of the hash table of servers. In a virtual machine.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/bench/lib.sh
. "$here/lib.sh"
# shellcheck source=selftests/lib/memory.sh
. "$here/../lib/memory.sh"

ROUNDS=3
SERVICES=100
SERVERS=100	# of each; all of the module's objects are in slabs then
EMPTY=300	# each edit takes the core a grace period of RCU

# give FIRST LAST SCHEDULER [OPTION...]: to all services of these marks
give() {
	local i
	for ((i = $1; i <= $2; i++)); do
		echo "-E -f $i -s ${*:3}"
	done | ipvsadm -R
}

# taken COUNT FIRST LAST [OPTION...]: bytes for each of COUNT, when the services are given
# wlch. What is freed by RCU has been when the module is gone.
taken() {
	local before
	rmmod ip_vs_wlch && modprobe ip_vs_wlch || return
	before=$(kmalloc_bytes)
	give "$2" "$3" wlch "${@:4}" || return
	echo $((($(kmalloc_bytes) - before + $1 / 2) / $1))
	give "$2" "$3" wlc
}

# measure WHAT COUNT FIRST LAST [OPTION...]
measure() {
	local what=$1 values=() round
	shift
	for ((round = 0; round <= ROUNDS; round++)); do
		values+=("$(taken "$@")") || die "the services cannot be given wlch"
	done
	low_mid_high "${values[@]:1}" | awk -v what="$what" -v rounds="$ROUNDS" '
		{ printf "RESULT bench name=memory what=%s unit=bytes rounds=%d median=%d min=%d max=%d\n",
			what, rounds, $2, $1, $3 }'
}

modprobe ip_vs_wlch || die "the module cannot be loaded"
{
	for ((i = 1; i <= SERVICES; i++)); do
		echo "-A -f $i -s wlc"
		for ((j = 0; j < SERVERS; j++)); do
			echo "-a -f $i -r 10.0.$i.$j -g"
		done
	done
	for ((i = SERVICES + 1; i <= SERVICES + EMPTY; i++)); do
		echo "-A -f $i -s wlc"
	done
} | ipvsadm -R || die "no services"
measure server $((SERVICES * SERVERS)) 1 $SERVICES
measure server,choices=2 $((SERVICES * SERVERS)) 1 $SERVICES --sched-param choices=2
measure service $EMPTY $((SERVICES + 1)) $((SERVICES + EMPTY))
ipvsadm -C
echo "bench complete"
