#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run_tests.sh all | short | TEST...: run selftests one after the other on this
# machine. "short" are those that tell within minutes whether the module works
# on a kernel.

cd "$(dirname "$0")" || exit

case ${1:-all} in
all)
	set --
	for test in *.sh; do
		case $test in
		demo.sh | run_tests.sh) ;;
		*) set -- "$@" "$test" ;;
		esac
	done ;;
short) set -- burst.sh halfopen.sh params.sh refused.sh reuse.sh sctp.sh ;;
esac

rc=0
for test in "$@"; do
	echo "# $test"
	"./$test" || rc=1
done
exit $rc
