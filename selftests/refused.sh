#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Nobody listens on server 2. NAT shows the director its resets, and to in-tree
# wlc a connection that was reset costs almost nothing: the server that refuses
# gets nearly all clients. With wlch it gets its share, and no more of them fail
# than that. When it accepts again it has its share of the connections as soon
# as the entries of those that it refused have expired, after 10 s.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

PORT=8120
FIRST=8121 LAST=8139
again=10
declare -A refusing_port

# refusing NAME LEAST MOST FAMILY SCHEDULER [OPTION...]: 100 clients, of which
# the refusing server gets LEAST to MOST. They come one after the other, so that
# no answer is pending when a server is chosen. Entries in CLOSE live for 10 s: where
# these may have passed before all was looked at, others come to another service.
refusing() {
	local name="refusing server, $1" least=$2 most=$3 family=$4 failed
	local arguments=("$@") begin=$SECONDS closed told
	PORT=$((PORT + 1))
	refusing_port[$1]=$PORT
	shift 4
	service "$family" $PORT m "$@"
	clients "$family" $PORT 100 --in-turn
	failed=$(clients_refused)
	closed=$(table "$family" $PORT CLOSE)
	told=$(refused "$family" $PORT)
	if [ $((SECONDS - begin)) -ge 9 ] && [ $((again--)) -gt 0 ]; then
		ktap_note "$name: after $((SECONDS - begin)) s entries may have expired, again"
		clients_end
		refusing "${arguments[@]}"
		return
	fi
	ktap_note "$name: of 100 clients $failed are refused, $(clients_connected) connect"
	ktap_check "$name: $least to $most of 100 clients are refused" \
		within "$least" "$most" "$failed"
	ktap_check "$name: all others connect" \
		expect $((100 - failed)) "$(clients_connected)"
	ktap_check "$name: the table has them" \
		expect "0 $failed" "$closed"
	ktap_check "$name: and those that connected" \
		expect "$((100 - failed)) 0" "$(table "$family" $PORT ESTABLISHED)"
	clients_stay
	[ "$1" = wlch ] || return
	ktap_check "$name: the Refused column shows them" expect "0 $failed" "$told"
	ktap_check "$name: none is half-open" half_open_is "$family" $PORT "0 0"
}

# more FAMILY PORT COUNT: clients, none of which is refused
more() {
	clients "$@"
	expect "$3" "$(clients_connected)" "connected clients" && clients_stay
}

# Server 1 still holds the 50 that it got before.
accepting_again() {
	local name="IPv$1, server 2 accepts again" family=$1 port=$2
	serve "$SERVER2" "$port"
	ktap_check "$name: the Refused column is 0 when the entries have expired" \
		poll 100 refused_is "$family" "$port" "0 0"
	ktap_check "$name: none is left in the table" \
		expect "50 0" "$(table "$family" "$port" '.*')"
	ktap_check "$name: 100 more clients connect" more "$family" "$port" 100
	ktap_check "$name: it has its share" expect "75 75" "$(active "$family" "$port")"
	ktap_check "$name: 40 more clients connect" more "$family" "$port" 40
	ktap_check "$name: they are shared evenly" \
		expect "95 95" "$(active "$family" "$port")"
}

wlch_start
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" $(seq $FIRST $LAST) || exit 1

follows6=
leaves_alone "IPv6 with NAT" || follows6=1
refusing "in-tree wlc" 95 100 4 wlc
refusing "wlch" 40 60 4 wlch
[ -z "$follows6" ] || {
	refusing "IPv6, in-tree wlc" 95 100 6 wlc
	refusing "IPv6, wlch" 40 60 6 wlch
}
refusing "wlch refused=0" 95 100 4 wlch --sched-param refused=0
refusing "wlch refused=1, active as wlc has it" 95 100 4 \
	wlch --sched-param active=256,halfopen=256,refused=1
refusing "wlch refused=1" 85 90 4 wlch --sched-param refused=1
accepting_again 4 "${refusing_port[wlch]}"
[ -z "$follows6" ] || accepting_again 6 "${refusing_port["IPv6, wlch"]}"
ktap_end
