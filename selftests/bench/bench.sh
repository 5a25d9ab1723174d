#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh [wlch|swrr]: runs the benchmarks of that scheduler, or of both one after the
# other, and writes Documentation/performance.md and its plots, or performance-swrr.md, from
# what they print. A page stays as it is if one of its benchmarks fails. Nothing else
# should run on this machine meanwhile. KERNEL as in vm.sh.

set -u -o pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
out=$top/build/bench

die() { printf 'bench: %s\n' "$*" >&2; exit 1; }

# on_uml SCRIPT / in_vm SCRIPT [ARGUMENT]: what it prints is shown, and kept
on_uml() {
	"$here/uml.sh" "$here/$1" | tee -a "$results" ||
		die "$1 failed, $page is as it was"
}

in_vm() {
	"$top/selftests/vm/vm.sh" "$here/$1" "${@:2}" | tee "$out/console.log" | tee -a "$results"
	if [ "${PIPESTATUS[0]}" -ne 0 ] || ! grep -q '^bench complete$' "$out/console.log"; then
		die "$1 failed, $page is as it was"
	fi
}

export KERNEL=${KERNEL:-6.1} TIMEOUT=${TIMEOUT:-1200}
parts=$("$top/selftests/vm/kernel.sh" "$KERNEL") || exit
eval "$parts"
mkdir -p "$out/vm" || exit
"$top/selftests/vm/module.sh" "$KDIR" "$out/vm" CONFIG_IP_VS_WLCH_BENCH=m >"$out/build.log" 2>&1 || {
	cat "$out/build.log" >&2
	die "the bench module does not build"
}

# begin PAGE: of which the results are from now on
begin() {
	page=Documentation/$1.md
	results=$out/$1.results
	{
		echo "bench kernel=$RELEASE date=$(date -u +%Y-%m-%d) cpus=$(nproc)"
		echo "bench uml=$(basename "$("$here/../kernels/uml.sh")") cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1 | tr ' ' _)"
	} >"$results"
}

bench_wlch() {
	begin performance || exit
	on_uml picks.sh
	on_uml changes.sh
	WLCH_ACCEL=icount SMP=1 in_vm picks.sh instructions
	WLCH_ACCEL=icount SMP=1 in_vm packets.sh instructions
	WLCH_ACCEL=icount SMP=1 in_vm connections.sh instructions
	SMP=1 in_vm packets.sh ns
	SMP=1 in_vm connections.sh ns
	SMP=4 in_vm parallel.sh
	SMP=2 in_vm memory.sh

	rm -rf "$out/new"
	"$here/report.sh" "$results" "$out/new" ||
		die "no report could be made of $results, $page is as it was"
	mkdir -p "$top/Documentation/performance" || exit
	mv "$out"/new/performance/*.svg "$top/Documentation/performance/" || exit
	mv "$out/new/performance.md" "$top/$page" || exit
	echo "bench: wrote $page"
}

bench_swrr() {
	begin performance-swrr || exit
	WLCH_ACCEL=icount SMP=1 in_vm turns.sh instructions
	on_uml turns.sh
	SMP=4 in_vm turns.sh cpus

	awk -f "$here/table.awk" "$results" "$here/swrr.md" >"$out/swrr.md" ||
		die "no report could be made of $results, $page is as it was"
	mv "$out/swrr.md" "$top/$page" || exit
	echo "bench: wrote $page"
}

case ${1-} in
"")	bench_wlch
	bench_swrr ;;
wlch | swrr) "bench_$1" ;;
*)	die "there are no benchmarks of $1: use wlch, swrr, or none for both" ;;
esac
