#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# parallel.sh: choices on several CPUs at once, of the same service; as picks.sh, in a virtual
# machine (SMP=4). Times are how long it took, divided by the choices of all CPUs: half
# as much on two CPUs is ideal. And on one CPU while another adds and removes servers.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/bench/lib.sh
. "$here/lib.sh"
# shellcheck source=selftests/bench/service.sh
. "$here/service.sh"

SIZES=${BENCH_SIZES:-2 10 100 1000}
TURN_NS=30000000	# how long a turn takes, about
MODULE_FILE=/kmod/ip_vs_wlch.ko

# turn SCHEDULER: nanoseconds for a choice, times 10
turn() {
	local ns picks
	service_runs "$1" && picks=$(enough_picks 200 "$cpus" $TURN_NS) &&
		ns=$(pick "$picks" "$cpus") && echo $((ns * 10 / picks / cpus))
}

# churn: adds and removes a server until there is no $rules
churn() {
	local i
	for ((i = 0; i < 50; i++)); do
		echo "-a -f $n -r 10.255.0.1 -g"
		echo "-d -f $n -r 10.255.0.1"
	done >"$rules"
	while [ -e "$rules" ]; do
		ipvsadm -R <"$rules"
	done 2>/dev/null
}

# turn_with_churn SCHEDULER
turn_with_churn() {
	local churner rc
	churn &
	churner=$!
	turn "$1"
	rc=$?
	rm -f "$rules"
	wait $churner
	return $rc
}

modprobe ip_vs_wlch || die "the module cannot be loaded"
dir=$(mktemp -d)
rules=$dir/rules
for n in ${SIZES//,/ }; do
	service_up 4 1000
	for cpus in 1 2 4; do
		[ $cpus -le "$(nproc)" ] || continue
		alternate turn
		result ns 10 name=parallel n="$n" cpus=$cpus
	done
	cpus=1
	alternate turn_with_churn
	result ns 10 name=churn n="$n"
	service_down
done
rm -r "$dir"
echo "bench complete"
