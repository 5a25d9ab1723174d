#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who may ask what. Only who has CAP_NET_ADMIN in the user namespace that owns a
# network namespace may read, set or hear anything of wlch there, and nobody
# sees another network namespace. That is what IPVS's socket options allow; its
# own netlink family refuses also the root of a container.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/netlink.sh
. "$(dirname "$0")/lib/netlink.sh"

MARK=77
KEY=$(by_mark $MARK)
REFUSED="error=1 messages=0 text="	# EPERM
NO_SERVICE="error=2 messages=0 text=there is no such service, or it does not use the scheduler wlch"
MUST_BE_ROOT="Permission denied (you must be root)"
module_params=/sys/module/ip_vs_wlch/parameters

# IPVS's own family, and what may be asked without an attribute
IPVS_GET_SERVICE=4 IPVS_GET_INFO=15 IPVS_ZERO=16

# Everybody who may not, by the command that becomes him. The user has a user
# namespace of his own, but in the director's network namespace that is nothing.
user="setpriv --reuid 65534 --regid 65534 --clear-groups"
declare -A AS=(
	["who is not root"]=$user
	["root of another user namespace"]="$user unshare --user --map-root-user"
	["root without CAP_NET_ADMIN"]="setpriv --bounding-set -net_admin --inh-caps -net_admin"
)

# Each request, and how many messages answer it if it is root's
REQUESTS="read a service:1:$FAMILY $GET_SERVICE $KEY
read all services:2:--dump $FAMILY $GET_SERVICE
read the servers:2:--dump $FAMILY $GET_SERVER
set a service:0:$FAMILY $SET_SERVICE $KEY$(params 1 9)
read the defaults:1:$FAMILY $GET_DEFAULTS
set the defaults:0:$FAMILY $SET_DEFAULTS $(params 1 9)
zero the counters:0:$FAMILY $ZERO
read of IPVS itself:1:IPVS $IPVS_GET_INFO
read all services of IPVS itself:2:--dump IPVS $IPVS_GET_SERVICE
zero the counters of IPVS itself:0:IPVS $IPVS_ZERO"

# Parameters, picks and defaults in the director's namespace, and the defaults
# of the module
state() {
	ipvs -L --json | jq -c '.services[] | .fwmark, .wlch'
	ipvs -L --sched-default
	cat $module_params/active
}

unchanged() { expect "$before" "$(state)" "what is set in the director's namespace"; }

# as WHO COMMAND...: in the director's network namespace
as() {
	local who=$1
	shift
	# shellcheck disable=SC2086 # a command
	in_director ${AS[$who]} "$@" 2>&1
}

# Each of them is told so.
all_refused() {
	local who
	for who in "${!AS[@]}"; do
		expect "$1" "$(as "$who" "${@:2}")" "$who" || return
	done
}

netlink() {
	local name messages request
	while IFS=: read -r name messages request; do
		# shellcheck disable=SC2086 # words
		ktap_check "$name: refused to all but root" all_refused "$REFUSED" \
			genl_send $request
	done <<<"$REQUESTS"
	ktap_check "... and nothing is changed" unchanged
	ktap_check "read by IPVS's socket options: likewise" all_refused error=1 \
		ipvs_sockopt info
	ktap_check "listen to events: likewise" all_refused \
		"cannot listen: Operation not permitted" timeout 10 genl_listen
}

# The same requests
root_may() {
	local name messages request
	while IFS=: read -r name messages request; do
		# shellcheck disable=SC2086 # words
		ktap_check "$name: root may" answers "error=0 messages=$messages text=" $request
	done <<<"$REQUESTS"
	ktap_check "... and it takes effect: the service" expect 9 \
		"$(ipvs -L --json | jq ".services[] | select(.fwmark == $MARK).wlch.params.active")"
	ktap_check "... the defaults" grep -q ": active=9," <<<"$(ipvs -L --sched-default)"
	ktap_check "... the counters" expect "[0,0]" \
		"$(ipvs -L --json | jq -c '[.services[].wlch.picks]')"
	ktap_check "read by IPVS's socket options: root may" expect error=0 \
		"$(in_director ipvs_sockopt info)"
	accepts $SET_SERVICE "$KEY$(params 1 8)" && accepts $SET_DEFAULTS "$(params 1 8)"
}

told_by_ipvsadm() {
	local who said rc
	for who in "${!AS[@]}"; do
		said=$(as "$who" timeout 10 ipvsadm "$@")
		rc=$?
		[ $rc -ne 0 ] && [ $rc -ne 124 ] && grep -qF "$MUST_BE_ROOT" <<<"$said" && continue
		echo "$who: status $rc: $said"
		return 1
	done
}

# What a user sees of it; -E is in params.sh.
tool() {
	local line
	while read -r line; do
		# shellcheck disable=SC2086 # words
		ktap_check "ipvsadm $line: all but root are told why not" told_by_ipvsadm $line
	done <<-E
		-L -n --sched-param
		-L --json
		-S -n
		-A -f 78 -s wlch --sched-param active=9
		-L --sched-default
		--sched-default active=9
		-Z
		--monitor
	E
	ktap_check "... and nothing is changed" unchanged
}

# may_not_write COMMAND...: who it becomes is refused the module's parameters
may_not_write() {
	local said
	said=$("$@" sh -c "echo 9 >$module_params/active" 2>&1) && return 1
	grep -q "Permission denied" <<<"$said" || { echo "$said"; return 1; }
}

# They are files: of the machine's root, whatever his capabilities are, and good
# for all namespaces.
module_parameters() {
	local who
	ktap_check "parameters of the module: the root of the machine may set them" \
		in_client sh -c "echo 8 >$module_params/active"
	for who in "who is not root" "root of another user namespace"; do
		ktap_check "... $who may not" may_not_write as "$who"
	done
	ktap_check "... nor the root of a container" may_not_write in_container
	ktap_check "... and they keep their value" unchanged
}

# A container: the user is root in a user namespace that owns a network namespace
container_up() {
	# shellcheck disable=SC2086 # a command
	$user unshare --user --map-root-user --net sleep infinity &
	container=$!
	disown
	enter=(nsenter --user --net --target "$container")
	poll 30 container_is_up
}

container_is_up() {
	[ "$(readlink "/proc/$container/ns/net")" != "$(readlink /proc/self/ns/net)" ] &&
		expect 0 "$(in_container id -u)" user
}

# shellcheck disable=SC2317 # called by the trap
all_down() {
	kill "$container" 2>/dev/null
	topology_down
}

in_container() { "${enter[@]}" "$@" 2>&1; }
there() { in_container genl_send "$@"; }

container() {
	references=$(module_references)
	ktap_check "a container has its root" container_up || return
	ktap_check "a container: IPVS's own family refuses its root" \
		expect "$REFUSED" "$(there IPVS $IPVS_GET_INFO)"
	ktap_check "... its socket options do not" \
		expect error=0 "$(in_container ipvs_sockopt info)"
	ktap_check "... and add a service of wlch" \
		expect error=0 "$(in_container ipvs_sockopt add $MARK wlch)"
	ktap_check "... ipvsadm says there what the unpatched one does" \
		expect "$(in_container ipvsadm-orig -L -n)" "$(in_container ipvsadm -L -n)"
	ktap_check "... its root sees this service" \
		expect "error=0 messages=1 text=" "$(there $FAMILY $GET_SERVICE "$KEY")"
	ktap_check "... and no other" \
		expect "error=0 messages=1 text=" "$(there --dump $FAMILY $GET_SERVICE)"
	ktap_check "... nor one that he knows by name" \
		expect "$NO_SERVICE" "$(there $FAMILY $GET_SERVICE "$OTHER_KEY")"
	ktap_check "... nor any server" \
		expect "error=0 messages=0 text=" "$(there --dump $FAMILY $GET_SERVER)"
	ktap_check "... and may set and zero his own" expect \
		"$(printf 'error=0 messages=0 text=\n%.0s' 1 2 3)" \
		"$(there $FAMILY $SET_SERVICE "$KEY$(params 1 9)"
		there $FAMILY $SET_DEFAULTS "$(params 1 9)"
		there $FAMILY $ZERO)"
	ktap_check "... but not another's" \
		expect "$NO_SERVICE" "$(there $FAMILY $SET_SERVICE "$OTHER_KEY$(params 1 9)")"
	ktap_check "... which is unchanged" unchanged
}

# hear LOG COMMAND...: a listener to all namespaces; leaves its process in
# $listener
hear() {
	local log=$1
	shift
	"$@" genl_listen --all-namespaces >"$log" &
	listener=$!
	disown
	poll 30 grep -q '^listening' "$log"
}

# Both listen in the container's network namespace, where the director's has a
# number; the kernel sends events of another namespace to who has
# CAP_NET_BROADCAST there.
container_events() {
	local heard_root heard_user=$log.user root user
	heard_root=$log.root
	ktap_need nsenter --net --target "$container" ip netns set "$DIRECTOR" 5 &&
		ktap_need hear "$heard_root" nsenter --net --target "$container" && root=$listener &&
		ktap_need hear "$heard_user" "${enter[@]}" && user=$listener || return
	accepts $SET_SERVICE "$KEY$(params 1 9)"
	accepts $SET_SERVICE "$KEY$(params 1 8)"
	in_container ipvs_sockopt add 78 wlch >/dev/null
	ktap_check "events: who is root of the machine hears of the director's" \
		poll 30 grep -q "^service-change af=2 fwmark=$MARK .*=8," "$heard_root"
	ktap_check "... and the root of the container of his own" \
		poll 30 grep -q "^service-add af=2 fwmark=78 " "$heard_user"
	ktap_check "... and of no other" expect 2 "$(wc -l <"$heard_user")"
	kill "$root" "$user"
	rm -f "$heard_root" "$heard_user"
}

container_goes() {
	kill "$container"
	poll 60 references_are "$references"
}

in_client_sends() {
	expect "$1" "$(in_client genl_send "${@:2}" 2>&1)" answer
}

# Root, but in another network namespace, with a service of the same name
other_namespace() {
	in_client ipvsadm -A -f $MARK -s wlch
	ktap_check "another network namespace: root sees its own service" \
		in_client_sends "error=0 messages=1 text=" --dump $FAMILY $GET_SERVICE
	ktap_check "... and no server of another" \
		in_client_sends "error=0 messages=0 text=" --dump $FAMILY $GET_SERVER
	ktap_check "... sets it" in_client_sends "error=0 messages=0 text=" \
		$FAMILY $SET_SERVICE "$KEY$(params 1 9)"
	ktap_check "... and the defaults" in_client_sends "error=0 messages=0 text=" \
		$FAMILY $SET_DEFAULTS "$(params 1 9)"
	ktap_check "... and zeroes it" in_client_sends "error=0 messages=0 text=" $FAMILY $ZERO
	ktap_check "... what is set here is unchanged" unchanged
	ktap_check "... there it is set" grep -q " active=9," <<<"$(in_client ipvsadm -S -n)"
}

OTHER_KEY=$(attr 1 "$(u16 2)")$(attr 2 "$(u16 6)")$(attr 3 0a010064)$(attr 4 "$(be16 9000)")
log=$(mktemp)
wlch_start
trap all_down EXIT
service 4 9000 m wlch
ipvs -A -f $MARK -s wlch
# nobody listens there; what counts is that a server is picked
in_client conn_hold --wait 30 --hold 0 "${VIP[4]}" 9000 3 >/dev/null 2>&1
before=$(state)
ktap_check "a server was picked 3 times" grep -q '"picks":3' <<<"$before"
netlink
tool
container
module_parameters
container_events
ktap_check "the container goes, and its services with it" container_goes
other_namespace
root_may
rm -f "$log"
ktap_end
