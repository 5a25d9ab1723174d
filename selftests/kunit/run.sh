#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh: builds the modules with their KUnit suites for a UML kernel, loads them there
# and prints the kernel's log with the KTAP results in it. Fails when a result
# is not "ok", when there are none, and when the kernel reports a defect. UML=debug takes the
# kernel that looks for them.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
out=$top/build/kunit
log=$out/kunit.log

say() { printf 'kunit: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# shellcheck source=selftests/kunit/boot.sh
. "$here/boot.sh"

uml=$("$here/../kernels/uml.sh" "${UML:-}") || exit
rm -rf "$out"
mkdir -p "$out" || exit
"$here/../vm/module.sh" "$uml" "$out" ARCH=um CONFIG_IP_VS_WLCH_KUNIT=y >"$out/build.log" 2>&1 || {
	cat "$out/build.log" >&2
	die "the modules do not build with their KUnit suites"
}

boot "$uml" "$here/init" MODULES="$(echo "$out"/*/)" | tee "$log"
verdict "$log"
