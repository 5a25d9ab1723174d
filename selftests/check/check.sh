#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh: every check of the project, on every kernel. The last line says how
# many passed, failed and were skipped; a skip fails the run as a failure does.
# The outputs are kept in build/check/.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
logs=$top/build/check
kernels=(6.1 6.1-old 6.12)
no_results="0 passed, 0 failed, 0 skipped"

# step NAME COMMAND...: counts by the results that it prints, as an exit status
# does not tell; a failure that no result tells is one more.
step() {
	local name=$1 log=$logs/$1.log begin=$SECONDS rc counts
	shift
	echo "# $name"
	"$@" 2>&1 </dev/null | tee "$log"
	rc=${PIPESTATUS[0]}
	counts=$("$here/ktap-count.sh" "$log")
	if [ "$counts" = "$no_results" ] ||
	   { [ "$rc" -ne 0 ] && [[ $counts == *" 0 failed"* ]]; }; then
		echo "not ok - $name: exit status $rc, $counts" | tee -a "$log"
	fi
	echo "# $name: $((SECONDS - begin)) s"
}

# shellcheck disable=SC2317  # called by step
build_module() {
	make -s -C "$top" module KERNEL="$1" && echo "ok 1 - the module builds for kernel $1"
}

# shellcheck disable=SC2317  # called by step
build_ipvsadm() {
	make -s -C "$top" ipvsadm helpers && echo "ok 1 - ipvsadm builds"
}

# shellcheck disable=SC2317  # called by step
selftests() { make -s selftests KERNEL="$1" ARGS="$2" TIMEOUT="${TIMEOUT:-3600}"; }

# In User Mode Linux: what needs allocations that fail, or takes too long in a virtual
# machine, where the same does less of it.
native() {
	TIMEOUT=300 step failslab selftests/kunit/selftest.sh selftests/kunit/failslab.sh
	TIMEOUT=600 step memory selftests/kunit/selftest.sh selftests/kunit/memory.sh
	TIMEOUT=300 step ynl selftests/kunit/selftest.sh selftests/kunit/ynl.sh
	WLCH_DUMP=1000 TIMEOUT=900 step dumps selftests/kunit/selftest.sh selftests/dumps.sh
	WLCH_FUZZ=200000 TIMEOUT=900 step fuzz selftests/kunit/selftest.sh selftests/fuzz.sh
	WLCH_FLOOD=1000000 MEM=1G TIMEOUT=900 step flood \
		selftests/kunit/selftest.sh selftests/flood.sh
}

rm -rf "$logs"
mkdir -p "$logs" || exit
cd "$top" || exit

step lint "$here/lint.sh"
step drift "$here/drift.sh"
step ipvsadm build_ipvsadm
for kernel in "${kernels[@]}"; do
	step "module-$kernel" build_module "$kernel"
done
step kunit selftests/kunit/run.sh
# Most of the time the selftests wait for timers: while they do on one kernel, what has
# its own, with one CPU, goes on. Then two kernels do so together.
native >"$logs/native.out" &
step vm selftests/vm/selfcheck.sh
step selftests-6.1 selftests 6.1 others
wait
cat "$logs/native.out"
# on the others those that depend on the kernel
step selftests-6.1-old selftests 6.1-old short >"$logs/6.1-old.out" &
step selftests-6.12 selftests 6.12 short
wait
cat "$logs/6.1-old.out"
# what happens on all CPUs at once, with more of them
step selftests-4-cpus make -s selftests SMP=4 ARGS=cpus TIMEOUT=1500

counts=$("$here/ktap-count.sh" "$logs"/*.log)
printf '%s\n' "$counts"
[[ $counts == *", 0 failed, 0 skipped" ]]
