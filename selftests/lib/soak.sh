# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Who takes part in a soak: clients, and changes of the configuration, each over and over
# in the background until all end. What they did is in the folder $soak_dir, a file for each.
# Needs handshakes.sh, pool.sh, sctp.sh and flood.sh.

SOAK_POOL=5	# servers of the largest service
SOAK_VS=10.1.0.100
form udp4 4 -u
pool $SOAK_POOL

# What is not changed: NAME FORM PORT METHOD
KEPT=(
	"short4 4 9001 m"
	"short6 6 9002 g"
	"long4 4 9003 g"
	"long6 6 9004 m"
	"udp udp4 9005 m"
	"sctp sctp4 9006 m"
	"refused 4 9007 m"
	"flooded 4 9008 m"
	"held4 4 9009 m"
	"held6 6 9010 g"
)
HELD=40		# connections of the last two, all the time
# What is: NAME is the change
CHANGED=(
	"servers 4 9011 m"
	"pool pool$SOAK_POOL 9012 m"
	"weights 6 9013 g"
	"parameters 4 9014 m"
	"scheduler 4 9015 m"
)

# A connection that has lost its other side would keep its namespace for minutes.
soak_orphans() {
	local ns
	for ns in "$CLIENT" "$SERVER1" "$SERVER2"; do
		ip netns exec "$ns" sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_orphan_retries' || return
	done
}

# soak_up: the services, and who listens
soak_up() {
	local service name form port method ports
	mapfile -t ports < <(seq 9001 9015)
	soak_dir=$(mktemp -d)
	soak_orphans && sctp_up && pool_up $SOAK_POOL && flood_up &&
		serve "$SERVER1" "${ports[@]}" && unset 'ports[6]' &&
		serve "$SERVER2" "${ports[@]}" &&
		serve "$SERVER1" --udp 9005 && serve "$SERVER2" --udp 9005 &&
		serve "$SERVER1" --sctp 9006 && serve "$SERVER2" --sctp 9006 || return
	for service in "${KEPT[@]}" "${CHANGED[@]}"; do
		read -r name form port method <<<"$service"
		service "$form" "$port" "$method" wlch || return
	done
}

# soak_hold: clients that stay. The core ends what is idle, of the others soon: the end of a
# connection is lost while its server is removed.
soak_hold() {
	ipvs --set 1000000 10 5 || return
	clients 4 9009 $HELD --rst
	held_pids=("$clients_pid")
	expect $HELD "$(clients_connected)" "connected of held4" || return
	clients_stay
	clients 6 9010 $HELD --rst
	held_pids+=("$clients_pid")
	expect $HELD "$(clients_connected)" "connected of held6" || return
	clients_stay
	ipvs --set 30 10 5
}

soak_release() { kill "${held_pids[@]}"; }

soak_over() { [ -e "$soak_dir/over" ]; }

# soak_clients NAME FAMILY PORT COUNT [OPTION...]: what became of them is added to NAME
soak_clients() {
	local name=$1
	shift
	until soak_over; do
		clients "$@" --rst
		wait "$clients_pid"
		# shellcheck disable=SC2154 # clients sets it
		cat "$clients_log" >>"$soak_dir/$name"
		rm -f "$clients_log"
	done
}

# soak_flood PORT: some SYNs of spoofed addresses at a time
soak_flood() {
	flood_start "$1"
	until soak_over; do
		flood 50 && echo connected=50 >>"$soak_dir/flooded"
		sleep 0.5
	done
	flood_stop
}

# soak_change NAME: what "change_NAME" does
soak_change() {
	until soak_over; do
		if "change_$1" >"$soak_dir/$1.said" 2>&1; then
			echo "changed=1"
		else
			echo "wrong=1"
			cp "$soak_dir/$1.said" "$soak_dir/$1.wrong"
		fi >>"$soak_dir/change-$1"
		sleep 0.3
	done
}

change_servers() {
	ipvs -d -t $SOAK_VS:9011 -r 10.2.0.11:9011 &&
		sleep 0.2 &&
		ipvs -a -t $SOAK_VS:9011 -r 10.2.0.11:9011 -m
}

# Two of the servers go, and come back with other weights; the index is made anew then.
change_pool() {
	ipvs -R <<-E &&
		-d -t $SOAK_VS:9012 -r 10.2.0.101:9012
		-d -t $SOAK_VS:9012 -r 10.2.0.103:9012
		-e -t $SOAK_VS:9012 -r 10.2.0.102:9012 -m -w 65535
	E
		sleep 0.2 &&
		ipvs -R <<-E
			-a -t $SOAK_VS:9012 -r 10.2.0.103:9012 -m -w $((RANDOM % 4))
			-e -t $SOAK_VS:9012 -r 10.2.0.102:9012 -m -w 1
			-a -t $SOAK_VS:9012 -r 10.2.0.101:9012 -m
		E
}

change_weights() {
	ipvs -R <<-E
		-e -t [fd00:1::100]:9013 -r [fd00:2::11]:9013 -g -w $((RANDOM % 3))
		-e -t [fd00:1::100]:9013 -r [fd00:2::12]:9013 -g -w $((RANDOM % 3 + 1))
	E
}

change_parameters() {
	ipvs -E -t $SOAK_VS:9014 -s wlch --sched-param \
		"active=$((RANDOM % 4096 + 1)),halfopen=$((RANDOM % 4097)),refused=$((RANDOM % 4097)),slowstart=$((RANDOM % 3)),choices=$((RANDOM % 3))" &&
		ipvs -E -t $SOAK_VS:9012 -s wlch --sched-param "choices=$((RANDOM % 3))"
}

change_scheduler() {
	ipvs -E -t $SOAK_VS:9015 -s wlc && sleep 0.2 && ipvs -E -t $SOAK_VS:9015 -s wlch
}

# No change, but who looks
change_nothing() {
	ipvs -L -n --sched-param >/dev/null &&
		ipvs -L -n --stats >/dev/null &&
		ipvs -L --json | jq -e '.services | length == 15' >/dev/null
}

# A namespace with a service, and handshakes that will never complete: its servers are
# nobody. It goes with them.
change_namespaces() {
	local ns=wlch-n-$$ pending
	ip netns add "$ns" || return
	pending=$(namespace_pending "$ns")
	namespace_down "$ns"
	expect 20 "$pending" "half-open in a namespace that is deleted"
}

namespace_pending() {
	ip -n "$1" -batch - <<-E || return
		link set lo up
		link add eth0 type veth peer name eth1
		link set eth0 up
		link set eth1 up
		addr add 10.9.0.1/24 dev eth0
		addr add 10.9.0.100/32 dev lo
		neigh replace 10.9.0.11 lladdr 02:00:00:00:00:11 dev eth0
		neigh replace 10.9.0.12 lladdr 02:00:00:00:00:12 dev eth0
	E
	ip netns exec "$1" ipvsadm -R <<-E || return
		-A -t 10.9.0.100:80 -s wlch
		-a -t 10.9.0.100:80 -r 10.9.0.11:80 -g
		-a -t 10.9.0.100:80 -r 10.9.0.12:80 -g
	E
	ip netns exec "$1" conn_hold --interval 0 --wait 0 --hold 0 10.9.0.100 80 20 >/dev/null
	ip netns exec "$1" ipvsadm -L -n --sched-param |
		awk '$1 == "->" && $2 ~ /:80$/ { n += $7 } END { print n }'
}

SOAK_CHANGES="servers pool weights parameters scheduler nothing namespaces"

soak_begin() {
	local change service name form port
	rm -f "$soak_dir/over"
	soak_pids=()
	in_director genl_listen >"$soak_dir/events" &
	soak_listener=$!
	soak_run soak_clients short4 4 9001 50 --hold 0 --interval 1000
	soak_run soak_clients short6 6 9002 50 --hold 0 --interval 1000
	soak_run soak_clients long4 4 9003 50 --hold 3 --interval 20000
	soak_run soak_clients long6 6 9004 50 --hold 3 --interval 20000
	soak_run soak_clients udp udp4 9005 20 --hold 0 --interval 5000
	soak_run soak_clients sctp sctp4 9006 20 --hold 1 --interval 5000
	soak_run soak_clients refused 4 9007 20 --hold 0 --interval 5000
	soak_run soak_flood 9008
	for service in "${CHANGED[@]}"; do
		read -r name form port _ <<<"$service"
		soak_run soak_clients "$name" "$form" "$port" 20 \
			--hold 0 --interval 10000 --wait 10
	done
	for change in $SOAK_CHANGES; do
		soak_run soak_change "$change"
	done
}

soak_run() {
	"$@" &
	soak_pids+=($!)
}

soak_end() {
	touch "$soak_dir/over"
	wait "${soak_pids[@]}"
	kill "$soak_listener" && ! wait "$soak_listener" 2>/dev/null
}

# soak_sum FILE WORD: of all that was noted
soak_sum() {
	awk -v word="$2" -F '[ =]' '
		{ for (i = 1; i < NF; i++) if ($i == word) n += $(i + 1) }
		END { print n + 0 }' "$soak_dir/$1"
}
