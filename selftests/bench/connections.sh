#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# connections.sh ns|instructions: what it costs to open a TCP connection through the
# director and to end it, client and server included; one after the other, with
# NAT. The service runs wlc, without the module, and wlch, in turns. Servers are
# addresses of one namespace.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/lib/lib.sh
. "$here/../lib/lib.sh"
# shellcheck source=selftests/bench/lib.sh
. "$here/lib.sh"

SIZES=${BENCH_SIZES:-2 10 1000}
SERVED=80
unit=$1
case $unit in
ns) CONNECTIONS=2000 ;;
instructions) CONNECTIONS=200 ;;
*) die "connections.sh ns|instructions" ;;
esac

# servers_up: 10.4.0.0/16 is the namespace of server 1, which answers through the director
servers_up() {
	ip -n "$SERVER1" route add local 10.4.0.0/16 dev lo &&
		ip -n "$SERVER1" rule add from 10.4.0.0/16 lookup 100 &&
		ip -n "$DIRECTOR" route add 10.4.0.0/16 via "${RIP1[4]}"
}

# make_service SERVERS PORT
make_service() {
	local key i
	service_key 4 "$2"
	{
		echo "-A ${key[*]} -s wlc"
		for ((i = 0; i < $1; i++)); do
			echo "-a ${key[*]} -r 10.4.$((i >> 8)).$((i & 255)):$SERVED -m"
		done
	} | ipvs -R
}

# turn SCHEDULER: each time from other ports, so that no entry is found
turn() {
	local first ns
	first=$(cat "$next_port")
	echo $((first + CONNECTIONS)) >"$next_port"
	run_scheduler "$1" 4 "$port" &&
		ns=$(in_client conn_rate "${VIP[4]}" "$port" "$first" $CONNECTIONS) &&
		echo $((${ns#ns=} / CONNECTIONS))
}

count_instructions_if "$unit"
wlch_need
if ! topology_up || ! servers_up || ! serve "$SERVER1" $SERVED; then
	die "cannot set up the network"
fi
next_port=$(mktemp)
port=8000
for n in ${SIZES//,/ }; do
	port=$((port + 1))
	make_service "$n" $port || die "no service with $n servers"
	echo 2000 >"$next_port"
	alternate turn
	result "$unit" 1 name=connection n="$n"
	service_end 4 $port
done
echo "bench complete"
