# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Twenty directors with the same configuration, each of its own, and two long
# connections each. What is compared are the connections of ten servers, from
# all directors together; in the mean of the rounds, each with new services.
#
# shellcheck disable=SC2154 # of lib.sh

# shellcheck source=selftests/balance/directors.sh
. ./directors.sh

DIRECTORS=20
DIRECTORS_SERVERS=10
DIRECTORS_EACH=2
DIRECTORS_ROUNDS=5

# directors_rules FIRST: what a director has, but for its VIP: a service for each
# round and scheduler
directors_rules() {
	local i words
	for ((i = 0; i < DIRECTORS_ROUNDS * ${#SCHEDULERS[@]}; i++)); do
		scheduler_words "${SCHEDULERS[i % ${#SCHEDULERS[@]}]}"
		pool_rules 4 $(($1 + i)) g "$(equal $DIRECTORS_SERVERS)" "${words[@]}"
	done
}

# directors_hold FIRST PORTS: the clients of each director, who stay; fails if one
# of them does not connect
directors_hold() {
	local log
	log=$(mktemp)
	# shellcheck disable=SC2016 # for the inner shell
	in_client bash -c '
		for ((i = 1; i <= $0; i++)); do
			conn_hold --ports "$2" "10.1.0.$((100 + i))" "$1" "$3" &
		done
		trap "kill \$(jobs -p)" TERM
		wait' $DIRECTORS "$1" "$2" $DIRECTORS_EACH >"$log" 2>&1 &
	held_pids+=($!)
	held_logs+=("$log")
	poll 120 all_connected "$log" $((DIRECTORS * DIRECTORS_EACH * $2))
}

# What all directors list, one after the other
directors_lists() {
	local d
	for ((d = 1; d <= DIRECTORS; d++)); do
		on_director $d pool_all_active $DIRECTORS_SERVERS
	done
}

# directors_results FIRST: the connections of all directors together; the mean of
# the rounds, and the servers of the first one
directors_results() {
	directors_lists | awk -v first="$1" -v scheds="${SCHEDULERS[*]}" \
		-v rounds=$DIRECTORS_ROUNDS -v servers=$DIRECTORS_SERVERS \
		-v each=$((DIRECTORS * DIRECTORS_EACH)) '
		function look(i, port,   s, n, sum, most, least) {
			most = least = count[port, 1]
			for (s = 1; s <= servers; s++) {
				n = count[port, s] + 0
				sum += n
				idle[i] += !n
				if (n > most) most = n
				if (n < least) least = n
				if (port < first + schedulers)
					shown[i] = shown[i] (s > 1 ? "," : "") n
			}
			if (sum != each) {
				print "the directors have " sum " connections with " sched[i] ", not " each
				exit failed = 1
			}
			max[i] += most
			min[i] += least
		}
		BEGIN { schedulers = split(scheds, sched, " ") }
		{ for (s = 2; s <= NF; s++) count[$1, s - 1] += $s }
		END {
			for (i = 1; i <= schedulers && !failed; i++) {
				for (r = 0; r < rounds; r++)
					look(i, first + r * schedulers + i - 1)
				printf "RESULT balance scenario=directors sched=%s max=%.6g min=%.6g mean=%.6g idle=%.6g rounds=%d servers=%s\n",
					sched[i], max[i] / rounds, min[i] / rounds, each / servers,
					idle[i] / rounds, rounds, shown[i]
			}
		}' | publish
}

scenario_directors() {
	local rules count=$((DIRECTORS_ROUNDS * ${#SCHEDULERS[@]})) first d
	listen "$SERVER1" $count || return
	first=$port
	rules=$(directors_rules "$first")
	directors_up $DIRECTORS $DIRECTORS_SERVERS || return
	for ((d = 1; d <= DIRECTORS; d++)); do
		on_director $d ipvs -R <<<"${rules//${VIP[4]}:/$(director_vip $d):}" || return
	done
	directors_hold "$first" $count || return
	directors_results "$first" || return
	release
	directors_down
}
