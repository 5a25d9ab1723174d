#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suite on a kernel that looks for defects while it runs: make vm
# RUN=selftests/kunit/load.sh KERNEL=debug, or kcsan. Prints what the suite tells in the
# kernel's log.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=selftests/lib/module.sh
. "$(dirname "$0")/../lib/module.sh"

builds=$(dirname "$0")/../../build/kunit-vm/$(uname -r)
module=$builds/ip_vs_wlch.ko

if [ ! -e "$module" ]; then
	echo "1..0 # SKIP there is no $module: KERNEL=debug and kcsan have KUnit"
	exit 4
fi

# A case has five minutes, and most are one thread that computes: where ../vm/init lets CPUs
# stop often, for packets, they take longer.
seldom=50000
skip=/sys/module/kcsan/parameters/skip_watch
if [ -e $skip ]; then
	usual=$(<$skip)
	trap 'echo "$usual" >$skip' EXIT
	echo $seldom >$skip
fi

wlch_need
rmmod ip_vs_wlch
since_now
insmod "$module" && rmmod ip_vs_wlch && insmod "$builds/ip_vs_swrr.ko" && rmmod ip_vs_swrr
status=$?
results=$(log_since | grep -o '\] .*' | cut -c 3- |
	grep -E '^ *((not )?ok |1\.\.|# |KTAP|TAP)')
printf '%s\n' "$results"
# each module has suites of its own
[ "$(grep -cE '^(not )?ok .*wlch' <<<"$results")" -gt 0 ] &&
	[ "$(grep -cE '^(not )?ok .*swrr' <<<"$results")" -gt 0 ] || status=1
modprobe ip_vs_wlch
exit $status
