#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# selfcheck.sh [debug|kcsan]: do these kernels report what they are there for, and does
# vm.sh see it? A module does each thing wrong that they look for. Prints KTAP.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/lib/ktap.sh
. "$here/../lib/ktap.sh"
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# shows REGEX: a line of what the run said
shows() { grep -qE "$1" "$work/err" || { cat "$work/err"; return 1; }; }

# reported NAME REGEX: a line that made the run fail
reported() { ktap_check "$1" shows "$2"; }

# run KERNEL DEFECT...: they are done one after the other
run() {
	local kernel=$1 rc
	shift
	cat >"$work/case" <<-X
		#!/bin/bash
		insmod /build/threads/\$(uname -r)/ip_vs_wlch_defects.ko || exit
		for defect in $*; do
			echo \$defect >/sys/module/ip_vs_wlch_defects/parameters/defect
		done
		rmmod ip_vs_wlch_defects
		exit 0
	X
	chmod +x "$work/case"
	KERNEL=$kernel "$here/../vm/vm.sh" "$work/case" >"$work/out" 2>"$work/err" </dev/null
	rc=$?
	echo "exit status $rc" >>"$work/err"
	reported "$kernel: the run fails for its log" "exit status 243"
}

ktap_begin
for kernel in "${@:-debug}"; do
	case $kernel in
	debug)	# lockdep gives up after its first report, and after KASAN's
		run debug sleep rcu timer shift locks freed lost
		reported "debug: to sleep with a lock held is reported" 'sleeping function called'
		reported "debug: to read what RCU protects without is reported" 'suspicious RCU usage'
		reported "debug: a running timer that is freed is reported" 'ODEBUG: free active'
		reported "debug: a shift that is not defined is reported" 'UBSAN: shift-out-of-bounds'
		reported "debug: locks in both orders are reported" 'possible circular locking'
		reported "debug: to read what was freed is reported" 'KASAN: (slab-)?use-after-free'
		reported "debug: memory that is lost is reported" 'kmemleak: [0-9]+ new' ;;
	kcsan)
		run kcsan race
		reported "kcsan: a data race is reported" 'KCSAN: data-race in defect_count' ;;
	esac
done
ktap_end
