# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Ten equal servers are restarted one after the other: weight 0, some picks, weight 1,
# some picks. What is compared are all picks of each server. A pick is a datagram of a
# service that schedules each one.
#
# shellcheck disable=SC2154 # of lib/turns.sh

RESTART_ROUNDS=5
RESTART_PICKS=7

restart_case() {
	local round i total=0
	begin "$form" "$1" "$(equal 10)" --ops || return
	for ((round = 0; round < RESTART_ROUNDS; round++)); do
		for ((i = 1; i <= 10; i++)); do
			weigh "$(pool_address $i)" 0 && send $RESTART_PICKS || return
			weigh "$(pool_address $i)" 1 && send $RESTART_PICKS || return
			total=$((total + 2 * RESTART_PICKS))
		done
	done
	poll 30 picked_in_all $total || return
	result restart "$1" "$conns" picks=$total servers="$(list "$conns")"
}

scenario_restart() {
	local sched
	turns_up
	for sched in "${ROUND_ROBIN[@]}"; do
		restart_case "$sched" || return
	done
}
