#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run_tests.sh short | TEST...: run selftests one after the other on this
# machine. "short" names those that tell within minutes whether the module
# works on a kernel, "all" names all.

shopt -s extglob
cd "$(dirname "$0")" || exit
case ${1:-all} in
all) set -- !(demo|run_tests).sh ;;
short) set -- burst.sh halfopen.sh params.sh ;;
esac

rc=0
for test in "$@"; do
	echo "# $test"
	"./$test" || rc=1
done
exit $rc
