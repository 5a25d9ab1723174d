#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A burst of 100 simultaneous long connections to two equal servers, of which
# one answers after 5 ms and the other after 50 ms. wlch with the factors of
# kernels before 4.8 puts far more on one of them: the defect. With its
# defaults it is level. In-tree wlc, which counts TCP handshakes as active
# since 4.8, is the control.
#
#	burst.sh [ROUNDS]	rounds of each case (1)

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/burst.sh
. "$(dirname "$0")/lib/burst.sh"

# larger "N N"
larger() {
	local a b
	read -r a b <<<"$1"
	echo $((a > b ? a : b))
}

at_least() { [ "$1" -ge "$2" ] || { echo "$1 is not at least $2"; return 1; }; }
at_most() { [ "$1" -le "$2" ] || { echo "$1 is more than $2"; return 1; }; }

# one NAME COMPARISON LIMIT FAMILY METHOD SCHEDULER [OPTION...]
one() {
	local name=$1 comparison=$2 limit=$3 family=$4 end
	shift 3
	ktap_check "$name: all clients connect" burst_with "$@"
	end=$(active "$family" "$burst_port")
	ktap_note "$name: $end (times as specified x $burst_slowdown)"
	ktap_check "$name: the connections are where the director says" \
		expect "$end" "$(table "$family" "$burst_port" ESTABLISHED)"
	ktap_check "$name: larger share $comparison $limit of $BURST_COUNT" \
		"$comparison" "$(larger "$end")" "$limit"
	clients_end
	ipvs -D -t "$(service_address "$family" "$burst_port")"
}

round() {
	local family method
	one "in-tree wlc" at_most 51 4 m wlc
	one "wlch as before 4.8" at_least 70 4 m \
		wlch --sched-param active=256,halfopen=1,inactive=1
	for family in 4 6; do
		for method in m g i; do
			one "wlch IPv$family -$method" at_most 51 $family $method wlch
		done
	done
}

wlch_start
rounds=${1:-1}
burst_servers $((8 * rounds)) || exit 1
for ((i = 0; i < rounds; i++)); do
	round
done
ktap_end
