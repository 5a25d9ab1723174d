# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Calls of a module that fail, in all that an administrator does: all or nothing is to be
# done, connections are to be scheduled on, and nothing is to be lost. Sourced after
# module.sh and memory.sh, by a script that has its clients' service on $PORT.
#
# shellcheck disable=SC2154 # of module.sh
# shellcheck disable=SC2119,SC2120 # the port that works() takes

fault_module=ip_vs_wlch	# or another one, of the script
source_port=2000
said=$(mktemp)
declare -A reached=()
failures=0

fault_file() { echo "/sys/module/$fault_module/parameters/fault"; }

# The sites, as "file:line"
sites() { modinfo -F fault "$test_builds/$fault_module.ko" | sort -t: -k 1,1 -k 2,2n; }

fail() { echo "$*" >"$(fault_file)"; }
fail_no_more() { echo >"$(fault_file)"; }

# Three servers on two machines; from three on the module has an index of them.
three() { printf '%s\n' "10.2.0.11:$PORT -w 1" "10.2.0.12:$PORT -w 1" "10.2.0.11:$((PORT + 1)) -w 2"; }

# service_of SCHEDULER ADDRESS:PORT
service_of() {
	local at=$2 server
	ipvs -A -t "$at" -s "$1" || return
	while read -r server; do
		# shellcheck disable=SC2086 # words
		ipvs -a -t "$at" -r $server -m || return
	done < <(three)
}

# What a script adds it adds here.
delete_added() { ipvs -D -t 10.1.0.100:9700; }

# Every connection is scheduled and answered, and what is counted comes down.
works() {
	in_client conn_rate 10.1.0.100 "${1:-$PORT}" $source_port 4 || return
	source_port=$((source_port + 4))
}

rules() { ipvs -S -n | sort; }

# attempts OPERATION AFTER: let the first call that the operation makes fail, then the
# second, until it makes no more
attempts() {
	local operation=$1 after=$2 n status hits site
	for ((n = 1; n < 100; n++)); do
		fail "* $n"
		$operation >"$said" 2>&1
		status=$?
		read -r hits _ site <"$(fault_file)"
		fail_no_more
		if [ "$hits" -gt 0 ]; then
			reached[$site]=1
			failures=$((failures + 1))
		fi
		if ! $after $status || ! works || ! restored; then
			echo "call $n, $site, exit status $status: $(<"$said")"
			return 1
		fi
		[ "$hits" -gt 0 ] || break
	done
	[ $n -gt 1 ] || { echo "none of the calls was made"; return 1; }
	expect 0 $status "exit status where no call fails"
}

# The rules are what they were before, after they were put back.
restored() {
	$undo >/dev/null 2>&1
	expect "$rules_before" "$(rules)" "rules afterwards" && works
}

# operation NAME OPERATION AFTER UNDO
operation() {
	local name=$1 begin=$failures owned_before
	undo=$4
	rules_before=$(rules)
	owned_before=$(owned)
	ktap_check "$name: all or nothing, each time that a call fails" attempts "$2" "$3"
	! slabs_have_owners ||
		ktap_check "$name: nothing is lost" poll 30 owns "$owned_before"
	ktap_note "$name: $((failures - begin)) failures"
}

# It fails with nothing changed, or it is done.
nothing_or() {
	local status=$1
	shift
	if [ "$status" -ne 0 ]; then
		expect "$rules_before" "$(rules)" "rules after a failure"
	else
		"$@"
	fi
}

each_reached() {
	local site rc=0
	while read -r site; do
		[ -n "${reached[$site]:-}" ] || { echo "never came to $site"; rc=1; }
	done < <(sites)
	return $rc
}
