# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Two servers, of which one is broken: it accepts every connection and ends it at
# once. All clients want to stay. The entries of those that it has ended linger.
# What is compared is how many connections each was given.

# shellcheck source=selftests/balance/scenarios/lingering.sh
. scenarios/lingering.sh

BROKEN_CLIENTS=200

broken_case() {
	local words failures
	scheduler_words "$1"
	service 4 "$port" g "${words[@]}" &&
		hold_some 4 "$port" $BROKEN_CLIENTS --in-turn --greeting \
		"${own_ports[@]}" || return
	failures=$((BROKEN_CLIENTS - $(clients_connected)))
	await_given $BROKEN_CLIENTS column 4 "$port" 3 --stats --exact || return
	expect "${given#* }" $failures "clients that failed, of those sent to the broken server" || return
	result broken "$1" "$given" failures="$failures" servers="$(list "$given")"
	release
	port=$((port + 1))
}

scenario_broken() {
	local count=$((${#SCHEDULERS[@]} + ${#FACTORS[@]}))
	listen "$SERVER1" $count --greet && listen_too "$SERVER2" --drop &&
		with_factors broken_case
}
