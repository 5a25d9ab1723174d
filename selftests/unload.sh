#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module is loaded by the scheduler's name, cannot be removed while a
# service or a handshake needs it, and can be removed afterwards.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"
# shellcheck source=selftests/lib/pool.sh
. "$(dirname "$0")/lib/pool.sh"

PORT=8200

cannot_remove() {
	local out
	if out=$(rmmod ip_vs_wlch 2>&1); then
		modprobe ip_vs_wlch
		echo "it was removed"
		return 1
	fi
	grep -q "in use" <<<"$out" || { echo "$out"; return 1; }
}

loaded() { [ -e /sys/module/ip_vs_wlch ]; }
not_loaded() { ! loaded; }

# Connections come and go all the time through another scheduler in the same
# namespace: they pass what the module has put in their way.
traffic_start() {
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec "$CLIENT" bash -c '
		while :; do
			conn_hold --rst --interval 20000 --hold 0 "$@" 50 >/dev/null
		done' traffic "${VIP[4]}" $((PORT + 9)) &
	traffic_pid=$!
}

traffic_end() {
	kill $traffic_pid
	wait $traffic_pid 2>/dev/null
}

# Not a moment is lost between the end of the last connection and this.
remove_at_once() {
	local deadline=$((SECONDS + 60)) tries=0
	until rmmod ip_vs_wlch 2>/dev/null; do
		tries=$((tries + 1))
		[ $SECONDS -lt $deadline ] ||
			{ echo "still in use after $tries attempts"; return 1; }
	done
}

# Without its servers the service's handshakes end at once, all together.
removed_after_the_last() {
	local port=$1 name="the last of 200 handshakes, round $2"
	modprobe ip_vs_wlch
	vs_sysctl expire_nodest_conn 1
	service 4 "$port" m wlch
	unheard_clients 4 "$port" 200
	ktap_check "$name: they are pending" \
		poll 100 half_open_is 4 "$port" "100 100"
	clients_end
	unblock_servers
	traffic_start
	ktap_check "$name: other connections come in" more_traffic
	ipvs -D -t "$(service_address 4 "$port")"
	ktap_check "$name: the module goes with it" remove_at_once
	ktap_check "$name: they still do" more_traffic
	traffic_end
	ktap_check "$name: the handshakes are gone" \
		table_is 4 "$port" ".*" "0 0"
}

# idle_picks PORT: of ten servers that are the same, how often each has been picked, after
# each of 12 datagrams on the first CPU, which has random numbers of its own
idle_picks() {
	local i
	service udp10 "$1" g wlch || return
	for ((i = 1; i <= 12; i++)); do
		in_client taskset -c 0 conn_hold --udp --sport $((20000 + i)) --hold 0 \
			"${VIP[4]}" "$1" 1 >/dev/null || return
		picks udp10 "$1"
	done
	service_end udp10 "$1"
}

# Who has seen what the module picks once it is loaded does not know what it will pick.
unforeseen() {
	local first second
	form udp10 4 -u
	POOL[udp10]=$(seq -f '10.2.0.%.0f' -s ' ' 101 110)
	pool_up 10 && serve "$SERVER1" --udp $((PORT + 5)) $((PORT + 6)) || exit 1
	modprobe ip_vs_wlch
	first=$(idle_picks $((PORT + 5)))
	ktap_check "one after the other, ten servers are picked" level "${first##*$'\n'}"
	ktap_check "the module is removed" rmmod ip_vs_wlch
	modprobe ip_vs_wlch
	second=$(idle_picks $((PORT + 6)))
	ktap_check "loaded again it picks all of them, too" level "${second##*$'\n'}"
	ktap_check "... in another order" [ "$first" != "$second" ]
	ktap_check "the module is removed" rmmod ip_vs_wlch
}

more_traffic() {
	local before
	before=$(service_stat 4 $((PORT + 9)) 3)
	poll 60 at_least $((before + 20)) service_stat 4 $((PORT + 9)) 3
}

# What is removed here must not be what somebody else uses.
wlch_start
if [ "$(module_references)" != 0 ]; then
	ktap_skip "removing the module" "it is in use on this machine"
	ktap_end
	exit
fi

ktap_check "the module can be removed" rmmod ip_vs_wlch
ktap_check "ipvsadm -s wlch loads it" service 4 $PORT m wlch
ktap_check "it is loaded" loaded
ktap_check "its netlink family is there at once" half_open_is 4 $PORT "0 0"
ktap_check "a service keeps it from being removed" cannot_remove

unheard_clients 4 $PORT 10
ktap_check "10 handshakes are pending" poll 100 half_open_is 4 $PORT "5 5"
clients_end
ktap_check "the service is deleted" \
	ipvs -D -t "$(service_address 4 $PORT)"
ktap_check "pending handshakes keep it from being removed" cannot_remove
ktap_check "a service made anew finds the pending ones" service 4 $PORT m wlch
ktap_check "... as the table has them" half_open_is 4 $PORT "5 5"
ipvs -C
ktap_check "they expire" poll 120 handshakes_are 4 $PORT "0 0"
ktap_check "nothing refers to the module" poll 100 references_are 0
ktap_check "it can be removed" rmmod ip_vs_wlch
ktap_check "it is gone" not_loaded

serve "$SERVER1" $((PORT + 9)) && serve "$SERVER2" $((PORT + 9)) || exit 1
service 4 $((PORT + 9)) m wlc
for round in 1 2 3; do
	removed_after_the_last $((PORT + 1 + round)) $round
done

unforeseen

modprobe ip_vs_wlch
service 4 $((PORT + 1)) m wlch
unheard_clients 4 $((PORT + 1)) 10
ktap_check "handshakes are pending in the namespace" \
	poll 100 half_open_is 4 $((PORT + 1)) "5 5"
clients_end
ktap_check "the namespace goes with them" topology_down
ktap_check "nothing refers to the module any more" poll 100 references_are 0
ktap_check "it can be removed then" rmmod ip_vs_wlch
modprobe ip_vs_wlch
ktap_end
