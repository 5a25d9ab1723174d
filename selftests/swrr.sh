#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The scheduler swrr: each server has its exact share of a cycle, spread over it, and
# goes on as before when other servers come, go or change. In-tree rr and wrr are given
# the same. Most clients send datagrams to a service that schedules each packet, so a
# datagram is a pick, which --stats counts as a connection.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/pool.sh
. "$(dirname "$0")/lib/pool.sh"
# shellcheck source=selftests/lib/turns.sh
. "$(dirname "$0")/lib/turns.sh"

LAST=9739
DIRECTORS=20

loaded() { [ -e /sys/module/ip_vs_swrr ]; }

# picks NUMBER: that many, and leaves in $conns what each server had of them. All that
# the service had is in $counted.
picks() {
	local before=("${counted[@]}") i
	send "$1" && poll 30 picked_in_all $(($(sum "${before[*]}") + $1)) || return
	read -ra counted <<<"$conns"
	conns=
	for ((i = 0; i < ${#counted[@]}; i++)); do
		conns+="${conns:+ }$((counted[i] - ${before[i]:-0}))"
	done
}

picks_are() { picks "$1" && expect "$2" "$conns" "picks"; }

# in_order NUMBER: picks, one by one; leaves the servers' numbers in $order
in_order() {
	local n
	order=
	for ((n = 0; n < $1; n++)); do
		picks 1 || return
		order+=$(awk '{ for (i = 1; i <= NF; i++) if ($i) printf "%s", i }' <<<"$conns")
	done
}

# longest_run ORDER: in an order that repeats
longest_run() {
	awk -v s="$1$1" 'BEGIN {
		for (i = 1; i <= length(s); i++) {
			n = substr(s, i, 1) == substr(s, i - 1, 1) ? n + 1 : 1
			if (n > most) most = n
		}
		print most
	}'
}

# control NAME COMMAND...: with a scheduler that not all kernels have
control() {
	if ipvs -A -f 1 -s wrr 2>/dev/null; then
		ipvs -D -f 1
		"${@:2}"
	else
		ktap_skip "$1" "this kernel has no wrr"
	fi
}

loads_by_name() {
	begin "$form" swrr "1 2 3 4 5 6 7 8 9 10" --ops && loaded
}

# exact SCHEDULER WANT: with weights from 1 to 10, 3 cycles
exact() {
	local name="weights 1 to 10, $1"
	begin "$form" "$1" "1 2 3 4 5 6 7 8 9 10" --ops
	ktap_check "$name: 165 picks are $2" picks_are 165 "$2"
}

# smooth SCHEDULER WANT: of one server in a row, of 14 picks, which are two cycles
smooth() {
	name="weights 5, 1, 1, $1"
	begin "$form" "$1" "5 1 1" --ops
	ktap_check "$name: 14 picks" in_order 14
	ktap_note "$name: $order"
	ktap_check "$name: $2 of one in a row" expect "$2" "$(longest_run "$order")"
}

# --- a server that comes and goes

# flapped SCHEDULER PORT: and leaves in $off by how much a server that never changed is off
flapped() {
	local name="a server flaps, $1"
	ktap_check "$name: all picks are there" poll 30 shares "$2"
	off=$(off_by "$(undisturbed "$percent")")
	ktap_note "$name: percent of their ideal shares: $percent"
	ktap_note "$name: off by $((off / 100)).$(printf %02d $((off % 100))) % at most"
}

flap_wrr() {
	flapped wrr $wrr_port
	ktap_check "a server flaps, wrr: another is off by more than 2 %" [ "$off" -gt 200 ]
}

flap() {
	ipvs -C
	begin "$form" swrr "1 2 3 4 5 6 7 8 9 10" --ops
	swrr_port=$PORT
	wrr_port=
	if ipvs -A -f 1 -s wrr 2>/dev/null; then
		ipvs -D -f 1
		begin "$form" wrr "1 2 3 4 5 6 7 8 9 10" --ops
		wrr_port=$PORT
	fi
	ktap_check "a server flaps: $FLAPS times, after 10 picks each" flap_all $swrr_port $wrr_port
	control "a server flaps, wrr" flap_wrr
	flapped swrr $swrr_port
	ktap_check "a server flaps, swrr: each other is within 2 %" [ "$off" -le 200 ]
}

# order_after SCHEDULER: one of 5 servers gets weight 0 and comes back, each time after a
# pick; the others' order is in $order, without it
order_after() {
	local n all=
	begin "$form" "$1" "1 1 1 1 1" --ops
	in_order 5 || return
	first=${order//5/}
	for ((n = 0; n < 8; n++)); do
		weigh $FLAPPING $((n % 2)) && in_order 1 || return
		all+=$order
	done
	order=${all//5/}
}

# continues ORDER: of what came first?
continues() {
	case $first$first$first in
	"$first$1"*) ;;
	*) echo "first $first, then $1"; return 1 ;;
	esac
}

weight_0_wrr() {
	ktap_check "weight 0 and back, wrr: after each of 8 picks" order_after wrr
	ktap_note "wrr: $first, then $order"
	ktap_check "weight 0 and back, wrr: it begins anew each time" \
		begins_anew "$order"
}

begins_anew() { ! continues "$1"; }

weight_0() {
	ktap_check "weight 0 and back, swrr: after each of 8 picks" order_after swrr
	ktap_note "swrr: $first, then $order"
	ktap_check "weight 0 and back, swrr: the others go on in their order" continues "$order"
	control "weight 0 and back, wrr" weight_0_wrr
	begin "$form" swrr "1 2 3 0" --ops
	ktap_check "weight 0, swrr: no picks of 12" picks_are 12 "2 4 6 0"
}

# The counters of a server that is added again go on from what they were.
removed() {
	local name="a server is removed, swrr" key
	begin "$form" swrr "1 1 1 1 1" --ops
	key=(-u "${VIP[4]}:$PORT" -r "$FLAPPING:$PORT")
	ktap_check "$name: 50 picks" picks_are 50 "10 10 10 10 10"
	ipvs -d "${key[@]}"
	unset 'counted[4]'
	ktap_check "$name: the others share 40" picks_are 40 "10 10 10 10"
	ipvs -a "${key[@]}" -g -w 1
	counted+=(10)
	ktap_check "$name: added again, 50 picks" picks 50
	ktap_note "$name: $conns"
	ktap_check "$name: it has its share, and no burst" within 9 11 "${conns##* }"
}

# --- what every scheduler can

# hold FORM NUMBER "WANT...": TCP connections, and where they are
hold() {
	clients "$1" $PORT "$2" "${@:4}"
	ktap_check "$name: $2 clients connect" expect "$2" "$(clients_connected)"
	ktap_check "$name: the servers have $3" expect "$3" "$(active "$1" $PORT)"
	clients_stay
}

mark_packets() {
	in_director nft -f - <<-E
		table inet marks {
			chain in {
				type filter hook prerouting priority -150
				tcp dport $((PORT + 1)) meta mark set $((PORT + 1))
			}
		}
	E
}

forms() {
	name="IPv4, TCP, weights 1 and 2"
	begin 4 swrr "1 2"
	hold 4 30 "10 20"
	name="IPv6, TCP, weights 1 and 2"
	begin 6 swrr "1 2"
	hold 6 30 "10 20"
	name="mark, weights 1 and 2"
	mark_packets
	begin mark4 swrr "1 2"
	hold mark4 30 "10 20"
	name="persistent, one client"
	ip -n "$CLIENT" addr add 10.1.0.30/24 dev eth0
	begin 4 swrr "1 1" -p 300
	clients 4 $PORT 10
	ktap_check "$name: 10 clients connect" expect 10 "$(clients_connected)"
	clients_stay
	all=$(active 4 $PORT)
	ktap_check "$name: all are on one server" \
		expect "0 10" "$(tr ' ' '\n' <<<"$all" | sort -n | paste -sd ' ')"
	name="persistent, and another client"
	hold 4 10 "10 10" --bind 10.1.0.30
}

# Server 2 may have one connection. What would have been its turn is nobody's.
overload() {
	name="a server is overloaded, $1"
	begin pool4 "$1" "1 1 1 1"
	ipvs -e -t "${VIP[4]}:$PORT" -r "10.2.0.102:$PORT" -g -w 1 -x 1
	clients pool4 $PORT 31
	ktap_check "$name: 31 clients connect" expect 31 "$(clients_connected)"
	ktap_note "$name: $(active pool4 $PORT)"
	ktap_check "$name: it has 1, the others 10 each" \
		expect "10 1 10 10" "$(active pool4 $PORT)"
	clients_stay
}

# --- many directors: as many services stand for them, as none knows of another

# directors SCHEDULER LEAST MOST: idle servers
directors() {
	local i port all first
	first=$((PORT + 1))
	for ((i = 0; i < DIRECTORS; i++)); do
		begin "$form" "$1" "1 1 1 1 1 1 1 1 1 1" --ops
	done
	for ((port = first; port < first + DIRECTORS; port++)); do
		send 2 $port
	done
	name="$DIRECTORS directors, 2 picks each of 10 servers, $1"
	ktap_check "$name" poll 30 directors_picked $first
	ktap_note "$name: $totals"
	ktap_check "$name: $2 to $3 servers are idle" \
		within "$2" "$3" "$(tr ' ' '\n' <<<"$totals" | grep -cx 0)"
	for ((port = first; port < first + DIRECTORS; port++)); do
		echo "-D -u ${VIP[4]}:$port"
	done | ipvs -R
	PORT=$((first - 1))
}

directors_picked() {
	totals=$(ipvs -L -n --stats --exact | awk -v first="$1" -v n=$DIRECTORS '
		$1 == "UDP" { split($2, part, ":"); port = part[2] }
		$1 == "->" && port >= first && port < first + n {
			split($2, part, /[.:]/)
			sum[part[4] - 100] += $3
		}
		END { for (i = 1; i <= 10; i++) printf "%d%s", sum[i], (i < 10 ? " " : "\n") }')
	expect $((2 * DIRECTORS)) "$(sum "$totals")" "picks of all"
}

cannot_remove() { ! rmmod ip_vs_swrr 2>/dev/null && loaded; }

remove() {
	ipvs -C && poll 30 rmmod ip_vs_swrr && ! loaded
}

wlch_start
pool_up 10
pool 4
form mark4 4 -f
SERVER_PORT[mark4]=0
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" $(seq $PORT $LAST) || exit 1
# shellcheck disable=SC2046
serve "$SERVER2" $(seq $PORT $LAST) || exit 1
turns_up
! loaded || rmmod ip_vs_swrr

ktap_check "a service loads the module by the scheduler's name" loads_by_name
exact rr "16 16 16 16 16 17 17 17 17 17"
control "weights 1 to 10, wrr" exact wrr "3 6 9 12 15 18 21 24 27 30"
exact swrr "3 6 9 12 15 18 21 24 27 30"
control "weights 5, 1, 1, wrr" smooth wrr 5
smooth swrr 3
flap
weight_0
removed
forms
overload rr
overload swrr
directors rr 8 8
control "$DIRECTORS directors, wrr" directors wrr 8 8
directors swrr 0 3
ktap_check "the module cannot be removed while a service uses it" cannot_remove
ktap_check "the module can be removed when none does" remove
ktap_end
