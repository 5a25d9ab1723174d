#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Several directors with the same configuration. 20 of them, which do not know of
# each other, have two connections each to the same 10 servers: wlc gives all of
# them to the two servers added last, and wlch spreads them. When the sync daemon
# runs, a director sees the connections of the other one and takes an idle server.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/backup.sh
. "$(dirname "$0")/lib/backup.sh"
# shellcheck source=selftests/lib/pool.sh
. "$(dirname "$0")/lib/pool.sh"

DIRECTORS=20
SERVERS=10
HELD=2		# connections of each director in a run
RUNS=20		# each with a service of its own, on the next port
FORM=pool$SERVERS
WLC=12000 WLCH=12100		# first ports
ALONE=12200 SYNCED=12300

# director NUMBER: its namespace. Its clients are there, too. The VIP is nobody's
# address but has a route, and IPVS takes what goes there.
director() { echo "wlch-d$1-$$"; }

# each COMMAND...: with each director as the one that it asks
each() {
	local i DIRECTOR
	for ((i = 1; i <= DIRECTORS; i++)); do
		DIRECTOR=$(director $i)
		"$@" || return
	done
}

director_up() {
	ip netns add "$DIRECTOR" || return
	in_director sh -c '
		echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
		echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter' || return
	plug "$DIRECTOR" "director$i" | ip -batch - || return
	ip -n "$SWITCH" link set "director$i" master br0 up || return
	ip -n "$DIRECTOR" -batch - <<-E || return
		link set lo up
		link set eth0 up
		addr add 10.2.0.$((20 + i))/24 dev eth0
		route add ${VIP[4]}/32 dev eth0
	E
	ipvs -R <"$dir/services"
}

director_down() { namespace_down "$DIRECTOR"; }

directors_down() {
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$director_clients" ] || kill $director_clients
	each director_down
	rm -r "$dir"
}

director_connects() {
	local CLIENTS_IN=$DIRECTOR
	clients $FORM "$1" $HELD --ports $RUNS --in-turn
	director_clients+=" $clients_pid"
	logs+=("$clients_log")
}

# connect FIRST: each director has its connections in each run
connect() {
	local logs=()
	each director_connects "$1"
	for clients_log in "${logs[@]}"; do
		expect $((HELD * RUNS)) "$(clients_connected)" "connected clients" || return
		rm -f "$clients_log"
	done
}

# loads FIRST: for each run what all directors have on each server
loads() {
	each ipvs -L -n | awk -v first="$1" -v runs=$RUNS -v servers=$SERVERS '
		$1 == "TCP" { split($2, part, ":"); run = part[2] - first }
		$1 == "->" && run >= 0 && run < runs {
			split($2, part, /[.:]/)
			n[run, part[4] - 100] += $5
		}
		END {
			for (run = 0; run < runs; run++)
				for (s = 1; s <= servers; s++)
					printf "%d%s", n[run, s], (s < servers ? " " : "\n")
		}'
}

# max_to_mean LOADS: in thousandths, the mean of all runs
max_to_mean() {
	awk '{
		most = sum = 0
		for (s = 1; s <= NF; s++) {
			sum += $s
			if ($s > most)
				most = $s
		}
		all += most * NF / sum
	} END { printf "%d\n", 1000 * all / NR }' <<<"$1"
}

run_all() {
	name="$DIRECTORS directors, $1"
	ktap_check "$name: all clients connect" connect "$2"
	loads=$(loads "$2")
	ratio=$(max_to_mean "$loads")
	ktap_note "$name: the first run: $(head -n 1 <<<"$loads")"
	ktap_note "$name: max/mean in the mean of $RUNS runs: $((ratio / 1000)).$(printf %03d $((ratio % 1000)))"
	ktap_check "$name: all connections are there" expect \
		$((DIRECTORS * HELD * RUNS)) "$(sum "$loads")"
}

# The last-added servers and no other, in each run
only_the_last() {
	expect "0 0 0 0 0 0 0 0 $DIRECTORS $DIRECTORS" "$(sort -u <<<"$loads")" loads
}

independent() {
	dir=$(mktemp -d)
	director_clients=
	trap 'directors_down; topology_down' EXIT
	{
		services $FORM $WLC $((WLC + RUNS - 1)) m wlc
		services $FORM $WLCH $((WLCH + RUNS - 1)) m wlch
	} >"$dir/services"
	ktap_check "$DIRECTORS directors with the same services" each director_up
	run_all wlc $WLC
	ktap_check "$name: all are on the two servers added last" only_the_last
	run_all wlch $WLCH
	ktap_check "$name: max/mean is at most 2" within 1000 2000 "$ratio"
	directors_down
	trap topology_down EXIT
}

# picked FIRST: which server has been chosen here for each service
picked() {
	ipvs -L -n --sched-param | awk -v first="$1" -v n=$RUNS '
		$1 == "TCP" { split($2, part, ":"); port = part[2] }
		$1 == "->" && port >= first && port < first + n && $10 { print $2 }'
}

# The services for which both directors have chosen the same server
both_picked() {
	comm -12 <(picked "$1" | sort) <(on_backup picked "$1" | sort) | wc -l
}

# both_pick NAME FIRST COMMAND...: each service has a connection at the first
# director, and when the command succeeds one at the second
both_pick() {
	local name=$1 first=$2 CLIENTS_IN
	clients 4 "$first" 1 --ports $RUNS
	ktap_check "$name: $RUNS clients connect through one director" \
		expect $RUNS "$(clients_connected)"
	clients_stay
	ktap_check "$name: what the other one knows of them" "${@:3}"
	CLIENTS_IN=$BACKUP
	clients 4 "$first" 1 --ports $RUNS --bind 10.2.0.4
	ktap_check "$name: $RUNS clients connect through the other one" \
		expect $RUNS "$(clients_connected)"
	clients_stay
	ktap_check "$name: each has chosen a server for each service" \
		expect "$RUNS $RUNS" \
		"$(picked "$first" | wc -l) $(on_backup picked "$first" | wc -l)"
	same=$(both_picked "$first")
	ktap_note "$name: both directors have chosen the same server in $same of $RUNS services"
}

# entries NUMBER FIRST: so many connections the director has of these services
entries() {
	local n
	n=$(ipvs -L -n | awk -v first="$2" -v n=$RUNS '
		$1 == "TCP" { split($2, part, ":"); port = part[2] }
		$1 == "->" && port >= first && port < first + n { sum += $5 }
		END { print sum + 0 }')
	expect "$1" "$n" "active connections"
}

two_services() {
	{
		services 4 $ALONE $((ALONE + RUNS - 1)) m wlch
		services 4 $SYNCED $((SYNCED + RUNS - 1)) m wlch
	} | ipvs -R
}

daemons() {
	in_director sh -c 'echo "0 1" >/proc/sys/net/ipv4/vs/sync_threshold' &&
		ipvs --start-daemon master --mcast-interface eth0 &&
		on_backup ipvs --start-daemon backup --mcast-interface eth0
}

synchronized() {
	ktap_need backup_up || return
	ktap_check "two directors with the same services" \
		eval "two_services && on_backup two_services"
	both_pick "no sync daemon" $ALONE on_backup entries 0 $ALONE
	ktap_check "no sync daemon: by chance both choose the same server" \
		[ "$same" -gt 0 ]
	ktap_check "the sync daemons start" daemons
	both_pick "sync daemon" $SYNCED poll 60 on_backup entries $RUNS $SYNCED
	ktap_check "sync daemon: the other server each time" expect 0 "$same"
}

wlch_start
pool_up $SERVERS
pool $SERVERS
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" $(seq $WLC $((WLC + RUNS - 1))) $(seq $WLCH $((WLCH + RUNS - 1))) \
	$(seq $ALONE $((ALONE + RUNS - 1))) $(seq $SYNCED $((SYNCED + RUNS - 1))) || exit 1
# shellcheck disable=SC2046
serve "$SERVER2" $(seq $ALONE $((ALONE + RUNS - 1))) \
	$(seq $SYNCED $((SYNCED + RUNS - 1))) || exit 1
independent
synchronized
ktap_end
