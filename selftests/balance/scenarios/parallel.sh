# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Short bursts from all CPUs at once: as many connections as there are servers,
# to services that are idle.
#
# shellcheck disable=SC2154 # of lib.sh

PARALLEL_SERVERS=10
PARALLEL_ROUNDS=100

# A service for each round and scheduler
parallel_rules() {
	local i words
	for ((i = 0; i < PARALLEL_ROUNDS * ${#SCHEDULERS[@]}; i++)); do
		scheduler_words "${SCHEDULERS[i % ${#SCHEDULERS[@]}]}"
		pool_rules 4 $(($1 + i)) g "$(equal $PARALLEL_SERVERS)" "${words[@]}"
	done
}

# parallel_clients FIRST BURSTS: one burst to each service, one after the other
parallel_clients() {
	clients_log=$(mktemp)
	in_client conn_burst "${VIP[4]}" "$1" $PARALLEL_SERVERS "$2" >"$clients_log" 2>&1 &
	held_pids+=($!)
	held_logs+=("$clients_log")
	expect $(($2 * PARALLEL_SERVERS)) "$(clients_connected)" "connected clients"
}

# parallel_results FIRST: the worst of the rounds, and in how many the burst was
# not level
parallel_results() {
	pool_all_active $PARALLEL_SERVERS | awk -v first="$1" -v scheds="${SCHEDULERS[*]}" \
		-v rounds=$PARALLEL_ROUNDS '
		BEGIN { n = split(scheds, sched, " ") }
		$1 >= first && $1 < first + n * rounds {
			i = ($1 - first) % n + 1
			most = least = $2
			sum = 0
			for (s = 2; s <= NF; s++) {
				sum += $s
				if ($s > most) most = $s
				if ($s < least) least = $s
			}
			if (sum != NF - 1) {
				print "a burst of " sched[i] " has " sum " connections"
				exit failed = 1
			}
			if (!seen[i]++ || most > max[i]) max[i] = most
			if (seen[i] == 1 || least < min[i]) min[i] = least
			uneven[i] += most > least
		}
		END { for (i = 1; i <= n && !failed; i++)
			printf "RESULT balance scenario=parallel sched=%s max=%d min=%d mean=1 uneven=%d rounds=%d\n",
				sched[i], max[i], min[i], uneven[i], seen[i]
		}' | publish
}

scenario_parallel() {
	local bursts=$((PARALLEL_ROUNDS * ${#SCHEDULERS[@]})) first
	listen "$SERVER1" $bursts || return
	first=$port
	parallel_rules "$first" | ipvs -R || return
	parallel_clients "$first" $bursts && parallel_results "$first" || return
	release
	parallel_rules "$first" | sed -n 's/^-A \(-t [^ ]*\).*/-D \1/p' | ipvs -R
}
