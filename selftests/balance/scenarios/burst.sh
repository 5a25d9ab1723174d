# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A burst of 100 simultaneous long connections, one server being slow to answer;
# also with the factors of kernels before 4.8. sctp.sh has the same with SCTP.

# shellcheck source=selftests/lib/burst.sh
. ../lib/burst.sh

BALANCE_OLD_RULE=wlch,active=256,halfopen=1,inactive=1

no_delay() {
	tc -n "$SERVER1" qdisc del dev eth0 root
	tc -n "$SERVER2" qdisc del dev eth0 root
}

# one_burst SCENARIO FAMILY METHOD SCHEDULER
one_burst() {
	local scenario=$1 family=$2 method=$3 sched=$4 words got
	scheduler_words "$sched"
	burst_with "$family" "$method" "${words[@]}" || return
	got=$(active "$family" "$burst_port")
	sum_is $BURST_COUNT "$got" "established" || return
	result "$scenario" "$sched" "$got" servers="$(list "$got")"
	clients_end
	service_end "$family" "$burst_port"
}

burst_tcp() { one_burst burst 4 m "$1"; }

scenario_burst() {
	burst_port=10000
	burst_servers $((${#SCHEDULERS[@]} + 1)) || return
	each_scheduler burst_tcp $BALANCE_OLD_RULE && no_delay
}
