# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A client, a director and two real servers, each in a network namespace of
# its own, on one Ethernet:
#
#	client            director           server 1        server 2
#	10.1.0.2          10.1.0.1
#	fd00:1::2         10.2.0.1           10.2.0.11       10.2.0.12
#	   |              fd00:1::1, fd00:2::1  fd00:2::11   fd00:2::12
#	   |              VIP on eth0        VIP on lo       VIP on lo
#	   +------------------+---- switch ----+----------------+
#
# VIP is 10.1.0.100 and fd00:1::100. What a server sends from its own address
# goes through the director (NAT); what it sends from the VIP goes straight to
# the client (direct routing and tunnelling). So all forwarding methods work
# side by side. Servers listen on all addresses.
#
# topology_up makes it and removes it when the script ends.

CLIENT=wlch-c-$$
DIRECTOR=wlch-d-$$
SERVER1=wlch-s1-$$
SERVER2=wlch-s2-$$
SWITCH=wlch-sw-$$

declare -A VIP=([4]=10.1.0.100 [6]=fd00:1::100)
# shellcheck disable=SC2034 # for the scripts
declare -A RIP1=([4]=10.2.0.11 [6]=fd00:2::11) RIP2=([4]=10.2.0.12 [6]=fd00:2::12)

in_client() { ip netns exec "$CLIENT" "$@"; }
in_director() { ip netns exec "$DIRECTOR" "$@"; }

# namespace_down NAMESPACE: with who runs in it, who would keep it
namespace_down() {
	local pids
	[ -e "/run/netns/$1" ] || return 0
	pids=$(ip netns pids "$1")
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$pids" ] || kill -9 $pids 2>/dev/null
	ip netns del "$1"
}

topology_down() {
	local ns
	for ns in "$CLIENT" "$DIRECTOR" "$SERVER1" "$SERVER2" "$SWITCH"; do
		namespace_down "$ns"
	done
}

# plug NAMESPACE PORT: eth0 there, PORT on the switch
plug() {
	printf 'link add eth0 netns %s type veth peer name %s netns %s\n' \
		"$1" "$2" "$SWITCH"
}

topology_wire() {
	local ns
	for ns in "$CLIENT" "$DIRECTOR" "$SERVER1" "$SERVER2" "$SWITCH"; do
		ip netns add "$ns" || return
		# Duplicate address detection would hold addresses back. With
		# redirects a server would learn the way around the director.
		ip netns exec "$ns" sh -c '
			echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
			echo 0 >/proc/sys/net/ipv6/conf/default/accept_redirects
			echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
			echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter' || return
	done
	{
		plug "$CLIENT" client
		plug "$DIRECTOR" director
		plug "$SERVER1" server1
		plug "$SERVER2" server2
	} | ip -batch - || return
	ip -n "$SWITCH" -batch - <<-E
		link add br0 type bridge
		link set br0 up
		link set client master br0 up
		link set director master br0 up
		link set server1 master br0 up
		link set server2 master br0 up
	E
}

topology_client() {
	ip -n "$CLIENT" -batch - <<-E
		link set lo up
		link set eth0 up
		addr add 10.1.0.2/24 dev eth0
		addr add fd00:1::2/64 dev eth0 nodad
		route add 10.2.0.0/24 via 10.1.0.1
		route add fd00:2::/64 via fd00:1::1
	E
}

topology_director() {
	in_director sh -c '
		echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects
		echo 0 >/proc/sys/net/ipv4/conf/default/send_redirects' || return
	ip -n "$DIRECTOR" -batch - <<-E
		link set lo up
		link set eth0 up
		addr add 10.1.0.1/24 dev eth0
		addr add 10.2.0.1/24 dev eth0
		addr add ${VIP[4]}/32 dev eth0
		addr add fd00:1::1/64 dev eth0 nodad
		addr add fd00:2::1/64 dev eth0 nodad
		addr add ${VIP[6]}/128 dev eth0 nodad
	E
}

# topology_server NAMESPACE NUMBER
topology_server() {
	ip netns exec "$1" sh -c '
		echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
		echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce
		echo 65535 >/proc/sys/net/core/somaxconn
		echo 65535 >/proc/sys/net/ipv4/tcp_max_syn_backlog' || return
	ip -n "$1" -batch - <<-E || return
		link set lo up
		link set eth0 up
		link set tunl0 up
		link set ip6tnl0 up
		addr add 10.2.0.1$2/24 dev eth0
		addr add fd00:2::1$2/64 dev eth0 nodad
		addr add ${VIP[4]}/32 dev lo
		addr add ${VIP[6]}/128 dev lo nodad
		route add 10.1.0.0/24 dev eth0
		route add fd00:1::/64 dev eth0
		route add default via 10.2.0.1 table 100
		route add default via fd00:2::1 table 100
		rule add from 10.2.0.0/24 to 10.1.0.0/24 lookup 100
	E
	ip -6 -n "$1" rule add from fd00:2::/64 to fd00:1::/64 lookup 100
}

topology_up() {
	trap topology_down EXIT
	trap 'exit 130' INT TERM
	modprobe -a ip_vs veth bridge ipip ip6_tunnel sch_netem || return
	topology_wire && topology_client && topology_director &&
		topology_server "$SERVER1" 1 && topology_server "$SERVER2" 2 &&
		topology_warm
}

# Let everybody know everybody's hardware address before anything is measured.
topology_warm() {
	local target
	for target in 10.1.0.1 10.2.0.11 10.2.0.12 fd00:1::1 fd00:2::11 fd00:2::12; do
		poll 10 in_client ping -q -c 1 -W 1 "$target" >/dev/null || return
	done
	for target in 10.2.0.11 10.2.0.12 fd00:2::11 fd00:2::12; do
		poll 10 in_director ping -q -c 1 -W 1 "$target" >/dev/null || return
	done
}

# delay NAMESPACE MILLISECONDS: what a server sends takes that long
delay() {
	tc -n "$1" qdisc replace dev eth0 root netem delay "$2ms" limit 100000
}

# block NAMESPACE PORT [CHUNK] / unblock NAMESPACE: no SYN to that port is heard,
# and no SCTP chunk of that type to or from it, which is INIT unless it is
# given. On a director IPVS has seen them before.
block() {
	ip netns exec "$1" nft -f - <<-E
		table inet wlch {
			chain in {
				type filter hook input priority 200
				tcp dport $2 tcp flags syn drop
				sctp dport $2 @th,96,8 ${3:-1} drop
				sctp sport $2 @th,96,8 ${3:-1} drop
			}
		}
	E
}

unblock() {
	ip netns exec "$1" nft delete table inet wlch
}

# serve NAMESPACE [--sctp | --udp] PORT...: listen on all addresses; returns
# when it does
serve() {
	local ns=$1 port args=() log rc
	shift
	case $1 in
	-*)	args+=("$1")
		shift ;;
	esac
	for port in "$@"; do
		args+=(0.0.0.0 "$port" :: "$port")
	done
	log=$(mktemp)
	ip netns exec "$ns" conn_serve "${args[@]}" >"$log" 2>&1 &
	disown	# topology_down ends it
	poll 30 grep -q '^listening' "$log"
	rc=$?
	[ $rc -eq 0 ] || cat "$log"
	rm -f "$log"
	return $rc
}
