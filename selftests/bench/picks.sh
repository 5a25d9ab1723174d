#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# picks.sh [instructions]: what a choice costs: wlc's and wlch's schedule(), the kernel's own
# code and the module's, called by ip_vs_wlch_bench.ko for the same servers, in turns.
# Nanoseconds for one choice are for User Mode Linux (uml.sh): an emulated machine
# has none. It can count instructions.
#
# Servers are idle with equal weights, so that each choice is among equals, or busy with
# weights of 1 to 4.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/bench/lib.sh
. "$here/lib.sh"
# shellcheck source=selftests/bench/service.sh
. "$here/service.sh"

unit=${1:-ns}
case $unit in
instructions)
	SIZES=${BENCH_SIZES:-2 10 100}
	MODULE_FILE=/kmod/ip_vs_wlch.ko ;;
*)	SIZES=${BENCH_SIZES:-2 3 5 10 20 50 100 1000 10000 20000} ;;
esac
TURN_NS=20000000	# how long a turn takes, about

# turn SCHEDULER: nanoseconds for a choice, times 10
turn() {
	local option=() ns picks
	[ "$1" = wlc ] || option=(--sched-param "choices=$choices")
	service_runs "$1" "${option[@]}" && picks=$(enough_picks 1000 1 $TURN_NS) &&
		ns=$(pick "$picks" 1) && echo $((ns * 10 / picks))
}

# compare STATE CHOICES
compare() {
	choices=$2
	alternate turn
	result "$unit" 10 name=pick n="$n" state="$1" choices="$choices"
}

# state NAME WEIGHTS LOAD
state() {
	service_up "$2" "$3"
	compare "$1" 0
	[ "$n" -le 5 ] || compare "$1" 2
	service_down
}

count_instructions_if "$unit"
modprobe ip_vs_wlch || die "the module cannot be loaded"
for n in ${SIZES//,/ }; do
	state idle 1 0
	state busy 4 1000
done
echo "bench complete"
