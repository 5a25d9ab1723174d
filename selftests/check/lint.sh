#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# lint.sh: the static checks, none of which may print anything. Prints TAP.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
out=$top/build/lint
count=0 failed=0

# silent NAME COMMAND...: a result line, with what was printed where it failed
silent() {
	local name=$1 said rc
	shift
	said=$("$@" 2>&1)
	rc=$?
	count=$((count + 1))
	if [ $rc -eq 0 ] && [ -z "$said" ]; then
		echo "ok $count - $name"
		return
	fi
	failed=1
	echo "not ok $count - $name (exit status $rc)"
	printf '%s\n' "$said" | sed 's/^/# /'
}

# build [MAKE ARGUMENT...]: from nothing, so that every file is compiled
# shellcheck disable=SC2317  # called by silent
build() {
	rm -rf "$out"
	"$top/selftests/vm/module.sh" "$KDIR" "$out" -s "$@"
}

# The manual has the table of kernels as it is in force
# shellcheck disable=SC2317  # called by silent
kernel_table() {
	diff <(awk '/^[0-9]/ {
		if ($3 == "-")
			$3 = "any later"
		$1 = $1
		print
	}' "$top/kmod/kernels" | tr -s ' ') <(grep -E '^[0-9.]+ +[0-9.]+ ' "$top/Documentation/kernels.rst" | tr -s ' ')
}

# shellcheck disable=SC2317  # called by silent
readme_links() {
	local file
	(cd "$top" && grep -oE '\]\([^)]+\)' README.md | tr -d '])(' | while read -r file; do
		[ -e "$file" ] || echo "README.md: there is no $file"
	done)
}

# What the modules say in the log, but those parts that are filled in
# shellcheck disable=SC2317  # called by silent
log_messages() {
	local files said manual part
	mapfile -t files < <(printf '%s\n' "$top"/kmod/*.c |
		grep -vE '_(kunit_.*|threads|faults|bench|intruder|defects)\.c$')
	said=$(grep -hE -A 1 '\<(pr_(err|warn|notice|info)|ip_vs_scheduler_err)\>' "${files[@]}" | grep -o '"[^"]*"')
	[ -n "$said" ] || echo "no messages are found in ${files[*]}"
	manual=$(tr -s '[:space:]' ' ' <"$top/Documentation/troubleshooting.rst")
	sed 's/\(\\n\)\?"$//; s/^"//; s/%[a-z]*/\n/g' <<<"$said" | while IFS= read -r part; do
		[[ $manual == *"$part"* ]] || echo "troubleshooting.rst does not explain: $part"
	done
}

# shellcheck disable=SC2317  # called by silent
manual() { make -s -C "$top" docs; }

# shellcheck disable=SC2317  # called by silent
run_checkpatch() {
	perl "$source/scripts/checkpatch.pl" --no-tree -f --strict --quiet --terse --no-summary "$@"
}

# Tracepoints have TP_STRUCT__entry( and TP_fast_assign( at the end of a line, and one tab
# in front, as in all of the kernel. One file has them.
# shellcheck disable=SC2317  # called by silent
checkpatch() {
	local file files=()
	for file in "$top"/kmod/*.[ch] "$top"/kmod/include/uapi/linux/*.h; do
		[ "${file##*/}" = ip_vs_wlch_events.h ] || files+=("$file")
	done
	run_checkpatch "${files[@]}" &&
		run_checkpatch --ignore OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT "$top/kmod/ip_vs_wlch_events.h"
}

# shellcheck disable=SC2317  # called by silent
shell_scripts() {
	(cd "$top" && grep -rlE --exclude-dir=build --exclude-dir=.git \
		'^#!/bin/(ba)?sh|shellcheck shell=' . | xargs -r -n 12 -P "$(nproc)" shellcheck -x)
}

parts=$("$top/selftests/vm/kernel.sh" "${KERNEL:-6.1}") || exit
eval "$parts"
source=$("$top/selftests/kernels/source.sh") || exit

silent "checkpatch --strict" checkpatch
silent "sparse and W=1, $RELEASE, with the modules of tests" build C=2 W=1 \
	CONFIG_IP_VS_WLCH_BENCH=m CONFIG_IP_VS_WLCH_INTRUDER=m
silent "... with the threads of threads.sh, and calls that fail" build C=2 W=1 \
	CONFIG_IP_VS_WLCH_THREADS=y CONFIG_IP_VS_WLCH_FAULTS=y
silent "with IP_VS_DEBUG, $RELEASE" "$here/debug-build.sh" "$KDIR" "$out"
silent "shellcheck" shell_scripts
silent "the manual's kernels are those of the build" kernel_table
silent "README's links lead to files" readme_links
silent "the manual explains what the modules say in the log" log_messages
silent "the manual builds, and all its references lead somewhere" manual
echo "1..$count"
exit $failed
