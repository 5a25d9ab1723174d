# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What every selftest begins with:
#
#	. "$(dirname "$0")/lib/lib.sh"

wlch_lib=$(dirname "${BASH_SOURCE[0]}")
PATH=$PATH:$(readlink -f "$wlch_lib/../..")/build/helpers
# shellcheck source=selftests/lib/ktap.sh
. "$wlch_lib/ktap.sh"
# shellcheck source=selftests/lib/topology.sh
. "$wlch_lib/topology.sh"
# shellcheck source=selftests/lib/ipvs.sh
. "$wlch_lib/ipvs.sh"

# Does this kernel look for defects (../kernels)? It is slow, and stops CPUs itself.
looks_for_defects() {
	grep -qE -m 1 ' (kasan_report|kcsan_setup_watchpoint)$' /proc/kallsyms
}

# 4 is kselftest's "skipped"
wlch_need() {
	local tool
	if [ "$(id -u)" -ne 0 ]; then
		echo "1..0 # SKIP must be run as root"
		exit 4
	fi
	for tool in ip ss tc nft ping taskset ipvsadm conn_hold conn_serve \
			conn_burst ftp_serve genl_fuzz genl_listen genl_send \
			halfopen_sample jq; do
		if ! command -v "$tool" >/dev/null; then
			echo "1..0 # SKIP there is no $tool: build the helpers with make -C selftests, install iproute2, iputils-ping, jq, nftables, util-linux and the patched ipvsadm"
			exit 4
		fi
	done
	if ! modprobe ip_vs_wlch; then
		echo "1..0 # SKIP the module ip_vs_wlch cannot be loaded: build and install it first"
		exit 4
	fi
}

# wlch_start: the namespaces, or a failed test that says so
wlch_start() {
	ktap_begin
	wlch_need
	topology_up && return
	echo "not ok 1 - the test network can be set up"
	echo "1..1"
	exit 1
}
