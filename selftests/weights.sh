#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Servers get connections in proportion to their weights, whatever these are;
# of idle servers the heaviest comes first, and each once before any comes
# twice. One of ten servers is removed and added again: the others only share what
# it would have got meanwhile.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/netlink.sh
. "$(dirname "$0")/lib/netlink.sh"
# shellcheck source=selftests/lib/pool.sh
. "$(dirname "$0")/lib/pool.sh"

PORT=8200
FIRST=8201 LAST=8210
FLAPS=10	# at least so often a server goes and comes

# begin FORM SCHEDULER [WEIGHT...]: a service on the next port
begin() {
	local form=$1 scheduler=$2 rip
	PORT=$((PORT + 1))
	service "$form" $PORT g "$scheduler" || return
	shift 2
	for rip in $(rips "$form"); do
		[ $# -eq 0 ] || weigh "$rip" "$1" || return
		shift
	done
}

# weigh SERVER WEIGHT: ipvsadm would not let through more than 65535
weigh() {
	local hex answer
	# shellcheck disable=SC2046 # the parts of an address
	printf -v hex '%02x' $(tr . ' ' <<<"$1")
	answer=$(in_director genl_send IPVS 6 "$(attr $((1 | NESTED)) \
		"$(attr 1 "$(u16 2)")$(attr 2 "$(u16 6)")$(attr 3 0a010064)$(
		attr 4 "$(be16 $PORT)")")$(attr $((2 | NESTED)) \
		"$(attr 1 "$hex")$(attr 2 "$(be16 $PORT)")$(attr 3 "$(u32 3)")$(
		attr 4 "$(u32 "$2")")$(attr 5 "$(u32 0)")$(attr 6 "$(u32 0)")")")
	expect "error=0 messages=0 text=" "$answer" "answer to the weight $2"
}

weights_are() { expect "$2" "$(column "$1" $PORT 4)" weights; }

# come FORM COUNT [OPTION...]: connections that stay
come() {
	clients "$1" $PORT "${@:2}"
	expect "$2" "$(clients_connected)" "connected clients" && clients_stay
}

# proportional SCHEDULER "SHARES": what 600 connections come to
proportional() {
	local name="weights 1:2:3, $1"
	begin pool3 "$1" 1 2 3
	ktap_check "$name: 600 clients connect" come pool3 600
	ktap_note "$name: $(active pool3 $PORT)"
	ktap_check "$name: $2, +- 1" each_within 1 "$2" "$(active pool3 $PORT)"
}

ONE_AFTER_THE_OTHER=(
	"1 0 0 0"
	"1 1 0 0"
	"1 1 1 0"
	"1 1 1 1"
)

extreme_begin() {
	begin pool4 "$1" 2147483647 65535 100 1
	ktap_check "$name: the service has them" \
		weights_are pool4 "2147483647 65535 100 1"
}

extreme() {
	local name="weights up to INT32_MAX, wlch" shares
	extreme_begin wlch
	for shares in "${ONE_AFTER_THE_OTHER[@]}"; do
		ktap_check "$name: a client connects" come pool4 1
		ktap_check "$name: then they have $shares" \
			expect "$shares" "$(active pool4 $PORT)"
	done
	ktap_check "$name: 96 more connect" come pool4 96
	ktap_check "$name: all to the heaviest" \
		expect "97 1 1 1" "$(active pool4 $PORT)"
}

# To wlc all idle servers are the same, and the last added is the first.
extreme_control() {
	local name="weights up to INT32_MAX, wlc"
	extreme_begin wlc
	ktap_check "$name: a client connects" come pool4 1
	ktap_check "$name: it goes to the lightest" \
		expect "0 0 0 1" "$(active pool4 $PORT)"
}

# The server that comes and goes is the fifth.
FLAPPING=10.2.0.105

leaves() { ipvs -d -t "$(service_address 4 $PORT)" -r $FLAPPING:$PORT; }
returns() { ipvs -a -t "$(service_address 4 $PORT)" -r $FLAPPING:$PORT -g; }

# loaded NAME SCHEDULER: 50 connections on each of 10 servers
loaded() {
	begin pool10 "$2"
	ktap_check "$1: 500 clients connect" come pool10 500
	ktap_check "$1: 50 to each server" \
		expect "50 50 50 50 50 50 50 50 50 50" "$(active pool10 $PORT)"
}

# Of 90 connections each of ten servers would get 9. So 9 move, one to each of
# the nine others.
removed() {
	local name="a server is removed, $1"
	loaded "$name" "$1"
	leaves
	ktap_check "$name: 90 more clients connect" come pool10 90
	ktap_check "$name: 9 of them and 1 of the removed to each other server" \
		expect "60 60 60 60 60 60 60 60 60" "$(active pool10 $PORT)"
	returns
	ktap_check "$name: added again it has its connections" \
		expect "60 60 60 60 50 60 60 60 60 60" "$(active pool10 $PORT)"
	ktap_check "$name: 10 more clients connect" come pool10 10
	ktap_check "$name: it gets them, and nothing changes for the others" \
		expect "60 60 60 60 60 60 60 60 60 60" "$(active pool10 $PORT)"
	ktap_check "$name: 100 more clients connect" come pool10 100
	ktap_check "$name: each gets its share" \
		expect "70 70 70 70 70 70 70 70 70 70" "$(active pool10 $PORT)"
}

# The control: to wrr it is as if nothing had been there before, and each change
# lets it begin a round anew.
removed_control() {
	local name="a server is removed, wrr"
	loaded "$name" wrr
	leaves
	ktap_check "$name: 90 more clients connect" come pool10 90
	returns
	ktap_check "$name: 110 more clients connect" come pool10 110
	ktap_note "$name: $(active pool10 $PORT)"
	ktap_check "$name: it does not get back what it missed" \
		expect "71 71 71 71 61 71 71 71 71 71" "$(active pool10 $PORT)"
}

# flap DIR: until there is a file "stop"; a line in "flaps" for each time
flap() {
	until [ -e "$1/stop" ]; do
		leaves && returns && echo >>"$1/flaps"
	done
}

# 500 clients come while it flaps, or more if they come faster than that.
come_meanwhile() {
	local dir flapper came=0
	dir=$(mktemp -d)
	touch "$dir/flaps"
	flap "$dir" &
	flapper=$!
	while [ $came -lt 500 ] || [ "$(wc -l <"$dir/flaps")" -lt $FLAPS ]; do
		come pool10 100 --interval 2000 || return
		came=$((came + 100))
	done
	touch "$dir/stop"
	wait $flapper
	flaps=$(wc -l <"$dir/flaps")
	rm -r "$dir"
	all=$((500 + came))
}

# The others' part of what came: as much as without the flaps, and their part of
# what moved. The server that flaps gets what moved back when it is there.
others_level() {
	local each
	read -ra each <<<"$shares"
	[ $((10 * each[4])) -le "$all" ] || { echo "it has more than its share"; return 1; }
	unset "each[4]"
	level "${each[*]}"
}

# flapping SCHEDULER: of servers that hold 50 each
flapping() {
	name="a server flaps, $1"
	loaded "$name" "$1"
	ktap_check "$name: clients connect meanwhile" come_meanwhile
	shares=$(active pool10 $PORT)
	ktap_note "$name: $flaps times, and all $all are at: $shares"
	ktap_check "$name: all connections are there" expect "$all" "$(sum "$shares")"
}

wlch_start
pool_up 10
pool 3
pool 4
pool 10
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" $(seq $FIRST $LAST) || exit 1

proportional wlc "100 200 300"
proportional wlch "100 200 300"
proportional lc "200 200 200"
extreme_control
extreme
removed_control
removed wlc
removed wlch
flapping wrr
ktap_check "$name: the other servers differ" [ "$(spread "$(cut -d ' ' -f 1-4,6- <<<"$shares")")" -gt 1 ]
flapping wlch
ktap_check "$name: each other server has its part of what came" others_level
ktap_end
