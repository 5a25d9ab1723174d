#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# balance.sh: runs all scenarios in a virtual machine and writes
# Documentation/balance.md and its plots from what it prints. They stay as they
# are if a scenario fails. KERNEL, SMP, MEM and TIMEOUT as in vm.sh.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
out=$top/build/balance
log=$out/console.log

die() { printf 'balance: %s\n' "$*" >&2; exit 1; }

mkdir -p "$out" || exit
TIMEOUT=${TIMEOUT:-1800} "$top/selftests/vm/vm.sh" "$here/run.sh" | tee "$log"
if [ "${PIPESTATUS[0]}" -ne 0 ] || ! grep -q '^balance complete$' "$log"; then
	die "the run failed, Documentation/balance.md is as it was; the output is in $log"
fi

rm -rf "$out/new"
"$here/report.sh" "$log" "$out/new" ||
	die "no report could be made of $log, Documentation/balance.md is as it was"
mkdir -p "$top/Documentation/balance" || exit
mv "$out"/new/balance/*.svg "$top/Documentation/balance/" || exit
mv "$out/new/balance.md" "$top/Documentation/" || exit
echo "balance: wrote Documentation/balance.md"
