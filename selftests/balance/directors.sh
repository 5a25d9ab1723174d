# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Many directors on the network of topology.sh, next to the first one, for the
# servers of pool.sh. Director N has a VIP of its own, 10.1.0.(100 + N), and
# direct routing.

director_ns() { echo "wlch-d$1-$$"; }
director_vip() { echo "10.1.0.$((100 + $1))"; }

# on_director N COMMAND...: with that one as the director it asks
on_director() {
	# shellcheck disable=SC2034 # for the command
	local DIRECTOR=wlch-d$1-$$
	shift
	"$@"
}

# directors_up COUNT SERVERS
directors_up() {
	local i ns
	directors_count=$1
	trap 'directors_down; topology_down' EXIT
	for ((i = 1; i <= $1; i++)); do
		ns=$(director_ns $i)
		ip netns add "$ns" && plug "$ns" "director$i" | ip -batch - || return
		ip -n "$SWITCH" link set "director$i" master br0 up || return
		ip -n "$ns" -batch - <<-E || return
			link set lo up
			link set eth0 up
			addr add $(director_vip $i)/24 dev eth0
			addr add 10.2.0.$((20 + i))/24 dev eth0
		E
		ip -n "$SERVER1" addr add "$(director_vip $i)/32" dev lo || return
		pool_known_to "$ns" "$2" || return
	done
}

directors_down() {
	local i ns
	for ((i = 1; i <= ${directors_count:-0}; i++)); do
		ns=$(director_ns $i)
		[ ! -e "/run/netns/$ns" ] || ip netns del "$ns"
		ip -n "$SERVER1" addr del "$(director_vip $i)/32" dev lo 2>/dev/null
	done
	directors_count=0
}
