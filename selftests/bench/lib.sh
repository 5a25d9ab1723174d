# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the benchmarks share: rounds in which the kernel's scheduler and ours have their
# turns, and a RESULT of them.

pair=(wlc wlch)	# or others that a script compares
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

# alternate TURN: ROUNDS times, and once before to warm up, "TURN SCHEDULER" prints a whole
# number for each of the pair, a measured one. They are left in the arrays theirs and ours.
alternate() {
	local round
	theirs=() ours=()
	for ((round = 0; round <= ROUNDS; round++)); do
		theirs+=("$("$1" "${pair[0]}")") ||
			die "a round of $1 with ${pair[0]} failed: ${theirs[-1]}"
		ours+=("$("$1" "${pair[1]}")") ||
			die "a round of $1 with ${pair[1]} failed: ${ours[-1]}"
	done
	theirs=("${theirs[@]:1}")
	ours=("${ours[@]:1}")
}

# result UNIT SCALE NAME=VALUE...: what alternate() left, divided by SCALE. The ratio is that of
# the medians, and ratio_min that of the least: what others do on the machine adds to a round
# and takes from none.
result() {
	local unit=$1 scale=$2
	shift 2
	printf 'RESULT bench'
	printf ' %s' "$@"
	{
		low_mid_high "${theirs[@]}"
		low_mid_high "${ours[@]}"
	} | awk -v unit="$unit" -v scale="$scale" -v rounds="${#ours[@]}" \
		-v a="${pair[0]}" -v b="${pair[1]}" '
		{ low[NR] = $1 / scale; mid[NR] = $2 / scale; high[NR] = $3 / scale }
		END {
			form = scale > 1 ? "%.1f" : "%d"
			printf(" unit=%s rounds=%d %s=" form " %s=" form " ratio=%.3f", unit,
			       rounds, a, mid[1], b, mid[2], mid[1] ? mid[2] / mid[1] : 0)
			printf(" %s_min=" form " %s_max=" form, a, low[1], a, high[1])
			printf(" %s_min=" form " %s_max=" form, b, low[2], b, high[2])
			printf(" ratio_min=%.3f\n", low[1] ? low[2] / low[1] : 0)
		}'
}
