#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# As faults.sh, for swrr: where there is no memory for a new cycle, connections are
# scheduled on in the old one, or by lot, and a second later it is there.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=selftests/lib/module.sh
. "$(dirname "$0")/../lib/module.sh"
# shellcheck source=selftests/lib/memory.sh
. "$(dirname "$0")/../lib/memory.sh"
# shellcheck source=selftests/lib/faults.sh
. "$(dirname "$0")/../lib/faults.sh"

PORT=9620
vs=10.1.0.100:$PORT
# shellcheck disable=SC2034 # of lib/faults.sh
fault_module=ip_vs_swrr

# shared PORT "SHARE...": connections that come now, in proportion. Their entries stay for
# ten seconds.
shared() {
	local first=$source_port all share wanted=''
	all=$(($(sum "$2") * 3))
	in_client conn_rate 10.1.0.100 "$1" "$first" $all >/dev/null || return
	source_port=$((source_port + all))
	for share in $2; do
		wanted+="${wanted:+ }$((3 * share))"
	done
	expect "$wanted" "$(given_since "$first")" "connections of 3 cycles"
}

# given_since PORT: the entries of each server, of clients from that port on
given_since() {
	in_director cat /proc/net/ip_vs_conn |
		awk -v first="$(printf %04X "$1")" '
			NR > 1 && $3 "" >= first "" { n[$6 $7]++ }
			END { for (server in n) print server, n[server] }' |
		sort | cut -d ' ' -f 2 | paste -sd ' '
}

# Maybe only a second later
shares_are() { poll 30 shared "$@"; }

add() { ipvs -A -t 10.1.0.100:9700 -s swrr; }
added() { nothing_or "$1" expect 1 "$(rules | grep -c ":9700 -s swrr")" services; }

to_swrr() { ipvs -E -t 10.1.0.100:$((PORT + 2)) -s swrr; }
to_wlc() { ipvs -E -t 10.1.0.100:$((PORT + 2)) -s wlc; }
switched() {
	works $((PORT + 2)) && nothing_or "$1" shares_are $((PORT + 2)) "1 2 1"
}

# A scheduler cannot refuse a server.
add_server() { ipvs -a -t $vs -r 10.2.0.12:$((PORT + 1)) -m -w 4; }
remove_server() { ipvs -d -t $vs -r 10.2.0.12:$((PORT + 1)); }
server_added() { expect 0 "$1" status && works && shares_are $PORT "1 2 1 4"; }
take_server() { ipvs -d -t $vs -r 10.2.0.12:$PORT; }
give_server() { ipvs -a -t $vs -r 10.2.0.12:$PORT -m -w 1; }
server_taken() { expect 0 "$1" status && works && shares_are $PORT "1 2"; }

weigh() { ipvs -e -t $vs -r 10.2.0.12:$PORT -m -w 3; }
weigh_back() { ipvs -e -t $vs -r 10.2.0.12:$PORT -m -w 1; }
weighed() { expect 0 "$1" status && works && shares_are $PORT "1 2 3"; }

loads() {
	local site
	rmmod ip_vs_swrr
	site=$(sites | tail -n 1)
	since_now
	! insmod "$test_builds/ip_vs_swrr.ko" "fault=\"$site 1\"" 2>/dev/null || return
	log_since | grep -qF "let fail: $site" || return
	reached[$site]=1
	failures=$((failures + 1))
	insmod "$test_builds/ip_vs_swrr.ko" && add && delete_added
}

wlch_start
test_module_need "$test_builds/ip_vs_swrr.ko"
trap 'topology_down' EXIT
[ ! -e /sys/module/ip_vs_swrr ] || rmmod ip_vs_swrr || exit
insmod "$test_builds/ip_vs_swrr.ko" || exit
serve "$SERVER1" $PORT $((PORT + 1)) $((PORT + 2)) &&
	serve "$SERVER2" $PORT $((PORT + 1)) $((PORT + 2)) || exit
service_of swrr $vs
service_of wlc 10.1.0.100:$((PORT + 2))
ktap_check "the services work" shares_are $PORT "1 2 1"
operation "add a service" add added delete_added
operation "let a service use swrr" to_swrr switched to_wlc
operation "add a server" add_server server_added remove_server
operation "remove a server" take_server server_taken give_server
operation "change a weight" weigh weighed weigh_back
ipvs -C
ktap_check "load the module: it is not loaded" loads
ktap_check "each of $(sites | wc -l) calls has failed" each_reached
ktap_note "$(sites | wc -l) calls, $failures failures"
ipvs -C
rmmod ip_vs_swrr
rm -f "$said"
ktap_end
