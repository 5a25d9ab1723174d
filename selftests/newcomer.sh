#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server that is added to a loaded service, revived from weight 0, or removed
# and added again: without slow start, and with in-tree wlc, it gets every new
# connection. With slow start its weight ramps up.
#
# What a newcomer may get at most grows with its age, so the test asks the clock
# how old it can be, and is not wrong on a slow machine.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

PORT=8900
OLD=200	# connections that the old server holds
NEW=40	# connections that come when the newcomer is there
T=60	# slow start
WEIGHT=640

vs() { service_address 4 $PORT; }
rs() { address "$1" $PORT; }
shares() { active 4 $PORT; }

# loaded_service SCHEDULER [OPTION...]: all connections are on server 1
loaded_service() {
	PORT=$((PORT + 1))
	ipvs -A -t "$(vs)" -s "$@"
	ipvs -a -t "$(vs)" -r "$(rs "${RIP1[4]}")" -g -w $WEIGHT
	clients 4 $PORT $OLD
	expect $OLD "$(clients_connected)" "connected clients"
	old_pid=$clients_pid old_log=$clients_log
}

# more: new connections; their number per server in $got
more() {
	local before after
	before=$(shares)
	clients 4 $PORT $NEW
	expect $NEW "$(clients_connected)" "connected clients" || return
	after=$(shares)
	clients_end
	got="$((${after% *} - ${before% *})) $((${after#* } - ${before#* }))"
	ktap_note "$PORT: of $NEW connections the servers got $got"
}

old_clients_end() {
	clients_pid=$old_pid clients_log=$old_log
	clients_end
}

all_end() {
	old_clients_end
	ipvs -D -t "$(vs)"
}

# add_newcomer [METHOD]
add_newcomer() { ipvs -a -t "$(vs)" -r "$(rs "${RIP2[4]}")" "${1:--g}" -w $WEIGHT; }
remove_newcomer() { ipvs -d -t "$(vs)" -r "$(rs "${RIP2[4]}")"; }

flooded() { more && expect "0 $NEW" "$got" "new connections of both servers"; }

effective() { column 4 $PORT 11 --sched-param; }
effective_are() { expect "$1" "$(effective)" "effective weights"; }

# Its share of the weight is a 64th at least, and at most what its age is of T.
partly_effective() {
	local now most
	now=$(effective)
	most=$(((SECONDS - born + 1) * WEIGHT / T + 1))
	ktap_note "$PORT: effective weights $now, allowed are up to $most"
	[ "${now% *}" = $WEIGHT ] && [ "${now#* }" -ge $((WEIGHT / 64)) ] &&
		[ "${now#* }" -le "$most" ]
}

# The servers that a service begins with have nobody to be spared from.
new_service() {
	PORT=$((PORT + 1))
	ipvs -A -t "$(vs)" -s wlch --sched-param slowstart=3600
	ipvs -a -t "$(vs)" -r "$(rs "${RIP1[4]}")" -g -w $WEIGHT
	add_newcomer
	ktap_check "a new service: its servers have all of their weight" \
		poll 10 effective_are "$WEIGHT $WEIGHT"
	clients 4 $PORT $NEW
	expect $NEW "$(clients_connected)" "connected clients"
	ktap_check "... and share" expect "$((NEW / 2)) $((NEW / 2))" "$(shares)"
	clients_end
	ipvs -D -t "$(vs)"
}

# What has servers before it runs wlch is old, and so are they. One that comes after that
# ramps up, also if a handshake has kept what was known of it.
old_service() {
	local name="edited from wlc to wlch"
	PORT=$((PORT + 1))
	ipvs -A -t "$(vs)" -s wlc
	ipvs -a -t "$(vs)" -r "$(rs "${RIP1[4]}")" -g -w $WEIGHT
	add_newcomer
	ipvs -E -t "$(vs)" -s wlch --sched-param slowstart=$T
	ktap_check "$name: its servers have all of their weight" \
		effective_are "$WEIGHT $WEIGHT"
	unheard_clients 4 $PORT 2
	ktap_check "$name: each has a handshake" poll 100 half_open_is 4 $PORT "1 1"
	remove_newcomer
	born=$SECONDS
	add_newcomer
	ktap_check "$name: one is removed and added again, and has its handshake" \
		half_open_is 4 $PORT "1 1"
	ktap_check "$name: ... and its share of the weight" partly_effective
	clients_end
	unblock_servers
	ipvs -D -t "$(vs)"
}

# The newcomer, whose ramp began after $born, has at
# least a 64th and at most its age's share of the load of server 1, and one.
ramping() {
	local new most
	more || return
	new=${got#* }
	most=$(((SECONDS - born + 1) * (OLD + NEW) / T + 1))
	ktap_note "allowed are up to $most"
	[ "$new" -ge 1 ] && [ "$new" -le "$most" ]
}

flood() {
	local name=$1
	shift
	ktap_check "$name: server 1 is loaded" loaded_service "$@"
	add_newcomer
	ktap_check "$name: the newcomer gets all" flooded
	all_end
}

none() { more && expect "$NEW 0" "$got" "new connections of both servers"; }
older_than() { [ $((SECONDS - old_since)) -gt "$1" ]; }

edit_newcomer() { ipvs -e -t "$(vs)" -r "$(rs "${RIP2[4]}")" -g "$@"; }

ramp_begin() {
	ktap_check "slow start: server 1 is loaded" \
		loaded_service wlch --sched-param slowstart=$T
	old_since=$SECONDS
}

# Connections that end at once, in $NEW / 8 rounds; how many more closing ones both
# servers have then
short_connections() {
	local before after i
	before=$(inactive 4 $PORT)
	for ((i = 0; i < NEW / 8; i++)); do
		clients 4 $PORT 8
		expect 8 "$(clients_connected)" "connected clients" >&2
		clients_end
		poll 30 all_closing >&2
	done
	after=$(inactive 4 $PORT)
	echo "$((${after% *} - ${before% *})) $((${after#* } - ${before#* }))"
}

# all_closing [SHARES]: of both servers, or of those that there are
all_closing() { expect "${1:-0 0}" "$(shares)" "active connections"; }

# old_connections_end NAME [SHARES]
old_connections_end() {
	old_clients_end
	ktap_check "$1: all connections end" poll 30 all_closing "${2:-}"
}

# What the newcomer may get: closing ones, of all that there are, the part that it
# can have of its short life (the service is T old at least); and in each round as
# many live ones, worth 8, as its share of the weight bears then.
short_ramping() {
	local got age all=$((OLD + 5 * NEW)) most
	got=$(short_connections)
	age=$((SECONDS - born + 1))
	# shellcheck disable=SC2017 # so many rounds, and in each of them
	most=$((age * age * all / (2 * T * T) + NEW / 8 * (age * all / (8 * T) + 1)))
	ktap_note "$PORT: of $NEW short connections the servers got $got, allowed are up to $most"
	[ "${got#* }" -le $most ]
}

short_ramp() {
	old_connections_end "slow start"
	remove_newcomer
	born=$SECONDS
	add_newcomer
	ktap_check "slow start: a newcomer gets its share of short connections" \
		short_ramping
}

# Flows are inactive all of their time, 5 minutes: they can be as many as the part that the
# newcomer can have had of that.
udp_ramping() {
	local got age most
	got=$(inactive udp4 $PORT)
	age=$((SECONDS - born + 1))
	most=$((age * age * (OLD + NEW) / (2 * T * 300) + 1))
	ktap_note "$PORT: the servers have $got flows, allowed are up to $most"
	expect $((OLD + NEW)) "$(sum "$got")" "flows" && within 1 $most "${got#* }"
}

udp_ramp() {
	local key old_pid old_log
	PORT=$((PORT + 1))
	service_key udp4 $PORT
	ipvs -A "${key[@]}" -s wlc
	ipvs -a "${key[@]}" -r "$(rs "${RIP1[4]}")" -g -w $WEIGHT
	clients udp4 $PORT $OLD
	ktap_check "slow start, UDP: server 1 is loaded" expect $OLD "$(clients_connected)"
	old_pid=$clients_pid old_log=$clients_log	# they keep their ports
	ipvs -E "${key[@]}" -s wlch --sched-param slowstart=$T
	born=$SECONDS
	ipvs -a "${key[@]}" -r "$(rs "${RIP2[4]}")" -g -w $WEIGHT
	clients udp4 $PORT $NEW
	ktap_check "slow start, UDP: new flows are answered" expect $NEW "$(clients_connected)"
	clients_end
	ktap_check "slow start, UDP: a newcomer gets its share of them" udp_ramping
	old_clients_end
	ipvs -D "${key[@]}"
}

# come_with_short_fin METHOD: a newcomer comes while the timeouts say that a connection stays
# for a second after its FIN. At the end its ramp, of a second, is over for longer than that.
come_with_short_fin() {
	local old_since
	born=$SECONDS
	ipvs --set 0 1 0
	add_newcomer "$1"
	ipvs --set 0 120 0
	old_since=$SECONDS
	poll 30 older_than 2
}

# What the newcomer may get: closing ones, of all that there are, its age's part of two
# minutes; and the round that begins just before it has them.
few_short_connections() {
	local got most
	got=$(short_connections)
	most=$(((SECONDS - born + 1) * (OLD + 2 * NEW) / 120 + 8))
	ktap_note "$PORT: of $NEW short connections the servers got $got, allowed are up to $most"
	within 0 $most "${got#* }"
}

# With direct routing IPVS sees one FIN, and that timeout is what matters. With NAT it sees
# both, and TIME_WAIT follows, of two minutes.
lingering() {
	ktap_check "linger: server 1 is loaded" loaded_service wlc
	old_connections_end linger 0
	ipvs -E -t "$(vs)" -s wlch --sched-param slowstart=1
	ktap_need come_with_short_fin -g || return
	ktap_check "linger: with -g a newcomer gets all short connections" \
		expect "0 $NEW" "$(short_connections)"
	remove_newcomer
	ktap_need come_with_short_fin -m || return
	ktap_check "linger: with -m it does not" few_short_connections
	ipvs -D -t "$(vs)"
}

ramp() {
	ktap_check "slow start: server 1 has all of its weight" \
		poll $((2 * T)) older_than $T
	born=$SECONDS
	add_newcomer
	ktap_check "slow start: the newcomer has its share of the weight" \
		partly_effective
	ktap_check "slow start: ... and of the connections" ramping
	edit_newcomer -w 0
	ktap_check "slow start: with weight 0 it gets none" none
	born=$SECONDS
	edit_newcomer -w $WEIGHT
	ktap_check "slow start: revived it gets its share" ramping
	remove_newcomer
	born=$SECONDS
	add_newcomer
	ktap_check "slow start: removed and added again it gets its share" ramping
	short_ramp
	ipvs -E -t "$(vs)" -s wlch --sched-param slowstart=0
	ktap_check "slow start turned off: it has all of its weight" \
		effective_are "$WEIGHT $WEIGHT"
	ktap_check "slow start turned off: short connections all go to it" \
		expect "0 $NEW" "$(short_connections)"
	ipvs -D -t "$(vs)"
}

wlch_start
form udp4 4 -u
for ns in "$SERVER1" "$SERVER2"; do
	serve "$ns" 8901 8902 8903 8904 8905 8907 && serve "$ns" --udp 8906 || exit 1
done
PORT=8900
ramp_begin
ramp_pid=$old_pid ramp_log=$old_log
flood "in-tree wlc" wlc
flood "no slow start" wlch
new_service
old_service
udp_ramp
lingering
PORT=8901 old_pid=$ramp_pid old_log=$ramp_log
ramp
ktap_end
