# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The report this project began with: a burst of simultaneous long connections
# to two equal servers, of which one is slow to answer.

BURST_COUNT=100
BURST_INTERVAL_US=500
BURST_FAST_MS=5
BURST_SLOW_MS=50

BURST_PACE_MS=60
BURST_ATTEMPTS=25
burst_port=8000

# A machine that cannot keep the pace gets all times longer, the client's and
# the servers' alike: what happens is the same. A kernel that looks for defects cannot.
burst_slowdown=1
! looks_for_defects || burst_slowdown=8

burst_set_delays() {
	delay "$SERVER1" $((BURST_FAST_MS * burst_slowdown)) &&
		delay "$SERVER2" $((BURST_SLOW_MS * burst_slowdown))
}

# burst_slower ATTEMPT: after each fifth attempt in vain
burst_slower() {
	[ $(($1 % 5)) -eq 4 ] && [ $burst_slowdown -lt 16 ] || return 0
	burst_slowdown=$((burst_slowdown * 2))
	echo "this machine is too busy: all times are $burst_slowdown times as long from now on"
	burst_set_delays
}

# burst_servers COUNT [FAMILY [OPTION]]: the servers listen on the ports that
# COUNT bursts will use, OPTION says with which protocol. A first burst warms up
# caches, the emulator's among them.
burst_servers() {
	local first=$((burst_port + 1)) last=$((burst_port + 1 + $1 * BURST_ATTEMPTS))
	local family=${2:-4}
	burst_set_delays || return
	# shellcheck disable=SC2046,SC2086 # an option or none, port numbers
	serve "$SERVER1" ${3:-} $(seq $first $last) &&
		serve "$SERVER2" ${3:-} $(seq $first $last) || return
	burst_port=$first
	service "$family" $first m rr && burst "$family" $first && clients_end &&
		service_end "$family" $first
}

# burst_watch FAMILY: while the burst runs, list the service over and over. To
# start a program takes about as long as the burst, so one ipvsadm reads what
# to do line by line.
burst_watch() {
	rm -f "$burst_dir"/*
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec "$DIRECTOR" bash -c '
		exec 3<> <(:)
		touch "$0/watching"
		while [ ! -e "$0/stop" ]; do
			echo "-L -n --sched-param -t $1"
			read -r -t 0.01 -u 3
		done | ipvsadm -R >"$0/looks"' \
		"$burst_dir" "$(service_address "$1" $burst_port)" &
	burst_watcher=$!
	poll 30 test -e "$burst_dir/watching"
}

# Leave in $burst_dir/look the listing that has most in the handshake or, with
# a scheduler that cannot tell, the first that has half of the connections.
burst_unwatch() {
	touch "$burst_dir/stop"
	wait "$burst_watcher"
	awk -v half=$((BURST_COUNT / 2)) '
		/^Prot / { keep(); look = ""; active = half_open = 0 }
		{ look = look $0 "\n" }
		$1 == "->" && $5 ~ /^[0-9]+$/ { active += $5; half_open += $7 }
		END { keep(); printf "%s", best; exit !best }
		function keep() {
			if (half_open > most || (!best && active >= half)) {
				most = half_open
				best = look
			}
		}' "$burst_dir/looks" >"$burst_dir/look" ||
		{ echo "no connection was seen while the burst ran"; return 1; }
}

# burst FAMILY PORT: the service is there and the servers listen. The
# connections stay until clients_end. Fails if not all clients connect.
burst() {
	clients "$1" "$2" $BURST_COUNT \
		--interval $((BURST_INTERVAL_US * burst_slowdown))
	expect $BURST_COUNT "$(clients_connected)" "connected clients"
}

# The burst was one: on a machine that is too busy the clients come so late
# that the slow server has answered the first before the last is opened.
burst_kept_pace() {
	local ms
	# shellcheck disable=SC2154 # clients() sets it
	ms=$(sed -n 's/.*opening_ms=\([0-9]*\).*/\1/p' "$clients_log")
	[ "$ms" -le $((BURST_PACE_MS * burst_slowdown)) ] || {
		echo "to open the connections took $ms ms, more than $((BURST_PACE_MS * burst_slowdown))"
		return 1
	}
}

# burst_with FAMILY METHOD SCHEDULER [OPTION...]: makes a service and opens a
# burst to it, again with a service on the next port if the machine was too
# busy for a burst. Leaves the port in $burst_port.
burst_with() {
	local family=$1 method=$2 attempt
	shift 2
	for ((attempt = 0; attempt < BURST_ATTEMPTS; attempt++)); do
		burst_port=$((burst_port + 1))
		service "$family" $burst_port "$method" "$@" || return
		[ -z "${burst_dir:-}" ] || burst_watch "$family" || return
		burst "$family" $burst_port || return
		[ -z "${burst_dir:-}" ] || burst_unwatch || return
		burst_kept_pace && return
		clients_end
		service_end "$family" $burst_port
		burst_slower $attempt
	done
	echo "the machine is too busy for a burst: tried $BURST_ATTEMPTS times"
	return 1
}

# larger "N N"
larger() {
	local a b
	read -r a b <<<"$1"
	echo $((a > b ? a : b))
}

share_at_least() { [ "$1" -ge "$2" ] || { echo "$1 is not at least $2"; return 1; }; }
share_at_most() { [ "$1" -le "$2" ] || { echo "$1 is more than $2"; return 1; }; }

# burst_case NAME COMPARISON LIMIT FAMILY METHOD SCHEDULER [OPTION...]: the
# results of a burst
burst_case() {
	local name=$1 comparison=$2 limit=$3 family=$4 end
	shift 3
	ktap_check "$name: all clients connect" burst_with "$@"
	end=$(active "$family" "$burst_port")
	ktap_note "$name: $end (times as specified x $burst_slowdown)"
	ktap_check "$name: the connections are where the director says" \
		expect "$end" "$(table "$family" "$burst_port" ESTABLISHED)"
	ktap_check "$name: larger share ${comparison#share_} $limit of $BURST_COUNT" \
		"$comparison" "$(larger "$end")" "$limit"
	clients_end
	service_end "$family" "$burst_port"
}
