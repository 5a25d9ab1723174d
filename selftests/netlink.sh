#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the kernel itself accepts and refuses over netlink, whatever tool asks;
# ipvsadm would stop most of this before it is sent. Who may ask at all is in
# privilege.sh.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/netlink.sh
. "$(dirname "$0")/lib/netlink.sh"

# The key of 10.1.0.100:8500, TCP, and parts of it
AF=$(attr 1 "$(u16 2)")
PROTOCOL=$(attr 2 "$(u16 6)")
ADDRESS=$(attr 3 0a010064)
PORT=$(attr 4 "$(be16 8500)")
KEY=$AF$PROTOCOL$ADDRESS$PORT

shown() {
	expect "$1" "$(ipvs -L -n -t 10.1.0.100:8500 --sched-param |
		sed -n 's/^  sched-param //p')" parameters
}

# refused ERROR TEXT NAME ARGUMENT...
refused() {
	local want="error=$1 messages=0 text=$2" name=$3
	shift 3
	ktap_check "$name" answers "$want" "$@"
	ktap_check "... and nothing is changed" \
		shown "$DEFAULTS"
}

ENOENT=2 EINVAL=22 ERANGE=34 EOPNOTSUPP=95 EAFNOSUPPORT=97

# The parameters: number, name, range
RANGES="1 active 1 4096
2 halfopen 0 4096
3 refused 0 4096
4 inactive 0 4096
5 slowstart 0 3600
6 choices 0 64"

keys() {
	refused $EAFNOSUPPORT "af: AF_INET or AF_INET6 is needed" \
		"a service without a family" $FAMILY $GET_SERVICE
	refused $EAFNOSUPPORT "af: AF_INET or AF_INET6 is needed" \
		"a family that IPVS does not have" \
		$FAMILY $GET_SERVICE "$(attr 1 "$(u16 1)")$PROTOCOL$ADDRESS$PORT"
	local named="a service is named by protocol, address and port, or by fwmark"
	local fwmark="fwmark: not 0, and without protocol, address and port" part
	refused $EINVAL "$named" "a service without an address" \
		$FAMILY $GET_SERVICE "$AF$PROTOCOL$PORT"
	refused $EINVAL "$named" "a service without a protocol" \
		$FAMILY $GET_SERVICE "$AF$ADDRESS$PORT"
	refused $EINVAL "$named" "a service without a port" \
		$FAMILY $GET_SERVICE "$AF$PROTOCOL$ADDRESS"
	refused $EINVAL "address: 4 bytes for AF_INET, 16 for AF_INET6" \
		"an address that is too short" \
		$FAMILY $GET_SERVICE "$AF$PROTOCOL$(attr 3 0a01)$PORT"
	for part in PROTOCOL ADDRESS PORT; do
		refused $EINVAL "$fwmark" "a fwmark and ${part,,}" \
			$FAMILY $GET_SERVICE "$AF${!part}$(attr 5 "$(u32 1)")"
	done
	refused $EINVAL "$fwmark" "fwmark 0" \
		$FAMILY $GET_SERVICE "$AF$(attr 5 "$(u32 0)")"
	refused $ENOENT "there is no such service, or it does not use the scheduler wlch" \
		"a service that does not use wlch" $FAMILY $GET_SERVICE \
		"$AF$PROTOCOL$ADDRESS$(attr 4 "$(be16 8501)")"
}

values() {
	local number name least most
	refused $EINVAL "params: what to set is missing" \
		"set nothing" $FAMILY $SET_SERVICE "$KEY"
	while read -r number name least most; do
		refused $ERANGE "$name: allowed is $least..$most" \
			"$name above its range" \
			$FAMILY $SET_SERVICE "$KEY$(params "$number" $((most + 1)))"
		refused $ERANGE "$name: allowed is $least..$most" \
			"$name far above, after one that is right" \
			$FAMILY $SET_SERVICE "$KEY$(params 1 2 "$number" 4294967295)"
	done <<<"$RANGES"
	refused $ERANGE "active: allowed is 1..4096" "active 0" \
		$FAMILY $SET_SERVICE "$KEY$(params 1 0)"
	refused $EINVAL "Unknown attribute type" "an unknown parameter" \
		$FAMILY $SET_SERVICE "$KEY$(params 1 2 9 1)"
	refused $EINVAL "Unknown attribute type" "an unknown attribute" \
		$FAMILY $SET_SERVICE "$KEY$(params 1 2)$(attr 20 00000000)"
	refused $EINVAL "invalid attribute length" \
		"a parameter that is too short" $FAMILY $SET_SERVICE \
		"$KEY$(attr $((6 | NESTED)) "$(attr 1 0500)")"
	refused $EINVAL "NLA_F_NESTED is missing" \
		"parameters that are no nest" $FAMILY $SET_SERVICE \
		"$KEY$(attr 6 "$(attr 1 "$(u32 5)")")"
}

# set_refused TEXT NAME ATTRIBUTES [OPTION...]: with EINVAL
set_refused() {
	refused $EINVAL "$1" "$2" "${@:4}" $FAMILY $SET_SERVICE "$3"
}

# Attributes whose length, nesting or place is wrong, after others that are right
forms() {
	local right long
	right=$KEY$(params 1 2)
	long=0a010064$(printf '0%.0s' {1..32})
	refused $ERANGE "Attribute failed policy validation" "an address that is too long" \
		$FAMILY $SET_SERVICE "$AF$PROTOCOL$(attr 3 "$long")$PORT$(params 1 2)"
	set_refused "address: 4 bytes for AF_INET, 16 for AF_INET6" "an IPv6 address for IPv4" \
		"$AF$PROTOCOL$(attr 3 "${long::32}")$PORT$(params 1 2)"
	set_refused "address: 4 bytes for AF_INET, 16 for AF_INET6" "an IPv4 address for IPv6" \
		"$(attr 1 "$(u16 10)")$PROTOCOL$ADDRESS$PORT$(params 1 2)"
	set_refused "invalid attribute length" "a port that is too short" \
		"$AF$PROTOCOL$ADDRESS$(attr 4 21)$(params 1 2)"
	set_refused "invalid attribute length" "a protocol that is too long" \
		"$AF$(attr 2 "$(u32 6)")$ADDRESS$PORT$(params 1 2)"
	set_refused "invalid attribute length" "a fwmark that is too short" \
		"$AF$(attr 5 0100)$(params 1 2)"
	refused $ENOENT "there is no such service, or it does not use the scheduler wlch" \
		"a protocol whose low byte is that of a service" \
		$FAMILY $SET_SERVICE "$AF$(attr 2 "$(u16 262)")$ADDRESS$PORT$(params 1 2)"
	set_refused "bytes leftover after parsing attributes" "an attribute longer than the message" \
		"${right}c8000500"
	set_refused "bytes leftover after parsing attributes" "a parameter longer than its nest" \
		"$KEY$(attr $((6 | NESTED)) "$(attr 1 "$(u32 2)")c8000200")"
	set_refused "bytes leftover after parsing attributes" "half an attribute at the end" \
		"${right}0a0b"
	set_refused "NLA_F_NESTED not expected" "a family that is a nest" \
		"$(attr $((1 | NESTED)) "$(u16 2)")$PROTOCOL$ADDRESS$PORT$(params 1 2)"
	set_refused "NLA_F_NESTED not expected" "a parameter that is a nest" \
		"$KEY$(attr $((6 | NESTED)) "$(attr $((1 | NESTED)) "$(u32 2)")")"
	set_refused "invalid attribute length" "parameters in parameters" \
		"$KEY$(attr $((6 | NESTED)) "$(params 1 2)")"
	set_refused "Unknown attribute type" "attribute 0" "$right$(attr 0 00000000)"
	set_refused "Unknown attribute type" "parameter 0" "$KEY$(params 0 2)"
	set_refused "Unknown attribute type" "a counter" "$right$(attr 7 0000000000000000)"
	set_refused "Unknown attribute type" "padding" "$right$(attr 9 "")"
	set_refused "ambiguous or reserved bits set in nlmsg_flags" "a flag that means nothing" \
		"$right" --flags 0x400
	odd_sizes
	ktap_check "an empty nest of parameters is accepted" accepts $SET_SERVICE "$KEY$(params)"
	ktap_check "... and nothing is changed" shown "$DEFAULTS"
	ktap_check "of a parameter that is given twice" accepts $SET_SERVICE "$KEY$(params 1 3 1 5)"
	ktap_check "... the last counts" shown "$(but active=5)"
	ktap_check "of two nests of parameters" accepts $SET_SERVICE "$KEY$(params 1 3)$(params 2 4)"
	ktap_check "... the last counts, and nothing of the first" shown "$(but active=5 halfopen=4)"
	ktap_check "of two addresses" accepts $SET_SERVICE \
		"$AF$PROTOCOL$(attr 3 0a010065)$ADDRESS$PORT$(params 1 8 2 8)"
	ktap_check "... the last counts" shown "$DEFAULTS"
	refused $ENOENT "there is no such service, or it does not use the scheduler wlch" \
		"... also if it is wrong" $FAMILY $SET_SERVICE "$KEY$(attr 3 0a010065)$(params 1 2)"
}

# zeros COUNT: bytes
zeros() { printf "%0$((2 * $1))d" 0; }

# nested DEPTH: parameters in parameters in ...
nested() {
	local depth=$1 nests=
	while [ $((depth--)) -gt 0 ]; do
		nests+=$(u16 $((4 * depth + 4)))$(u16 $((6 | NESTED)))
	done
	echo "$nests"
}

# Lengths that are no attribute's, and those of the largest messages
odd_sizes() {
	local length command key
	for length in 0 1 3; do
		set_refused "bytes leftover after parsing attributes" "an attribute of $length bytes" \
			"$KEY$(params 1 2)$(u16 $length)0100"
	done
	set_refused "bytes leftover after parsing attributes" "a parameter of 3 bytes" \
		"$KEY$(attr $((6 | NESTED)) "$(attr 1 "$(u32 2)")$(u16 3)0200")"
	refused $ERANGE "Attribute failed policy validation" "an address of 60000 bytes" \
		$FAMILY $SET_SERVICE "$AF$PROTOCOL$(attr 3 "$(zeros 60000)")$PORT$(params 1 2)"
	set_refused "invalid attribute length" "a port of 60000 bytes" \
		"$AF$PROTOCOL$ADDRESS$(attr 4 "$(zeros 60000)")$(params 1 2)"
	set_refused "Unknown attribute type" "an unknown attribute of 60000 bytes" \
		"$KEY$(params 1 2)$(attr 20 "$(zeros 60000)")"
	set_refused "invalid attribute length" "1000 nests in each other" "$KEY$(nested 1000)"
	for command in $GET_SERVICE $ZERO; do
		refused $EINVAL "bytes leftover after parsing attributes" \
			"command $command with half an attribute at the end" $FAMILY "$command" "${KEY}0a0b"
		refused $EINVAL "Unknown attribute type" "command $command with a nest" \
			$FAMILY "$command" "$KEY$(attr $((6 | NESTED)) "$KEY")"
	done
	refused $EINVAL "bytes leftover after parsing attributes" \
		"a dump with half an attribute at the end" --dump $FAMILY $GET_SERVICE 0a0b
	key=$(attr $((1 | NESTED)) "${KEY}0a0b0c0d")
	refused $EINVAL "bytes leftover after parsing attributes" \
		"a dump of servers, the key cut off" --dump $FAMILY $GET_SERVER "$key"
}

# defaults_are KEY=VALUE...: seen by what a new service begins with
defaults_are() {
	local shown
	ipvs -A -f 85 -s wlch &&
		shown=$(ipvs -L -n -f 85 --sched-param | sed -n 's/^  sched-param //p') &&
		ipvs -D -f 85 &&
		expect "$(but "$@")" "$shown" defaults
}

# wrong_defaults ERROR TEXT NAME ARGUMENT...
wrong_defaults() {
	local want="error=$1 messages=0 text=$2" name=$3
	shift 3
	ktap_check "defaults: $name" answers "$want" $FAMILY "$@"
	ktap_check "... and no default is changed" defaults_are
}

defaults() {
	local number name least most
	wrong_defaults $EINVAL "params: what to set is missing" "set nothing" $SET_DEFAULTS
	while read -r number name least most; do
		wrong_defaults $ERANGE "$name: allowed is $least..$most" \
			"$name above its range, after one that is right" \
			$SET_DEFAULTS "$(params 1 2 "$number" $((most + 1)))"
	done <<<"$RANGES"
	wrong_defaults $ERANGE "active: allowed is 1..4096" "active 0" \
		$SET_DEFAULTS "$(params 1 0)"
	wrong_defaults $EINVAL "Unknown attribute type" "an unknown parameter" \
		$SET_DEFAULTS "$(params 1 2 9 1)"
	wrong_defaults $EINVAL "Unknown attribute type" "an unknown attribute" \
		$SET_DEFAULTS "$(params 1 2)$(attr 20 00000000)"
	wrong_defaults $EINVAL "invalid attribute length" "a parameter that is too long" \
		$SET_DEFAULTS "$(attr $((6 | NESTED)) "$(attr 1 0500000000000000)")"
	wrong_defaults $EINVAL "NLA_F_NESTED is missing" "parameters that are no nest" \
		$SET_DEFAULTS "$(attr 6 "$(attr 1 "$(u32 5)")")"
	ktap_check "get-defaults has one answer" \
		answers "error=0 messages=1 text=" $FAMILY $GET_DEFAULTS
	ktap_check "get-defaults takes no attribute" \
		answers "error=$EINVAL messages=0 text=no attribute is known here" \
		$FAMILY $GET_DEFAULTS "$AF"
	ktap_check "... nor another one" \
		answers "error=$EINVAL messages=0 text=Unknown attribute type" \
		$FAMILY $GET_DEFAULTS "$(params 1 2)"
	ktap_check "defaults that are right are accepted" \
		accepts $SET_DEFAULTS "$(params 1 5 6 7)"
	ktap_check "... and set" defaults_are active=5 choices=7
	ktap_check "... in this namespace only" expect \
		"  sched-param $DEFAULTS" "$(elsewhere)"
	ktap_check "... and for no service that is there" shown "$DEFAULTS"
	accepts $SET_DEFAULTS "$(params 1 8 6 0)"
}

# What a service begins with in another namespace
elsewhere() {
	in_client ipvsadm -A -f 85 -s wlch
	in_client ipvsadm -L -n --sched-param | grep sched-param
	in_client ipvsadm -C
}

# A UDP service has no other than inactive connections
udp() {
	local key
	key=$AF$(attr 2 "$(u16 17)")$ADDRESS$(attr 4 "$(be16 8504)")
	ipvs -A -u 10.1.0.100:8504 -s wlch
	refused $EINVAL "inactive: at least 1 for a UDP service, where every connection is inactive" \
		"a UDP service whose connections would be worth nothing" \
		$FAMILY $SET_SERVICE "$key$(params 1 9 4 0)"
	ktap_check "... and it keeps its own" expect "$DEFAULTS" \
		"$(ipvs -L -n -u 10.1.0.100:8504 --sched-param | sed -n 's/^  sched-param //p')"
	accepts $SET_DEFAULTS "$(params 4 0)"
	ipvs -A -u 10.1.0.100:8505 -s wlch
	ktap_check "with the default inactive=0 a UDP service begins with 1" \
		expect "$DEFAULTS" \
		"$(ipvs -L -n -u 10.1.0.100:8505 --sched-param | sed -n 's/^  sched-param //p')"
	accepts $SET_DEFAULTS "$(params 4 1)"
	ipvs -D -u 10.1.0.100:8504
	ipvs -D -u 10.1.0.100:8505
}

zero() {
	refused $ENOENT "there is no such service, or it does not use the scheduler wlch" \
		"zero a service that does not use wlch" $FAMILY $ZERO \
		"$AF$PROTOCOL$ADDRESS$(attr 4 "$(be16 8501)")"
	refused $EAFNOSUPPORT "af: AF_INET or AF_INET6 is needed" \
		"zero a service without a family" $FAMILY $ZERO "$PROTOCOL$ADDRESS$PORT"
	refused $EINVAL "a service is named by protocol, address and port, or by fwmark" \
		"zero half a key" $FAMILY $ZERO "$AF$PROTOCOL"
	refused $EINVAL "Unknown attribute type" \
		"zero with parameters" $FAMILY $ZERO "$KEY$(params 1 2)"
	ktap_check "zero of all services" accepts $ZERO
	ktap_check "... of one" accepts $ZERO "$KEY"
}

# What the family does not know, and what only the kernel may say
operations() {
	local command
	for command in 0 7 8 9 10 11 255; do
		refused $EOPNOTSUPP "" "command $command" $FAMILY $command "$KEY"
	done
	refused $EOPNOTSUPP "" "a dump of what has none" --dump $FAMILY $SET_SERVICE "$KEY"
	refused $EOPNOTSUPP "" "a dump of the defaults" --dump $FAMILY $GET_DEFAULTS
	refused $EOPNOTSUPP "" "servers without a dump" $FAMILY $GET_SERVER
	refused $EINVAL "a dump is of all services: do not name one" \
		"a dump of one service" --dump $FAMILY $GET_SERVICE "$KEY"
	refused $EINVAL "Unknown attribute type" "a dump with an unknown attribute" \
		--dump $FAMILY $GET_SERVICE "$(attr 20 00000000)"
	refused $EINVAL "NLA_F_NESTED is missing" "a dump of servers, the key no nest" \
		--dump $FAMILY $GET_SERVER "$(attr 1 "$KEY")"
	refused $EAFNOSUPPORT "af: AF_INET or AF_INET6 is needed" \
		"a dump of servers, an empty key" \
		--dump $FAMILY $GET_SERVER "$(attr $((1 | NESTED)) "")"
	refused $EINVAL "Unknown attribute type" "a dump of servers by one of them" \
		--dump $FAMILY $GET_SERVER "$(attr $((1 | NESTED)) "$KEY")$PROTOCOL"
}

# One dump for everything, and one limited to a service
dumps() {
	ktap_check "a dump has every service of wlch" \
		answers "error=0 messages=2 text=" --dump $FAMILY $GET_SERVICE
	ktap_check "a dump has every server of these" \
		answers "error=0 messages=4 text=" --dump $FAMILY $GET_SERVER
	ktap_check "a dump has the servers of one service" \
		answers "error=0 messages=2 text=" --dump $FAMILY $GET_SERVER \
		"$(attr $((1 | NESTED)) "$KEY")"
	ktap_check "a dump of a service that does not use wlch is refused" \
		answers "error=$ENOENT messages=0 text=there is no such service, or it does not use the scheduler wlch" \
		--dump $FAMILY $GET_SERVER \
		"$(attr $((1 | NESTED)) "$AF$PROTOCOL$ADDRESS$(attr 4 "$(be16 8501)")")"
	many_servers
}

# More than fit into one message buffer
many_servers() {
	local i
	{
		echo "-A -t 10.1.0.100:8503 -s wlch"
		for ((i = 1; i <= 1000; i++)); do
			echo "-a -t 10.1.0.100:8503 -r 10.2.$((i / 250)).$((i % 250 + 1)):8503 -m"
		done
	} | ipvs -R
	ktap_check "a dump has 1000 servers" \
		answers "error=0 messages=1004 text=" --dump $FAMILY $GET_SERVER
}

wlch_start
service 4 8500 m wlch
service 4 8501 m wlc
service 6 8502 g wlch
ktap_check "a service is found by its key" \
	answers "error=0 messages=1 text=" $FAMILY $GET_SERVICE "$KEY"
keys
values
forms
defaults
udp
zero
operations
dumps
ktap_check "what is right is accepted" \
	answers "error=0 messages=0 text=" $FAMILY $SET_SERVICE "$KEY$(params 1 2 3 4)"
ktap_check "... and set" shown "$(but active=2 refused=4)"
ktap_end
