#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the multicast group "config" tells: one event for a service that starts
# or stops to use wlch and for every change of parameters, and none where
# nothing has changed. Listeners that do not read, or that hear of a namespace
# while it goes, disturb nobody.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/netlink.sh
. "$(dirname "$0")/lib/netlink.sh"

VS=10.1.0.100:8700
TCP="af=2 protocol=6 address=0a010064 port=8700"
KEY=$(attr 1 "$(u16 2)")$(attr 2 "$(u16 6)")$(attr 3 0a010064)$(attr 4 "$(be16 8700)")
MARKER=9999
marked=0
log=$(mktemp)

# listener LOG NAMESPACE [OPTION]: leaves its process in $listener
listener() {
	local out=$1 ns=$2
	shift 2
	ip netns exec "$ns" genl_listen "$@" >"$out" &
	listener=$!
	poll 30 grep -q listening "$out"
}

# listed KEY=VALUE...: the defaults, with these instead, as genl_listen has them
listed() { but "$@" | sed 's/[a-z]*=//g'; }

# mark: change the parameters of a service that is there for this, and wait
# until that is heard: what came before has been heard too
mark() {
	local event
	marked=$((marked % 4000 + 1))
	event="service-change af=2 fwmark=$MARKER params=$(listed active=$marked)"
	accepts $SET_SERVICE "$(by_mark $MARKER)$(params 1 $marked)" &&
		poll 30 grep -qx "$event" "$log"
}

# hears WANT COMMAND...: the command does what it is to do, and is all that is
# heard, with spaces for line ends
hears() {
	local want=$1 before
	shift
	before=$(wc -l <"$log")
	"$@" || return
	mark || return
	expect "$want" "$(sed "1,${before}d; \$d" "$log" | tr '\n' ' ' | sed 's/ $//')" events
}

services() {
	ktap_check "a service is added" \
		hears "service-add $TCP params=$(listed)" ipvs -A -t $VS -s wlch
	ktap_check "its scheduler becomes wlc" \
		hears "service-del $TCP params=$(listed)" ipvs -E -t $VS -s wlc
	ktap_check "... and wlch again" \
		hears "service-add $TCP params=$(listed)" ipvs -E -t $VS -s wlch
	ktap_check "it is edited and keeps wlch: nothing" \
		hears "" ipvs -E -t $VS -s wlch -p 60
	ktap_check "a service of another scheduler is added: nothing" \
		hears "" ipvs -A -t 10.1.0.100:8701 -s rr
	ktap_check "... and deleted: nothing" hears "" ipvs -D -t 10.1.0.100:8701
	ktap_check "a server is added: nothing" \
		hears "" ipvs -a -t $VS -r 10.2.0.11:8700 -m
	ktap_check "... gets another weight: nothing" \
		hears "" ipvs -e -t $VS -r 10.2.0.11:8700 -m -w 5
	ktap_check "a service by mark, IPv6, is added" \
		hears "service-add af=10 fwmark=87 params=$(listed)" ipvs -A -f 87 -6 -s wlch
	ktap_check "... and deleted" \
		hears "service-del af=10 fwmark=87 params=$(listed)" ipvs -D -f 87 -6
}

set_active() { accepts $SET_SERVICE "$KEY$(params 1 "$1")"; }
out_of_range() {
	answers "error=34 messages=0 text=active: allowed is 1..4096" \
		$FAMILY $SET_SERVICE "$KEY$(params 2 77 1 4097)"
}

parameters() {
	local changed
	changed="service-change $TCP params=$(listed active=77)"
	ktap_check "a parameter is changed" hears "$changed" set_active 77
	ktap_check "... to what it is: nothing" hears "" set_active 77
	ktap_check "all are changed: one event" \
		hears "service-change $TCP params=1,2,3,4,5,6" \
		accepts $SET_SERVICE "$KEY$(params 1 1 2 2 3 3 4 4 5 5 6 6)"
	ktap_check "a change that is refused: nothing" hears "" out_of_range
	ktap_check "the counters are zeroed: nothing" hears "" accepts $ZERO "$KEY"
	ktap_check "a service with parameters is deleted" \
		hears "service-del $TCP params=1,2,3,4,5,6" ipvs -D -t $VS
}

defaults_out_of_range() {
	answers "error=34 messages=0 text=choices: allowed is 0..64" \
		$FAMILY $SET_DEFAULTS "$(params 1 9 6 65)"
}

defaults() {
	ktap_check "the defaults are changed" \
		hears "defaults-change params=$(listed refused=21)" \
		accepts $SET_DEFAULTS "$(params 3 21)"
	ktap_check "... to what they are: nothing" \
		hears "" accepts $SET_DEFAULTS "$(params 3 21)"
	ktap_check "defaults that are refused: nothing" hears "" defaults_out_of_range
	ktap_check "a service begins with them" \
		hears "service-add $TCP params=$(listed refused=21)" ipvs -A -t $VS -s wlch
	ktap_check "the defaults are changed back" \
		hears "defaults-change params=$(listed)" accepts $SET_DEFAULTS "$(params 3 8)"
}

many() {
	local i want=""
	for i in 1 2 3; do
		want+="service-add af=2 fwmark=10$i params=$(listed) "
	done
	ktap_check "three services are restored" hears "${want% }" ipvs -R <<-E
		-A -f 101 -s wlch
		-A -f 102 -s wlch
		-A -f 103 -s wlch
	E
}

# The table is cleared, which takes the marker's service too.
cleared() {
	local before want
	before=$(wc -l <"$log")
	want="service-del af=2 fwmark=101|service-del af=2 fwmark=102|"
	want+="service-del af=2 fwmark=103|service-del af=2 fwmark=$MARKER|service-del $TCP|"
	ipvs -C
	ipvs -A -f $MARKER -s wlch && mark &&
		expect "$want" "$(sed "1,${before}d" "$log" | sed -n 's/^\(service-del.*\) params.*/\1/p' |
			LC_ALL=C sort | tr '\n' '|')" events
}

# says FILE TEXT: all lines of it
says() { expect "$2" "$(tr '\n' ' ' <"$1")" "what was heard"; }

other_namespace() {
	local heard first=$listener
	heard=$(mktemp)
	ktap_need listener "$heard" "$CLIENT" || return
	ktap_check "a service in another namespace: nothing is heard here" \
		hears "" in_client ipvsadm -A -f 88 -s wlch
	ktap_check "... but there, and nothing else" poll 30 says "$heard" \
		"listening service-add af=2 fwmark=88 params=$(listed) "
	in_client ipvsadm -C
	kill "$listener"
	listener=$first
	rm "$heard"
}

# More events than fit into the buffer of a listener that does not read
deaf_listener() {
	local heard i first=$listener before
	heard=$(mktemp)
	ktap_need listener "$heard" "$DIRECTOR" --deaf || return
	before=$(wc -l <"$log")
	for ((i = 0; i < 100; i++)); do
		echo "-A -f $((1000 + i)) -s wlch"
		echo "-D -f $((1000 + i))"
	done | ipvs -R
	ktap_check "a listener does not read: another hears everything" mark
	ktap_check "... 100 services that came and went" expect 200 \
		"$(sed "1,${before}d" "$log" | grep -cE 'service-(add|del) af=2 fwmark=1[0-9]{3} ')"
	kill -USR1 "$listener"
	ktap_check "... and he is told that he missed some" \
		poll 30 grep -qx "error: No buffer space available" "$heard"
	mark
	ktap_check "... and hears what follows" poll 30 grep -q \
		"^service-change af=2 fwmark=$MARKER params=$(listed active=$marked)" "$heard"
	kill "$listener"
	listener=$first
	rm "$heard"
}

# A namespace goes with services in it, while others listen, one of them to all
# namespaces.
namespace_ends() {
	local ns=wlch-x-$$ heard first=$listener before lines
	lines=$(wc -l <"$log")
	heard=$(mktemp)
	before=$(module_references)
	ip netns add "$ns"
	ip -n "$ns" link set lo up
	ip -n "$DIRECTOR" netns set "$ns" auto
	ktap_need listener "$heard" "$DIRECTOR" --all-namespaces || return
	ip netns exec "$ns" ipvsadm -R <<-E
		-A -f 66 -s wlch
		-a -f 66 -r 10.2.0.11 -m
		-A -t 10.1.0.100:8702 -s wlch
	E
	ktap_check "who listens to all namespaces hears of another" poll 30 \
		grep -q "^service-add af=2 fwmark=66 " "$heard"
	ip netns del "$ns"
	ktap_check "a namespace goes with its services" \
		poll 60 references_are "$before"
	ktap_check "... and nothing is heard of it elsewhere" nothing_since "$lines"
	ktap_check "... who listens to all namespaces goes on" poll 30 grep -q \
		"^service-change af=2 fwmark=$MARKER params=$(listed active=$marked)" "$heard"
	kill "$listener"
	listener=$first
	rm "$heard"
}

# nothing_since LINES: but for the mark that is made now
nothing_since() {
	mark && expect "" "$(sed "1,${1}d" "$log" | sed '$d')" events
}

# The last that holds a namespace is a listener in it.
listener_ends() {
	local ns=wlch-y-$$ heard first=$listener before
	heard=$(mktemp)
	before=$(module_references)
	ip netns add "$ns"
	ktap_need listener "$heard" "$ns" || return
	ip netns exec "$ns" ipvsadm -A -f 67 -s wlch
	ip netns del "$ns"
	# if nothing held it, it would be gone by then; if later, nothing is found out
	sleep 3
	ktap_check "a namespace that is deleted lives while somebody listens there" \
		references_are $((before + 1))
	kill "$listener"
	ktap_check "... and goes with the listener" poll 60 references_are "$before"
	listener=$first
	rm "$heard"
}

# may_not_listen WHO: the command that becomes it
may_not_listen() {
	expect "cannot listen: Operation not permitted" \
		"$(in_director timeout 60 "$@" genl_listen)"
}

unprivileged() {
	ktap_check "who is not root may not listen" may_not_listen \
		setpriv --reuid 65534 --regid 65534 --clear-groups
	ktap_check "root of another user namespace may not listen" may_not_listen \
		unshare --user --map-root-user
}

# The module goes while somebody listens, and comes back. Only where nobody
# else uses it.
module_goes() {
	ipvs -C
	if [ "$(module_references)" != 0 ]; then
		ktap_skip "the module goes while somebody listens" "it is in use on this machine"
		return
	fi
	ktap_check "the module goes while somebody listens" rmmod ip_vs_wlch
	modprobe ip_vs_wlch
	kill "$listener"
	ktap_check "... and comes back" listener "$log" "$DIRECTOR"
	ipvs -A -f $MARKER -s wlch
	ktap_check "... and tells of changes again" mark
}

wlch_start
listener "$log" "$DIRECTOR" || exit
ipvs -A -f $MARKER -s wlch
services
parameters
defaults
many
ktap_check "the table is cleared" cleared
other_namespace
deaf_listener
namespace_ends
listener_ends
unprivileged
module_goes
kill "$listener"
rm -f "$log"
ktap_end
