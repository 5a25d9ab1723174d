# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Ten servers with weights of 1 to 10. A health check sets the fifth to weight 0, and
# back, after each 10 picks. What is compared are the picks of the nine others, in percent of
# their ideal shares. A pick is a datagram of a service that schedules each one.
#
# shellcheck disable=SC2154 # of lib/turns.sh

healthcheck_case() { # SCHEDULER PORT
	poll 30 shares "$2" || return
	result healthcheck "$1" "$(undisturbed "$percent")" picks=$((10 * FLAPS)) \
		off_percent="$(off_by "$(undisturbed "$percent")" | awk '{ print $1 / 100 }')" \
		servers="$(list "$percent")"
}

scenario_healthcheck() {
	local sched ports=() i
	turns_up
	for sched in "${ROUND_ROBIN[@]}"; do
		# rr knows no weights but 0
		begin "$form" "$sched" "1 2 3 4 5 6 7 8 9 10" --ops || return
		ports+=("$PORT")
	done
	flap_all "${ports[@]}" || return
	for ((i = 0; i < ${#ports[@]}; i++)); do
		healthcheck_case "${ROUND_ROBIN[i]}" "${ports[i]}" || return
	done
}
