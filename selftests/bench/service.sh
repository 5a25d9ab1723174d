# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Services without traffic, for ip_vs_wlch_bench.ko: it calls their scheduler. The mark
# of a service is the number of its servers, $n.
# shellcheck disable=SC2154 # the script's

parameters=/sys/module/ip_vs_wlch_bench/parameters

# service_up WEIGHTS LOAD: servers with weights of 1 to WEIGHTS and up to LOAD active
# connections
service_up() {
	insmod "${MODULE_FILE%/*}/ip_vs_wlch_bench.ko" || die "the bench cannot be loaded"
	awk -v n="$n" -v weights="$1" 'BEGIN {
		print "-A -f " n " -s bench"
		for (i = 0; i < n; i++)
			printf "-a -f %d -r 10.%d.%d.%d -g -w %d\n", n, i / 65536,
				i / 256 % 256, i % 256, i % weights + 1
	}' | ipvsadm -R || die "no service with $n servers"
	echo "$n $2" >$parameters/fill || die "the servers cannot be loaded"
	load=$2
}

service_down() {
	[ "$load" = 0 ] || echo "$n 0" >$parameters/fill
	ipvsadm -E -f "$n" -s wlc
	rmmod ip_vs_wlch_bench
	ipvsadm -D -f "$n"
}

# service_runs SCHEDULER [OPTION...]
service_runs() { ipvsadm -E -f "$n" -s "$@"; }

# pick PICKS CPUS: nanoseconds for that many on each
pick() {
	local none ns
	echo "$n $1 $2" >$parameters/run || return
	read -r _ _ none ns <$parameters/run
	[ "$none" = none=0 ] && echo "${ns#ns=}"
}

# enough_picks PICKS CPUS NS: how many take that long; a short run finds it out, and
# has what they need in the caches
enough_picks() {
	local ns picks
	ns=$(pick "$1" "$2") || return
	picks=$(($3 * $1 / (ns + 1)))
	echo $((picks < 200 ? 200 : picks))
}
