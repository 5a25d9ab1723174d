#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# uml.sh SCRIPT: runs a benchmark in User Mode Linux, with the bench module. What it prints
# is on stdout; fails if it does not end with "bench complete". Variables BENCH_* are the
# script's too; they are words, as BENCH_SIZES=2,10.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
out=$top/build/bench
log=$out/$(basename "${1:-}" .sh).log

say() { printf 'bench: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# shellcheck source=selftests/kunit/boot.sh
. "$here/../kunit/boot.sh"

[ -x "${1:-}" ] || die "no script to run: uml.sh SCRIPT"
script=$(readlink -f "$1")
uml=$("$here/../kernels/uml.sh") || exit
rm -rf "$out/uml"
mkdir -p "$out/uml" || exit
{
	"$here/../vm/module.sh" "$uml" "$out/uml" ARCH=um CONFIG_IP_VS_WLCH_BENCH=m &&
		make --no-print-directory -s -C "$top" ipvsadm helpers
} >"$out/build.log" 2>&1 || {
	cat "$out/build.log" >&2
	die "the project does not build"
}
needs=()
for variable in "${!BENCH_@}"; do
	needs+=("$variable=${!variable}")
done
printf '%s\0' "$script" >"$out/uml/command"
TIMEOUT=${TIMEOUT:-900} boot "$uml" "$here/../kunit/selftest-init" TOP="$top" \
	COMMAND="$out/uml/command" \
	MODULE_FILE="$(echo "$out"/uml/*/ip_vs_wlch.ko)" "${needs[@]}" | tee "$log" |
	grep --line-buffered -E '^(RESULT|bench)'
"$here/../vm/klog.sh" "$log" >&2 || die "the kernel reports a defect, its log is $log"
grep -q '^bench complete$' "$log" || die "$(basename "$script") did not end, its log is $log"
