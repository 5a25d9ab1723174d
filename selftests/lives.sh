#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What ends a handshake or makes it longer: packets that are sent again, lost,
# or a reset of either side, on one CPU or on two; and the end of a connection of
# which nothing was known. At every step the half-open count is what the connection
# table says.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

PORT=8400

# begin METHOD: a service on the next port
begin() {
	PORT=$((PORT + 1))
	service 4 $PORT "$1" wlch
}

# The 10 clients complete, and nothing of the handshakes is left.
completes() {
	local name=$1
	ktap_check "$name: all complete" expect 10 "$(clients_connected)"
	ktap_check "$name: none is half-open any more" \
		poll 100 half_open_is 4 $PORT "0 0"
	ktap_check "$name: all are established" \
		table_is 4 $PORT ESTABLISHED "5 5"
	clients_end
}

retransmitted() {
	local name="${method_name[$1]}, SYN sent again"
	begin "$1"
	unheard_clients 4 $PORT 10
	ktap_check "$name: the director sees each at least twice" \
		poll 100 at_least 20 service_stat 4 $PORT 4
	ktap_check "$name: 10 connections" expect 10 "$(service_stat 4 $PORT 3)"
	ktap_check "$name: each is counted once" half_open_is 4 $PORT "5 5"
	unblock_servers
	completes "$name"
}

# syn_ack_lost METHOD WHERE HOOK NAMESPACE...
syn_ack_lost() {
	local name="${method_name[$1]}, SYN-ACK lost $2" hook=$3 ns
	begin "$1"
	shift 3
	for ns in "$@"; do
		lose "$ns" "$hook" "$(syn_ack_from $PORT)"
	done
	clients 4 $PORT 10
	for ns in "$@"; do
		ktap_check "$name: all of ${ns%-*}" \
			poll 100 at_least $((10 / $#)) tallied "$ns"
	done
	ktap_check "$name: the handshakes are pending" half_open_is 4 $PORT "5 5"
	for ns in "$@"; do
		unblock "$ns"
	done
	completes "$name"
}

# The server answers a client that is gone, whose host answers with a reset.
# The state table keeps SYN_RECV then, whatever the forwarding method.
client_resets() {
	local method=$1 name="${method_name[$1]}, reset by the client"
	begin "$method"
	lose "$CLIENT" input "$(syn_ack_from $PORT)"
	clients 4 $PORT 10
	ktap_check "$name: the SYN-ACKs are lost" \
		poll 100 at_least 10 tallied "$CLIENT"
	clients_end
	tally "$SERVER1" input "$(reset_to $PORT)"
	tally "$SERVER2" input "$(reset_to $PORT)"
	unblock "$CLIENT"
	ktap_check "$name: server 1 gets the resets" \
		poll 100 at_least 5 tallied "$SERVER1"
	ktap_check "$name: server 2 gets the resets" \
		poll 100 at_least 5 tallied "$SERVER2"
	ktap_check "$name: the state stays" table_is 4 $PORT SYN_RECV "5 5"
	ktap_check "$name: ... and the count" half_open_is 4 $PORT "5 5"
	ktap_check "$name: none counts as refused" refused_is 4 $PORT "0 0"
	unblock_servers
	expiring+=("$PORT")
}

# Nobody listens on the servers, which are heard late. With NAT the director
# sees their resets, with direct routing it does not.
server_resets() {
	local method=$1 name="${method_name[$1]}, reset by the server"
	begin "$method"
	unheard_clients 4 $PORT 10
	ktap_check "$name: the handshakes are pending" \
		poll 100 half_open_is 4 $PORT "5 5"
	unblock_servers
	ktap_check "$name: no client connects" expect 0 "$(clients_connected)"
	ktap_check "$name: all are refused" grep -q refused=10 "$clients_log"
	if [ "$method" = m ]; then
		# the entries live 10 s now
		ktap_check "$name: all count as refused" refused_is 4 $PORT "5 5"
		ktap_check "$name: the state is CLOSE" table_is 4 $PORT CLOSE "5 5"
		ktap_check "$name: none is half-open" half_open_is 4 $PORT "0 0"
	else
		ktap_check "$name: the state stays" \
			table_is 4 $PORT SYN_RECV "5 5"
		ktap_check "$name: ... and the count" half_open_is 4 $PORT "5 5"
		ktap_check "$name: none counts as refused" refused_is 4 $PORT "0 0"
	fi
	clients_end
	expiring+=("$PORT")
}

# Nobody ever answers.
unanswered() {
	local method=$1 name="${method_name[$1]}, never answered"
	begin "$method"
	unheard_clients 4 $PORT 10
	ktap_check "$name: the handshakes are pending" \
		poll 100 half_open_is 4 $PORT "5 5"
	clients_end
	unblock_servers
	expiring+=("$PORT")
}

# With sloppy_tcp the director takes part in connections that another one knew. It may see
# no more of them than their end.
end_only() {
	local method=$1 name="${method_name[$1]}, FIN of an unknown connection"
	begin "$method"
	vs_sysctl sloppy_tcp 1
	ktap_check "$name: it is sent" \
		in_client segment_send FA 10.1.0.2 1234 "${VIP[4]}" $PORT
	ktap_check "$name: the state is CLOSE" poll 100 table_total_is 4 $PORT CLOSE 1
	ktap_check "$name: it does not count as refused" refused_is 4 $PORT "0 0"
	ktap_check "$name: it is inactive" expect 1 "$(sum "$(inactive 4 $PORT)")"
	vs_sysctl sloppy_tcp 0
	expiring+=("$PORT")
}

expired() {
	local port
	for port in "${expiring[@]}"; do
		ktap_check "$(service_address 4 "$port"): the entries expire" \
			poll 130 table_is 4 "$port" ".*" "0 0"
		ktap_check "$(service_address 4 "$port"): none is half-open then" \
			half_open_is 4 "$port" "0 0"
		ktap_check "$(service_address 4 "$port"): none is refused then" \
			refused_is 4 "$port" "0 0"
	done
}

# steer CPUS: those (a mask) process what the director receives
steer() {
	in_director sh -c "echo $1 >/sys/class/net/eth0/queues/rx-0/rps_cpus"
}

# seen_on CPU COLUMN: what IPVS in the director's namespace has counted there:
# 2 connections, 3 packets from clients, 4 from servers
seen_on() {
	local number
	number=$(in_director cat /proc/net/ip_vs_stats_percpu |
		awk -v cpu="$1" -v n="$2" '$1 == cpu { print $n; exit }')
	echo $((16#$number))
}

# pending_on_cpu0 NAME: 10 handshakes that have begun on CPU 0, as has all else
# of them until now. What comes is for CPU 1.
pending_on_cpu0() {
	local name=$1 before
	steer 1
	before=$(seen_on 1 2)
	unheard_clients 4 $PORT 10
	ktap_check "$name: the handshakes are pending" \
		poll 100 half_open_is 4 $PORT "5 5"
	ktap_check "$name: they began on CPU 0" expect "$before" "$(seen_on 1 2)"
	steer 2
}

completed_elsewhere() {
	local name="begun on CPU 0, completed on CPU 1" before
	begin m
	pending_on_cpu0 "$name"
	before=$(seen_on 0 3)
	unblock_servers
	completes "$name"
	ktap_check "$name: CPU 0 has seen nothing of it" \
		expect "$before" "$(seen_on 0 3)"
}

reset_elsewhere() {
	local name="begun on CPU 0, reset on CPU 1" before
	begin m
	pending_on_cpu0 "$name"
	before=$(seen_on 0 4)
	unblock_servers
	ktap_check "$name: no client connects" expect 0 "$(clients_connected)"
	ktap_check "$name: all count as refused" refused_is 4 $PORT "5 5"
	ktap_check "$name: CPU 0 has seen no reset" \
		expect "$before" "$(seen_on 0 4)"
	ktap_check "$name: none is half-open" \
		poll 100 half_open_is 4 $PORT "0 0"
	clients_end
}

# Packets of one connection on both CPUs at once: each direction has its own.
both_cpus() {
	local name="handshakes on both CPUs" cpu0 cpu1
	begin m
	steer 3
	cpu0=$(seen_on 0 3) cpu1=$(seen_on 1 3)
	clients 4 $PORT 1000 --interval 0 --rst
	ktap_check "$name: all connect" expect 1000 "$(clients_connected)"
	ktap_check "$name: CPU 0 has seen some" \
		at_least $((cpu0 + 500)) seen_on 0 3
	ktap_check "$name: CPU 1 has seen some" \
		at_least $((cpu1 + 500)) seen_on 1 3
	ktap_check "$name: none is half-open" \
		poll 100 half_open_is 4 $PORT "0 0"
	clients_end
	ktap_check "$name: all are reset" \
		poll 100 table_total_is 4 $PORT CLOSE 1000
	ktap_check "$name: none is half-open then" half_open_is 4 $PORT "0 0"
	expiring+=("$PORT")
}

two_cpus() {
	if [ "$(nproc)" -lt 2 ]; then
		ktap_skip "handshakes on two CPUs" "this machine has one"
		return
	fi
	completed_elsewhere
	reset_elsewhere
	both_cpus
	steer 0
}

wlch_start
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" $(seq 8401 8402) $(seq 8407 8412) 8413 8415 || exit 1
# shellcheck disable=SC2046
serve "$SERVER2" $(seq 8401 8402) $(seq 8407 8412) 8413 8415 || exit 1

expiring=()
for method in m g; do
	client_resets $method		# 8401, 8402
done
for method in m g; do
	unanswered $method		# 8403, 8404
	server_resets $method		# 8405, 8406
done
for method in m g; do
	retransmitted $method
	syn_ack_lost $method "at the servers" output "$SERVER1" "$SERVER2"
	syn_ack_lost $method "at the client" input "$CLIENT"
done
two_cpus
PORT=8415
for method in m g; do
	end_only $method		# 8416, 8417
done
expired
ktap_end
