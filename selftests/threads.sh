#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# All CPUs choose a server at once, before any of them has made its connection:
# each sees what the others have claimed, and the servers stay level, round
# after round. wlc's choices, made by the same threads, go to one server. Run
# it with SMP=4; with one CPU there is nothing to see.
#
# The threads are in the kernel, in a build of the module of their own: make
# threads. It takes the place of the module while this runs.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/module.sh
. "$(dirname "$0")/lib/module.sh"

# With 3 servers the rounds begin from all states: level ones, where chance
# decides, and ones in which all must choose the same server first.
ROUNDS=10000
SERVERS=3
SOME_ROUNDS=500
# One round of so many is in time at least. A kernel that looks for defects stops CPUs
# itself: there most take too long.
IN_TIME=1
if looks_for_defects; then
	ROUNDS=2000
	SOME_ROUNDS=200
	IN_TIME=4
fi

threads=/sys/module/ip_vs_wlch/parameters/threads
cpus=$(nproc)

need() {
	test_module_need "$test_module"
	if [ "$cpus" -lt 2 ]; then
		echo "1..0 # SKIP there is only one CPU"
		exit 4
	fi
}

# rounds RULE KEEP SERVERS ROUNDS: lets the threads run and sets what they tell
# in $result
rounds() {
	local pair pairs
	declare -gA result=()
	echo "$*" >$threads && read -ra pairs <$threads || return
	for pair in "${pairs[@]}"; do
		result[${pair%=*}]=${pair#*=}
	done
}

at_least() {
	[ "${result[$2]}" -ge "$1" ] && return
	echo "$2=${result[$2]}: expected at least $1"
	return 1
}

is() { expect "$2" "${result[$1]}" "$1"; }

# run RULE KEEP SERVERS ROUNDS
run() {
	local name="$1, $2, $3 servers"
	ktap_check "$name: $4 rounds" rounds "$@"
	ktap_note "$name: $(cat $threads)"
	ktap_check "$name: ... on all CPUs" is cpus "$cpus"
	ktap_check "$name: ... in time" at_least $(($4 / IN_TIME)) rounds
	[ "$1" = wlch ] || return
	ktap_check "$name: max - min <= 1 after each" is uneven 0
	ktap_check "$name: each claim became a connection" is lost 0
}

ktap_begin
wlch_need
need
trap test_module_end EXIT
trap 'exit 130' INT TERM
ktap_check "the module with the threads takes its place" test_module_start ||
	{ ktap_end; exit; }

run wlch held $SERVERS $ROUNDS
ktap_check "picks of different CPUs overlapped" at_least 1 overlapped
ktap_check "... and wanted the same server" at_least 1 retries

# more servers than CPUs, and fewer
run wlch idle 10 $SOME_ROUNDS
run wlch idle 2 $SOME_ROUNDS

# the controls: each round all at one server; where the connections stay, the
# next rounds make up for it until all are level, and it begins anew
run wlc idle $SERVERS $SOME_ROUNDS
ktap_check "wlc, idle: max - min > 1 after each" is uneven "${result[rounds]}"
ktap_check "... as all choose the same server" is spread "$cpus"
run wlc held $SERVERS $SOME_ROUNDS
ktap_check "wlc, held: max - min > 1 after two of three" \
	at_least $((result[rounds] * 6 / 10)) uneven
ktap_end
