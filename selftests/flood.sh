#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A SYN flood: WLCH_FLOOD (20000) connections from spoofed addresses are half-open at
# once, while a client opens connections through the same service. What that costs is
# told, for wlc and then wlch, from a tenth of the flood to all of it, and judged only
# where the clock counts instructions (WLCH_ACCEL=icount SMP=1).
#
# With NAT, as there the packets of a connection that wlch follows cost more than wlc's.
# The service has ten servers, so wlch has an index of them. Entries in SYN_RECV live 60 s,
# and nothing makes that shorter: all of the flood has to come within that time.
#
# A machine without KVM can do 100000, most of the time waits for the last to expire.
# "make check" does 1000000 in User Mode Linux.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"
# shellcheck source=selftests/lib/pool.sh
. "$(dirname "$0")/lib/pool.sh"
# shellcheck source=selftests/lib/flood.sh
. "$(dirname "$0")/lib/flood.sh"
# shellcheck source=selftests/lib/memory.sh
. "$(dirname "$0")/lib/memory.sh"
# shellcheck source=selftests/bench/lib.sh
. "$(dirname "$0")/bench/lib.sh"

FLOOD=${WLCH_FLOOD:-20000}
ROUNDS=10
SERVERS=10
HELD=100	# connections that stay
EACH=100	# connections of the client in each round
FEW=1000	# so many can be read in the table, in which each page begins at its start
PORT=8000
TABLE_BITS=20	# buckets, as a director has them that expects as much
BACK_KIB=16384	# what may be missing of the memory in the end

# table_bits BITS: load IPVS with a table of so many buckets, or as it comes
table_bits() {
	local bits=/sys/module/ip_vs/parameters/conn_tab_bits
	[ ! -e $bits ] || [ "$(<$bits)" != "${1:-}" ] || return 0
	[ ! -d /sys/module/ip_vs/holders ] || poll 60 ipvs_removed &&
		modprobe ip_vs ${1:+conn_tab_bits=$1}
}

ipvs_removed() {
	local holder
	for holder in /sys/module/ip_vs/holders/*; do
		[ ! -d "$holder" ] || rmmod "${holder##*/}" || return
	done
	rmmod ip_vs
}

# A machine may be as fast by chance, so it has to have been asked for, too.
counts_instructions() {
	local ns
	[ "${WLCH_ACCEL:-}" = icount ] || return
	ns=$(insn_loop 20000000)
	[ "${ns#ns=}" -ge 20000000 ] && [ "${ns#ns=}" -lt 20400000 ]
}

# client_round COUNT: the client opens that many connections, each from another port;
# leaves the time in $client_ns. Each has to work.
client_round() {
	client_ns=$(in_client conn_rate "${VIP[4]}" $PORT "$client_port" "$1" 2>&1) ||
		{ client_said=$client_ns; return 1; }
	client_ns=${client_ns#ns=}
	client_port=$((client_port + $1))
}

# rounds: a tenth of the flood each; in the last fifth of it the client opens connections
rounds() {
	local -n syn=syn_$1 client=client_$1
	local round rc part=$((FLOOD / ROUNDS / 5))
	for ((round = 0; round < ROUNDS; round++)); do
		flood $((part * 4)) || return
		syn+=($((flood_ns / part / 4)))
		flood_begin $part && client_round $EACH
		rc=$?
		flood_end && [ $rc -eq 0 ] || return
		client+=($((client_ns / EACH)))
	done
}

# To the core handshakes are active, as are established connections.
pending() { echo $(($(sum "$(active pool$SERVERS $PORT)") - HELD)); }

# reach NUMBER: what was lost on the way is made up for
reach() {
	local tries missing
	for ((tries = 0; tries < 20; tries++)); do
		missing=$(($1 - $(pending)))
		[ $missing -gt 0 ] || return 0
		flood $missing
	done
	echo "$missing of $1 are missing"
	return 1
}

# minus "N N..." "N N...": the differences
minus() {
	local a b i
	read -ra a <<<"$1"
	read -ra b <<<"$2"
	for i in "${!a[@]}"; do
		a[i]=$((a[i] - b[i]))
	done
	echo "${a[*]}"
}

# The core's counter says the same, whatever the number.
gauge_is_core_s() {
	expect "$(minus "$(active pool$SERVERS $PORT)" "$held")" \
		"$(half_open pool$SERVERS $PORT)" "half-open of the servers"
}

picked_once() {
	expect "$(service_stat pool$SERVERS $PORT 3)" "$(picks_total pool$SERVERS $PORT)" "picks"
}

# So many objects at the most, so much memory at the least
memory_is_back() {
	local objects available
	objects=$(conn_objects)
	available=$(available_kib)
	[ "$objects" -le $((objects_before + FLOOD / 100 + 1000)) ] ||
		{ echo "$objects objects, and $objects_before before"; return 1; }
	[ "$available" -ge $((available_before - BACK_KIB)) ] ||
		{ echo "$available KiB available, and $available_before before"; return 1; }
}

# begin SCHEDULER: the service, and connections that stay
begin() {
	if ! pool_up $SERVERS || ! serve "$SERVER1" $PORT || ! flood_up ||
	   ! service pool$SERVERS $PORT m "$1" || ! flood_start $PORT; then
		ktap_check "$1: the service and who floods it are there" false
		ktap_end
		exit 1
	fi
	clients pool$SERVERS $PORT $HELD --rst
	ktap_check "$1: $HELD clients connect" expect $HELD "$(clients_connected)"
	held=$(table pool$SERVERS $PORT ESTABLISHED)
	ktap_check "$1: their connections are established" expect $HELD "$(sum "$held")"
	client_port=2000
	objects_before=$(conn_objects)
	bytes_before=$(conn_bytes)
	available_before=$(available_kib)
}

# few SCHEDULER: as many as the table can tell of
few() {
	ktap_check "$1: $FEW connections from spoofed addresses are half-open" \
		poll 30 reach $FEW
	ktap_check "$1: what is sent to servers for them is lost on the way" \
		poll 30 at_least $FEW tallied "$DIRECTOR"
	[ "$1" = wlch ] || return
	ktap_check "$1: half-open is what the table says" half_open_agrees pool$SERVERS $PORT
}

# Those that expire are freed at once: count them anew.
in_memory() {
	local now
	now=$(pending)
	at_least "$now" conn_objects
}

many() {
	local name=$1 begin=$SECONDS now
	ktap_check "$name: $((ROUNDS * EACH)) connections of a client meanwhile, all of which work" \
		rounds "$name" || ktap_note "$client_said"
	ktap_check "$name: $FLOOD connections are half-open at once" reach "$FLOOD"
	now=$(pending)
	ktap_note "$name: $now are half-open after $((SECONDS - begin)) s, of $flood_next SYNs"
	ktap_check "$name: each is in memory" poll 30 in_memory
	ktap_note "$name: $(((available_before - $(available_kib)) / 1024)) MiB of memory, of which $((($(conn_bytes) - bytes_before) / now)) bytes for each are entries of the table"
}

# told NAME: what a SYN or a connection took, with both schedulers
told() {
	local -n of_wlc=$1_wlc of_wlch=$1_wlch
	# shellcheck disable=SC2034 # result's
	wlc=("${of_wlc[@]}") wlch=("${of_wlch[@]}")
	ktap_note "$(result "$unit" 1 name="$1" entries="$FLOOD" servers=$SERVERS \
		wlc_first="${of_wlc[0]}" wlc_last="${of_wlc[-1]}" \
		wlch_first="${of_wlch[0]}" wlch_last="${of_wlch[-1]}" | sed 's/bench/flood/')"
}

# cost_no_more NAME: the last did not cost more than the first; a tenth for what is not counted
# with instructions alone, as the timer's interrupts
cost_no_more() {
	local -n costs=$1
	[ $((costs[ROUNDS - 1] * 100)) -le $((costs[0] * 110)) ] || { echo "${costs[*]}"; return 1; }
}

# The client goes on until the last entry of the flood has expired.
expires() {
	local none
	none=$(half_open pool$SERVERS $PORT | sed 's/[0-9]\+/0/g')
	until [ "$(half_open pool$SERVERS $PORT)" = "$none" ]; do
		if ! client_round 20; then
			echo "$client_said"
			return 1
		elif [ $((SECONDS - since)) -gt 300 ]; then
			half_open pool$SERVERS $PORT
			return 1
		fi
		sleep 1
	done
}

# The connections that stayed all the time still are: their end goes through the director.
held_are_held() {
	expect "$held" "$(active pool$SERVERS $PORT)" "active connections" &&
		servers_have $HELD &&
		clients_end && poll 30 servers_have 0
}

# servers_have NUMBER: of connections
servers_have() {
	expect "$1" "$(ip netns exec "$SERVER1" ss -Htn state established "sport = :$PORT" |
		wc -l)" "established connections of the servers"
}

# The control, in a namespace that knows nothing of wlch; it goes, and its entries with it
with_wlc() {
	begin wlc
	few wlc
	many wlc
	clients_end
	flood_stop
	ktap_check "wlc: the namespace goes" topology_down
	ktap_check "wlc: memory is back where it was" poll 120 memory_is_back
}

with_wlch() {
	begin wlch
	few wlch
	many wlch
	since=$SECONDS
	ktap_check "wlch: the half-open count of each server is what the core counts" \
		poll 30 gauge_is_core_s
	ktap_note "wlch: half-open are $(half_open pool$SERVERS $PORT)"
	ktap_check "wlch: a server was chosen once for each connection" poll 30 picked_once
	flood_stop
	ktap_check "wlch: the client's connections work until none is half-open" expires
	ktap_note "wlch: that took $((SECONDS - since)) s"
	ktap_check "wlch: the connections that stayed do until their clients end them" held_are_held
	ktap_check "wlch: no entry is left" poll 60 table_total_is pool$SERVERS $PORT '.*' 0
	ktap_check "wlch: memory is back where it was" poll 120 memory_is_back
	ktap_check "wlch: the namespace goes" topology_down
	ktap_check "wlch: nothing refers to the module" poll 100 references_are 0
	ktap_check "wlch: it can be removed" rmmod ip_vs_wlch
}

table_bits $TABLE_BITS || { echo "1..0 # SKIP IPVS is in use on this machine"; exit 4; }
unit=ns
! counts_instructions || unit=instructions
pool $SERVERS
# shellcheck disable=SC2034 # by their names
syn_wlc=() syn_wlch=() client_wlc=() client_wlch=()
client_said=
wlch_start
ktap_note "2^$(</sys/module/ip_vs/parameters/conn_tab_bits) buckets"
with_wlc
topology_up
with_wlch
told syn
told client
if [ $unit = instructions ]; then
	ktap_check "a SYN costs no more when $FLOOD are half-open" cost_no_more syn_wlch
	ktap_check "a connection costs no more then" cost_no_more client_wlch
fi
table_bits
modprobe ip_vs_wlch
ktap_end
