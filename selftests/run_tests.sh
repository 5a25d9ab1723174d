#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run_tests.sh [--list] all | short | cpus | tools | others | defects | TEST...: run
# selftests one after the other on this machine, or list which. "short" are those that tell
# within minutes whether the module works on a kernel, "cpus" those that want four CPUs,
# "tools" those that want large tools, and "others" all but these two.
# "defects" are what a kernel that looks for them, and is slow, gets each time. "all" may
# have others after it.

cd "$(dirname "$0")" || exit

list=
[ "${1-}" != --list ] || { list=1; shift; }
cpus="threads.sh parallel.sh races.sh"
tools="tracing.sh"
case ${1:-all} in
all | others)
	[ "${1-}" = others ] || cpus='' tools=''
	shift
	for test in *.sh; do
		case " demo.sh run_tests.sh $cpus $tools " in
		*" $test "*) ;;
		*) set -- "$@" "$test" ;;
		esac
	done ;;
cpus)	# shellcheck disable=SC2086 # a list of words
	set -- $cpus ;;
tools)	set -- "$tools" ;;
defects) set -- kunit/load.sh races.sh ;;
short) set -- burst.sh halfopen.sh params.sh refused.sh reuse.sh sctp.sh ;;
esac

[ -z "$list" ] || { printf '%s\n' "$@"; exit; }
rc=0
for test in "$@"; do
	echo "# $test"
	begin=$SECONDS
	"./$test" || rc=1
	echo "# $test: $((SECONDS - begin)) s"
done
exit $rc
