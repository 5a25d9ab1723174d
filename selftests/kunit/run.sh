#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh: builds the module with its KUnit suite for a UML kernel, loads it there
# and prints the kernel's log with the KTAP results in it. Fails when a result
# is not "ok", when there are none, and when the kernel reports a defect.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
out=$top/build/kunit
log=$out/kunit.log

say() { printf 'kunit: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# boot UML MODULE_FILE: the log on stdout, without times and control characters
boot() {
	timeout -k 5 "${TIMEOUT:-120}" "$1/linux" mem=256M root=/dev/root \
		rootfstype=hostfs hostfs=/ ro init="$here/init" MODULE_FILE="$2" \
		con=null con0=null,fd:1 oops=panic panic=-1 </dev/null 2>&1 |
		sed -u 's/\r//g; s/^\[ *[0-9.]*\] //'
	[ "${PIPESTATUS[0]}" -lt 124 ]
}

uml=$("$here/uml.sh") || exit
rm -rf "$out"
mkdir -p "$out" || exit
"$here/../vm/module.sh" "$uml" "$out" ARCH=um CONFIG_IP_VS_WLCH_KUNIT=y >"$out/build.log" 2>&1 || {
	cat "$out/build.log" >&2
	die "the module does not build with its KUnit suite"
}

boot "$uml" "$out"/*/ip_vs_wlch.ko | tee "$log"
[ "${PIPESTATUS[0]}" -eq 0 ] || die "UML still ran after ${TIMEOUT:-120} s, its log is $log"

counts=$("$here/../check/ktap-count.sh" "$log")
say "$counts"
"$here/../vm/klog.sh" "$log" >&2 || die "the kernel reports a defect, its log is $log"
! grep -Eq '^(insmod|rmmod) failed' "$log" ||
	die "the module could not be loaded and removed, see $log"
case $counts in
"0 passed, 0 failed"*) die "the log holds no test results" ;;
*", 0 failed, 0 skipped") ;;
*) die "not all tests passed" ;;
esac
