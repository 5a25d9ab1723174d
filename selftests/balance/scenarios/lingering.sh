# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Short connections whose entries linger (direct routing: for two minutes), mixed
# with long ones, on two servers of which one takes thirty times as long to serve
# a short one. Which factor is which: active=N,halfopen=N,inactive=1. What is
# compared is how many connections are open at the servers, in the mean of the
# load's second half.
#
# shellcheck disable=SC2154 # of lib.sh

LINGERING_CLIENTS=450
LINGERING_LONG=9	# each ninth stays; odd, so that rr does not give all to one server
LINGERING_INTERVAL_US=15000
LINGERING_FAST_MS=30
LINGERING_SLOW_MS=900
FACTORS=(1 4 8 64 256)

# with_factors FUNCTION: each scheduler, and wlch with each factor
with_factors() {
	local n variants=()
	for n in "${FACTORS[@]}"; do
		variants+=("wlch,active=$n,halfopen=$n,inactive=1")
	done
	each_scheduler "$1" "${variants[@]}"
}

# The mean of the last half of the lines
mean_of_half() {
	awk '{ line[NR] = $0 }
		END { for (i = int(NR / 2) + 1; i <= NR; i++) {
				m++
				split(line[i], n)
				a += n[1]; b += n[2]
			}
			printf "%.1f %.1f\n", a / m, b / m }'
}

# lingering_samples FILE: while it exists, the open connections of both servers,
# again and again; of one process, because each that starts takes from the load
lingering_samples() {
	# shellcheck disable=SC2016 # for the inner shell
	in_director bash -c '
		exec 3<> <(:)
		while [ -e "$0" ]; do
			echo "-L -n -t $1"
			read -r -t 0.1 -u 3
		done | ipvsadm -R' "$1" "$(service_address 4 "$port")" |
		awk '$1 == "->" && $5 ~ /^[0-9]+$/ { printf "%s%s", $5, n++ % 2 ? "\n" : " " }'
}

lingering_case() {
	local words running samples sampler open long=$((LINGERING_CLIENTS / LINGERING_LONG))
	scheduler_words "$1"
	service 4 "$port" g "${words[@]}" || return
	hold_some 4 "$port" $LINGERING_CLIENTS --interval $LINGERING_INTERVAL_US \
		--follow --request $LINGERING_LONG "${own_ports[@]}"
	running=$(mktemp) samples=$(mktemp)
	lingering_samples "$running" >"$samples" &
	sampler=$!
	expect $LINGERING_CLIENTS "$(clients_connected)" "connected clients" || return
	rm "$running"
	wait $sampler
	open=$(mean_of_half <"$samples")
	rm "$samples"
	await_given $LINGERING_CLIENTS column 4 "$port" 3 --stats --exact || return
	poll 60 lingering_long_are $long || return
	result lingering "$1" "$open" open="$(list "$open")" \
		long="$(list "$(active 4 "$port")")" servers="$(list "$given")"
	release
	port=$((port + 1))
}

lingering_long_are() { sum_is "$1" "$(active 4 "$port")" "long connections"; }

scenario_lingering() {
	local count=$((${#SCHEDULERS[@]} + ${#FACTORS[@]}))
	listen "$SERVER1" $count --answer=$LINGERING_FAST_MS &&
		listen_too "$SERVER2" --answer=$LINGERING_SLOW_MS &&
		with_factors lingering_case
}
