#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ipvsadm -L --json: a valid document that says what the table and the lists
# say, with the keys that the manual page promises.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

VS=10.1.0.100

# document [OPTION...]: the document, with its keys sorted
document() { ipvs -L --json "$@" | jq -S .; }

# ask FILTER [OPTION...]: what jq finds in the document, on one line
ask() {
	local filter=$1
	shift
	ipvs -L --json "$@" | jq -c "$filter"
}

not() { ! "$@"; }

# refuses MESSAGE ARGUMENT...
refuses() {
	local message=$1 said
	shift
	if said=$(ipvs "$@" 2>&1); then
		echo "it succeeded"
		return 1
	fi
	expect "$message" "$said"
}

empty_table() {
	ktap_check "a table without services is an empty array" \
		expect '[]' "$(ask .services)"
	ktap_check "... with the version of IPVS" expect \
		"$(ipvs -L | sed -n 's/^IP.* version \(.*\) (size=\(.*\))/\1 \2/p')" \
		"$(ipvs -L --json | jq -r '"\(.version) \(.size)"')"
}

fill() {
	ipvs -R <<-E
		-A -t $VS:8801 -s wlch --sched-param active=4,slowstart=60,choices=2
		-a -t $VS:8801 -r 10.2.0.11:80 -m -w 3 -x 100 -y 10
		-A -u [fd00:1::100]:8801 -s sh -b sh-port,sh-fallback -p 300 -M 64 -o
		-a -u [fd00:1::100]:8801 -r [fd00:2::11]:8801 -g -w 0
		-A -u $VS:8801 -s rr -b flag-2 -p 60 -M 255.255.255.0 --pe sip
		-A -f 4294967295 -s mh -b mh-port
		-a -f 4294967295 -r 10.2.0.11 -i -w 65535
		-a -f 4294967295 -r 10.2.0.12 -i --tun-type gue --tun-port 6080 --tun-csum
		-a -f 4294967295 -r 10.2.0.13 -i --tun-type gre
		-A -f 5 -6 -s rr
		-A --sctp-service $VS:0 -s rr -p 1
	E
}

# All of it, but for the figures of --stats and --rate
everything() {
	cat <<-'E'
	[
	  {"family": "ipv4", "protocol": "tcp", "address": "10.1.0.100", "port": 8801,
	   "scheduler": "wlch", "scheduler_flags": [], "one_packet": false,
	   "wlch": {"params": {"active": 4, "halfopen": 8, "refused": 8, "inactive": 1,
			       "slowstart": 60, "choices": 2},
		    "picks": 0, "no_server": 0, "retries": 0},
	   "servers": [
	    {"family": "ipv4", "address": "10.2.0.11", "port": 80, "forwarding": "masq",
	     "weight": 3, "upper_threshold": 100, "lower_threshold": 10,
	     "active_connections": 0, "inactive_connections": 0,
	     "persistent_connections": 0,
	     "wlch": {"effective_weight": 3, "established": 0, "half_open": 0,
		      "refused": 0, "inactive": 0, "load": 0, "picks": 0}}]},
	  {"family": "ipv4", "protocol": "udp", "address": "10.1.0.100", "port": 8801,
	   "scheduler": "rr", "scheduler_flags": ["flag-2"], "one_packet": false,
	   "persistence": {"timeout": 60, "netmask": "255.255.255.0"}, "pe": "sip",
	   "servers": []},
	  {"family": "ipv4", "protocol": "sctp", "address": "10.1.0.100", "port": 0,
	   "scheduler": "rr", "scheduler_flags": [], "one_packet": false,
	   "persistence": {"timeout": 1, "netmask": "255.255.255.255"}, "servers": []},
	  {"family": "ipv6", "protocol": "udp", "address": "fd00:1::100", "port": 8801,
	   "scheduler": "sh", "scheduler_flags": ["sh-fallback", "sh-port"],
	   "persistence": {"timeout": 300, "prefix_length": 64}, "one_packet": true,
	   "servers": [
	    {"family": "ipv6", "address": "fd00:2::11", "port": 8801,
	     "forwarding": "route", "weight": 0, "upper_threshold": 0,
	     "lower_threshold": 0, "active_connections": 0,
	     "inactive_connections": 0, "persistent_connections": 0}]},
	  {"family": "ipv4", "fwmark": 4294967295, "scheduler": "mh",
	   "scheduler_flags": ["mh-port"], "one_packet": false, "servers": [
	    {"family": "ipv4", "address": "10.2.0.11", "port": 0,
	     "forwarding": "tunnel", "tunnel": {"type": "ipip"}, "weight": 65535,
	     "upper_threshold": 0, "lower_threshold": 0, "active_connections": 0,
	     "inactive_connections": 0, "persistent_connections": 0},
	    {"family": "ipv4", "address": "10.2.0.12", "port": 0,
	     "forwarding": "tunnel", "weight": 1,
	     "tunnel": {"type": "gue", "port": 6080, "checksum": "csum"},
	     "upper_threshold": 0, "lower_threshold": 0, "active_connections": 0,
	     "inactive_connections": 0, "persistent_connections": 0},
	    {"family": "ipv4", "address": "10.2.0.13", "port": 0,
	     "forwarding": "tunnel", "tunnel": {"type": "gre", "checksum": "none"},
	     "weight": 1, "upper_threshold": 0, "lower_threshold": 0,
	     "active_connections": 0, "inactive_connections": 0,
	     "persistent_connections": 0}]},
	  {"family": "ipv6", "fwmark": 5, "scheduler": "rr", "scheduler_flags": [],
	   "one_packet": false, "servers": []}
	]
	E
}

# services by their keys, as the order of the list is another
in_order() { jq -S 'sort_by(.fwmark, .family, .protocol)'; }

same_as_table() {
	local all
	ktap_check "a table with all that there is" fill
	all=$(document)
	ktap_check "is all in the document" diff \
		<(everything | in_order) <(jq .services <<<"$all" | in_order)
	ktap_check "one service" expect \
		"$(jq '.services | map(select(.port == 8801 and .protocol == "tcp"))' <<<"$all")" \
		"$(document -t $VS:8801 | jq .services)"
	ktap_check "... and one that is not there is no document" \
		refuses "No such service" -L --json -t $VS:8899
	ktap_check "options for columns change nothing" expect "$all" \
		"$(document -n --exact --thresholds --persistent-conn --tun-info --sched-param)"
	ktap_check "--stats and --rate add their figures" expect \
		'["in_bytes","in_packets","out_bytes","out_packets","connections"]' \
		"$(ask '[.services[], .services[].servers[]] |
		map(.stats, .rate | keys) | unique | .[0] | sort_by(. == "connections")' \
		--stats --rate)"
	ktap_check "... and nothing else" expect "$all" \
		"$(document --stats --rate | jq -S 'del(.. | .stats?, .rate?)')"
	ktap_check "the order is the list's" expect \
		"$(ipvs -L -n | awk '/^(TCP|UDP|SCTP)/ { print tolower($1) }' | xargs)" \
		"$(ipvs -L --json | jq -r '.services[].protocol | values' | xargs)"
	ktap_check "every line of it is below 1000 bytes, for people" \
		not grep -q '.\{1000\}' <(ipvs -L --json --stats --rate)
	ipvs -C
}

conflicts() {
	local option
	for option in -c --timeout --daemon; do
		ktap_check "with $option it is refused" \
			not ipvs -L --json $option
	done
	ktap_check "with -S it is refused" refuses \
		"Illegal 'json' option with the 'save' command" -S --json
}

# Clients that are connected, and some that wait
traffic() {
	clients 4 8802 20
	ktap_check "20 clients connect" expect 20 "$(clients_connected)"
	connected_pid=$clients_pid
	rm -f "$clients_log"
	unheard_clients 4 8802 6
	ktap_check "6 more are not heard" poll 100 half_open_is 4 8802 "3 3"
}

# What the document and the list have of --stats or --rate
figures() {
	ipvs -L --json --"$1" -t $VS:8802 | jq -r ".services[] | (., .servers[]) |
		.$1 | \"\(.connections) \(.in_packets) \(.out_packets) \(.in_bytes) \(.out_bytes)\""
}

listed_figures() {
	ipvs -L -n --exact --"$1" -t $VS:8802 |
		awk '/:8802/ { print $3, $4, $5, $6, $7 }'
}

same_figures() { expect "$(listed_figures "$1")" "$(figures "$1")" "$1"; }

# What the list and the document say of each server
listed_fields() {
	servers 4 8802 --sched-param | awk '{ print $4, $5, $6, $7, $8, $9, $10, $11 }'
}

fields() {
	ipvs -L --json -t $VS:8802 | jq -r '.services[].servers[] |
		[.weight, .active_connections, .inactive_connections, .wlch.half_open,
		 .wlch.refused, .wlch.load, .wlch.picks, .wlch.effective_weight] | join(" ")'
}

same_fields() { expect "$(listed_fields)" "$(fields)" "servers"; }

# IPVS adds up what the CPUs count every 2 s.
something_came() {
	expect "[26,true]" "$(ask '.services[0].stats |
		[.connections, .in_bytes > 0]' --stats -t $VS:8802)"
}

counters() {
	ktap_check "the servers' counters are those of the list" \
		poll 30 same_fields
	ktap_check "... and the four kinds of connections" expect \
		"[[10,3,0,0],[10,3,0,0]]" "$(ask '[.services[].servers[].wlch |
		[.established, .half_open, .refused, .inactive]]' -t $VS:8802)"
	ktap_check "the service's picks are those of its servers" expect \
		"[26,26,0]" "$(ask '.services[] | [.wlch.picks,
		([.servers[].wlch.picks] | add), .wlch.no_server]' -t $VS:8802)"
	ktap_check "--stats show what came" poll 30 something_came
	ktap_check "... and are those of the list" poll 30 same_figures stats
	# which are others every 2 s, as long as SYNs come again
	ktap_check "--rate are those of the list" poll 100 same_figures rate
}

# Clients to whom no server can be given. A SYN that is sent again counts again.
no_server() {
	ipvs -R <<-E
		-A -t $VS:8805 -s wlch
		-a -t $VS:8805 -r 10.2.0.11:8805 -m -w 0
		-a -t $VS:8805 -r 10.2.0.12:8805 -m -w 0
	E
	clients 4 8805 3
	ktap_check "servers of weight 0: 3 clients are refused" \
		expect 3 "$(clients_refused)"
	ktap_check "... and are no picks, nor retries" expect "[0,true,0]" \
		"$(ask '.services[].wlch | [.picks, .no_server >= 3, .retries]' -t $VS:8805)"
	clients_end
}

persistent() {
	ipvs -E -t $VS:8803 -s wlch -p 300
	clients 4 8803 2
	ktap_check "2 clients of a persistent service connect" \
		expect 2 "$(clients_connected)"
	ktap_check "... and are one persistent connection" expect \
		"[1,\"255.255.255.255\",300]" "$(ask '.services[] | [
		([.servers[].persistent_connections] | add),
		.persistence.netmask, .persistence.timeout]' -t $VS:8803)"
	clients_end
}

# What the kernel has as a name is escaped, whatever it is.
escapes() {
	local strange=$'a"b\\c\t\001\xc3\xa9/'
	ktap_check "a strange name is escaped" expect true "$(in_director env \
		LD_PRELOAD="$(type -P kernel_string)" KERNEL_STRING="$strange" \
		ipvsadm -L --json -t $VS:8803 |
		jq '.services[0].scheduler == "a\"b\\c\t\u0001\u00c3\u00a9/"')"
	ktap_check "... and nothing but ASCII is printed" expect "" \
		"$(in_director env LD_PRELOAD="$(type -P kernel_string)" \
		KERNEL_STRING="$strange" ipvsadm -L --json -t $VS:8803 |
		LC_ALL=C tr -d '\n\040-\176')"
}

without_module() {
	ktap_need rmmod ip_vs_wlch || return
	ipvs -A -t $VS:8804 -s rr
	ktap_check "without the module" expect '["rr"]' \
		"$(ask '[.services[].scheduler]')"
	ktap_check "... which it does not load" not test -d /sys/module/ip_vs_wlch
	modprobe ip_vs_wlch
	ipvs -C
}

wlch_start
empty_table
same_as_table
conflicts
if poll 30 references_are 0; then
	without_module
else
	ktap_skip "without the module" "it is in use on this machine"
fi
serve "$SERVER1" 8802 8803 && serve "$SERVER2" 8802 8803 || exit 1
service 4 8802 m wlch
service 4 8803 m wlch
traffic
counters
unblock_servers
clients_end
kill "$connected_pid"
no_server
persistent
escapes
ktap_end
