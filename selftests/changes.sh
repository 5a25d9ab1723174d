#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The configuration changes while handshakes are pending, or while connections
# come in: the half-open counts are what the connection table says as soon as
# the change is made, and nothing is left of them at the end.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"
# shellcheck source=selftests/lib/pool.sh
. "$(dirname "$0")/lib/pool.sh"

PORT=8700
OTHER=wlch-o-$$

# begin [SCHEDULER [FORM]]: a service on the next port, with NAT
begin() {
	local form=${2:-4}
	PORT=$((PORT + 1))
	vs=$(service_address "$form" $PORT)
	service "$form" $PORT m "${1:-wlch}"
}

server() { address "${RIP1[4]}" $PORT; }

# 10 handshakes are pending
pend() {
	unheard_clients 4 $PORT 10
	ktap_check "$1: 10 handshakes are pending" \
		poll 100 handshakes_are 4 $PORT "5 5"
}

# complete NAME [WHERE]: all that are pending do
complete() {
	local name=$1 where=${2:-5 5}
	unblock_servers
	ktap_check "$name: all complete" \
		poll 100 table_is 4 $PORT ESTABLISHED "$where"
	ktap_check "$name: none is half-open any more" \
		half_open_is 4 $PORT "0 0"
	clients_end
}

# Without any service the core takes its hooks away, and the director's own TCP
# would refuse what comes meanwhile.
cleared() {
	local name="ipvsadm -C"
	begin
	pend "$name"
	block "$DIRECTOR" $PORT
	ipvs -C
	ktap_check "$name: the entries stay" handshakes_are 4 $PORT "5 5"
	service 4 $PORT m wlch
	ktap_check "$name: the service made anew finds them" \
		half_open_is 4 $PORT "5 5"
	unblock "$DIRECTOR"
	complete "$name"
}

deleted() {
	local name="service deleted and made anew with wlc"
	begin
	pend "$name"
	ipvs -D -t "$vs"
	service 4 $PORT m wlc
	ipvs -E -t "$vs" -s wlch
	ktap_check "$name: wlch finds them when it comes back" \
		half_open_is 4 $PORT "5 5"
	complete "$name"
}

removed() {
	local name="server removed"
	begin
	pend "$name"
	ipvs -d -t "$vs" -r "$(server)"
	ktap_check "$name: the other server keeps its count" \
		expect 5 "$(half_open 4 $PORT)"
	ktap_check "$name: the entries stay" handshakes_are 4 $PORT "5 5"
	ipvs -a -t "$vs" -r "$(server)" -m
	ktap_check "$name: added again, its count is back at once" \
		half_open_is 4 $PORT "5 5"
	complete "$name"
}

# The first clients stay while others come.
quiesced() {
	local name="weight 0" first
	begin
	pend "$name"
	first=$clients_pid
	ipvs -e -t "$vs" -r "$(server)" -m -w 0
	ktap_check "$name: the count stays" half_open_is 4 $PORT "5 5"
	clients 4 $PORT 10
	ktap_check "$name: new ones go to the other server" \
		poll 100 half_open_is 4 $PORT "5 15"
	first+=" $clients_pid"
	ipvs -e -t "$vs" -r "$(server)" -m -w 1
	clients 4 $PORT 10
	ktap_check "$name: with weight 1 it gets the next" \
		poll 100 half_open_is 4 $PORT "15 15"
	complete "$name" "15 15"
	# shellcheck disable=SC2086 # a list of numbers
	kill $first
}

# A server that has reached its upper threshold gets no more.
threshold_reached() {
	local name="upper threshold"
	begin
	threshold_port=$PORT
	ipvs -e -t "$vs" -r "$(server)" -m -x 5
	unheard_clients 4 $PORT 20 --rst
	ktap_check "$name: reached with handshakes, no more come" \
		poll 100 half_open_is 4 $PORT "5 15"
	complete "$name" "5 15"
}

# ... until its connections have ended; a reset takes 10 s.
threshold_left() {
	local name="upper threshold" PORT=$threshold_port
	ktap_check "$name: the connections end" \
		poll 100 table_is 4 "$PORT" ".*" "0 0"
	unheard_clients 4 "$PORT" 4
	ktap_check "$name: left, the server gets its share again" \
		poll 100 half_open_is 4 "$PORT" "2 2"
	unblock_servers
	ktap_check "$name: all complete" expect 4 "$(clients_connected)"
	ktap_check "$name: none is half-open" half_open_is 4 "$PORT" "0 0"
	clients_end
}

# Handshakes from before the edit are counted with their next packet.
edited_late() {
	local name="edited from wlc to wlch"
	begin wlc
	pend "$name"
	ipvs -E -t "$vs" -s wlch
	ktap_check "$name: they count once their SYN comes again" \
		poll 100 half_open_is 4 $PORT "5 5"
	complete "$name"
}

edited_twice() {
	local name="edited from wlch to wlc and back"
	begin
	pend "$name"
	ipvs -E -t "$vs" -s wlc
	ipvs -E -t "$vs" -s wlch
	ktap_check "$name: they are counted at once" half_open_is 4 $PORT "5 5"
	ktap_check "$name: and not twice" \
		poll 100 at_least 20 service_stat 4 $PORT 4
	ktap_check "$name: ... by SYNs that come again" \
		half_open_is 4 $PORT "5 5"
	ipvs -E -t "$vs" -s wlc
	unblock_servers
	ktap_check "$name: all complete under wlc" \
		expect 10 "$(clients_connected)"
	ipvs -E -t "$vs" -s wlch
	ktap_check "$name: none is half-open under wlch" \
		half_open_is 4 $PORT "0 0"
	clients_end
}

# Of three servers wlch has an index, which goes with the service. Their handshakes stay,
# and would tell the index that they are over.
# ended_later NAME COMMAND...: when the command has made it a service of wlc
ended_later() {
	local name="three servers, $1"
	begin wlch pool3
	unheard_clients pool3 $PORT 12
	ktap_check "$name: 12 handshakes are pending" \
		poll 100 half_open_is pool3 $PORT "4 4 4"
	"${@:2}"
	ktap_check "$name: they stay" handshakes_are pool3 $PORT "4 4 4"
	unblock_servers
	ktap_check "$name: all complete under wlc" \
		expect 12 "$(clients_connected)"
	ipvs -E -t "$vs" -s wlch
	ktap_check "$name: none is half-open under wlch" \
		half_open_is pool3 $PORT "0 0 0"
	clients_end
}

edit_to_wlc() { ipvs -E -t "$vs" -s wlc; }

make_anew_with_wlc() {
	ipvs -D -t "$vs"
	service pool3 $PORT m wlc
}

# The scheduler changes all the time while connections come in, of which some
# are in the handshake at any moment. While the core waits for the last user of
# the old scheduler it has none, and sends ICMP errors: not all clients connect.
edited_under_traffic() {
	local name="edited over and over" edits=0 connected
	begin
	delay "$SERVER1" 20
	delay "$SERVER2" 40
	clients 4 $PORT 1000 --interval 10000
	until grep -q '^connected=' "$clients_log" || [ $edits -ge 10000 ]; do
		ipvs -E -t "$vs" -s wlc
		ipvs -E -t "$vs" -s wlch
		edits=$((edits + 2))
	done
	connected=$(clients_connected)
	ktap_note "$name: $edits edits, $(cat "$clients_log")"
	ktap_check "$name: 10 times at least" [ $edits -ge 10 ]
	ktap_check "$name: most clients connect" [ "$connected" -ge 800 ]
	ktap_check "$name: all entries are established" \
		poll 100 only_established "$connected"
	ktap_check "$name: none is half-open" half_open_is 4 $PORT "0 0"
	ktap_check "$name: none counts as refused" refused_is 4 $PORT "0 0"
	delay "$SERVER1" 0
	delay "$SERVER2" 0
	clients_end
	unheard_clients 4 $PORT 10
	ktap_check "$name: what comes afterwards is counted" \
		poll 100 half_open_total_is 4 $PORT 10
	unblock_servers
	ktap_check "$name: ... and completes" expect 10 "$(clients_connected)"
	ktap_check "$name: ... and leaves nothing" half_open_is 4 $PORT "0 0"
	clients_end
}

# only_established LEAST: at least so many, and nothing else
only_established() {
	local all
	all=$(sum "$(table 4 $PORT ".*")")
	at_least "$1" echo "$all" && table_total_is 4 $PORT ESTABLISHED "$all"
}

# Client and director in one namespace, with the same addresses; what goes to
# the servers ends in nothing.
other_up() {
	ip netns add "$OTHER" && ip -n "$OTHER" -batch - <<-E
		link set lo up
		link add eth0 type veth peer name eth1
		link set eth0 arp off
		link set eth0 up
		link set eth1 up
		addr add 10.2.0.1/24 dev eth0
		addr add ${VIP[4]}/32 dev lo
	E
}

other_down() {
	local pids
	[ -e "/run/netns/$OTHER" ] || return
	pids=$(ip netns pids "$OTHER")
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$pids" ] || kill -9 $pids
	ip netns del "$OTHER"
}

# in_other COMMAND...: as if that namespace had the client and the director
in_other() {
	local CLIENT=$OTHER DIRECTOR=$OTHER
	"$@"
}

two_namespaces() {
	local name="two namespaces" references pid log
	begin
	pend "$name"
	references=$(module_references)
	pid=$clients_pid log=$clients_log
	trap 'other_down; topology_down' EXIT
	other_up
	in_other service 4 $PORT m wlch
	in_other clients 4 $PORT 6
	ktap_check "$name: the same service has counts of its own in the other" \
		poll 100 in_other half_open_is 4 $PORT "3 3"
	ktap_check "$name: ... and in the first" half_open_is 4 $PORT "5 5"
	clients_end
	ktap_check "$name: the other holds the module too" \
		at_least $((references + 1)) module_references
	ktap_check "$name: the other is deleted with its handshakes" other_down
	ktap_check "$name: nothing is left of it" \
		poll 100 references_are "$references"
	ktap_check "$name: the first has its counts" half_open_is 4 $PORT "5 5"
	clients_pid=$pid clients_log=$log
	complete "$name"
}

# Without servers the core gives up all entries.
nothing_left() {
	vs_sysctl expire_nodest_conn 1
	ipvs -C
	ktap_check "at the end no entry is left" poll 100 no_entries
	ktap_check "... and nothing refers to the module" \
		poll 100 references_are "$1"
}

no_entries() {
	expect 1 "$(in_director cat /proc/net/ip_vs_conn | wc -l)" \
		"lines of the table, with its head"
}

wlch_start
references_before=$(module_references)
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" $(seq 8701 8712) && serve "$SERVER2" $(seq 8701 8712) || exit 1
pool_up 3
pool 3

cleared
threshold_reached
deleted
removed
quiesced
edited_late
edited_twice
ended_later "edited from wlch to wlc" edit_to_wlc
ended_later "deleted and made anew with wlc" make_anew_with_wlc
edited_under_traffic
threshold_left
two_namespaces
nothing_left "$references_before"
ktap_end
