#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh [SCENARIO...]: how evenly the schedulers spread connections, in the
# scenarios of this folder (all of them). Runs as root in the virtual machine.
# Prints a line "RESULT balance ..." for each scenario and scheduler, and a table
# at the end. A scenario in which clients cannot connect that should fails.
#
# A scenario NAME is scenarios/NAME.sh with a function scenario_NAME, maybe
# begin_NAME for what has to be begun early, and what it shows, for the report,
# in scenarios/NAME.md.

cd "$(dirname "$0")" || exit
# shellcheck source=selftests/lib/lib.sh
. ../lib/lib.sh
# shellcheck source=selftests/balance/pool.sh
. ./pool.sh
# shellcheck source=selftests/lib/turns.sh
. ../lib/turns.sh
# shellcheck source=selftests/balance/lib.sh
. ./lib.sh

set -o pipefail

failed() {
	echo "balance: the scenario '$1' failed"
	release
	exit 1
}

run() {
	local name began=$SECONDS
	for name in "$@"; do
		# shellcheck source=/dev/null
		. "scenarios/$name.sh" || failed "$name"
	done
	for name in "$@"; do
		! declare -F "begin_$name" >/dev/null || "begin_$name" || failed "$name"
	done
	for name in "$@"; do
		began=$SECONDS
		"scenario_$name" || failed "$name"
		echo "# $name: $((SECONDS - began)) s"
	done
}

wlch_need
modprobe -a ip_vs_{rr,wrr,lc,wlc,sed,nq} || exit
if ! topology_up || ! pool_up 100 || ! pool_known_to "$DIRECTOR" 100; then
	echo "balance: cannot set up the network"
	exit 1
fi
# shellcheck disable=SC2046 # names
[ $# -gt 0 ] || set -- $(cat scenarios/order)
echo "balance kernel=$(uname -r) date=$(date -u +%Y-%m-%d) cpus=$(nproc)"
run "$@"
echo
awk -f table.awk "$results"
echo "balance complete"
