# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Four servers hold 100 connections each, a fifth is added: which servers get the
# next 50? With slow start the fifth has a known age when they come, and the
# others have had all of their weight for long.

NEWCOMER_OLD=4
NEWCOMER_EACH=100
NEWCOMER_NEW=50
NEWCOMER_SLOWSTART=60
NEWCOMER_AGE=15

newcomer_load() {
	local words count=$((NEWCOMER_OLD * NEWCOMER_EACH))
	scheduler_words "$1"
	pool_service 4 "$port" g "$(equal $NEWCOMER_OLD)" "${words[@]}" &&
		hold 4 "$port" $count &&
		expect "$(yes $NEWCOMER_EACH | head -n $NEWCOMER_OLD | xargs)" \
			"$(pool_active 4 "$port" $NEWCOMER_OLD)" "connections before"
}

# newcomer_new SCHEDULER AGE
newcomer_new() {
	local sched=$1 age=$2 before after got count=$((NEWCOMER_OLD + 1))
	before=$(pool_active 4 "$port" $count)
	hold 4 "$port" $NEWCOMER_NEW || return
	after=$(pool_active 4 "$port" $count)
	got=$(add_up "$after" "-${before// / -}")
	sum_is $NEWCOMER_NEW "$got" "new connections" || return
	result newcomer "$sched" "$got" newcomer="$(field $count "$got")" age_s="$age" \
		servers="$(list "$got")"
}

newcomer_add() { pool_server -a 4 "$port" g $((NEWCOMER_OLD + 1)); }

newcomer_case() {
	newcomer_load "$1" && newcomer_add && newcomer_new "$1" 0 || return
	release
	port=$((port + 1))
}

older_than() { [ $((SECONDS - $1)) -gt "$2" ]; }

newcomer_slowly() {
	local sched=wlch,slowstart=$NEWCOMER_SLOWSTART born
	port=$newcomer_port
	poll $((2 * NEWCOMER_SLOWSTART)) older_than "$newcomer_since" $NEWCOMER_SLOWSTART || return
	born=${EPOCHREALTIME%[.,]*}
	newcomer_add || return
	sleep $NEWCOMER_AGE
	newcomer_new $sched $((${EPOCHREALTIME%[.,]*} - born))
}

# The servers' weight begins to ramp up now.
begin_newcomer() {
	listen "$SERVER1" $((${#SCHEDULERS[@]} + 1)) || return
	newcomer_port=$port
	newcomer_load wlch,slowstart=$NEWCOMER_SLOWSTART || return
	newcomer_since=$SECONDS
	newcomer_held=${held_pids[*]} newcomer_logs=${held_logs[*]}
	held_pids=() held_logs=()
}

scenario_newcomer() {
	port=$((newcomer_port + 1))
	each_scheduler newcomer_case || return
	read -ra held_pids <<<"$newcomer_held"
	read -ra held_logs <<<"$newcomer_logs"
	newcomer_slowly && release
}
