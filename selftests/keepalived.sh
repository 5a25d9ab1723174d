#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# keepalived manages a service that runs wlch: the real one, with the patch of
# keepalived-patch and, as the control and for what works without it, as it is.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

PORT=8900
VS=10.1.0.100:$PORT

need() {
	local tool
	for tool in keepalived keepalived-orig; do
		command -v $tool >/dev/null && continue
		echo "1..0 # SKIP there is no $tool: build it with make keepalived"
		exit 4
	done
}

# config SCHEDULER WEIGHT1 WEIGHT2 [LINE...]: two real servers whose listeners are
# checked each second; lines for the virtual server
config() {
	local scheduler=$1 weight server=11
	shift
	{
		printf '%s\n' "global_defs {" "script_user root" "enable_script_security" "}" \
			"virtual_server 10.1.0.100 $PORT {" "lvs_sched $scheduler" \
			"lvs_method DR" "protocol TCP" "delay_loop 1" "alpha" "${@:3}"
		for weight in "$1" "$2"; do
			printf '%s\n' "real_server 10.2.0.$((server++)) $PORT {" \
				"weight $weight" "TCP_CHECK {" "connect_timeout 5" \
				"retry 1" "delay_before_retry 1" "}" "}"
		done
		echo "}"
	} >"$dir/conf"
}

# daemon PROGRAM: with the configuration; what it says is in $dir/log
daemon() {
	: >"$dir/log"
	in_director "$1" --dont-fork --log-console --log-detail --no-syslog \
		--use-file "$dir/conf" --pid "$dir/pid" \
		--checkers_pid "$dir/checkers" >"$dir/log" 2>&1 &
	disown
	poll 30 says "Gained quorum"
}

# says TEXT [TIMES]
says() { [ "$(grep -c "$1" "$dir/log")" -ge "${2:-1}" ]; }

daemon_end() {
	kill "$(cat "$dir/pid")"
	poll 30 gone
}

gone() { [ ! -e "$dir/pid" ] && [ -z "$(ipvs -L -n -t $VS 2>/dev/null)" ]; }

# reload: until it has read its configuration again
reload() {
	local before
	before=$(grep -c "Reload complete" "$dir/log")
	kill -HUP "$(cat "$dir/pid")"
	poll 30 says "Reload complete" $((before + 1))
}

scheduler_is() { expect "$1" "$(ipvs -S -n | awk -v vs=$VS '$1 == "-A" && $3 == vs { print $5 }')"; }
weights() { servers 4 $PORT | awk '{ printf "%s%s", sep, $4; sep = " " } END { print "" }'; }
weights_are() { expect "$1" "$(weights)" weights; }
params_are() { expect "$1" "$(ipvs -L -n -t $VS --sched-param | sed -n 's/^  sched-param //p')"; }
both_are() { weights_are "$1" && [ "$(servers 4 $PORT | wc -l)" -eq 2 ]; }

# come N: so many connections more, which stay
come() {
	clients 4 $PORT "$1"
	expect "$1" "$(clients_connected)" "connected clients" && clients_stay
}

# listener_end NAMESPACE: the real server dies
listener_end() {
	# shellcheck disable=SC2046 # process numbers
	kill $(ip netns pids "$1")
}

# The control: without the patch the name is refused and another scheduler runs.
unpatched() {
	config wlch 1 1
	ktap_check "unpatched keepalived starts" daemon keepalived-orig
	ktap_check "... and says that it does not know wlch" \
		says "Invalid lvs_scheduler 'wlch' - ignoring"
	ktap_check "... and runs wlc" scheduler_is wlc
	ktap_check "... and ends with its service" daemon_end
}

patched() {
	config wlch 1 1
	ktap_check "keepalived starts" daemon keepalived
	ktap_check "the service runs wlch" scheduler_is wlch
	ktap_check "... with the servers that were checked" poll 30 both_are "1 1"
	ktap_check "20 clients connect" come 20
	ktap_check "... half of them to each server" expect "10 10" "$(active 4 $PORT)"

	ktap_check "parameters are set while it runs" \
		ipvs -E -t $VS -s wlch --sched-param halfopen=2,inactive=0
	ktap_check "a reload that changes nothing" reload
	ktap_check "... leaves the parameters alone" params_are "$(but halfopen=2 inactive=0)"
	ktap_check "... and the connections" expect "10 10" "$(active 4 $PORT)"

	config wlch 3 1
	ktap_check "a reload changes a weight" reload
	ktap_check "... in the service" poll 30 both_are "3 1"
	ktap_check "... and leaves the parameters alone" params_are "$(but halfopen=2 inactive=0)"
	ktap_check "20 clients more connect" come 20
	ktap_check "... and the servers are loaded by weight" expect "30 10" "$(active 4 $PORT)"
}

# A real server that dies is taken out and comes back; its connections are gone.
dies() {
	listener_end "$SERVER1"
	ktap_check "a server dies and is removed" poll 60 weights_are "1"
	ktap_check "... and the parameters stay" params_are "$(but halfopen=2 inactive=0)"
	ktap_check "10 clients connect to the other" come 10
	ktap_check "... which has them" expect "20" "$(active 4 $PORT)"
	serve "$SERVER1" $PORT || exit 1
	ktap_check "it returns" poll 60 returned
	ktap_check "... and the parameters stay" params_are "$(but halfopen=2 inactive=0)"
	ktap_check "10 clients connect" come 10
	ktap_check "... all to the server that has returned" \
		expect 20 "$(servers 4 $PORT | awk '$2 ~ /^10.2.0.12:/ { print $5 }')"
	ktap_check "keepalived ends with its service" daemon_end
}

# in whatever order they are listed
returned() { [ "$(servers 4 $PORT | awk '{ print $4 }' | sort | xargs)" = "1 3" ]; }

# Without the patch: keepalived knows of wlc, and when the service can be used a
# script gives it the other scheduler.
stop_gap() {
	cat >"$dir/wlch" <<-X
		#!/bin/sh
		exec $(command -v ipvsadm) -E -t $VS -s wlch --sched-param halfopen=2
	X
	chmod 700 "$dir/wlch"
	config wlc 1 1 "quorum_up $dir/wlch"
	ktap_check "stop-gap: unpatched keepalived starts" daemon keepalived-orig
	ktap_check "stop-gap: the script gives the service wlch" poll 30 scheduler_is wlch
	ktap_check "stop-gap: ... with its parameters" params_are "$(but halfopen=2)"
	config wlc 2 1 "quorum_up $dir/wlch"
	ktap_check "stop-gap: a reload changes a weight" reload
	ktap_check "stop-gap: ... in the service" poll 30 both_are "2 1"
	ktap_check "stop-gap: ... and leaves wlch alone" scheduler_is wlch
	ktap_check "stop-gap: ... and the parameters" params_are "$(but halfopen=2)"
	listener_end "$SERVER1"
	ktap_check "stop-gap: a server dies and is removed" poll 60 weights_are "1"
	ktap_check "stop-gap: ... and wlch stays" scheduler_is wlch
	# what it cannot do: a change of the service itself brings wlc back
	config wlc 2 1 "quorum_up $dir/wlch" "persistence_timeout 50"
	ktap_check "stop-gap: a reload changes the service itself" reload
	ktap_check "stop-gap: ... and brings wlc back" poll 30 scheduler_is wlc
	ktap_check "stop-gap: keepalived ends with its service" daemon_end
}

dir=$(mktemp -d)
chmod 755 "$dir"
# shellcheck disable=SC2317 # called by the trap
down() {
	topology_down
	rm -rf "$dir"
}
need
wlch_start
trap down EXIT
serve "$SERVER1" $PORT && serve "$SERVER2" $PORT || exit 1
unpatched
patched
dies
stop_gap
ktap_end
