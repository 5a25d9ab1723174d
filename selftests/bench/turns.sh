#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# turns.sh [instructions|cpus]: what a choice of round robin costs: wrr's and swrr's, called
# by ip_vs_wlch_bench.ko as in picks.sh; with "cpus" on several CPUs at once, as in
# parallel.sh.
#
# Servers have equal weights, or 1 to 4, or 1 to 100, which has wrr go round its list again
# and again.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/bench/lib.sh
. "$here/lib.sh"
# shellcheck source=selftests/bench/service.sh
. "$here/service.sh"

pair=(wrr swrr)
unit=${1:-ns} name=turn
ROUNDS=${BENCH_ROUNDS:-31}	# a round is short
[ -n "${MODULE_FILE-}" ] || MODULE_FILE=/kmod/ip_vs_swrr.ko
SIZES=${BENCH_SIZES:-2 3 5 10 100 1000 10000}
WEIGHTS="1 4 100"
CPUS=1
case $unit in
instructions)	# always the same, or nearly
	ROUNDS=${BENCH_ROUNDS:-3} ;;
cpus)	unit=ns name=turns-together
	ROUNDS=${BENCH_ROUNDS:-9}
	SIZES=${BENCH_SIZES:-2 10 100 1000}
	WEIGHTS=4
	CPUS="1 2 4" ;;
esac
TURN_NS=20000000	# how long a turn takes, about

# turn SCHEDULER: what a choice costs, times 10
turn() {
	local ns picks
	service_runs "$1" && picks=$(enough_picks 1000 "$cpus" $TURN_NS) &&
		ns=$(pick "$picks" "$cpus") && echo $((ns * 10 / picks / cpus))
}

count_instructions_if "$unit"
modprobe ip_vs_swrr || die "the module cannot be loaded"
for n in ${SIZES//,/ }; do
	for weights in $WEIGHTS; do
		service_up "$weights" 0
		for cpus in $CPUS; do
			alternate turn
			result "$unit" 10 name="$name" n="$n" weights="1-$weights" cpus="$cpus"
		done
		service_down
	done
done
echo "bench complete"
