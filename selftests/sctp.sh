#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# SCTP associations: the half-open count of each server is the number of its
# entries in the connection table that are in the handshake, whichever chunk
# the handshake waits for and however it ends. To the core they are inactive,
# so in-tree wlc sends a burst to the slow server; wlch does not.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"
# shellcheck source=selftests/lib/burst.sh
. "$(dirname "$0")/lib/burst.sh"
# shellcheck source=selftests/lib/sctp.sh
. "$(dirname "$0")/lib/sctp.sh"

PORT=8700
burst_port=12000

nat_is_left_alone() { leaves_alone "SCTP with NAT"; }

# waiting_clients NAME FORM METHOD COUNT CHUNK [STATE]: the clients' handshakes
# wait because nobody hears the chunk. Their service is on the next port.
waiting_clients() {
	local name=$1 form=$2 method=$3 count=$4 chunk=$5 half=$(($4 / 2)) ns
	PORT=$((PORT + 1))
	service "$form" $PORT "$method" wlch
	for ns in "$SERVER1" "$SERVER2" "$CLIENT"; do
		block "$ns" $PORT "$chunk"
	done
	clients "$form" $PORT "$count" "${@:7}"
	ktap_check "$name: $count handshakes are pending${6:+ in state $6}" \
		poll 100 table_is "$form" $PORT "${6:-$HANDSHAKE}" "$half $half"
	ktap_check "$name: they are half-open" \
		half_open_is "$form" $PORT "$half $half"
}

unblock_all() {
	local ns
	for ns in "$SERVER1" "$SERVER2" "$CLIENT"; do
		unblock "$ns"
	done
}

# Handshakes wait for a server that does not hear, and complete when it does.
completed() {
	local form=$1 method=$2 name="IPv${1#sctp} -$2"
	waiting_clients "$name" "$form" "$method" 40 $SCTP_INIT
	ktap_check "$name: IPVS counts them as inactive" \
		expect "0 0, 20 20" "$(active "$form" $PORT), $(inactive "$form" $PORT)"
	ktap_check "$name: to the load each is half-open, and only that" \
		expect "160 160" "$(load "$form" $PORT)"
	unblock "$CLIENT"
	unblock "$SERVER1"
	ktap_check "$name: one server completes, its count is 0" \
		poll 100 half_open_is "$form" $PORT "0 20"
	unblock "$SERVER2"
	ktap_check "$name: all complete" expect 40 "$(clients_connected)"
	ktap_check "$name: none is half-open" half_open_is "$form" $PORT "0 0"
	ktap_check "$name: all are established" table_is "$form" $PORT \
		ESTABLISHED "20 20"
	ktap_check "$name: to the load, too" expect "160 160" "$(load "$form" $PORT)"
	clients_end
	ktap_check "$name: none is half-open or refused after the end" \
		ended "$form" $PORT
}

ended() {
	half_open_is "$1" "$2" "0 0" && refused_is "$1" "$2" "0 0"
}

# They are as they are with wlc: neither counted nor disturbed.
untracked() {
	local form=$1 name="IPv${1#sctp} -m, not followed"
	PORT=$((PORT + 1))
	service "$form" $PORT m wlch
	block "$SERVER1" $PORT && block "$SERVER2" $PORT
	clients "$form" $PORT 40
	ktap_check "$name: 40 handshakes are pending" \
		poll 100 table_total_is "$form" $PORT "$HANDSHAKE" 40
	ktap_check "$name: none is reported" \
		expect "0 0" "$(half_open "$form" $PORT)"
	unblock "$SERVER1"
	unblock "$SERVER2"
	ktap_check "$name: all complete" expect 40 "$(clients_connected)"
	clients_end
}

# NAT shows the director both directions, so it sees what the handshake waits
# for. Clients that then go away without a word leave an entry for 61 s.
expiring=()

# expire FORM METHOD CHUNK STATE
expire() {
	local form=$1 name="IPv${1#sctp} -$2 expiry in $4"
	waiting_clients "$name" "$form" "$2" 20 "$3" "$4"
	clients_end
	ktap_check "$name: they stay when the clients have gone" \
		half_open_is "$form" $PORT "10 10"
	unblock_all
	expiring+=("$form $PORT half_open_is $name")
}

# abort FORM METHOD CHUNK STATE: the clients say that they go
abort() {
	local form=$1 name="IPv${1#sctp} -$2 abort in $4"
	waiting_clients "$name" "$form" "$2" 20 "$3" "$4" --rst
	clients_end
	ktap_check "$name: all entries are closed" \
		poll 30 table_is "$form" $PORT CLOSED "10 10"
	ktap_check "$name: they count as refused" \
		refused_is "$form" $PORT "10 10"
	ktap_check "$name: none is half-open" half_open_is "$form" $PORT "0 0"
	unblock_all
	expiring+=("$form $PORT refused_is $name")
}

expired() {
	local form port what name
	for what in "${expiring[@]}"; do
		read -r form port what name <<<"$what"
		ktap_check "$name: they are gone after 61 s" \
			poll 120 gone "$form" "$port" "$what"
	done
}

gone() {
	"$3" "$1" "$2" "0 0" && table_is "$1" "$2" '.*' "0 0"
}

# Nobody listens on server 2. NAT shows the director that it aborts, and the
# service sends half of the clients there all the same: no more, no less.
refusing() {
	local form=$1 name="IPv${1#sctp} refusing server" port=$2
	service "$form" "$port" m wlch
	clients "$form" "$port" 40 --interval 5000
	ktap_check "$name: half of the clients connect" \
		expect 20 "$(clients_connected)"
	ktap_check "$name: none is half-open" half_open_is "$form" "$port" "0 0"
	clients_end
	ktap_check "$name: as many count as refused as the table has" \
		poll 60 refused_seen "$form" "$port"
	ktap_check "$name: the count is 0 after they have expired" \
		poll 120 refused_is "$form" "$port" "0 0"
}

# Of those that server 1 has, none was refused: they come to an end like any
# other. An association that had to ask server 2 twice is CLOSED, for 61 s.
refused_entries() {
	local second
	read -r _ second <<<"$(read_table "$1" "$2" 'REJECTED|CLOSED')"
	echo "0 $second"
}

# The REJECTED live for 4 s, in which a slow machine may not come to look.
refused_seen() {
	local told before after
	clients "$1" "$2" 4
	clients_connected
	before=$(refused_entries "$1" "$2")
	told=$(refused "$1" "$2")
	after=$(refused_entries "$1" "$2")
	clients_end
	[ "$before" = "$after" ] && [ "$(sum "$after")" -gt 0 ] &&
		expect "$after" "$told" "refused by both servers"
}

# Clients that had to ask a second time when the refusal comes
refusing_late() {
	local form=$1 name="IPv${1#sctp} refusing late" port=$2
	service "$form" "$port" m wlch
	delay "$SERVER2" 1300
	clients "$form" "$port" 40
	ktap_check "$name: half of the clients connect" \
		expect 20 "$(clients_connected)"
	ktap_check "$name: the entries of the others are CLOSED" \
		poll 30 table_is "$form" "$port" CLOSED "0 20"
	ktap_check "$name: all of them count as refused" \
		refused_is "$form" "$port" "0 20"
	clients_end
	delay "$SERVER2" 0
	expiring+=("$form $port refused_is $name")
}

# The control: to wlc a refused association costs almost nothing.
refusing_control() {
	local port=$1 accepted
	service sctp4 "$port" m wlc
	clients sctp4 "$port" 40 --interval 5000
	accepted=$(clients_connected)
	ktap_note "refusing server, wlc: $accepted of 40 connect"
	ktap_check "refusing server: wlc sends it most clients" within 1 8 "$accepted"
	clients_end
}

# Direct routing, which is followed on every kernel
bursts() {
	ktap_need burst_servers 2 sctp4 --sctp || return
	burst_case "burst, in-tree wlc" share_at_least 70 sctp4 g wlc
	burst_case "burst, wlch" share_at_most 51 sctp4 g wlch
}

wlch_start
sctp_up || exit 1
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" --sctp $(seq 8701 8712) 8720 8721 8722 8723 || exit 1
# shellcheck disable=SC2046
serve "$SERVER2" --sctp $(seq 8701 8712) || exit 1

expire sctp6 g $SCTP_INIT INIT
nat_is_left_alone || expire sctp4 m $SCTP_INIT_ACK C-SENT
nat_is_left_alone || abort sctp4 m $SCTP_COOKIE_ECHO C-REPLIED
for form in sctp4 sctp6; do
	if nat_is_left_alone; then
		untracked $form
	else
		completed $form m
	fi
	completed $form g
	completed $form i
done
nat_is_left_alone || refusing_late sctp4 8723
nat_is_left_alone || refusing sctp4 8720
nat_is_left_alone || refusing sctp6 8721
refusing_control 8722
expired
bursts
ktap_end
