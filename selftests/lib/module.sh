# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A build of the module for tests takes the place of the module: make threads. And what
# the kernel says meanwhile.

# shellcheck disable=SC2154 # of lib.sh
test_builds=$wlch_lib/../../build/threads/$(uname -r)
test_module=$test_builds/ip_vs_wlch.ko

# test_module_need FILE: or the script is skipped
test_module_need() {
	local file=$1
	if [ ! -e "$file" ]; then
		echo "1..0 # SKIP there is no $file: build it with make threads"
		exit 4
	fi
	# handshakes of what ran before may still be on their end
	if ! poll 60 references_are 0 >/dev/null; then
		echo "1..0 # SKIP the module is in use on this machine"
		exit 4
	fi
}

test_module_start() { rmmod ip_vs_wlch && insmod "$test_module"; }

test_module_end() {
	[ ! -e /sys/module/ip_vs_wlch ] || rmmod ip_vs_wlch
	modprobe ip_vs_wlch
}

# since_now: log_since prints what the kernel says from here on
log_marks=0
since_now() {
	log_marks=$((log_marks + 1))
	echo "since_now $$ $log_marks" >/dev/kmsg
}

log_since() { dmesg | sed "1,/since_now $$ $log_marks\$/d"; }
