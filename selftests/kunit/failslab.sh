#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# There is no memory for a connection after a server was chosen for it. The
# claim on the server ends by itself, nothing is counted, and the client's next
# try is a new one. Needs a kernel with SLUB and FAILSLAB, booted with
# slub_debug=A,ip_vs_conn: 6.1 lets nobody choose the cache later.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PORT=8980
COUNT=200
FAIL=/sys/kernel/debug/failslab
SLAB=/sys/kernel/slab/ip_vs_conn/failslab

# fail_percent N: so many of the allocations of a connection, in any task
fail_percent() {
	echo Y >$FAIL/cache-filter &&
		echo N >$FAIL/task-filter &&
		echo 0 >$FAIL/verbose &&
		echo 1 >$FAIL/interval &&
		echo -1 >$FAIL/times &&
		echo "$1" >$FAIL/probability
}

fail_no_more() { echo 0 >$FAIL/probability; }

can_fail() {
	[ -d $FAIL ] && expect 1 "$(cat $SLAB)" $SLAB
}

# all_picks FAMILY PORT: of both servers
all_picks() { sum "$(picks "$1" "$2")"; }

more_picks_than_entries() {
	local chosen entries
	chosen=$(all_picks 4 $PORT)
	entries=$(sum "$(table 4 $PORT '.*')")
	[ "$chosen" -gt "$entries" ] && return
	echo "$chosen servers were chosen for $entries connections"
	return 1
}

# at_least N "N N": both are
both_at_least() {
	local n
	[ -n "$2" ] || { echo "there are none"; return 1; }
	for n in $2; do
		[ "$n" -ge "$1" ] || { echo "$2: expected at least $1 of each"; return 1; }
	done
}

most_established() {
	[ "$(sum "$(table 4 $PORT ESTABLISHED)")" -ge $((COUNT * 3 / 4)) ]
}

load_is_of_established() {
	local want
	want=$(active 4 $PORT | awk '{ print $1 * 8, $2 * 8 }')
	expect "$want" "$(column 4 $PORT 9 --sched-param)" "load of both servers"
}

never() {
	fail_percent 100
	clients 4 $PORT 20 --rst
	ktap_check "without memory: servers are chosen" poll 30 chosen
	ktap_check "... there is no connection" expect "0 0" "$(table 4 $PORT '.*')"
	ktap_check "... and none is reported" expect "0 0" "$(half_open 4 $PORT)"
	fail_no_more
	ktap_check "with memory again: all clients connect" \
		expect 20 "$(clients_connected)"
	clients_end
	ktap_check "... and are gone after the end" poll 60 none_left
}

chosen() { [ "$(all_picks 4 $PORT)" -ge 20 ]; }
none_left() {
	expect "0 0" "$(table 4 $PORT '.*')" "entries" &&
		expect "0 0" "$(half_open 4 $PORT)" "half-open"
}

sometimes() {
	PORT=$((PORT + 1))
	service 4 $PORT m wlch
	delay "$SERVER1" 20
	delay "$SERVER2" 20
	fail_percent 50
	clients 4 $PORT $COUNT --rst
	ktap_check "memory for half of the tries: some fail" \
		poll 60 more_picks_than_entries
	ktap_check "... half-open is what the table says" poll 30 half_open_agrees 4 $PORT
	ktap_check "... most clients connect" poll 100 most_established
	fail_no_more
	ktap_check "with memory again: all do" expect $COUNT "$(clients_connected)"
	ktap_check "... level all the same" \
		both_at_least $((COUNT * 2 / 5)) "$(active 4 $PORT)"
	ktap_check "... none is half-open" half_open_is 4 $PORT "0 0"
	ktap_check "... and no claim is left in the load" load_is_of_established
	clients_end
	ktap_check "... and are gone after the end" poll 60 none_left
}

wlch_start
ktap_check "this kernel can fail the allocation of connections" \
	can_fail || { ktap_end; exit; }
serve "$SERVER1" $PORT $((PORT + 1)) && serve "$SERVER2" $PORT $((PORT + 1)) || exit 1
service 4 $PORT m wlch
never
sometimes
ktap_end
