#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The director's sysctls against floods, and what makes it give up connections
# of a server that is gone: handshakes end, or never begin, without a packet
# that ends them, and the half-open count follows the connection table.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

PORT=8600
FLOOD=400

# begin METHOD: a service on the next port
begin() {
	PORT=$((PORT + 1))
	service 4 $PORT "$1" wlch
}

# A flood of SYNs that nobody sends again.
flood() {
	unheard_clients 4 $PORT $FLOOD
	ktap_check "$1: $FLOOD handshakes are pending" poll 100 \
		half_open_is 4 $PORT "$((FLOOD / 2)) $((FLOOD / 2))"
	clients_end
	unblock_servers
}

# Entries were dropped, and not because their time was over: those that are left
# are as old.
dropped() {
	local left life
	read -r left life <<<"$(in_director cat /proc/net/ip_vs_conn |
		awk -v port="$(printf %04X $PORT)" '$5 == port {
			if (!n++ || $9 < life) life = $9
		} END { print n + 0, life + 0 }')"
	[ "$left" -gt $((FLOOD - 10)) ] || [ "$life" -le 5 ] || return 0
	echo "$left are left, the next one expires in $life s"
	return 1
}

# What is left is counted, and no more.
counts_follow() {
	ktap_check "$1: half-open is what the table says" half_open_agrees 4 $PORT
	ktap_check "$1: ... and some are left" at_least 1 sum "$half_open_now"
}

# Mode 3 drops random entries always, 1 in 32 a second.
drop_entry_always() {
	local name="drop_entry 3"
	begin m
	flood "$name"
	vs_sysctl drop_entry 3
	ktap_check "$name: entries are dropped" poll 40 dropped
	vs_sysctl drop_entry 0
	counts_follow "$name"
}

# Mode 1 turns into 2, which drops, while memory is short, and back.
drop_entry_by_memory() {
	local name="drop_entry 1" threshold
	begin g
	flood "$name"
	vs_sysctl drop_entry 1
	threshold=$(in_director cat /proc/sys/net/ipv4/vs/amemthresh)
	vs_sysctl amemthresh 2000000000
	ktap_check "$name: becomes 2 when memory is short" \
		poll 40 vs_sysctl_is drop_entry 2
	ktap_check "$name: entries are dropped" poll 40 dropped
	vs_sysctl amemthresh "$threshold"
	ktap_check "$name: is 1 again when it is not" \
		poll 40 vs_sysctl_is drop_entry 1
	counts_follow "$name"
	vs_sysctl drop_entry 0
}

# All SYNs are dropped before the scheduler sees them, and come again.
drop_packet() {
	local name="drop_packet"
	begin m
	vs_sysctl am_droprate 1
	vs_sysctl drop_packet 3
	block_servers $PORT
	tally "$CLIENT" output "tcp dport $PORT tcp flags syn"
	clients 4 $PORT 10
	ktap_check "$name: SYNs are sent" poll 100 at_least 10 tallied "$CLIENT"
	ktap_check "$name: none has an entry" table_is 4 $PORT ".*" "0 0"
	ktap_check "$name: none is half-open" half_open_is 4 $PORT "0 0"
	ktap_check "$name: none was scheduled" expect 0 "$(picks_total 4 $PORT)"
	vs_sysctl drop_packet 0
	vs_sysctl am_droprate 10
	unblock "$CLIENT"
	ktap_check "$name: when it ends they are half-open" \
		poll 100 half_open_is 4 $PORT "5 5"
	ktap_check "$name: ... and each is scheduled once" \
		expect 10 "$(picks_total 4 $PORT)"
	unblock_servers
	ktap_check "$name: all complete" expect 10 "$(clients_connected)"
	ktap_check "$name: none is half-open any more" half_open_is 4 $PORT "0 0"
	clients_end
}

# secure_tcp 3 chooses another state table, with SYNACK for what has been
# answered. With NAT only a packet of the server's ends that state.
secure_tcp_completed() {
	local name="secure_tcp, ${method_name[$1]}" left="0 0"
	begin "$1"
	[ "$1" = g ] || left="5 5"
	lose "$CLIENT" input "$(syn_ack_from $PORT)"
	clients 4 $PORT 10
	ktap_check "$name: the entries are in SYNACK" \
		poll 100 table_is 4 $PORT SYNACK "5 5"
	ktap_check "$name: that is half-open" half_open_is 4 $PORT "5 5"
	unblock "$CLIENT"
	ktap_check "$name: the clients connect" expect 10 "$(clients_connected)"
	ktap_check "$name: $left stay in SYNACK" half_open_is 4 $PORT "$left"
	clients_end
	ktap_check "$name: none is half-open after the end" \
		poll 100 half_open_is 4 $PORT "0 0"
}

# They are in CLOSE for 10 s.
refused_and_closed() {
	refused_is 4 $PORT "5 5" &&
		expect "5 5" "$(read_table 4 $PORT CLOSE)" "entries in CLOSE"
}

# What the client's reset ends is CLOSE then; in the other table it would stay
# SYN_RECV.
secure_tcp_reset() {
	local name="secure_tcp, ${method_name[$1]}, reset by the client"
	begin "$1"
	lose "$CLIENT" input "$(syn_ack_from $PORT)"
	clients 4 $PORT 10
	ktap_check "$name: the entries are in SYNACK" \
		poll 100 table_is 4 $PORT SYNACK "5 5"
	clients_end
	unblock "$CLIENT"
	ktap_check "$name: all count as refused, and are in CLOSE" \
		poll 100 refused_and_closed
	ktap_check "$name: none is half-open" half_open_is 4 $PORT "0 0"
	expiring+=("$PORT")
}

expired() {
	local port
	for port in "${expiring[@]}"; do
		ktap_check "$(service_address 4 "$port"): the entries expire" \
			poll 100 table_is 4 "$port" ".*" "0 0"
		ktap_check "$(service_address 4 "$port"): none is refused then" \
			refused_is 4 "$port" "0 0"
	done
}

secure_tcp() {
	local method
	expiring=()
	vs_sysctl secure_tcp 3
	for method in m g; do
		secure_tcp_completed $method
		secure_tcp_reset $method
	done
	vs_sysctl secure_tcp 0
}

server() { address "${RIP1[4]}" $PORT; }

# The entries of a server that is removed go at once.
nodest_removed() {
	local name="expire_nodest_conn" vs
	begin m
	vs=$(service_address 4 $PORT)
	unheard_clients 4 $PORT 10
	ktap_check "$name: the handshakes are pending" \
		poll 100 half_open_is 4 $PORT "5 5"
	clients_end
	vs_sysctl expire_nodest_conn 1
	ipvs -d -t "$vs" -r "$(server)"
	ktap_check "$name: those of a removed server go" \
		poll 40 table_is 4 $PORT ".*" "0 5"
	ipvs -a -t "$vs" -r "$(server)" -m
	ktap_check "$name: it comes back with none" half_open_is 4 $PORT "0 5"
	unblock_servers
}

# A SYN that is sent again to a server without weight goes to another one: the
# core gives the old entry up and schedules anew.
nodest_quiesced() {
	local name="expire_nodest_conn, weight 0" vs
	begin m
	vs=$(service_address 4 $PORT)
	unheard_clients 4 $PORT 10
	ktap_check "$name: the handshakes are pending" \
		poll 100 half_open_is 4 $PORT "5 5"
	ipvs -e -t "$vs" -r "$(server)" -m -w 0
	ktap_check "$name: all move to the other server" \
		poll 100 half_open_is 4 $PORT "0 10"
	ktap_check "$name: each of them was scheduled anew" \
		expect 15 "$(picks_total 4 $PORT)"
	unblock_servers
	ktap_check "$name: all complete" expect 10 "$(clients_connected)"
	ktap_check "$name: none is half-open any more" half_open_is 4 $PORT "0 0"
	clients_end
	vs_sysctl expire_nodest_conn 0
}

wlch_start
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" $(seq 8601 8609) && serve "$SERVER2" $(seq 8601 8609) || exit 1

drop_entry_always
drop_entry_by_memory
drop_packet
secure_tcp
nodest_removed
nodest_quiesced
expired
ktap_end
