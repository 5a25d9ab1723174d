# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the benchmarks share: rounds in which wlc and wlch have their turns, and a RESULT of
# them.

ROUNDS=${BENCH_ROUNDS:-9}

die() { echo "bench: $*"; exit 1; }

# low_mid_high NUMBER...: the least, the median and the largest of whole numbers
low_mid_high() {
	printf '%s\n' "$@" | sort -n |
		awk '{ v[NR] = $1 } END { print v[1], v[int((NR + 1) / 2)], v[NR] }'
}

# count_instructions_if UNIT: is this a machine whose clock counts instructions, as it has
# to be if that is "instructions", and only then?
count_instructions_if() {
	local ns
	ns=$(insn_loop 20000000) || die "$ns"
	echo "# 20000000 instructions: $ns"
	ns=${ns#ns=}
	case $1 in
	instructions) ((ns >= 20000000 && ns < 20400000)) ;;
	*) ((ns < 19000000 || ns > 21000000)) ;;
	esac || die "this machine is not one to measure $1 on: see bench.sh"
}

# run_scheduler SCHEDULER FAMILY PORT: let a service run it. For others than wlch the module
# is not there: it would follow connections as long as it has been used in
# a namespace.
run_scheduler() {
	local key
	service_key "$2" "$3"
	ipvs -E "${key[@]}" -s "$1" || return
	[ "$1" = wlch ] || [ ! -e /sys/module/ip_vs_wlch ] ||
		poll 60 rmmod ip_vs_wlch >&2
}

# alternate TURN: ROUNDS times, and once before to warm up, TURN wlc and TURN wlch print
# whole numbers, a measured one each. They are left in the arrays wlc and wlch.
alternate() {
	local round
	wlc=() wlch=()
	for ((round = 0; round <= ROUNDS; round++)); do
		wlc+=("$("$1" wlc)") || die "a round of $1 with wlc failed: ${wlc[-1]}"
		wlch+=("$("$1" wlch)") || die "a round of $1 with wlch failed: ${wlch[-1]}"
	done
	wlc=("${wlc[@]:1}")
	wlch=("${wlch[@]:1}")
}

# result UNIT SCALE NAME=VALUE...: what alternate() left, divided by SCALE
result() {
	local unit=$1 scale=$2
	shift 2
	printf 'RESULT bench'
	printf ' %s' "$@"
	{
		low_mid_high "${wlc[@]}"
		low_mid_high "${wlch[@]}"
	} | awk -v unit="$unit" -v scale="$scale" -v rounds="${#wlc[@]}" '
		{ low[NR] = $1 / scale; mid[NR] = $2 / scale; high[NR] = $3 / scale }
		END {
			form = scale > 1 ? "%.1f" : "%d"
			printf(" unit=%s rounds=%d wlc=" form " wlch=" form " ratio=%.3f",
			       unit, rounds, mid[1], mid[2], mid[1] ? mid[2] / mid[1] : 0)
			printf(" wlc_min=" form " wlc_max=" form " wlch_min=" form " wlch_max=" form "\n",
			       low[1], high[1], low[2], high[2])
		}'
}
