# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Weights 1, 2 and 3, and 600 connections that stay. What is compared is
# connections divided by weight.

WEIGHTS="1 2 3"
WEIGHTS_HELD=600

weights_case() {
	local words got per_weight
	scheduler_words "$1"
	pool_service 4 "$port" g "$WEIGHTS" "${words[@]}" &&
		hold 4 "$port" $WEIGHTS_HELD || return
	got=$(pool_active 4 "$port" 3)
	sum_is $WEIGHTS_HELD "$got" "established" || return
	per_weight=$(awk -v weights="$WEIGHTS" '{ split(weights, w)
		for (i = 1; i <= NF; i++) printf "%s ", $i / w[i] }' <<<"$got")
	result weights "$1" "$per_weight" servers="$(list "$got")"
	release
	port=$((port + 1))
}

scenario_weights() {
	listen "$SERVER1" ${#SCHEDULERS[@]} && each_scheduler weights_case
}
