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

round() {
	local family method
	burst_case "in-tree wlc" share_at_most 51 4 m wlc
	burst_case "wlch as before 4.8" share_at_least 70 4 m \
		wlch --sched-param active=256,halfopen=1,inactive=1
	for family in 4 6; do
		for method in m g i; do
			burst_case "wlch IPv$family -$method" share_at_most 51 $family $method wlch
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
