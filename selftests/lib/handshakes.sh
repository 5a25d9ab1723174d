# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Handshakes that wait: because the servers do not hear, or because packets of
# theirs are lost on the way.

# shellcheck disable=SC2034 # for the scripts
declare -A method_name=([m]=NAT [g]="direct routing")

block_servers() { block "$SERVER1" "$1" && block "$SERVER2" "$1"; }
# both at once: SYNs that are sent again are to find both of them as they were, or neither
unblock_servers() {
	unblock "$SERVER1" &
	unblock "$SERVER2" && wait $!
}

# unheard_clients FAMILY PORT COUNT [OPTION...]: clients whom no server hears
# until it is unblocked. The options are those of clients.
unheard_clients() {
	block_servers "$2" && clients "$@"
}

handshakes_are() {
	expect "$3" "$(handshakes "$1" "$2")" "handshakes in the table"
}

refused_is() {
	expect "$3" "$(refused "$1" "$2")" "refused by both servers"
}

table_is() {
	expect "$4" "$(table "$1" "$2" "$3")" "entries in state $3"
}

# How many handshakes both servers have together, where chance decides who has
# them.
half_open_total_is() {
	# shellcheck disable=SC2154 # half_open_agrees sets it
	half_open_agrees "$1" "$2" && expect "$3" "$(sum "$half_open_now")" \
		"half-open of both servers together"
}

table_total_is() {
	expect "$4" "$(sum "$(table "$1" "$2" "$3")")" "entries in state $3"
}

# What a rule of lose or tally may look for; nft's words
syn_ack_from() { echo "tcp sport $1 tcp flags & (syn | ack) == syn | ack"; }
reset_to() { echo "tcp dport $1 tcp flags & rst == rst"; }

# lose NAMESPACE HOOK RULE: these packets are lost from now on, and counted
# tally NAMESPACE HOOK RULE: they are only counted
# tallied NAMESPACE: how many were
# unblock ends both.
lose() { rule "$1" "$2" "$3 counter drop"; }
tally() { rule "$1" "$2" "$3 counter"; }

rule() {
	ip netns exec "$1" nft -f - <<-E
		table inet wlch {
			chain $2 {
				type filter hook $2 priority 0
				$3
			}
		}
	E
}

tallied() {
	ip netns exec "$1" nft list table inet wlch |
		awk '$0 ~ /counter packets/ {
			sub(/.*counter packets /, ""); n += $1 } END { print n + 0 }'
}

# at_least NUMBER COMMAND...: what the command prints
at_least() {
	local least=$1 got
	shift
	got=$("$@")
	[ "$got" -ge "$least" ] || { echo "$*: $got, not $least yet"; return 1; }
}

# The sysctls of IPVS in the director's namespace
vs_sysctl() {
	in_director sh -c "echo $2 >/proc/sys/net/ipv4/vs/$1"
}

vs_sysctl_is() {
	expect "$2" "$(in_director cat "/proc/sys/net/ipv4/vs/$1")" "$1"
}

# service_stat FAMILY PORT COLUMN: of ipvsadm's statistics of the service, 3 is
# connections and 4 packets from clients
service_stat() {
	ipvs -L -n -t "$(service_address "$1" "$2")" --stats --exact |
		awk -v n="$3" '$1 == "TCP" { print $n }'
}

# What the services have picked, all servers together
picks_total() { sum "$(picks "$1" "$2")"; }
