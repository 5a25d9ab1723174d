#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# While 20,000 connections come and go, the counts of each server are compared
# a thousand times with the connection table: half-open, established and all
# differ only by what changed during the sample. halfopen_sample says how.
#
# To read the table takes longer the more entries it has, so the connections come
# in waves of 1,000, and go soon: with direct routing the director sees only
# the client's FIN, and the timeout of FIN_WAIT is set to 1 s. Each wave comes
# from an address of its own, so that no port is used twice. The servers answer
# after 40 and 160 ms, so dozens are half-open at any time of a wave.
#
# One CPU handles all packets, and another one samples, where there are two.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

PORT=8700
SAMPLES=1000
WAVES=20
WAVE=1000
INTERVAL_US=1000

enough() { grep -q '^enough' "$sampler_log"; }

sampler_start() {
	sampler_log=$(mktemp)
	taskset -c $(($(nproc) - 1)) ip netns exec "$DIRECTOR" \
		halfopen_sample $SAMPLES >"$sampler_log" 2>&1 &
	sampler_pid=$!
	poll 30 grep -q '^sampling' "$sampler_log"
}

sampler_end() {
	kill "$sampler_pid"
	wait "$sampler_pid"
	report=$(tail -n 1 "$sampler_log")
	ktap_note "$report"
}

# said NAME: a number of the sampler's report
said() {
	local number=${report##*"$1"=}
	echo "${number%% *}"
}

said_at_least() {
	[ "$(said "$2")" -ge "$1" ] && return
	echo "$2: expected at least $1"
	cat "$sampler_log"
	return 1
}

said_none() {
	[ "$(said "$1")" = 0 ] && return
	cat "$sampler_log"
	return 1
}

# The clients of a wave end at once when all are connected.
wave() {
	local from=10.1.0.$((110 + $1))
	ip -n "$CLIENT" addr add $from/24 dev eth0
	clients 4 $PORT $WAVE --interval $INTERVAL_US --bind $from
	expect $WAVE "$(clients_connected)" "connected clients of wave $1" || return
	clients_end
}

# Where samples take long there are more waves than it takes for 20,000.
waves() {
	local nr
	for ((nr = 1; nr <= 5 * WAVES; nr++)); do
		[ $nr -le $WAVES ] || ! enough || return 0
		wave $nr || return
	done
}

counts_are_zero() {
	expect "0 0" "$(table 4 $PORT '.*')" "entries" &&
		expect "0 0" "$(half_open 4 $PORT)" "half-open" &&
		expect "0 0" "$(refused 4 $PORT)" "refused" &&
		expect "0 0" "$(column 4 $PORT 9 --sched-param)" "load"
}

wlch_start
serve "$SERVER1" $PORT && serve "$SERVER2" $PORT || exit 1
delay "$SERVER1" 40
delay "$SERVER2" 160
service 4 $PORT g wlch
ipvs --set 0 1 0

ktap_check "sampling begins" sampler_start
# what is started from here on, and its packets
taskset -pc 0 $$ >/dev/null
ktap_check "all clients connect" waves
sampler_end
ktap_check "20,000 connections began meanwhile" said_at_least $((WAVES * WAVE)) begun
ktap_check "1,000 samples were taken" said_at_least $SAMPLES samples
ktap_check "connections changed during most of them" \
	said_at_least $((SAMPLES / 2 + 1)) changing
ktap_check "many were half-open at once" said_at_least 20 half_open
ktap_check "the counts differ from the table only by what changed" \
	said_none violations
ktap_check "after the end all counts are 0" poll 60 counts_are_zero
rm -f "$sampler_log"
ktap_end
