# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A second director on the network of topology.sh, as a backup: it has no VIP
# and is nobody's gateway until the first one has failed.
#
#	backup		10.1.0.4, 10.2.0.4, fd00:1::4, fd00:2::4

BACKUP=wlch-b-$$

in_backup() { ip netns exec "$BACKUP" "$@"; }

# on_backup COMMAND...: with the backup as the director it asks
on_backup() {
	# shellcheck disable=SC2034 # for the command
	local DIRECTOR=$BACKUP
	"$@"
}

backup_up() {
	trap 'backup_down; topology_down' EXIT
	ip netns add "$BACKUP" || return
	in_backup sh -c '
		echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
		echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
		echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter
		echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects
		echo 0 >/proc/sys/net/ipv4/conf/default/send_redirects' || return
	plug "$BACKUP" backup | ip -batch - || return
	ip -n "$SWITCH" link set backup master br0 up || return
	ip -n "$BACKUP" -batch - <<-E
		link set lo up
		link set eth0 up
		addr add 10.1.0.4/24 dev eth0
		addr add 10.2.0.4/24 dev eth0
		addr add fd00:1::4/64 dev eth0 nodad
		addr add fd00:2::4/64 dev eth0 nodad
	E
}

backup_down() {
	[ -e "/run/netns/$BACKUP" ] || return 0
	on_backup ipvs --stop-daemon backup 2>/dev/null
	namespace_down "$BACKUP"
}

# takes_over NEW OLD: the VIP and the servers' gateway move from one director
# to the other, and everybody asks anew where they are
takes_over() {
	local ns
	ip -n "$2" -batch - <<-E || return
		addr del ${VIP[4]}/32 dev eth0
		addr del ${VIP[6]}/128 dev eth0
		addr del 10.2.0.1/24 dev eth0
	E
	ip -n "$1" -batch - <<-E || return
		addr add ${VIP[4]}/32 dev eth0
		addr add ${VIP[6]}/128 dev eth0 nodad
		addr add 10.2.0.1/24 dev eth0
	E
	for ns in "$CLIENT" "$SERVER1" "$SERVER2"; do
		ip -n "$ns" neigh flush dev eth0
	done
}
