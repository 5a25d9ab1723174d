#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ktap-count.sh FILE...: counts the test results of TAP and KTAP outputs, also
# inside kernel logs, and prints "N passed, N failed, N skipped".
#
# Of nested results only the innermost count; a parent counts when it failed
# and none of its children did. Results that a plan (1..N) announced and that
# never came count as failed.

exec awk '
function end_plan() {
	if (planned > seen)
		failed += planned - seen
	planned = seen = deeper = deeper_failed = 0
}

FNR == 1 { end_plan() }

{
	sub(/\r$/, "")
	sub(/^(<[0-9]+>)?\[ *[0-9.]+\] /, "")	# of the kernel log
	match($0, /^ */)
	indent = RLENGTH
	line = substr($0, indent + 1)
}

line ~ /^1\.\.0 .*# SKIP/ { skipped++; next }	# a script as a whole

line ~ /^1\.\.[0-9]+/ && indent == 0 {
	planned += substr(line, 4)
	next
}

line !~ /^(not )?ok [0-9-]/ { next }

indent > 0 {
	# a parent closes over the results below it
	if (indent < last_indent && deeper) {
		if (line ~ /^not ok/ && !deeper_failed)
			count(line)
	} else {
		count(line)
	}
	last_indent = indent
	deeper = 1
	next
}

{
	seen++
	if (!deeper || (line ~ /^not ok/ && !deeper_failed))
		count(line)
	deeper = deeper_failed = last_indent = 0
}

function count(line) {
	if (line ~ /^not ok/) {
		failed++
		deeper_failed = 1
	} else if (line ~ /# SKIP/) {
		skipped++
	} else {
		passed++
	}
}

END {
	end_plan()
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
}' "$@"
