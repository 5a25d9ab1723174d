#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# changes.sh: how long it takes to add a server to a large service and to remove it, the
# core's part and ipvsadm's included; and to change its weight. Microseconds for each
# change. To be run in User Mode Linux (uml.sh).

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/bench/lib.sh
. "$here/lib.sh"

SIZES=${BENCH_SIZES:-10 1000 10000}
PAIRS=50

make_service() {
	local i
	{
		echo "-A -f 1 -s wlc"
		for ((i = 0; i < n; i++)); do
			echo "-a -f 1 -r 10.$((i >> 16)).$((i >> 8 & 255)).$((i & 255)) -g"
		done
	} | ipvsadm -R
}

# batch FILE: microseconds for each line of it
batch() {
	local begin
	begin=$(date +%s%N)
	ipvsadm -R <"$1" && echo $((($(date +%s%N) - begin) / 1000 / (2 * PAIRS)))
}

turn_servers() { ipvsadm -E -f 1 -s "$1" && batch "$dir/servers"; }
turn_weights() { ipvsadm -E -f 1 -s "$1" && batch "$dir/weights"; }

modprobe ip_vs_wlch || die "the module cannot be loaded"
dir=$(mktemp -d)
for ((i = 0; i < PAIRS; i++)); do
	printf '%s\n' "-a -f 1 -r 10.255.0.1 -g" "-d -f 1 -r 10.255.0.1" >>"$dir/servers"
	printf '%s\n' "-e -f 1 -r 10.0.0.5 -g -w 2" "-e -f 1 -r 10.0.0.5 -g -w 1" >>"$dir/weights"
done
for n in ${SIZES//,/ }; do
	make_service || die "no service with $n servers"
	alternate turn_servers
	result us 1 name=server-change n="$n"
	alternate turn_weights
	result us 1 name=weight-change n="$n"
	ipvsadm -D -f 1
done
rm -r "$dir"
echo "bench complete"
