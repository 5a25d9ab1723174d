#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The half-open counts are right for every form of service and server: by
# address and by mark, of one protocol and of several, with servers of the other
# family, on another port or on the director itself, and for clients there. UDP
# has no handshake, and is balanced by count.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"
# shellcheck source=selftests/lib/sctp.sh
. "$(dirname "$0")/lib/sctp.sh"

FIRST=8801 LAST=8840
PORT=$FIRST
OTHER_PORT=8899

form udp4 4 -u
form udp6 6 -u
form mark4 4 -f
form mark6 6 -f
form port4 4 -t
SERVER_PORT=([mark4]=0 [mark6]=0 [port4]=$OTHER_PORT)
form in4 6 -t
RIP1[in4]=${RIP1[4]} RIP2[in4]=${RIP2[4]}
form in6 4 -t
RIP1[in6]=${RIP1[6]} RIP2[in6]=${RIP2[6]}
form local4 4 -t
RIP1[local4]=10.2.0.1
form local6 6 -t
RIP1[local6]=fd00:2::1
form loopback4 4 -t
RIP2[loopback4]=127.0.0.1

# IPv6 in IPv4 and the reverse: the servers need a tunnel device for each.
forms_up() {
	local ns i=0
	modprobe sit || return
	for ns in "$SERVER1" "$SERVER2"; do
		i=$((i + 1))
		ip -n "$ns" -batch - <<-E || return
			link set sit0 up
			link add in6 type ip6tnl mode ipip6 local fd00:2::1$i remote ::
			link set in6 up
		E
	done
	ipvs --set 0 0 60 && mark_packets
}

# Each service by mark has its port as mark.
mark_packets() {
	in_director nft -f - <<-E
		table inet marks {
			chain in {
				type filter hook prerouting priority -150
				$(for ((port = FIRST; port <= LAST; port++)); do
					echo "th dport $port meta mark set $port"
				done)
			}
		}
	E
}

forms_serve() {
	local ns ports
	mapfile -t ports < <(seq $FIRST $LAST)
	for ns in "$SERVER1" "$SERVER2"; do
		serve "$ns" "${ports[@]}" $OTHER_PORT &&
			serve "$ns" --udp "${ports[@]}" &&
			serve "$ns" --sctp "${ports[@]}" || return
	done
	serve "$DIRECTOR" "${ports[@]}"
}

# Services that are to be without connections when all clients have gone
used=()

# next FORM METHOD SCHEDULER [OPTION...]: a service on the next port
next() {
	PORT=$((PORT + 1))
	used+=("$1 $PORT")
	service "$1" $PORT "${@:2}"
}

# with_servers COMMAND PORT: block or unblock wherever a server may be
with_servers() {
	local ns
	for ns in "$SERVER1" "$SERVER2" "$DIRECTOR"; do
		"$1" "$ns" "$2"
	done
}

# handshakes_wait NAME FORM METHOD [CLIENT OPTION...]: 20 connections from the
# first SYN to the reset that ends them
handshakes_wait() {
	local name=$1 form=$2 port
	next "$form" "$3" wlch
	port=${SERVER_PORT[$form]:-0}
	[ "$port" != 0 ] || port=$PORT
	with_servers block "$port"
	clients "$form" $PORT 20 --rst "${@:4}"
	ktap_check "$name: 20 handshakes are pending" \
		poll 100 handshakes_are "$form" $PORT "10 10"
	ktap_check "$name: they are half-open" half_open_is "$form" $PORT "10 10"
	ktap_check "$name: to the load each is half-open, and only that" \
		expect "80 80" "$(load "$form" $PORT)"
	with_servers unblock
	ktap_check "$name: all complete" expect 20 "$(clients_connected)"
	ktap_check "$name: none is half-open" half_open_is "$form" $PORT "0 0"
	ktap_check "$name: all are established" \
		expect "10 10" "$(table "$form" $PORT ESTABLISHED)"
	ktap_check "$name: to the load, too" expect "80 80" "$(load "$form" $PORT)"
	clients_end
}

from_director() {
	local CLIENTS_IN=$DIRECTOR
	handshakes_wait "$@"
}

# One service, three protocols, the same servers.
mixed() {
	local form=$1 name="mark, IPv${1#mark}, all protocols" group groups=()
	next "$form" g wlch
	with_servers block $PORT
	mixed_clients "$form"
	ktap_check "$name: the SCTP handshakes are pending, too" \
		poll 100 handshakes_are "$form" $PORT "20 20"
	ktap_check "$name: all handshakes are half-open" \
		half_open_is "$form" $PORT "20 20"
	ktap_check "$name: TCP has its half" \
		expect "10 10" "$(table "$form" $PORT "$HANDSHAKE" TCP)"
	ktap_check "$name: SCTP has its half" \
		expect "10 10" "$(table "$form" $PORT "$HANDSHAKE" SCTP)"
	ktap_check "$name: the load is that and the UDP flows" \
		expect "170 170" "$(load "$form" $PORT)"
	with_servers unblock
	for group in "${groups[@]}"; do
		read -r clients_pid clients_log group <<<"$group"
		ktap_check "$name: all $group clients complete" \
			expect 20 "$(clients_connected)"
	done
	ktap_check "$name: none is half-open" half_open_is "$form" $PORT "0 0"
	ktap_check "$name: all are established" \
		expect "20 20" "$(table "$form" $PORT ESTABLISHED)"
	ktap_check "$name: IPVS counts them as active" \
		expect "20 20" "$(active "$form" $PORT)"
	for group in "${groups[@]}"; do
		read -r clients_pid clients_log group <<<"$group"
		clients_end
	done
}

# One protocol after the other, so that each is spread evenly.
mixed_clients() {
	local form=$1
	clients "$form" $PORT 20 --rst
	groups+=("$clients_pid $clients_log TCP")
	ktap_check "$name: the TCP handshakes are pending" \
		poll 100 handshakes_are "$form" $PORT "10 10"
	clients "$form" $PORT 20 --udp
	groups+=("$clients_pid $clients_log UDP")
	ktap_check "$name: the UDP flows are spread by count" \
		poll 100 expect_flows "$form" "10 10"
	ktap_check "$name: they are not half-open, as TCP's handshakes are" \
		half_open_is "$form" $PORT "10 10"
	clients "$form" $PORT 20 --sctp --rst
	groups+=("$clients_pid $clients_log SCTP")
}

expect_flows() { expect "$2" "$(table "$1" $PORT UDP UDP)" "UDP flows"; }

# Flows from 100 ports
flows() {
	local form=$1 method=$2 name=$3
	next "$form" "$method" wlch
	clients "$form" $PORT 100 --udp
	ktap_check "$name: 100 flows are answered" expect 100 "$(clients_connected)"
	ktap_check "$name: they are spread by count" expect_flows "$form" "50 50"
	ktap_check "$name: none is half-open" half_open_is "$form" $PORT "0 0"
	ktap_check "$name: to the load all are inactive" \
		expect "50 50" "$(load "$form" $PORT)"
	clients_end
}

# The core sums up its statistics every two seconds.
scheduled() { column "$1" $PORT 3 --stats --exact; }
all_scheduled() { expect 100 "$(sum "$(scheduled "$1")")" "connections"; }

# datagrams FORM NAME: a hundred, as fast as can be; $each is what each server gets
datagrams() {
	clients "$1" $PORT 100 --udp --interval 0
	ktap_check "$2: 100 datagrams are answered" expect 100 "$(clients_connected)"
	ktap_check "$2: each was scheduled" poll 30 all_scheduled "$1"
	each=$(scheduled "$1")
	ktap_note "$2: $each"
}

# With one-packet scheduling each datagram is a connection that ends at once. So
# to wlc all servers are idle all the time, and it takes the same again and
# again.
one_packet() {
	local form=$1 name=$2 each n
	next "$form" g wlch -o
	datagrams "$form" "$name"
	for n in $each; do
		ktap_check "$name: a server gets 30 to 70 of 100" \
			within 30 70 "$n"
	done
	ktap_check "$name: no entry is left" expect "0 0" "$(table "$form" $PORT '.*')"
	ktap_check "$name: none is half-open" half_open_is "$form" $PORT "0 0"
	ktap_check "$name: nor counted otherwise" expect "0 0" "$(load "$form" $PORT)"
	clients_end
}

# So many come before a claim is void that each server gets its share by weight. If no claim
# were there when the next comes, the heavy server would get all.
one_packet_weights() {
	local name="one packet, weights 3 and 1" each
	next udp4 g wlch -o
	ipvs -e -u "$(service_address udp4 $PORT)" -r "$(address "${RIP1[4]}" $PORT)" -g -w 3
	datagrams udp4 "$name"
	ktap_check "$name: the light server gets 10 to 60 of 100" within 10 60 "${each#* }"
	clients_end
}

one_packet_control() {
	PORT=$((PORT + 1))
	service udp4 $PORT g wlc -o
	clients udp4 $PORT 100 --udp --interval 0
	ktap_check "one packet, wlc: 100 datagrams are answered" \
		expect 100 "$(clients_connected)"
	ktap_check "one packet, wlc: each was scheduled" poll 30 all_scheduled udp4
	ktap_check "one packet, wlc: all go to one server" \
		grep -qxE '0 100|100 0' <<<"$(scheduled udp4)"
	clients_end
}

# To the load each class is worth something, so it is 0 only if all counts are.
no_connections() {
	expect "0 0" "$(table "$1" "$2" '.*')" "entries of $1 $2" &&
		expect "0 0" "$(load "$1" "$2")" "load of $1 $2"
}

everything_ends() {
	local form port what
	for what in "${used[@]}"; do
		read -r form port <<<"$what"
		ktap_check "no connection is counted at the end: $form, port $port" \
			poll 120 no_connections "$form" "$port"
	done
}

# NAT with IPv6 on each kernel whose IPVS lets the module follow it
nat6() { leaves_alone "IPv6 with NAT" || "$@"; }

wlch_start
sctp_up && forms_up && forms_serve || exit 1
mixed mark4
mixed mark6
flows udp4 m "UDP, IPv4 -m"
flows udp6 g "UDP, IPv6 -g"
one_packet udp4 "one packet, IPv4"
one_packet mark6 "one packet, IPv6, mark"
one_packet_weights
one_packet_control
handshakes_wait "mark, IPv4 -m" mark4 m
handshakes_wait "server port" port4 m
handshakes_wait "IPv6 service, IPv4 servers" in4 i
handshakes_wait "IPv4 service, IPv6 servers" in6 i
handshakes_wait "local server, IPv4 -m" local4 m
handshakes_wait "local server, IPv4 -g, loopback" loopback4 g
nat6 handshakes_wait "local server, IPv6 -m" local6 m
from_director "local clients, IPv4 -m" 4 m --bind 10.2.0.1
nat6 from_director "local clients, IPv6 -m" 6 m --bind fd00:2::1
from_director "local clients, IPv6 -g" 6 g --bind fd00:2::1
everything_ends
ktap_end
