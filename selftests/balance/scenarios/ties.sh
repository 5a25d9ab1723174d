# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Idle choices, one after the other: a datagram each to a service with one-packet
# scheduling, where a connection is gone before the next one comes. All
# schedulers are asked side by side.
#
# shellcheck disable=SC2034,SC2154 # of lib.sh

form udp4 4 -u

TIES_SERVERS=10
TIES_PICKS=1000
# A choice of wlch counts until it is void, for up to two ticks of the clock
TIES_INTERVAL_US=25000

ties_begin() {
	local words
	scheduler_words "$1"
	pool_service udp4 "$port" g "$(equal $TIES_SERVERS)" "${words[@]}" -o || return
	hold_some udp4 "$port" $TIES_PICKS --interval $TIES_INTERVAL_US
	port=$((port + 1))
}

ties_end() {
	clients_log=${held_logs[port - ties_first]}
	expect $TIES_PICKS "$(clients_connected)" "clients with an answer" || return
	await_given $TIES_PICKS pool_given udp4 "$port" $TIES_SERVERS || return
	result ties "$1" "$given" servers="$(list "$given")"
	port=$((port + 1))
}

scenario_ties() {
	listen "$SERVER1" ${#SCHEDULERS[@]} --udp || return
	ties_first=$port
	each_scheduler ties_begin || return
	port=$ties_first
	each_scheduler ties_end && release
}
