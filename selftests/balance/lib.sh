# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scenarios of the balance report share. A scheduler is given as in
# the report: its name and, after commas, what --sched-param is to have.

results=$(mktemp)
SCHEDULERS=(rr wrr swrr lc wlc sed nq wlch)
# shellcheck disable=SC2034 # for the scenarios
ROUND_ROBIN=(rr wrr swrr)

# each_scheduler FUNCTION [SCHEDULER...]: calls it with the name of each, and of
# those given here. Fails with the first that fails.
each_scheduler() {
	local function=$1 sched
	shift
	for sched in "${SCHEDULERS[@]}" "$@"; do
		"$function" "$sched" || { echo "with $sched"; return 1; }
	done
}

# scheduler_words SCHEDULER: leaves in $words what ipvsadm wants after -s
scheduler_words() {
	words=("${1%%,*}")
	[ "$1" = "${1%%,*}" ] || words+=(--sched-param "${1#*,}")
}

# listen NAMESPACE COUNT [OPTION]: the server listens on as many ports that
# nobody has used; the first is left in $port
next_port=20000
listen() {
	port=$next_port
	next_port=$((next_port + $2))
	# shellcheck disable=SC2046,SC2086 # an option or none, port numbers
	serve "$1" ${3:-} $(seq $port $((next_port - 1)))
}

# listen_too NAMESPACE [OPTION]: another server, on the same ports
listen_too() {
	# shellcheck disable=SC2046,SC2086 # an option or none, port numbers
	serve "$1" ${2:-} $(seq $port $((next_port - 1)))
}

# Clients whose connections end need a source port each: one that was used before
# would find the old entry, and its server.
# shellcheck disable=SC2034 # for the scenarios
own_ports=(--sport 10000)

# hold FAMILY PORT COUNT [OPTION...]: connections that stay until release; fails
# if one is not made
held_pids=() held_logs=()
hold() {
	hold_some "$@" && expect "$3" "$(clients_connected)" "connected clients"
}

# ... where clients may fail
hold_some() {
	clients "$@"
	held_pids+=("$clients_pid")
	held_logs+=("$clients_log")
}

# all_connected LOG WANT: what several processes say
all_connected() {
	if grep -v ' refused=0 timeout=0 failed=0 pending=0 ' "$1"; then
		return 1
	fi
	expect "$2" "$(awk -F '[= ]' '{ n += $2 } END { print n + 0 }' "$1")" "connected clients"
}

release() {
	kill "${held_pids[@]}" 2>/dev/null
	wait "${held_pids[@]}" 2>/dev/null
	rm -f "${held_logs[@]}"
	held_pids=() held_logs=()
}

# publish: the lines of the report, to the console and for the table
publish() { tee -a "$results"; }

# result SCENARIO SCHEDULER VALUES [KEY=VALUE...]: the line of the report. VALUES
# are what is compared, one for each server.
result() {
	local scenario=$1 sched=$2 values=$3
	shift 3
	awk -v head="RESULT balance scenario=$scenario sched=$sched" -v tail="$*" '{
		max = min = $1
		for (i = 1; i <= NF; i++) {
			sum += $i
			if ($i > max) max = $i
			if ($i < min) min = $i
		}
		printf "%s max=%.6g min=%.6g mean=%.6g %s\n", head, max, min, sum / NF, tail
	}' <<<"$values" | publish
}

# list "N N": as the value of a key
list() { echo "${1// /,}"; }

# sum_is WANT VALUES WHAT
sum_is() { expect "$1" "$(sum "$2")" "$3 (servers: $2)"; }

# await_given WANT COMMAND...: what the servers have been given, once it is so
# many: the core adds its statistics up every two seconds. Leaves it in $given.
await_given() { poll 30 given_is "$@"; }

given_is() {
	local want=$1
	shift
	given=$("$@")
	sum_is "$want" "$given" "connections given"
}

# add_up "N N" "N N": each with its like
add_up() {
	awk '{ for (i = 1; i <= NF; i++) n[i] += $i }
		END { for (i = 1; i <= NF; i++) printf "%s%d", (i > 1 ? " " : ""), n[i]
			print "" }' <<<"$1"$'\n'"$2"
}

# field NUMBER VALUES
field() { awk -v n="$1" '{ print $n }' <<<"$2"; }
