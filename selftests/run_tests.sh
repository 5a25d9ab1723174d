#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run_tests.sh [--list] [SET] [TEST...]: run selftests one after the other on this machine,
# or list which: those of a set, and others after it. The sets are "all"; "short", those
# that tell within minutes whether the module works on a kernel; "cpus", those that want
# four CPUs; "tools", those that want large tools; and "others", all but these two.

cd "$(dirname "$0")" || exit

list=
[ "${1-}" != --list ] || { list=1; shift; }
[ $# -gt 0 ] || set -- all
cpus="threads.sh parallel.sh races.sh"
tools="tracing.sh"
short="burst.sh halfopen.sh params.sh refused.sh reuse.sh sctp.sh"

others() {
	local test
	for test in *.sh; do
		case " demo.sh run_tests.sh $cpus $tools " in
		*" $test "*) ;;
		*) echo "$test" ;;
		esac
	done
}

tests=
case $1 in
all)	tests="$(others) $cpus $tools" ;;
others)	tests=$(others) ;;
cpus)	tests=$cpus ;;
tools)	tests=$tools ;;
short)	tests=$short ;;
esac
[ -z "$tests" ] || shift
# shellcheck disable=SC2086 # a list of words
set -- $tests "$@"

[ -z "$list" ] || { printf '%s\n' "$@"; exit; }
rc=0
for test in "$@"; do
	echo "# $test"
	begin=$SECONDS
	"./$test" || rc=1
	echo "# $test: $((SECONDS - begin)) s"
done
exit $rc
