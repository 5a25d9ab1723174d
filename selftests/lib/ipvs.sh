# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What a test asks of IPVS in the director's namespace. A service is given as
# FAMILY PORT; its address is the VIP of the family. A script that needs other
# than TCP services with the servers of that family adds a form, and gives its
# name as FAMILY.

ipvs() { in_director ipvsadm "$@"; }

# What ipvsadm calls a service of a form, the server's port where it is not the
# service's, and the servers where they are not the usual two
declare -A SERVICE_OPTION=([4]=-t [6]=-t) SERVER_PORT=() POOL=()

# form NAME FAMILY OPTION: with the VIP and the servers of that family
form() {
	VIP[$1]=${VIP[$2]}
	RIP1[$1]=${RIP1[$2]}
	RIP2[$1]=${RIP2[$2]}
	SERVICE_OPTION[$1]=$3
}

form sctp4 4 --sctp-service
form sctp6 6 --sctp-service

# address ADDRESS PORT, as ipvsadm wants it
address() {
	case $1 in
	*:*) echo "[$1]:$2" ;;
	*) echo "$1:$2" ;;
	esac
}

service_address() { address "${VIP[$1]}" "$2"; }

# service_key FAMILY PORT: leaves in $key what names the service to ipvsadm. The
# mark of a service by mark is the port.
service_key() {
	key=("${SERVICE_OPTION[$1]}")
	case ${key[0]} in
	-f)	key+=("$2")
		[[ ${VIP[$1]} != *:* ]] || key+=(-6) ;;
	*)	key+=("$(service_address "$1" "$2")") ;;
	esac
}

# The addresses of the servers of a family
rips() { echo "${POOL[$1]:-${RIP1[$1]} ${RIP2[$1]}}"; }

# service FAMILY PORT METHOD SCHEDULER [OPTION...]: with all servers.
# METHOD is ipvsadm's letter: m (NAT), g (direct routing), i (tunnelling).
service() {
	local family=$1 method=$3 scheduler=$4 port=${SERVER_PORT[$1]:-$2} key rip
	service_key "$1" "$2"
	shift 4
	ipvs -A "${key[@]}" -s "$scheduler" "$@" || return
	for rip in $(rips "$family"); do
		ipvs -a "${key[@]}" -r "$(address "$rip" "$port")" "-$method" || return
	done
}

service_end() {
	local key
	service_key "$1" "$2"
	ipvs -D "${key[@]}"
}

# servers FAMILY PORT [OPTION...]: the listing's lines of the servers
servers() {
	local key
	service_key "$1" "$2"
	shift 2
	ipvs -L -n "${key[@]}" "$@" | awk '$1 == "->" && $2 ~ /:[0-9]+$/'
}

# column FAMILY PORT NUMBER [OPTION...]: "server1 server2"
column() {
	local family=$1 port=$2 number=$3
	shift 3
	servers "$family" "$port" "$@" | awk -v n="$number" \
		'{ printf "%s%s", sep, $n; sep = " " } END { print "" }'
}

active() { column "$1" "$2" 5; }
inactive() { column "$1" "$2" 6; }
half_open() { column "$1" "$2" 7 --sched-param; }
refused() { column "$1" "$2" 8 --sched-param; }
load() { column "$1" "$2" 9 --sched-param; }
picks() { column "$1" "$2" 10 --sched-param; }

# What a service begins with, as it is shown
DEFAULTS="active=8,halfopen=8,refused=8,inactive=1,slowstart=0,choices=0"

# but KEY=VALUE...: the defaults, with these instead
but() {
	local params=$DEFAULTS pair
	for pair; do
		# shellcheck disable=SC2001 # a word's boundary takes sed
		params=$(sed "s/\b${pair%=*}=[0-9]*/$pair/" <<<"$params")
	done
	echo "$params"
}

# sum "N N": their sum
sum() {
	local n total=0
	for n in $1; do
		total=$((total + n))
	done
	echo "$total"
}

# An address as /proc/net/ip_vs_conn writes it.
proc_address() {
	case $1 in
	*:*)	# all of our addresses are fdXX:Y::Z
		printf '%s:%04x:0000:0000:0000:0000:0000:%04x' "${1%%:*}" \
			"0x$(cut -d: -f2 <<<"$1")" "0x${1##*::}" ;;
	*)
		# shellcheck disable=SC2046,SC2183 # four numbers
		printf '%02X%02X%02X%02X' $(tr . ' ' <<<"$1") ;;
	esac
}

# read_table FAMILY PORT STATES [PROTOCOL]: "server1 server2", the number of entries
# of the connection table in one of the states (a regular expression). Templates
# of persistent services are no connections: they have no client port, and the
# state NONE until the client has answered. $CONN_TABLE may be a file with a copy of
# the table.
read_table() {
	local rip servers=()
	for rip in $(rips "$1"); do
		servers+=("$(proc_address "$rip")")
	done
	in_director cat "${CONN_TABLE:-/proc/net/ip_vs_conn}" | awk -v port="$(printf %04X "$2")" \
		-v states="^($3)$" -v servers="${servers[*]}" -v protocol="${4:-.}" '
		$3 == "0000" && $8 ~ /^(NONE|ASSURED)$/ { next }
		NR > 1 && $1 ~ protocol && $5 == port && $8 ~ states { n[$6]++ }
		END {
			nr = split(servers, server)
			for (i = 1; i <= nr; i++)
				printf "%d%s", n[server[i]], (i < nr ? " " : "\n")
		}'
}

# table FAMILY PORT STATES [PROTOCOL]: the same, of two looks that agree, or of the tenth.
# The kernel gives out the table in pieces and finds the next one by counting: an entry,
# of any service, that expires meanwhile hides another.
table() {
	local last now looks
	now=$(read_table "$@")
	for ((looks = 1; looks < 10; looks++)); do
		last=$now
		now=$(read_table "$@")
		[ "$now" != "$last" ] || break
	done
	echo "$now"
}

# The states of a TCP and of an SCTP handshake. UDP has no such state.
HANDSHAKE='NONE|SYN_SENT|SYN_RECV|SYNACK'
HANDSHAKE+='|INIT1|INIT|C-SENT|C-REPLIED|C-WAIT|COOKIE|C-ECHOED'

handshakes() { table "$1" "$2" "$HANDSHAKE"; }

read_handshakes() { read_table "$1" "$2" "$HANDSHAKE"; }

# The reported half-open counts are what the connection table says; they are
# left in $half_open_now. Entries may change between the two looks: then look
# again.
half_open_agrees() {
	local family=$1 port=$2 before after
	before=$(read_handshakes "$family" "$port")
	half_open_now=$(half_open "$family" "$port")
	after=$(read_handshakes "$family" "$port")
	while [ "$before" != "$after" ]; do
		before=$after
		half_open_now=$(half_open "$family" "$port")
		after=$(read_handshakes "$family" "$port")
	done
	expect "$after" "$half_open_now" "half-open of both servers, against the table"
}

# half_open_is FAMILY PORT WANT: ... and both say "WANT"
half_open_is() {
	half_open_agrees "$1" "$2" &&
		expect "$3" "$half_open_now" "half-open of both servers"
}

# Seconds until a client gives up. Where a test keeps a server from hearing, the
# next SYN may come a minute later.
CLIENTS_WAIT=120

# clients FAMILY PORT COUNT [OPTION...]: opens connections in the background;
# what became of them goes to $clients_log, and clients_pid ends them. They are
# in the namespace $CLIENTS_IN, if set.
clients() {
	local family=$1 port=$2 count=$3
	shift 3
	case ${SERVICE_OPTION[$family]} in
	-u)		set -- --udp "$@" ;;
	--sctp-service)	set -- --sctp "$@" ;;
	esac
	clients_log=$(mktemp)
	ip netns exec "${CLIENTS_IN:-$CLIENT}" conn_hold --wait $CLIENTS_WAIT "$@" \
		"${VIP[$family]}" "$port" "$count" >"$clients_log" 2>&1 &
	clients_pid=$!
}

# How many of them are connected, or were refused, once all are decided.
clients_connected() { clients_outcome connected; }
clients_refused() { clients_outcome refused; }

clients_outcome() {
	poll $((CLIENTS_WAIT + 60)) grep -q '^connected=' "$clients_log" >&2 || return
	grep -o "$1=[0-9]*" "$clients_log" | cut -d= -f2
}

# They stay until topology_down, whatever clients come after them.
clients_stay() {
	disown "$clients_pid"
	rm -f "$clients_log"
}

clients_end() {
	kill "$clients_pid" 2>/dev/null
	wait "$clients_pid" 2>/dev/null
	rm -f "$clients_log"
}

# leaves_alone WHAT: on some kernels the module does not follow these, and says so
leaves_alone() {
	modinfo -F untracked ip_vs_wlch | grep -qF "$1"
}

module_references() {
	cat /sys/module/ip_vs_wlch/refcnt
}

references_are() { expect "$1" "$(module_references)" "references"; }
