# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A pool of a hundred servers, and wlch also with choices=2: it compares two
# servers instead of all of them.
#
# shellcheck disable=SC2154 # of lib.sh

CHOICES_SERVERS=100
CHOICES_HELD=2000

choices_case() {
	local words got
	scheduler_words "$1"
	pool_service 4 "$port" g "$(equal $CHOICES_SERVERS)" "${words[@]}" &&
		hold 4 "$port" $CHOICES_HELD || return
	got=$(pool_active 4 "$port" $CHOICES_SERVERS)
	sum_is $CHOICES_HELD "$got" "established" || return
	result choices "$1" "$got"
	release
	port=$((port + 1))
}

scenario_choices() {
	listen "$SERVER1" $((${#SCHEDULERS[@]} + 1)) &&
		each_scheduler choices_case wlch,choices=2
}
