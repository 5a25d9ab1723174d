#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# With choices=2 two servers are drawn by weight and the better one is chosen:
# nearly level, and a newcomer gets no flood. What is drawn from follows each
# change of the servers and of their weights.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/pool.sh
. "$(dirname "$0")/lib/pool.sh"

PORT=8700
SERVERS=12
LAST=10.2.0.112
NEW=240		# connections that come after each change

vs() { service_address 4 $PORT; }

# come: $NEW connections that stay; what each server has got is in $got
come() {
	local before after i
	read -ra before <<<"$(active pool12 $PORT)"
	clients pool12 $PORT $NEW
	expect $NEW "$(clients_connected)" "connected clients" || return
	clients_stay
	read -ra after <<<"$(active pool12 $PORT)"
	got=()
	for ((i = 0; i < ${#after[@]}; i++)); do
		got+=($((after[i] - ${before[i]:-0})))
	done
	ktap_note "$PORT: of $NEW connections the servers got ${got[*]}"
}

choices() { ipvs -E -t "$(vs)" -s wlch --sched-param "choices=$1"; }
add_last() { ipvs -a -t "$(vs)" -r "$LAST:$PORT" -g; }
remove_last() { ipvs -d -t "$(vs)" -r "$LAST:$PORT"; }
got_last() { echo "${got[SERVERS - 1]}"; }

# The best of two drawn is within a few of the mean; but not each is found.
drawn() {
	ktap_check "choices=2: clients connect" come
	ktap_check "choices=2: each server has its share, nearly" \
		each_within 6 "20 20 20 20 20 20 20 20 20 20 20 20" "${got[*]}"
}

# Of two that are drawn the newcomer is the better one. It is one of the two in a
# sixth of the picks.
newcomer() {
	remove_last
	ktap_check "a server is removed: clients connect" come
	ktap_check "... to the others" expect $NEW "$(sum "${got[*]}")"
	LAST=10.2.0.113
	add_last
	ktap_check "a server is added: clients connect" come
	ktap_check "... some to the newcomer, but not all" within 12 96 "$(got_last)"
}

# 20 of 31 parts of the weight are its own: half of the picks and more, where with
# the lots of before it would be drawn in a sixth of them.
weighs_more() {
	ipvs -e -t "$(vs)" -r "$LAST:$PORT" -g -w 20
	ktap_check "a server weighs 20: clients connect" come
	ktap_check "... most to this server" within $((NEW / 2)) $NEW "$(got_last)"
	ipvs -e -t "$(vs)" -r "$LAST:$PORT" -g -w 0
	ktap_check "it weighs 0: clients connect" come
	ktap_check "... none to this server" expect 0 "$(got_last)"
}

# The control: where all are compared the newcomer gets everything at first.
all_compared() {
	ktap_check "choices=0" choices 0
	ipvs -e -t "$(vs)" -r "$LAST:$PORT" -g -w 1
	remove_last
	ktap_check "it is removed: clients connect" come
	ktap_check "... and all servers are level" level "$(active pool12 $PORT)"
	LAST=10.2.0.114
	add_last
	NEW=24
	ktap_check "another is added: clients connect" come
	ktap_check "... all to the newcomer" expect $NEW "$(got_last)"
}

wlch_start
pool_up $((SERVERS + 2))
pool $SERVERS
serve "$SERVER1" $PORT || exit 1
service pool12 $PORT g wlch
ktap_check "choices=2 is set while the service runs" choices 2
drawn
newcomer
weighs_more
all_compared
ktap_end
