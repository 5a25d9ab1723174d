# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# One of four servers refuses every connection: nobody listens on its port. NAT
# shows the director its resets. What is compared is how many each was given.
#
# shellcheck disable=SC2154 # of lib.sh

REFUSING_SERVERS=4
REFUSING_CLIENTS=100

refusing_case() {
	local words failures n=$REFUSING_SERVERS
	scheduler_words "$1"
	pool_service 4 "$port" m "$(equal $((n - 1)))" "${words[@]}" &&
		ipvs -a -t "$(service_address 4 "$port")" -r "$(pool_address $n):1" -m &&
		hold_some 4 "$port" $REFUSING_CLIENTS --in-turn "${own_ports[@]}" || return
	failures=$((REFUSING_CLIENTS - $(clients_connected)))
	await_given $REFUSING_CLIENTS pool_given 4 "$port" $n || return
	expect "${given##* }" $failures "clients that failed, of those sent to the refusing server" || return
	result refusing "$1" "$given" failures=$failures servers="$(list "$given")"
	release
	port=$((port + 1))
}

scenario_refusing() {
	listen "$SERVER1" ${#SCHEDULERS[@]} && each_scheduler refusing_case
}
