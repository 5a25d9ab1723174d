#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server, and then a whole service, is removed and added again WLCH_FLAPS (400) times, in
# steps of 200, and for not much longer than 20 seconds, while SYNs come in. A connection for
# which a server was chosen that is gone by the time that it is made belongs to that server
# all the same: it is half-open when the server is back. Nobody answers, so no later packet
# would put a count right.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"
# shellcheck source=selftests/lib/flood.sh
. "$(dirname "$0")/lib/flood.sh"

FLAPS=${WLCH_FLAPS:-400}
SYNS=20000	# in the time of so many flaps, or about
STEP=200	# flaps of one ipvsadm: a process for each would let the flood pass between
BEFORE=100	# half-open from the start: what counts them stays
SECONDS_MOST=20	# entries live for 60 s, and are to be there when all is looked at

server_flaps() {
	cat <<-E
		-d -t ${VIP[4]}:$1 -r ${RIP1[4]}:$1
		-a -t ${VIP[4]}:$1 -r ${RIP1[4]}:$1 -m
	E
}

service_flaps() {
	cat <<-E
		-D -t ${VIP[4]}:$1
		-A -t ${VIP[4]}:$1 -s wlch
		-a -t ${VIP[4]}:$1 -r ${RIP1[4]}:$1 -m
		-a -t ${VIP[4]}:$1 -r ${RIP2[4]}:$1 -m
	E
}

# flaps: leaves in $flapped how many there were
flaps() {
	local end=$((SECONDS + SECONDS_MOST))
	for ((flapped = 0; flapped < FLAPS && SECONDS < end; flapped += STEP)); do
		in_director ipvsadm -R <"$rules" || return
	done
}

while_flooded() {
	local i rc
	for ((i = 0; i < STEP; i++)); do
		"$1" "$2"
	done >"$rules"
	flood_start "$2"
	flood $BEFORE &&
		poll 30 half_open_total_is 4 "$2" $BEFORE &&
		flood_begin $SYNS && flaps && flood_end
	rc=$?
	flood_stop
	return $rc
}

all_half_open() {
	half_open_agrees 4 "$1" && at_least $BEFORE sum "$half_open_now"
}

flapping() {
	local name=$1 flap=$2 port=$3
	service 4 "$port" m wlch
	ktap_check "$name while SYNs come in" while_flooded "$flap" "$port"
	ktap_check "$name: servers were chosen for them" \
		at_least $((BEFORE + SYNS / 20)) picks_total 4 "$port"
	ktap_check "$name: all that are in the handshake are half-open" all_half_open "$port"
	ktap_note "$name: $flapped times, half-open are $half_open_now"
}

rules=$(mktemp)
wlch_start
flood_up
flapping "a server goes and comes" server_flaps 8001
flapping "a service goes and comes" service_flaps 8002
rm -f "$rules"
ktap_end
