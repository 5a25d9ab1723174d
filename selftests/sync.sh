#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A master and a backup director with the sync daemon: what the master tells
# about its connections never makes one half-open at the backup, and after a
# failover the backup counts those that begin there.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/backup.sh
. "$(dirname "$0")/lib/backup.sh"

NAT=8800	# both servers
DR=8801		# the same, IPv6
UDP=8802
ONE=8803	# server 1 only
OTHER=8804	# at the master server 2, at the backup server 1

FIN_TIMEOUT=20
UDP_TIMEOUT=30

configure() {
	ipvs --set 0 $FIN_TIMEOUT $UDP_TIMEOUT &&
		in_director sh -c 'echo "0 1" >/proc/sys/net/ipv4/vs/sync_threshold' || return
	service 4 $NAT m wlch && service 6 $DR g wlch &&
		service 4 $ONE g wlch && service 4 $OTHER g wlch &&
		ipvs -d -t "${VIP[4]}:$ONE" -r "${RIP2[4]}:$ONE" || return
	ipvs -A -u "${VIP[4]}:$UDP" -s wlch &&
		ipvs -a -u "${VIP[4]}:$UDP" -r "${RIP1[4]}:$UDP" -m &&
		ipvs -a -u "${VIP[4]}:$UDP" -r "${RIP2[4]}:$UDP" -m
}

daemons() {
	ipvs --start-daemon master --mcast-interface eth0 &&
		on_backup ipvs --start-daemon backup --mcast-interface eth0
}

# never_half_open FAMILY PORT: looked at whenever the backup is asked
never_half_open() {
	local told
	told=$(on_backup half_open "$1" "$2")
	[ "$told" = "0 0" ] || invented="$invented $1 $2: $told"
}

# The entries the backup has of a service in a state.
backup_has() {
	never_half_open "$1" "$2"
	expect "$4" "$(on_backup table "$1" "$2" "$3")" "entries at the backup"
}

# ActiveConn, InActConn, HalfOpen, Refused and Load of the first server
row() { servers "$1" "$2" --sched-param | awk 'NR == 1 { print $5, $6, $7, $8, $9 }'; }
row_is() { expect "$3" "$(row "$1" "$2")" "active inactive half-open refused load"; }

established() {
	local family=$1 port=$2 name=$3
	clients "$family" "$port" 40 --rst
	ktap_check "$name: 40 clients connect through the master" \
		expect 40 "$(clients_connected)"
	ktap_check "$name: the backup has them" \
		poll 60 backup_has "$family" "$port" ESTABLISHED "20 20"
	ktap_check "$name: and counts them as established" \
		on_backup row_is "$family" "$port" "20 0 0 0 160"
	clients_end
	ktap_check "$name: reset, they are inactive at the backup, not refused" \
		poll 60 backup_closed "$family" "$port"
}

backup_closed() {
	backup_has "$1" "$2" CLOSE "20 20" &&
		on_backup row_is "$1" "$2" "0 20 0 0 20"
}

# Ten sockets, a datagram each.
datagrams() {
	# shellcheck disable=SC2016 # for the inner shell
	in_client bash -c '
		for i in 1 2 3 4 5 6 7 8 9 10; do
			exec {fd}<>"/dev/udp/$0/$1" && echo x >&$fd || exit
		done' "${VIP[4]}" $UDP
}

udp_table_is() { expect "$1" "$(table 4 $UDP UDP)" "entries"; }

udp_servers() {
	ipvs -L -n -u "${VIP[4]}:$UDP" --sched-param | awk '
		$2 ~ /:'$UDP'$/ && $1 == "->" { print $5, $6, $7, $8, $9 }' | paste -sd,
}

udp() {
	ktap_check "UDP: ten datagrams pass the master" datagrams
	ktap_check "UDP: the backup has them" poll 60 on_backup udp_table_is "5 5"
	ktap_check "UDP: all are inactive there" \
		expect "0 5 0 0 5,0 5 0 0 5" "$(on_backup udp_servers)"
}

# Handshakes at the master stay there.
pending_at_master() {
	block "$SERVER1" $NAT && block "$SERVER2" $NAT
	clients 4 $NAT 20 --rst
	ktap_check "20 handshakes are pending at the master" \
		poll 60 half_open_is 4 $NAT "10 10"
	unblock "$SERVER1"
	ktap_check "... one server completes, the backup has those" \
		poll 120 backup_has 4 $NAT ESTABLISHED "10 0"
	ktap_check "... and nothing of the others" \
		expect "0 0" "$(on_backup handshakes 4 $NAT)"
	unblock "$SERVER2"
	ktap_check "... all complete" expect 20 "$(clients_connected)"
	ktap_check "... and the backup has them" \
		poll 60 backup_has 4 $NAT ESTABLISHED "10 10"
	held_pid=$clients_pid
}

failover() {
	ktap_check "the backup takes over" takes_over "$BACKUP" "$DIRECTOR"
	block "$SERVER1" $NAT && block "$SERVER2" $NAT
	clients 4 $NAT 20 --rst
	ktap_check "20 new handshakes are pending at the backup" \
		poll 120 on_backup half_open_is 4 $NAT "10 10"
	ktap_check "... beside those that it was told of" \
		expect "10 10" "$(on_backup table 4 $NAT ESTABLISHED)"
	ktap_check "... it counts both" \
		on_backup row_is 4 $NAT "20 0 10 0 160"
	unblock "$SERVER1"
	unblock "$SERVER2"
	ktap_check "... they complete" expect 20 "$(clients_connected)"
	ktap_check "... and none is half-open" on_backup half_open_is 4 $NAT "0 0"
}

client_sees_end() {
	local n
	n=$(in_client ss -Htn state close-wait "( dport = :$NAT )" | wc -l)
	expect 40 "$n" "connections whose end the client has seen"
}

# What a server sends on the held connections reaches the client, and only
# through the backup: the servers end, and the client hears of it.
held_connections_work() {
	local pids
	pids=$(ip netns pids "$SERVER1"; ip netns pids "$SERVER2")
	# shellcheck disable=SC2086 # numbers
	kill $pids
	ktap_check "the servers end all connections: the client hears it" \
		poll 60 client_sees_end
	kill "$held_pid"
	wait "$held_pid" 2>/dev/null
	clients_end
}

# Handshakes that the backup has seen begin and the master complete.
taken_back() {
	local one_pid other_pid
	ktap_need serve "$SERVER1" $ONE && ktap_need serve "$SERVER2" $OTHER || return
	ipvs -e -t "${VIP[4]}:$OTHER" -r "${RIP1[4]}:$OTHER" -g -w 0
	on_backup ipvs -e -t "${VIP[4]}:$OTHER" -r "${RIP2[4]}:$OTHER" -g -w 0
	block "$SERVER1" "{ $ONE, $OTHER }"
	clients 4 $ONE 10
	one_pid=$clients_pid
	clients 4 $OTHER 10
	other_pid=$clients_pid
	ktap_check "10 handshakes with a server are pending at the backup" \
		poll 60 on_backup one_half_open 10
	ktap_check "... and 10 that the master will send elsewhere" \
		poll 60 on_backup half_open_is 4 $OTHER "10 0"
	ktap_check "the master takes back" takes_over "$DIRECTOR" "$BACKUP"
	unblock "$SERVER1"
	ktap_check "a message makes the backup's half-open ones established" \
		poll 120 on_backup one_established 10
	ktap_check "... another replaces those that went elsewhere" \
		poll 120 on_backup elsewhere
	ktap_check "the backup takes over again" takes_over "$BACKUP" "$DIRECTOR"
	kill "$one_pid" "$other_pid"
	wait "$one_pid" "$other_pid" 2>/dev/null
	ktap_check "the next packet of each ends its being half-open" \
		poll 60 on_backup one_closing 10
}

one_row() { servers 4 $ONE --sched-param | awk '{ print $5, $6, $7, $8 }'; }
one_table() { expect "$2 0" "$(table 4 $ONE "$1")" "entries in $1"; }
one_half_open() {
	one_table "SYN_RECV" "$1" && expect "$1 0 $1 0" "$(one_row)" "counts"
}
one_established() { one_table ESTABLISHED "$1"; }
one_closing() {
	one_table FIN_WAIT "$1" && expect "0 $1 0 0" "$(one_row)" "counts"
}
elsewhere() {
	expect "0 10" "$(table 4 $OTHER ESTABLISHED)" "established" &&
		half_open_is 4 $OTHER "0 0"
}

# At the backup, which has seen the end of all.
all_gone() {
	local entries
	entries=$(in_backup cat /proc/net/ip_vs_conn | tail -n +2)
	[ -z "$entries" ] || { echo "$entries" | head -n 5; return 1; }
}

counts_are_zero() {
	local told
	told=$(on_backup ipvs -L -n --sched-param | awk '
		$1 == "->" && $5 ~ /^[0-9]+$/ && $5 + $6 + $7 + $8 + $9 { print }')
	expect "" "$told" "counts that are not 0"
}

# as before the test; others may use the module
unreferenced() { expect "$references" "$(module_references)" "references to the module"; }

invented=
wlch_start
references=$(module_references)
backup_up || exit 1
serve "$SERVER1" $NAT $DR && serve "$SERVER2" $NAT $DR || exit 1
ktap_check "the same services on both directors" \
	eval "configure && on_backup configure"
ktap_check "the sync daemons start" daemons
udp
established 4 $NAT "IPv4 -m"
established 6 $DR "IPv6 -g"
pending_at_master
ktap_check "until here nothing was half-open at the backup" expect "" "$invented"
failover
held_connections_work
taken_back
ktap_check "the backup's entries expire" poll 120 all_gone
ktap_check "... and all its counts are 0" counts_are_zero
ktap_check "at the master nothing is half-open" half_open_is 4 $NAT "0 0"
ktap_check "... and nothing of the others" half_open_is 4 $OTHER "0 0"
backup_down
topology_down
ktap_check "with the namespaces everything is gone" \
	poll 60 unreferenced
ktap_end
