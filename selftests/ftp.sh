#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# With ip_vs_ftp its connections to port 21 have an application of their own.
# wlch leaves them alone: they count as the core counts them. All others are
# followed, the data connections that ip_vs_ftp expects among them.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

FTP=21
OTHER=8960
DATA=8961

hold() { block_servers "{ $FTP, $OTHER, $DATA }"; }

half_opens_are() {
	expect "$3" "$(half_open "$1" "$2")" "reported half-open"
}

listens_are() {
	expect "$3" "$(table "$1" "$2" LISTEN)" "expected connections"
}

# The first server only, so that it is known who answers PASV.
configure() {
	# mangling a reply takes conntrack
	in_director sh -c 'echo 1 >/proc/sys/net/ipv4/vs/conntrack' &&
		modprobe ip_vs_ftp ports=$FTP &&
		service 4 $FTP m wlch && service 4 $OTHER m wlch
}

ftp_serves() {
	local log
	log=$(mktemp)
	ip netns exec "$1" ftp_serve "$2" $FTP $DATA >"$log" 2>&1 &
	disown	# topology_down ends it
	poll 30 grep -q '^listening' "$log" && rm -f "$log"
}

pending() {
	local ftp_log ftp_pid
	hold
	clients 4 $FTP 20 --rst
	ftp_log=$clients_log ftp_pid=$clients_pid
	clients 4 $OTHER 20 --rst
	ktap_check "20 handshakes to port 21 are pending" \
		poll 60 handshakes_are 4 $FTP "10 10"
	ktap_check "... the core counts them as active" \
		expect "10 10" "$(active 4 $FTP)"
	ktap_check "... and they are not reported" \
		half_opens_are 4 $FTP "0 0"
	ktap_check "20 to another port are, as the table has them" \
		poll 60 half_open_is 4 $OTHER "10 10"
	unblock_servers
	ktap_check "those complete" expect 20 "$(clients_connected)"
	ktap_check "... and none is half-open" half_open_is 4 $OTHER "0 0"
	clients_end
	clients_log=$ftp_log clients_pid=$ftp_pid
	ktap_check "those to port 21 find nobody" expect 0 "$(clients_connected)"
	ktap_check "... and do not count as refused" \
		expect "0 0" "$(refused 4 $FTP)"
	clients_end
}

# A client that asks for a passive connection and waits. The reply goes to
# $reply.
control() {
	reply=$(mktemp)
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec "$CLIENT" bash -c '
		exec 3<>"/dev/tcp/$0/$1" && read -r greeting <&3 &&
		printf "PASV\r\n" >&3 && read -r reply <&3 && echo "$reply" && read -r <&3' \
		"${VIP[4]}" $FTP >"$reply" &
	control_pid=$!
	poll 60 grep -q "^227 .*(${VIP[4]//./,},$((DATA >> 8)),$((DATA & 255)))" "$reply"
}

passive() {
	ktap_check "a server answers PASV, and the client reads the VIP" control
	ktap_check "ip_vs_ftp expects a data connection" \
		poll 30 listens_are 4 $DATA "1 0"
	ktap_check "... that is not half-open" half_opens_are 4 $FTP "0 0"
	hold
	clients 4 $DATA 1 --rst
	ktap_check "it is opened: its handshake is pending" \
		poll 60 handshakes_are 4 $DATA "1 0"
	ktap_check "... and reported" half_opens_are 4 $FTP "1 0"
	ktap_check "... beside the control connection, which is established" \
		expect "2 0" "$(active 4 $FTP)"
	unblock_servers
	ktap_check "it completes" expect 1 "$(clients_connected)"
	ktap_check "... and is not half-open" half_opens_are 4 $FTP "0 0"
	clients_end
	kill "$control_pid"
	wait "$control_pid" 2>/dev/null
	rm -f "$reply"
}

wlch_start
ftp_loaded=$(test -e /sys/module/ip_vs_ftp && echo 1)
ktap_check "ip_vs_ftp is loaded, with a service on port 21" configure
serve "$SERVER1" $OTHER $DATA && serve "$SERVER2" $OTHER $DATA || exit 1
pending
ftp_serves "$SERVER1" "${RIP1[4]}" || exit 1
ipvs -e -t "${VIP[4]}:$FTP" -r "${RIP2[4]}:$FTP" -m -w 0
passive
topology_down
[ -n "$ftp_loaded" ] || rmmod ip_vs_ftp
ktap_end
