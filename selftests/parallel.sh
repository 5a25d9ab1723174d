#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Clients on all CPUs at once, and each packet is handled on its client's CPU: the
# servers are level when 10,000 connections are held (2000 where the kernel looks for
# defects, and is slow), and also when ten come at the same moment to ten idle servers.
# In-tree wlc on several CPUs sees the same counts and takes the same server; how often is
# seen here depends on the machine and is noted only.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/pool.sh
. "$(dirname "$0")/lib/pool.sh"

SERVERS=10
FORM=pool$SERVERS
HELD=10000
! looks_for_defects || HELD=2000
ROUNDS=200
MOST_DOUBLED=5
CPUS=$(nproc)

# connections of each CPU so far, as the director's IPVS has counted them
per_cpu() {
	# shellcheck disable=SC2016 # for awk
	in_director awk '$1 ~ /^[0-9A-F]+$/ { print $2 }' /proc/net/ip_vs_stats_percpu |
		while read -r hex; do
			echo $((16#$hex))
		done | head -n "$CPUS" | paste -sd' '
}

# less "N N..." "M M...": each less the other
less() {
	local from take i
	read -ra from <<<"$1"
	read -ra take <<<"$2"
	for ((i = 0; i < ${#from[@]}; i++)); do
		echo $((from[i] - take[i]))
	done | paste -sd' '
}

# burst NAME COUNT ROUNDS OPTION PORT: and see that all CPUs took part
burst() {
	local name=$1 all=$(($2 * $3)) before made cpu=0 n
	before=$(per_cpu)
	clients_log=$(mktemp)
	# shellcheck disable=SC2016 # for the director's shell
	in_director sh -c 'exec "$@" 5</proc/net/ip_vs_stats_percpu' - ip netns exec "$CLIENT" \
		conn_burst "$4" "${VIP[4]}" "$5" "$2" "$3" >"$clients_log" 2>&1 &
	clients_pid=$!
	ktap_check "$name: all clients connect" expect $all "$(clients_connected)"
	made=$(less "$(per_cpu)" "$before")
	ktap_note "$name: connections made on each CPU: $made"
	for n in $made; do
		ktap_check "$name: CPU $cpu made at least a tenth" \
			within $((all / 10)) $all "$n"
		cpu=$((cpu + 1))
	done
	ktap_check "$name: that is all CPUs, and all connections" \
		expect "$CPUS $all" "$cpu $(sum "$made")"
}

# A hundred at a time: more at once than a CPU's queue for packets holds would
# be lost, and come again a second later.
held() {
	local name="$HELD connections, $1"
	service $FORM "$2" g "$1"
	burst "$name" 100 $((HELD / 100)) --one-port "$2"
	shares=$(active $FORM "$2")
	ktap_note "$name: the servers have $shares"
	ktap_check "$name: all are held" expect $HELD "$(sum "$shares")"
	[ "$1" = wlc ] ||
		ktap_check "$name: the servers are level" level "$shares"
	clients_end
	service_end $FORM "$2"
}

# doubled FIRST: the rounds in which a server got more than one connection, and
# so another none, with what is known of their times
doubled() {
	ipvs -L -n | awk -v first="$1" -v rounds=$ROUNDS '
		FNR == NR && $1 == "->" && port >= first &&
			port < first + rounds && $5 != 1 { uneven[port - first] = 1 }
		FNR == NR && $1 == "TCP" { split($2, part, ":"); port = part[2] }
		FNR < NR && split($0, part, /[= ]/) == 6 && part[2] in uneven
		' - "$clients_log"
}

# those during which the kernel's clock did not tick
within_jiffy() { grep ' ticks=0$'; }

# All servers have another weight, so each choice among idle servers is clear: two
# that are made without knowing of each other are the same.
rounds() {
	local name="$ROUNDS bursts of $SERVERS, $1"
	services $FORM "$2" $(($2 + ROUNDS - 1)) g "$1" 101 | ipvs -R
	burst "$name" $SERVERS $ROUNDS --stats=5 "$2"
	doubled=$(doubled "$2")
	ktap_note "$name: in $(grep -c . <<<"$doubled") a server got two, or more"
	ktap_note "$name: $(within_jiffy <"$clients_log" | wc -l) were within a jiffy"
	clients_end
}

# A claim counts for one to two jiffies. Two choices can be the same if a CPU stops that
# long in between, as emulated ones do on a busy machine: not if the clock has not
# ticked until all entries were there.
rounds_level() {
	local name="$ROUNDS bursts of $SERVERS, wlch"
	ktap_check "$name: each server has one, if a burst is within a jiffy" \
		expect "" "$(within_jiffy <<<"$doubled")"
	# a kernel that looks for defects stops CPUs itself
	if looks_for_defects; then
		ktap_check "$name: most are level" within 0 $((ROUNDS / 2)) "$(grep -c . <<<"$doubled")"
	else
		ktap_check "$name: and if not, but for $MOST_DOUBLED" \
			within 0 $MOST_DOUBLED "$(grep -c . <<<"$doubled")"
	fi
}

wlch_start
if [ "$CPUS" -lt 2 ]; then
	ktap_skip "clients on all CPUs" "there is only one"
	ktap_end
	exit
fi
pool_up $SERVERS
pool $SERVERS
# so that to connect is only to send the SYN
delay "$SERVER1" 20
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" 9001 9002 $(seq 10000 $((10000 + ROUNDS - 1))) \
	$(seq 11000 $((11000 + ROUNDS - 1))) || exit 1
rounds wlc 10000
rounds wlch 11000
rounds_level
held wlc 9001
held wlch 9002
ktap_end
