#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A persistent service makes connections from a template, without a scheduling
# decision. They are counted as all others are, and the template is not.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

PORTS=(8901 8902 8903 8904 8921 8922 8930 8940 8950)
MARK=7
# further client addresses, in the net that a mask takes for one client
declare -A NEIGHBOUR=([4]=10.1.0.30 [6]=fd00:1::30)
declare -A MASK=([4]=255.255.255.0 [6]=64)

# templates FAMILY: how many there are to the VIP or a mark
templates() {
	in_director cat /proc/net/ip_vs_conn | awk -v family="$1" '
		NR > 1 && $3 == "0000" && $8 ~ /^(NONE|ASSURED)$/ &&
		(length($2) > 8) == (family == 6)' | wc -l
}

templates_are() { expect "$2" "$(templates "$1")" "IPv$1 templates"; }
picks_are() { expect "$3" "$(sum "$(picks "$1" "$2")")" "picks of both servers"; }
# all_on_one FAMILY PORT COUNT: that many are half-open, as the table has them
all_on_one() {
	local told
	told=$(handshakes "$1" "$2")
	case $told in
	"$3 0" | "0 $3") half_open_is "$1" "$2" "$told" ;;
	*) echo "handshakes in the table: $told"; return 1 ;;
	esac
}

# none_left FAMILY PORT COUNT: of COUNT connections, all are established
none_left() {
	half_open_is "$1" "$2" "0 0" &&
		expect "$3" "$(sum "$(active "$1" "$2")")" "active connections" &&
		expect 0 "$(sum "$(column "$1" "$2" 6)")" "inactive connections"
}

# one_client FAMILY METHOD PORT [OPTION...]: of one client and a neighbour
one_client() {
	local family=$1 method=$2 port=$3 name=$4 neighbour_log neighbour_pid
	shift 4
	ktap_check "$name: a service" service "$family" "$port" "$method" wlch "$@"
	block_servers "$port"
	clients "$family" "$port" 20
	ktap_check "$name: 20 handshakes are pending, on one server" \
		poll 60 all_on_one "$family" "$port" 20
	ktap_check "$name: chosen once" picks_are "$family" "$port" 1
	neighbour_log=$clients_log neighbour_pid=$clients_pid
	clients "$family" "$port" 20 --bind "${NEIGHBOUR[$family]}"
	if [ $# -gt 2 ]; then	# a mask
		ktap_check "$name: a neighbour's go there as well" \
			poll 60 all_on_one "$family" "$port" 40
		ktap_check "$name: ... without a choice" picks_are "$family" "$port" 1
	else
		ktap_check "$name: a neighbour's go to the other" \
			poll 60 half_open_is "$family" "$port" "20 20"
		ktap_check "$name: ... chosen once" picks_are "$family" "$port" 2
	fi
	unblock_servers
	ktap_check "$name: all complete" expect 20 "$(clients_connected)"
	ktap_check "$name: ... and are established" \
		poll 60 none_left "$family" "$port" 40
	clients_end
	clients_log=$neighbour_log clients_pid=$neighbour_pid
	clients_end
}

# A service of all ports, and of a mark.
port_zero() {
	local servers
	ktap_check "port 0: a service" service 4 0 g wlch -p 3000
	block_servers "{ 8921, 8922 }"
	clients 4 8921 10
	servers=$clients_pid
	clients 4 8922 10
	ktap_check "port 0: the handshakes to two ports are pending" \
		poll 60 two_ports_pending
	ktap_check "port 0: chosen once" picks_are 4 0 1
	unblock_servers
	ktap_check "port 0: all complete" expect 10 "$(clients_connected)"
	ktap_check "port 0: none is half-open" \
		poll 60 port_zero_done
	clients_end
	kill "$servers"
	wait "$servers" 2>/dev/null
	ipvs -D -t "${VIP[4]}:0"
}

port_zero_done() { expect "0 0" "$(half_open 4 0)" "half-open"; }

two_ports_pending() {
	local first second
	first=$(handshakes 4 8921)
	second=$(handshakes 4 8922)
	case $first in
	"10 0" | "0 10") ;;
	*) echo "handshakes in the table: $first"; return 1 ;;
	esac
	expect "$first" "$second" "handshakes to the second port" &&
		expect "$(sum "$first $second")" "$(sum "$(half_open 4 0)")" "half-open"
}

mark_row() {
	ipvs -L -n -f $MARK --sched-param | awk '
		$1 == "->" && $2 ~ /:0$/ { print $5, $7 }' | sort | paste -sd,
}
mark_row_is() { expect "$1" "$(mark_row)" "active and half-open"; }

mark() {
	ip netns exec "$DIRECTOR" nft -f - <<-E || return
		table ip wlch {
			chain in {
				type filter hook prerouting priority mangle
				tcp dport 8930 meta mark set $MARK
			}
		}
	E
	ipvs -A -f $MARK -s wlch -p 3000 &&
		ipvs -a -f $MARK -r "${RIP1[4]}" -g &&
		ipvs -a -f $MARK -r "${RIP2[4]}" -g
}

marked() {
	ktap_check "a mark: a service" mark
	block_servers 8930
	clients 4 8930 20
	ktap_check "a mark: 20 handshakes are pending, on one server" \
		poll 60 mark_row_is "0 0,20 20"
	ktap_check "a mark: as the table has them" \
		expect 20 "$(sum "$(handshakes 4 8930)")"
	unblock_servers
	ktap_check "a mark: all complete" expect 20 "$(clients_connected)"
	ktap_check "a mark: none is half-open" poll 60 mark_row_is "0 0,20 0"
	clients_end
}

# The template's server gets weight 0, and the client another one.
quiescent() {
	local port=8940 first
	in_director sh -c 'echo 1 >/proc/sys/net/ipv4/vs/expire_quiescent_template'
	service 4 $port g wlch -p 3000
	block_servers $port
	clients 4 $port 10
	ktap_check "weight 0: 10 handshakes are pending, on one server" \
		poll 60 all_on_one 4 $port 10
	first=${RIP1[4]}
	[ "$(handshakes 4 $port)" = "10 0" ] || first=${RIP2[4]}
	ipvs -e -t "${VIP[4]}:$port" -r "$first:$port" -g -w 0
	clients_end
	clients 4 $port 10
	ktap_check "weight 0: the client's next ones go to the other" \
		poll 60 half_open_is 4 $port "10 10"
	ktap_check "weight 0: chosen anew, once" picks_are 4 $port 2
	unblock_servers
	ktap_check "weight 0: they complete" expect 10 "$(clients_connected)"
	ktap_check "weight 0: those given up are half-open still" \
		poll 60 all_on_one 4 $port 10
	clients_end
}

# With NAT the core takes a template for the connection of the client's port 0. Until the
# client has completed a handshake its state is that of a new one, which a SYN-ACK would
# bring into the handshake. Both servers send one, as chance decides who has the client.
port_zero_of_client() {
	local port=8960 name="SYN-ACK to port 0"
	ktap_check "$name: a service" service 4 $port m wlch -p 3000
	block_servers $port
	clients 4 $port 1
	ktap_check "$name: a handshake is pending" poll 60 all_on_one 4 $port 1
	tally "$CLIENT" input "tcp dport 0"
	ip netns exec "$SERVER1" segment_send SA "${RIP1[4]}" $port 10.1.0.2 0
	ip netns exec "$SERVER2" segment_send SA "${RIP2[4]}" $port 10.1.0.2 0
	ktap_check "$name: the client gets that of both servers" \
		poll 60 at_least 2 tallied "$CLIENT"
	ktap_check "$name: the template is not half-open" all_on_one 4 $port 1
	unblock "$CLIENT"
	unblock_servers
	clients_end
}

conntracks() {
	in_director cat /proc/sys/net/netfilter/nf_conntrack_count
}
conntracks_at_least() {
	local n
	n=$(conntracks)
	[ "$n" -ge "$1" ] || { echo "$n of at least $1 conntracks"; return 1; }
}

# With conntrack a connection with an application gets an extension for it.
# A rule that asks for it makes a namespace have it.
tracked() {
	in_director sh -c 'echo 1 >/proc/sys/net/ipv4/vs/conntrack'
	ip netns exec "$DIRECTOR" nft -f - <<-E
		table ip wlch {
			chain tracked {
				type filter hook forward priority filter
				ct state invalid counter
			}
		}
	E
	one_client 4 m 8950 "conntrack, IPv4 -m -p" -p 3000
	ktap_check "conntrack, IPv4 -m -p: they are tracked" conntracks_at_least 40
}

# sip COUNT CALL: datagrams of COUNT clients; CALL names the call of each, with
# % for the number of the client. cat, as bash writes line by line.
sip() {
	local message=$'INVITE sip:a@b SIP/2.0\r\nCall-ID: '$2$'\r\n\r'
	# shellcheck disable=SC2016 # for the inner shell
	in_client bash -c '
		for ((i = 0; i < $1; i++)); do
			exec {fd}<>"/dev/udp/$0/5060" || exit
			cat <<<"${2/\%/$i}" >&$fd || exit
		done' "${VIP[4]}" "$1" "$message"
}

sip_service() {
	modprobe ip_vs_pe_sip
	ipvs -A -u "${VIP[4]}:5060" -s wlch -p 3000 --pe sip &&
		ipvs -a -u "${VIP[4]}:5060" -r "${RIP1[4]}:5060" -m &&
		ipvs -a -u "${VIP[4]}:5060" -r "${RIP2[4]}:5060" -m
}

# "ActiveConn InActConn HalfOpen Refused Load Picks" of both, the idler first
sip_rows() {
	ipvs -L -n -u "${VIP[4]}:5060" --sched-param | awk '
		$1 == "->" && $2 ~ /:5060$/ { print $5, $6, $7, $8, $9, $10 }' |
		sort -n -k 2 | paste -sd,
}
sip_rows_are() { expect "$1" "$(sip_rows)" "counts of the SIP service"; }

sip_calls() {
	local before
	before=$(templates 4)
	ktap_check "SIP: a service" sip_service
	ktap_check "SIP: ten clients in one call" sip 10 one@call
	ktap_check "SIP: they are on one server, chosen once, none half-open" \
		poll 60 sip_rows_are "0 0 0 0 0 0,0 10 0 0 10 1"
	ktap_check "SIP: there is one template" templates_are 4 $((before + 1))
	ktap_check "SIP: ten clients in ten calls" sip 10 %@call
	ktap_check "SIP: the other server gets them" \
		poll 60 sip_rows_are "0 10 0 0 10 1,0 10 0 0 10 10"
	ktap_check "SIP: there are eleven templates" templates_are 4 $((before + 11))
}

wlch_start
serve "$SERVER1" "${PORTS[@]}" && serve "$SERVER2" "${PORTS[@]}" || exit 1
ip -n "$CLIENT" addr add "${NEIGHBOUR[4]}/24" dev eth0
# not to be chosen by those that ask for no address
ip -n "$CLIENT" addr add "${NEIGHBOUR[6]}/64" dev eth0 nodad preferred_lft 0

one_client 4 g 8901 "IPv4 -g -p" -p 3000
ktap_check "there are two IPv4 templates, of 40 connections" templates_are 4 2
one_client 4 m 8902 "IPv4 -m -p -M" -p 3000 -M "${MASK[4]}"
ktap_check "there is one IPv4 template more" templates_are 4 3
one_client 6 g 8903 "IPv6 -g -p" -p 3000
one_client 6 g 8904 "IPv6 -g -p -M" -p 3000 -M "${MASK[6]}"
ktap_check "there are three IPv6 templates" templates_are 6 3
port_zero
marked
quiescent
port_zero_of_client
sip_calls
tracked
ktap_end
