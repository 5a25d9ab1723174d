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

# shellcheck source=selftests/kunit/boot.sh
. "$here/boot.sh"

uml=$("$here/../kernels/uml.sh") || exit
rm -rf "$out"
mkdir -p "$out" || exit
"$here/../vm/module.sh" "$uml" "$out" ARCH=um CONFIG_IP_VS_WLCH_KUNIT=y >"$out/build.log" 2>&1 || {
	cat "$out/build.log" >&2
	die "the module does not build with its KUnit suite"
}

boot "$uml" "$here/init" MODULE_FILE="$(echo "$out"/*/ip_vs_wlch.ko)" | tee "$log"
[ "${PIPESTATUS[0]}" -eq 0 ] || die "UML still ran after ${TIMEOUT:-120} s, its log is $log"

verdict "$log"
