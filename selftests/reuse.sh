#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A client comes back from the same port while the entry of its connection
# before is still there. The sysctl conn_reuse_mode says whether the core makes
# a new entry, through the scheduler, or the old one goes back to the handshake.
# Either way it is half-open again, and counted.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

PORT=8500
COUNT=6
LAST=8520	# servers listen up to this port
left=6		# cases that may be made again

# next_case METHOD MODE: a service on the next port
next_case() {
	PORT=$((PORT + 1))
	sport=$((20000 + (PORT - 8500) * 100))
	vs_sysctl conn_reuse_mode "$2"
	service 4 $PORT "$1" wlch
}

picks_are() { expect "$1" "$(picks_total 4 $PORT)" "picks of both servers"; }

# An entry in CLOSE stays for 10 s. When the clients have come back later than that,
# on a slow machine, it tells nothing: the case is to be made again.
too_late() {
	[ "$1" = CLOSE ] && [ $((SECONDS - closed)) -ge 9 ] || return
	ktap_note "$PORT: the entries may have expired before they were reused: again"
}

# comes_back NAME STATE ENTRY: all entries are in this state. The clients come
# again from the same ports; the entry that they get is the "same" or a "new"
# one, which is chosen a server for like any other.
comes_back() {
	local name=$1 state=$2 picks=$COUNT
	ktap_check "$name: the entries are in $state" \
		poll 100 table_total_is 4 $PORT "$state" $COUNT
	ktap_check "$name: none is half-open" half_open_is 4 $PORT "0 0"
	unheard_clients 4 $PORT $COUNT --sport $sport
	ktap_check "$name: then in SYN_RECV" \
		poll 100 table_total_is 4 $PORT SYN_RECV $COUNT
	too_late "$state" && return 1
	[ "$3" = same ] || picks=$((2 * COUNT))
	ktap_check "$name: the entry is $3" picks_are $picks
	ktap_check "$name: half-open is what the table says" \
		half_open_total_is 4 $PORT $COUNT
	ktap_check "$name: none counts as refused" refused_is 4 $PORT "0 0"
	ktap_check "$name: there is no other entry" \
		poll 100 table_total_is 4 $PORT ".*" $COUNT
	return 0	# the checks tell
}

# A new one goes on as any other connection does.
goes_on() {
	local name=$1
	unblock_servers
	if [ "$2" = new ]; then
		clients_end
		return
	fi
	ktap_check "$name: all complete" expect $COUNT "$(clients_connected)"
	ktap_check "$name: none is half-open any more" \
		half_open_is 4 $PORT "0 0"
	ktap_check "$name: all are established" \
		table_total_is 4 $PORT ESTABLISHED $COUNT
	clients_end
}

# reused METHOD MODE STATE ENTRY [OPTION...]: the first connections are closed
# and leave their entries in the state
reused() {
	local method=$1 mode=$2 state=$3 entry=$4 name
	local again=("$@")
	shift 4
	name="mode $mode, ${method_name[$method]}, $state"
	next_case "$method" "$mode"
	clients 4 $PORT $COUNT --sport $sport "$@"
	ktap_check "$name: the clients connect" \
		expect $COUNT "$(clients_connected)"
	closed=$SECONDS
	clients_end
	if comes_back "$name" "$state" "$entry"; then
		goes_on "$name" "$entry"
	else
		give_up && reused "${again[@]}"
	fi
}

# The clients of a case that is made again end. No more than so many are.
give_up() {
	unblock_servers
	clients_end
	ktap_check "not too many cases are made again" [ $((--left)) -ge 0 ]
}

# refused_before MODE ENTRY: nobody listens at first. The connections that were
# refused still count as that when the clients come back.
refused_before() {
	local mode=$1 entry=$2 name="mode $1, refused before"
	next_case m "$mode"
	closed=$SECONDS
	clients 4 $PORT $COUNT --sport $sport
	ktap_check "$name: the clients are refused" \
		expect 0 "$(clients_connected)"
	clients_end
	ktap_check "$name: they count as that" expect $COUNT \
		"$(sum "$(refused 4 $PORT)")"
	if comes_back "$name" CLOSE "$entry"; then
		serve "$SERVER1" $PORT && serve "$SERVER2" $PORT
		goes_on "$name" "$entry"
	else
		give_up && refused_before "$@"
	fi
}

wlch_start
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" $(seq 8501 $LAST) && serve "$SERVER2" $(seq 8501 $LAST) || exit 1

#	  mode		entry
reused m  0 TIME_WAIT	same
reused m  1 TIME_WAIT	new
reused m  0 CLOSE	same --rst
reused g  0 FIN_WAIT	same
reused g  1 FIN_WAIT	same
reused g  2 FIN_WAIT	new
PORT=$LAST
refused_before 0 same
refused_before 1 new
ktap_end
