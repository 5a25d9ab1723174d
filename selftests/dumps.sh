#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One dump has all services, or all servers of all services: it is exact when
# nothing comes or goes meanwhile, and says so when something does. How long
# dumps of large tables take is told, not judged: WLCH_DUMP (100) services with
# ten servers each, and one with all of them. "make check" does it with 1000 in
# User Mode Linux, in 45 seconds: a virtual machine without KVM needs 170, most of
# them to add the servers, and 35 with 100.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/netlink.sh
. "$(dirname "$0")/lib/netlink.sh"

NR=500	# services whose dump needs several message buffers
LARGE=${WLCH_DUMP:-100}
out=$(mktemp) fifo=$(mktemp -u)

# many_services SERVICES SERVERS [SCHEDULER]: by marks from 1, each with so many
many_services() {
	awk -v services="$1" -v servers="$2" -v scheduler="${3:-wlch}" 'BEGIN {
		for (i = 1; i <= services; i++) {
			print "-A -f " i " -s " scheduler
			for (j = 0; j < servers; j++)
				printf "-a -f %d -r 10.2.%d.%d -m\n", i, 100 + j / 250, j % 250 + 1
		}
	}' | ipvs -R
}

# meanwhile WANT COMMAND DUMP...: the answer to a dump that COMMAND, which is one
# word, falls into, at its first message
meanwhile() {
	local want=$1 command=$2 dump input rc
	shift 2
	: >"$out"
	in_director genl_send --slow-dump $FAMILY "$@" <"$fifo" >"$out" &
	dump=$!
	exec {input}>"$fifo"
	poll 30 grep -q paused "$out" && $command
	rc=$?
	exec {input}>&-
	wait $dump
	[ $rc -eq 0 ] || { echo "there was no dump, or $command failed"; return 1; }
	expect "$want" "$(tail -n 1 "$out")" answer
}

# what a value is changed to, another one each time
changed=10

nothing() { :; }
service_added() { ipvs -A -f 90001 -s wlch; }
service_deleted() { ipvs -D -f 90001; }
service_leaves() { ipvs -E -f $NR -s wlc; }
service_returns() { ipvs -E -f $NR -s wlch; }
server_added() { ipvs -a -f 1 -r 10.2.99.1 -m; }
server_removed() { ipvs -d -f 1 -r 10.2.99.1; }
weight_changed() { ipvs -e -f 1 -r 10.2.100.1 -m -w $((changed += 1)); }
parameters_changed() { ipvs -E -f 2 -s wlch --sched-param active=$((changed += 1)); }
other_scheduler() { ipvs -A -f 90002 -s rr; ipvs -D -f 90002; }
other_namespace() { in_client ipvsadm -A -f 5 -s wlch; in_client ipvsadm -C; }
all_deleted() { ipvs -C; held=$(module_references); }

exact() {
	local what=$1 command=$2 number=$3 change
	for change in nothing weight_changed parameters_changed other_scheduler other_namespace; do
		ktap_check "a dump of $what, ${change//_/ } meanwhile: it is exact" \
			meanwhile "error=0 messages=$number text=" $change "$command"
	done
}

# What comes or goes at the end of the list does so while the dump is on its way
# there, and is seen or not seen by it.
interrupted() {
	local what=$1 command=$2 change
	for change in service_added service_deleted service_leaves service_returns \
			server_added server_removed; do
		ktap_check "a dump of $what, ${change//_/ } meanwhile: it says so" \
			is_interrupted $change "$command"
	done
}

is_interrupted() {
	meanwhile "" "$1" "$2" >/dev/null
	grep -q '^error=0 messages=[0-9]* text= interrupted$' "$out" && return
	cat "$out"
	return 1
}

# busy COMMAND...: what it dumps changes whenever it looks
busy() { in_director env LD_PRELOAD="$(type -P busy_table)" "$@"; }

# Where no dump is exact, however often it is repeated, what there is is listed. Of one
# service, as to list all takes long that way; all are dumped for it.
never_at_rest() {
	local listing=(ipvsadm -L -n -f "$NR" --sched-param)
	ktap_check "a table that is never at rest: each dump says so" \
		expect "error=0 messages=$((NR * 2)) text= interrupted" \
		"$(busy genl_send --dump $FAMILY $GET_SERVER)" answer
	ktap_check "... and ipvsadm lists a service as it does at rest" \
		expect "$(in_director "${listing[@]}")" "$(busy "${listing[@]}" 2>&1)" listing
}

# Then it is only the dump that keeps the module from being removed.
cleared() {
	ktap_check "all services are deleted during a dump of $1: it says so" \
		is_interrupted all_deleted "$2"
	ktap_check "... and it holds the module until it ends" \
		expect $((references + 1)) "$held" references
	ktap_check "... and no longer" references_are "$references"
	many_services $NR 2
}

# One service's servers, and it goes: the dump ends with an error
only_service() {
	local key
	key=$(attr $((1 | NESTED)) "$(by_mark 70000)")
	{
		echo "-A -f 70000 -s wlch"
		for ((i = 0; i < 500; i++)); do
			echo "-a -f 70000 -r 10.2.$((100 + i / 250)).$((i % 250 + 1)) -m"
		done
	} | ipvs -R
	ktap_check "a dump of one service's servers is exact" \
		meanwhile "error=0 messages=500 text=" nothing $GET_SERVER "$key"
	ktap_check "... and it ends with an error when the service is deleted" \
		only_service_goes "$key"
}

only_goes() { ipvs -D -f 70000; }
only_service_goes() {
	meanwhile "" only_goes $GET_SERVER "$1" >/dev/null
	grep -q '^error=2 messages=[1-9][0-9]* text=there is no such service' "$out" && return
	cat "$out"
	return 1
}

# took COMMAND...: milliseconds
took() {
	local begin=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>&1
	echo $(((${EPOCHREALTIME/./} - begin) / 1000))
}

# measure SERVICES SERVERS
measure() {
	local all=$(($1 * $2)) name="$1 services with $2 servers each"
	ipvs -C
	ktap_note "$name: added in $(took many_services "$1" "$2" wlc) ms with wlc"
	ipvs -C
	ktap_note "$name: added in $(took many_services "$1" "$2") ms with wlch"
	ktap_check "one dump has the servers of $name" \
		answers "error=0 messages=$all text=" --dump $FAMILY $GET_SERVER
	ktap_note "$name: dump of servers in $(took in_director genl_send --dump $FAMILY $GET_SERVER) ms"
	ktap_note "$name: unpatched ipvsadm -L -n in $(took in_director ipvsadm-orig -L -n) ms"
	ktap_note "$name: ipvsadm -L -n --sched-param in $(took ipvs -L -n --sched-param) ms"
}

wlch_start
mkfifo "$fifo"
references=$(module_references)
held=
many_services $NR 2
exact services $GET_SERVICE $NR
exact servers $GET_SERVER $((NR * 2))
interrupted services $GET_SERVICE
interrupted servers $GET_SERVER
never_at_rest
cleared services $GET_SERVICE
cleared servers $GET_SERVER
ipvs -C
only_service
measure "$LARGE" 10
measure 1 $((LARGE * 10))
ipvs -C
rm -f "$out" "$fifo"
ktap_end
