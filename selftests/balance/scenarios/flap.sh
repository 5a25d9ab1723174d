# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Of ten servers one is removed and added again, over and over, each time after
# the same number of connections, all of which stay. What is compared are the
# connections of the nine others.

FLAP_SERVERS=10
FLAP_CYCLES=4
FLAP_EVERY=25

flap_case() {
	local words got i n=$FLAP_SERVERS
	scheduler_words "$1"
	pool_service 4 "$port" g "$(equal $n)" "${words[@]}" || return
	for ((i = 0; i < FLAP_CYCLES; i++)); do
		hold 4 "$port" $FLAP_EVERY && pool_server -d 4 "$port" g $n &&
			hold 4 "$port" $FLAP_EVERY && pool_server -a 4 "$port" g $n || return
	done
	got=$(pool_active 4 "$port" $n)
	sum_is $((2 * FLAP_CYCLES * FLAP_EVERY)) "$got" "established" || return
	result flap "$1" "${got% *}" flapping="${got##* }" servers="$(list "$got")"
	release
	port=$((port + 1))
}

scenario_flap() {
	listen "$SERVER1" ${#SCHEDULERS[@]} && each_scheduler flap_case
}
