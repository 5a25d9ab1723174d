#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The netlink family as the kernel's own client sees it, which knows nothing of
# it but the spec: tools/net/ynl of Linux 6.12, in the folder that $YNL names.
# And the spec, the uapi header and the kernel say the same.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

here=$(readlink -f "$(dirname "$0")")
TOP=$(readlink -f "$here/../..")
SPEC=$TOP/Documentation/netlink/specs/ipvs_wlch.yaml
HEADER=$TOP/kmod/include/uapi/linux/ip_vs_wlch.h
KEY='"af": 2, "protocol": 6, "address": "0a010064", "port": 8600'
NAMED='"af": 2, "protocol": 6, "address": "10.1.0.100", "port": 8600'
COUNTERS='"picks": 0, "no-server": 0, "retries": 0'

# ynl ARGUMENT...: the client, validating the spec by the kernel's schema;
# without padding, which a spec needs, but this client shows as unknown
ynl() {
	in_director /usr/bin/python3 "$YNL/tools/net/ynl/cli.py" --spec "$SPEC" \
		--schema "$YNL/Documentation/netlink/genetlink-legacy.yaml" \
		--process-unknown --output-json "$@" 2>&1 | sed 's/"pad": "", //g'
	return "${PIPESTATUS[0]}"
}

# ynl_says WANT ARGUMENT...
ynl_says() {
	local want=$1
	shift
	expect "$want" "$(ynl "$@")" reply
}

# ynl_refused TEXT ARGUMENT...
ynl_refused() {
	local text=$1 said
	shift
	if said=$(ynl "$@"); then
		echo "it was accepted: $said"
		return 1
	fi
	grep -qF -e "$text" <<<"$said" || { echo "$said"; return 1; }
}

agree() {
	in_director "$here/ynl_agree.py" "$YNL" "$SPEC" "$HEADER" "$1"
}

# json_params KEY=VALUE...: the defaults, with these instead
json_params() {
	sed -E 's/(\w+)=([0-9]+)/"\1": \2/g; s/,/, /g; s/.*/{&}/' <<<"$(but "$@")"
}

agreement() {
	ktap_check "spec and header have the same names and numbers" agree numbers
	ktap_check "spec and header have the same types and ranges" agree types
	ktap_check "spec and kernel have the same operations, flags and groups" \
		agree operations
	ktap_check "spec and kernel accept the same attributes" agree policy
	ktap_check "spec and kernel have the same ranges" agree ranges
	ktap_check "the kernel's replies are what the spec says" agree replies
}

parameters() {
	ktap_check "set-service" ynl_says null --do set-service \
		--json "{$KEY, \"params\": {\"active\": 9, \"slowstart\": 60}}"
	ktap_check "get-service" ynl_says \
		"{$NAMED, \"params\": $(json_params active=9 slowstart=60), $COUNTERS}" \
		--do get-service --json "{$KEY}"
	ktap_check "set-service out of range is refused, with the attribute's name" \
		ynl_refused "{'msg': 'active: allowed is 1..4096', 'bad-attr': '.params.active'}" \
		--do set-service --json "{$KEY, \"params\": {\"halfopen\": 3, \"active\": 5000}}"
	ktap_check "... and nothing is set" ynl_says \
		"{$NAMED, \"params\": $(json_params active=9 slowstart=60), $COUNTERS}" \
		--do get-service --json "{$KEY}"
	ktap_check "get-service, all" ynl_says \
		"[{$NAMED, \"params\": $(json_params active=9 slowstart=60), $COUNTERS}, \
{\"af\": 10, \"fwmark\": 86, \"params\": $(json_params), $COUNTERS}]" \
		--dump get-service
}

# servers_with ESTABLISHED LOAD PICKS: each of the service by address
servers_with() {
	local address sep=""
	printf '['
	for address in 10.2.0.12 10.2.0.11; do
		printf '%s{"service": {%s}, "af": 2, "address": "%s", "port": 8600, ' \
			"$sep" "$NAMED" "$address"
		printf '"weight": 1, "effective-weight": 1, "established": %s, ' "$1"
		printf '"half-open": 0, "refused": 0, "inactive": 0, '
		printf '"load": %s, "picks": %s}' "$2" "$3"
		sep=", "
	done
	printf ']'
}

counters() {
	ynl --do set-service --json "{$KEY, \"params\": {\"slowstart\": 0}}" >/dev/null
	clients 4 8600 4 --rst
	ktap_check "four clients connect" expect 4 "$(clients_connected)"
	ktap_check "get-server of one service counts them" poll 30 ynl_says \
		"$(servers_with 2 18 2)" --dump get-server --json "{\"service\": {$KEY}}"
	ktap_check "get-service counts them" ynl_says \
		"{$NAMED, \"params\": $(json_params active=9), \"picks\": 4, \"no-server\": 0, \"retries\": 0}" \
		--do get-service --json "{$KEY}"
	ktap_check "zero" ynl_says null --do zero --json "{$KEY}"
	ktap_check "... sets the counters to 0" ynl_says \
		"{$NAMED, \"params\": $(json_params active=9), $COUNTERS}" \
		--do get-service --json "{$KEY}"
	ktap_check "... and those of the servers, of all services" ynl_says \
		"$(servers_with 2 18 0)" --dump get-server
	clients_end
}

defaults() {
	ktap_check "set-defaults" ynl_says null --do set-defaults \
		--json '{"params": {"choices": 2, "refused": 40}}'
	ktap_check "get-defaults" ynl_says \
		"{\"params\": $(json_params choices=2 refused=40)}" --do get-defaults --json '{}'
	ktap_check "set-defaults out of range is refused" ynl_refused \
		"'msg': 'choices: allowed is 0..64', 'bad-attr': '.params.choices'" \
		--do set-defaults --json '{"params": {"choices": 65}}'
}

# What is heard of a service that is made, changed and deleted, and of defaults
events() {
	local heard in out listener
	heard=$(mktemp -u) && in=$(mktemp -u) && mkfifo "$in"
	in_director "$here/ynl_listen.py" "$YNL" "$SPEC" config <"$in" >"$heard" &
	listener=$!
	exec {out}>"$in"
	poll 60 grep -q listening "$heard" || return
	ipvs -A -f 87 -s wlch
	ynl --do set-service --json '{"af": 2, "fwmark": 87, "params": {"active": 3}}'
	ynl --do set-defaults --json '{"params": {"choices": 0}}'
	ipvs -D -f 87
	exec {out}>&-
	wait $listener
	local service='{"af": 2, "fwmark": 87, "params": '
	expect "listening
service-add-ntf $service$(json_params choices=2 refused=40), $COUNTERS}
service-change-ntf $service$(json_params choices=2 refused=40 active=3), $COUNTERS}
defaults-change-ntf {\"params\": $(json_params refused=40)}
service-del-ntf $service$(json_params choices=2 refused=40 active=3), $COUNTERS}" \
		"$(<"$heard")" "what was heard"
}

[ -n "${YNL:-}" ] || { echo "1..0 # SKIP YNL names no kernel source: run make uml RUN=$0"; exit 4; }
wlch_start
serve "$SERVER1" 8600 && serve "$SERVER2" 8600 || exit
service 4 8600 m wlch
ipvs -A -f 86 -6 -s wlch
agreement
parameters
counters
defaults
ktap_check "the multicast group tells of all that changes" events
ktap_end
