# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Services with more than two servers: forms of addresses 10.2.0.101, .102, ...
# which all belong to the namespace of server 1. What counts is that IPVS has as
# many servers. What a script says of servers is in that order.

# pool_up NUMBER: the addresses
pool_up() {
	local i
	for ((i = 1; i <= $1; i++)); do
		echo "addr add 10.2.0.$((100 + i))/24 dev eth0"
	done | ip -n "$SERVER1" -batch -
}

# pool NUMBER: the form poolNUMBER, with so many servers
pool() {
	local i rips=()
	for ((i = 1; i <= $1; i++)); do
		rips+=("10.2.0.$((100 + i))")
	done
	form "pool$1" 4 -t
	# shellcheck disable=SC2034,SC2154 # an array of ipvs.sh
	POOL[pool$1]=${rips[*]}
}

# services FORM FIRST LAST METHOD SCHEDULER [WEIGHT]: the commands for one on each
# port; to give them to one ipvsadm is much quicker than service(). The first server
# has that weight, each of the next one more; or else all have 1.
services() {
	local port rip vs weight
	for ((port = $2; port <= $3; port++)); do
		vs=$(service_address "$1" $port)
		echo "-A -t $vs -s $5"
		weight=${6:-1}
		for rip in $(rips "$1"); do
			echo "-a -t $vs -r $rip:$port -$4 -w $weight"
			weight=$((weight + (${6:-0} > 0)))
		done
	done
}

# spread "N N...": the largest less the least
spread() {
	local n least='' most=''
	for n in $1; do
		((n >= ${least:=$n})) || least=$n
		((n <= ${most:=$n})) || most=$n
	done
	echo $((most - least))
}

# level "N N...": the counts differ by no more than one
level() {
	if [[ $1 != *[0-9]\ [0-9]* ]] || [ "$(spread "$1")" -gt 1 ]; then
		echo "not level: '$1'"
		return 1
	fi
}

# each_within TOLERANCE "WANT WANT..." "GOT GOT..."
each_within() {
	local want got i
	read -ra want <<<"$2"
	read -ra got <<<"$3"
	expect "${#want[@]}" "${#got[@]}" servers || return
	for ((i = 0; i < ${#want[@]}; i++)); do
		within $((want[i] - $1)) $((want[i] + $1)) "${got[i]}" || return
	done
}
