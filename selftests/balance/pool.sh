# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# More of lib/pool.sh: services with weights, servers that come and go, and many
# services at once. Server N is 10.2.0.(100 + N).

# shellcheck source=selftests/lib/pool.sh
. ../lib/pool.sh

POOL_BASE=100

pool_address() { echo "10.2.0.$((POOL_BASE + $1))"; }

# pool_known_to NAMESPACE COUNT: a director that need not ask where they are
pool_known_to() {
	local i mac
	mac=$(ip netns exec "$SERVER1" cat /sys/class/net/eth0/address) || return
	for ((i = 1; i <= $2; i++)); do
		echo "neigh replace $(pool_address $i) lladdr $mac dev eth0 nud permanent"
	done | ip -n "$1" -batch -
}

# equal COUNT: as many weights of 1
equal() {
	local i
	for ((i = 0; i < $1; i++)); do
		printf '1 '
	done
}

# pool_service FAMILY PORT METHOD WEIGHTS SCHEDULER [OPTION...]: with a server
# for each weight
# pool_rules ...: only prints what ipvsadm -R needs for it
pool_service() { pool_rules "$@" | ipvs -R; }

pool_rules() {
	local port=$2 method=$3 weights=$4 weight i=$POOL_BASE key
	service_key "$1" "$port"
	shift 4
	echo "-A ${key[*]} -s $*"
	for weight in $weights; do
		i=$((i + 1))
		echo "-a ${key[*]} -r 10.2.0.$i:$port -$method -w $weight"
	done
}

# pool_server COMMAND FAMILY PORT METHOD NUMBER: add (-a) or remove (-d) it
pool_server() {
	local key option=()
	service_key "$2" "$3"
	[ "$1" = -d ] || option=("-$4")
	ipvs "$1" "${key[@]}" -r "$(pool_address "$5"):$3" "${option[@]}"
}

# pool_column FAMILY PORT COUNT COLUMN [OPTION...]: of the first COUNT servers
pool_column() {
	local family=$1 port=$2 count=$3 column=$4
	shift 4
	servers "$family" "$port" "$@" |
		awk -v count="$count" -v column="$column" -v base=$POOL_BASE '
		{ split($2, part, /[.:]/); n[part[4] - base] = $column }
		END { for (i = 1; i <= count; i++) printf "%s%d", (i > 1 ? " " : ""), n[i]
			print "" }'
}

# How many connections they have now, how many they have been given, ever
pool_active() { pool_column "$1" "$2" "$3" 5; }
pool_given() { pool_column "$1" "$2" "$3" 3 --stats --exact; }

# pool_all_active COUNT: the connections of all TCP services of a director, with
# one look: "PORT N N..."
pool_all_active() {
	ipvs -L -n | awk -v count="$1" -v base=$POOL_BASE '
		$1 == "->" && port { split($2, s, /[.:]/); n[s[4] - base] = $5 }
		$1 == "TCP" { show(); split($2, v, ":"); port = v[2] }
		END { show() }
		function show(   i) {
			if (!port)
				return
			printf "%d", port
			for (i = 1; i <= count; i++)
				printf " %d", n[i]
			print ""
			split("", n)
		}'
}
