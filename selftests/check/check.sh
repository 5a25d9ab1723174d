#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh [all|long]: every check of the project, on every kernel of Debian's. With "all",
# which takes hours, also all selftests on the kernels that look for defects, long races, a
# long soak, the packages, and builds for all kernels of the archive; with "long" these
# alone. The last line says how many passed, failed and were skipped; a skip fails the run
# as a failure does. The outputs are kept in build/check/.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
logs=$top/build/check
no_results="0 passed, 0 failed, 0 skipped"

# step NAME COMMAND...: counts by the results that it prints, as an exit status
# does not tell; a failure that no result tells is one more.
step() {
	local name=$1 log=$logs/$1.log rc counts
	local TIMEFORMAT="# $1: %0R s; CPU time %0U s, and %0S s in the kernel"
	shift
	echo "# $name"
	{ time "$@" 2>&1 </dev/null | tee "$log"; } 2>&1
	rc=${PIPESTATUS[0]}
	counts=$("$here/ktap-count.sh" "$log")
	if [ "$counts" = "$no_results" ] ||
	   { [ "$rc" -ne 0 ] && [[ $counts == *" 0 failed"* ]]; }; then
		echo "not ok - $name: exit status $rc, $counts" | tee -a "$log"
	fi
}

# shellcheck disable=SC2317  # called by step
build_module() {
	make -s -C "$top" module KERNEL="$1" && echo "ok 1 - the module builds for kernel $1"
}

# shellcheck disable=SC2317  # called by step
build_programs() {
	make -s -C "$top" ipvsadm helpers keepalived && echo "ok 1 - ipvsadm and keepalived build"
}

# shellcheck disable=SC2317  # called by step
selftests() { make -s selftests KERNEL="$1" ARGS="$2" TIMEOUT="${TIMEOUT:-9000}"; }

# In User Mode Linux: what needs allocations that fail, or takes too long in a virtual
# machine, where the same does less of it.
native() {
	TIMEOUT=300 step failslab selftests/kunit/selftest.sh selftests/kunit/failslab.sh
	TIMEOUT=900 step faults selftests/kunit/selftest.sh selftests/kunit/faults.sh
	TIMEOUT=900 step faults-swrr selftests/kunit/selftest.sh selftests/kunit/faults_swrr.sh
	TIMEOUT=600 step memory selftests/kunit/selftest.sh selftests/kunit/memory.sh
	TIMEOUT=300 step ynl selftests/kunit/selftest.sh selftests/kunit/ynl.sh
	TIMEOUT=600 step metrics selftests/kunit/selftest.sh selftests/kunit/metrics.sh
	TIMEOUT=1200 step commands selftests/kunit/selftest.sh selftests/kunit/commands.sh
	WLCH_DUMP=1000 TIMEOUT=900 step dumps selftests/kunit/selftest.sh selftests/dumps.sh
	WLCH_FUZZ=200000 TIMEOUT=900 step fuzz selftests/kunit/selftest.sh selftests/fuzz.sh
	WLCH_FLOOD=1000000 MEM=1G TIMEOUT=900 step flood \
		selftests/kunit/selftest.sh selftests/flood.sh
}

# Most tests are shell scripts that wait for timers or keep one CPU busy: two run beside
# each other, each in a machine of its own. Here those that need none, and those in User
# Mode Linux, first.
first_lane() {
	local kernel
	step lint "$here/lint.sh"
	step drift "$here/drift.sh"
	step alerts "$here/alerts.sh"
	step live "$here/live.sh"
	for kernel in 6.1-old 6.12; do
		step "module-$kernel" build_module "$kernel"
	done
	TIMEOUT=600 step kunit selftests/kunit/run.sh
	native
	step selftests-tools selftests 6.1 tools
	# on other kernels those that depend on the kernel
	step selftests-6.1-old selftests 6.1-old short
}

second_lane() {
	step vm selftests/vm/selfcheck.sh
	step lockdown selftests/vm/vm.sh selftests/vm/lockdown.sh
	step selftests-6.1 selftests 6.1 others
	step selftests-6.12 selftests 6.12 short
}

usual() {
	local first
	step module-6.1 build_module 6.1
	first_lane >"$logs/first-lane.out" &
	first=$!
	(second_lane)	# or the first's CPU time would be the step's that sees its end
	wait $first
	cat "$logs/first-lane.out"
	# what happens on all CPUs at once, with more of them
	step selftests-4-cpus make -s selftests SMP=4 ARGS=cpus TIMEOUT=1500
}

# Each on a kernel that looks for defects, at the processor's own speed; but for
# lives.sh, which wants two CPUs, and refusal.sh, which wants IPVS as a module
all_native() {
	local test
	for test in $(selftests/run_tests.sh --list others | grep -vxE '(lives|refusal)\.sh'); do
		UML=debug MEM=1G TIMEOUT=1800 step "debug-${test%.sh}" \
			selftests/kunit/selftest.sh "selftests/$test"
	done
}

# What takes too long to be run each time, in two lanes as well: here what is at the
# processor's own speed
long_native() {
	UML=debug TIMEOUT=600 step kunit-debug selftests/kunit/run.sh
	all_native
}

# Here what User Mode Linux has not: more CPUs, other kernels, and more that looks for
# defects. Of what a kernel that looks for data races sees only what CPUs do at once counts.
long_machines() {
	step detectors-kcsan selftests/kernels/selfcheck.sh kcsan
	SMP=4 WLCH_RACES=4 TIMEOUT=7200 step cpus-kcsan selftests kcsan \
		"cpus lives.sh flapping.sh kunit/load.sh"
	step detectors-debug selftests/kernels/selfcheck.sh debug
	SMP=4 WLCH_RACES=2 WLCH_LOADS=2 TIMEOUT=14400 step short-debug selftests debug \
		"short threads.sh parallel.sh races.sh lives.sh refusal.sh kunit/load.sh kunit/faults.sh"
	step packages "$here/packages.sh"
	step kernels "$here/kernels.sh"
	# what a SYN costs in a flood, judged by counting instructions
	WLCH_ACCEL=icount SMP=1 WLCH_FLOOD=100000 TIMEOUT=3600 step flood-cost \
		selftests/vm/vm.sh selftests/flood.sh
	SMP=4 WLCH_RACES=100 WLCH_LOADS=500 TIMEOUT=7200 step races selftests 6.1 races.sh
	SMP=4 WLCH_SOAK=900 TIMEOUT=3600 step soak selftests 6.1 soak.sh
}

long() {
	local native
	long_native >"$logs/long-native.out" &
	native=$!
	(long_machines)
	wait $native
	cat "$logs/long-native.out"
}

case ${1:-} in
"")	parts=(usual) ;;
all)	parts=(usual long) ;;
long)	parts=(long) ;;
*)	echo "check.sh: \"$1\" is not known; it takes \"all\", \"long\", or nothing" >&2
	exit 2 ;;
esac
rm -rf "$logs"
mkdir -p "$logs" || exit
cd "$top" || exit

step programs build_programs
for part in "${parts[@]}"; do
	$part
done

counts=$("$here/ktap-count.sh" "$logs"/*.log)
printf '%s\n' "$counts"
[[ $counts == *", 0 failed, 0 skipped" ]]
