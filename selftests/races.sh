#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Connections come in on all CPUs while something is changed over and over: servers,
# parameters, the scheduler, namespaces, CPUs, the module itself. Each kind of
# change has its turn, WLCH_RACES (10) rounds of it; the module is loaded and removed
# WLCH_LOADS (5) times. After each the counts are what the table says, and in the end
# nothing is left. Run it with SMP=4.
#
# A service that nobody touches gets connections, too: all of them work.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

ROUNDS=${WLCH_RACES:-10}
LOADS=${WLCH_LOADS:-5}
PORT=9300	# of the service that is changed
STILL=9400	# of the one that is not
OTHER=wlch-r-$$
CPUS=$(nproc)

# traffic_on CPU PORT: connections until it is killed, that of each lot in the log
traffic_on() {
	# shellcheck disable=SC2016 # for the inner shell
	exec ip netns exec "$CLIENT" taskset -c "$1" bash -c '
		trap "exit 0" TERM
		while :; do
			conn_hold --rst --interval 10000 --hold 0 "$@" 30
		done' traffic "${VIP[4]}" "$2" >>"$3" 2>&1
}

traffic_start() {
	local cpu
	traffic_pids=()
	for ((cpu = 0; cpu < CPUS; cpu++)); do
		traffic_on $cpu "$PORT" "$changed_log" &
		traffic_pids+=($!)
	done
	traffic_on 0 $STILL "$still_log" &
	traffic_pids+=($!)
}

traffic_end() {
	kill "${traffic_pids[@]}"
	wait "${traffic_pids[@]}" 2>/dev/null
	ip netns pids "$CLIENT" | xargs -r kill 2>/dev/null
	poll 30 nobody_in_client
}

nobody_in_client() { [ -z "$(ip netns pids "$CLIENT")" ]; }

# made LOG: how many connections were opened
made() { awk -F '[= ]' '/^connected=/ { n += $2 } END { print n + 0 }' "$1"; }

not_made() { grep '^connected=' "$1" | grep -v 'refused=0 timeout=0 failed=0 pending=0 '; }

# The four classes add up to the entries, and half-open is what the table says.
balanced() {
	local port=$1 all classes
	half_open_agrees 4 "$port" || return
	all=$(sum "$(table 4 "$port" '.*')")
	classes=$(sum "$(active 4 "$port") $(inactive 4 "$port")")
	expect "$all" "$classes" "active and inactive of port $port, against the table"
}

at_rest() {
	half_open_is 4 "$1" "0 0" && balanced "$1"
}

# race NAME CHANGE...: the changes are one round, and get its number
race() {
	local name=$1 round=0 before begin=$SECONDS
	shift
	PORT=$((PORT + 1))
	service 4 $PORT m wlch
	changed_log=$(mktemp) still_log=$(mktemp)
	traffic_start
	ktap_check "$name: connections come in" poll 60 traffic_flows 50
	before=$(made "$changed_log")
	while [ $round -lt "$ROUNDS" ] && "$@" $round >"$ktap_out" 2>&1; do
		round=$((round + 1))
	done
	ktap_check "$name: $ROUNDS rounds" expect "$ROUNDS" $round ||
		sed 's/^/#   /' "$ktap_out"
	ktap_check "$name: connections have come in meanwhile, and still do" \
		poll 60 traffic_flows $((before + 50))
	traffic_end
	ktap_note "$name: $(made "$changed_log") connections, and $(made "$still_log") of the service that was left alone, in $((SECONDS - begin)) s"
	ktap_check "$name: that one lost none" expect "" "$(not_made "$still_log")"
	ktap_check "$name: none is half-open in the end, and all are counted" \
		poll 100 at_rest $PORT
	ktap_check "$name: nor is one of the other service" poll 100 at_rest $STILL
	rm -f "$changed_log" "$still_log"
	service_end 4 $PORT
}

traffic_flows() {
	at_least "$1" made "$changed_log" && at_least 30 made "$still_log"
}

# With the servers' second one gone for a moment, and then the first
servers_change() {
	local vs rip
	vs=$(service_address 4 $PORT)
	for rip in ${RIP1[4]} ${RIP2[4]} ${RIP1[4]} ${RIP2[4]}; do
		echo "-d -t $vs -r $rip:$PORT"
		echo "-a -t $vs -r $rip:$PORT -m -w $((1 + $1 % 3))"
	done | ipvs -R
}

parameters_change() {
	ipvs -E -t "$(service_address 4 $PORT)" -s wlch --sched-param \
		"active=$((1 + $1 % 9)),halfopen=$(($1 % 7)),slowstart=$(($1 % 3)),choices=$(($1 % 4))"
}

scheduler_changes() {
	local vs scheduler
	vs=$(service_address 4 $PORT)
	for scheduler in wlc wlch swrr wlch wlc swrr wlch; do
		echo "-E -t $vs -s $scheduler"
	done | ipvs -R
}

# Lists while a server comes and goes
listed() {
	local pid
	in_director sh -c '
		for i in 1 2; do ipvsadm -L -n --sched-param && ipvsadm -L --json || exit; done' >/dev/null &
	pid=$!
	servers_change "$1" && wait $pid
}

# A namespace with a service and pending handshakes: what goes to the servers ends
# in nothing.
namespace_comes_and_goes() {
	local rip
	ip netns add "$OTHER" && ip -n "$OTHER" -batch - <<-X || return
		link set lo up
		link add eth0 type veth peer name eth1
		link set eth0 arp off
		link set eth0 up
		link set eth1 up
		addr add 10.2.0.1/24 dev eth0
		addr add ${VIP[4]}/32 dev lo
	X
	{
		echo "-A -t $(service_address 4 $PORT) -s wlch"
		for rip in ${RIP1[4]} ${RIP2[4]}; do
			echo "-a -t $(service_address 4 $PORT) -r $rip:$PORT -m"
		done
	} | ip netns exec "$OTHER" ipvsadm -R || return
	ip netns exec "$OTHER" conn_hold --rst --wait 1 --hold 0 "${VIP[4]}" $PORT 20 >/dev/null 2>&1 &
	other_pid=$!
	poll 30 other_pending
	set -- $?
	kill $other_pid
	wait $other_pid 2>/dev/null
	ip netns del "$OTHER" && return "$1"
}

other_pending() {
	local DIRECTOR=$OTHER
	at_least 1 half_open_sum
}

half_open_sum() { sum "$(half_open 4 $PORT)"; }

cpu_goes_and_comes() {
	local online=/sys/devices/system/cpu/cpu$((1 + $1 % (CPUS - 1)))/online
	echo 0 >"$online" && echo 1 >"$online"
}

# A service that only this round has, among the traffic of wlc's
module_comes_and_goes() {
	local port=$((PORT + 1000))
	modprobe ip_vs_wlch && service 4 $port m wlch &&
		in_client conn_hold --rst --interval 0 --hold 0 "${VIP[4]}" $port 5 |
			grep '^connected=5 ' &&
		service_end 4 $port && poll 60 rmmod ip_vs_wlch
}

# The namespace's traffic stays, with wlc, while the module is loaded and removed.
module_race() {
	local name="the module is loaded and removed" round=0 begin=$SECONDS
	PORT=$((PORT + 1))
	service_end 4 $STILL
	ktap_check "$name: nobody uses it before" poll 100 references_are 0
	service 4 $STILL m wlc
	ktap_need serve "$SERVER1" $((PORT + 1000)) && ktap_need serve "$SERVER2" $((PORT + 1000)) || return
	still_log=$(mktemp)
	rmmod ip_vs_wlch
	traffic_on 1 $STILL "$still_log" &
	traffic_pids=($!)
	ktap_check "$name: connections come in" poll 60 at_least 30 made "$still_log"
	while [ $round -lt "$LOADS" ] && module_comes_and_goes >"$ktap_out" 2>&1; do
		round=$((round + 1))
	done
	ktap_check "$name: $LOADS times" expect "$LOADS" $round ||
		sed 's/^/#   /' "$ktap_out"
	traffic_end
	ktap_note "$name: $(made "$still_log") connections, in $((SECONDS - begin)) s"
	ktap_check "$name: no connection was lost" expect "" "$(not_made "$still_log")"
	rm -f "$still_log"
	modprobe ip_vs_wlch
}

wlch_start
if [ "$CPUS" -lt 2 ]; then
	ktap_skip "connections on all CPUs" "there is only one"
	ktap_end
	exit
fi
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" $STILL $(seq $((PORT + 1)) $((PORT + 9))) &&
	serve "$SERVER2" $STILL $(seq $((PORT + 1)) $((PORT + 9))) || exit 1
delay "$SERVER1" 5
delay "$SERVER2" 20
vs_sysctl expire_nodest_conn 1
service 4 $STILL m wlch
trap 'namespace_down "$OTHER"; topology_down' EXIT
race "servers are removed and added" servers_change
race "parameters are set" parameters_change
race "the scheduler is changed" scheduler_changes
race "services are listed" listed
race "namespaces come and go" namespace_comes_and_goes
race "CPUs go and come" cpu_goes_and_comes
module_race
ktap_end
