# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A flood of SYNs from spoofed addresses, for services of IPv4. They come to the director
# by a device of their own. What it sends on to a server is lost on its way out, so that
# only the director has work with the flood, and nobody answers it. Needs handshakes.sh.

SPOOFED=198.18.0.0/15	# syn_flood's
FLOOD_MAC=02:00:00:00:00:02
flood_next=0		# the first client that has not sent anything yet

flood_up() {
	ip link add flood0 netns "$CLIENT" type veth \
		peer name flood0 address $FLOOD_MAC netns "$DIRECTOR" &&
		ip -n "$CLIENT" link set flood0 up &&
		ip -n "$DIRECTOR" link set flood0 up &&
		lose "$DIRECTOR" output "ip saddr $SPOOFED"
}

# flood_start PORT: who will flood that service
flood_start() {
	coproc flooder {
		exec ip netns exec "$CLIENT" syn_flood flood0 $FLOOD_MAC "${VIP[4]}" "$1"
	}
}

flood_stop() {
	# shellcheck disable=SC2154 # coproc sets it
	kill "$flooder_PID"
	wait "$flooder_PID" 2>/dev/null
}

# flood_begin COUNT: so many clients that have not been there before send a SYN
# flood_end: when they have; leaves the time in $flood_ns
flood_begin() {
	echo "$flood_next $1" >&"${flooder[1]}" && flood_next=$((flood_next + $1))
}

flood_end() {
	read -r -t 600 flood_ns <&"${flooder[0]}" && flood_ns=${flood_ns#ns=}
}

flood() { flood_begin "$1" && flood_end; }
