#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# packets.sh ns|instructions: what a packet of an established connection costs, from the
# client through the director to the server, which drops it. All of it happens in
# the namespaces of one machine. While the connection lives, its service runs wlc
# without the module, and wlch, in turns. "around" is the same for packets that the director drops
# before IPVS has seen them.

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/lib/lib.sh
. "$here/../lib/lib.sh"
# shellcheck source=selftests/bench/lib.sh
. "$here/lib.sh"

unit=$1
case $unit in
ns) PACKETS=20000 ;;
instructions) PACKETS=10000 ;;
*) die "packets.sh ns|instructions" ;;
esac

# drop NAMESPACE / drop_no_more NAMESPACE: packets of the port, as they come in
drop() {
	ip netns exec "$1" nft -f - <<-E
		table ip bench {
			chain in {
				type filter hook prerouting priority raw
				tcp dport $port counter drop
			}
		}
	E
}

drop_no_more() { ip netns exec "$1" nft delete table ip bench; }

dropped() {
	ip netns exec "$1" nft list table ip bench | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'
}

# packets: sends some; what each took, times 10
packets() {
	local ns
	echo $PACKETS >&"${sender[1]}"
	read -r -t 300 ns <&"${sender[0]}" && echo $((${ns#ns=} * 10 / PACKETS))
}

turn() {
	run_scheduler "$1" 4 "$port" && packets
}

# method LETTER NAME PORT
method() {
	local around=() i before
	port=$3
	if ! serve "$SERVER1" "$port" || ! pool_of_one "$1"; then
		die "there is no service for $2"
	fi
	coproc sender { in_client packet_send "${VIP[4]}" "$port"; }
	read -r -t 60 _ <&"${sender[0]}" || die "no connection with $2"
	drop "$DIRECTOR" || die "cannot drop packets"
	for ((i = 0; i < ROUNDS; i++)); do
		around+=("$(packets)") || die "packets cannot be sent"
	done
	drop_no_more "$DIRECTOR"
	drop "$SERVER1" || die "cannot drop packets"
	alternate turn
	# the control: they went all the way
	before=$(dropped "$SERVER1")
	[ "$before" -ge $((2 * (ROUNDS + 1) * PACKETS)) ] ||
		die "only $before packets have arrived"
	result "$unit" 10 name=packet method="$2" \
		around="$(low_mid_high "${around[@]}" | awk '{ printf "%.1f", $2 / 10 }')"
	drop_no_more "$SERVER1"
	# shellcheck disable=SC2154 # coproc sets it
	kill "$sender_PID"
	wait "$sender_PID" 2>/dev/null
	service_end 4 "$port"
}

pool_of_one() {
	local key
	service_key 4 "$port"
	ipvs -A "${key[@]}" -s wlc &&
		ipvs -a "${key[@]}" -r "${RIP1[4]}:$port" "-$1"
}

count_instructions_if "$unit"
wlch_need
topology_up || die "cannot set up the network"
method g "direct-routing" 8001
method m NAT 8002
echo "bench complete"
