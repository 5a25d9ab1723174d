#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run_tests.sh all | short | cpus | others | defects | TEST...: run selftests one after
# the other on this machine. "short" are those that tell within minutes whether the module
# works on a kernel, "cpus" those that want four CPUs, and "others" all but these.
# "defects" are what a kernel that looks for them, and is slow, gets each time. "all" may
# have others after it.

cd "$(dirname "$0")" || exit

cpus="threads.sh parallel.sh races.sh"
case ${1:-all} in
all | others)
	[ "$1" = others ] || cpus=
	shift
	for test in *.sh; do
		case " demo.sh run_tests.sh $cpus " in
		*" $test "*) ;;
		*) set -- "$@" "$test" ;;
		esac
	done ;;
cpus)	# shellcheck disable=SC2086 # a list of words
	set -- $cpus ;;
defects) set -- kunit/load.sh races.sh ;;
short) set -- burst.sh halfopen.sh params.sh refused.sh reuse.sh sctp.sh ;;
esac

rc=0
for test in "$@"; do
	echo "# $test"
	begin=$SECONDS
	"./$test" || rc=1
	echo "# $test: $((SECONDS - begin)) s"
done
exit $rc
