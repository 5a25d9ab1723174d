#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# report.sh RESULTS DIR: makes DIR/performance.md of report.md and the lines that the
# benchmarks have printed, and DIR/performance/*.svg.

set -u -o pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/lib/plot.sh
. "$here/../lib/plot.sh"

results=$1
dir=$2/performance
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# values NAME=VALUE... COLUMN...: a line for each result that has these
values() {
	awk -v wanted="$*" '
		BEGIN { n = split(wanted, want, " ") }
		!/^RESULT bench / { next }
		{
			split("", key)
			for (i = 3; i <= NF; i++)
				key[substr($i, 1, index($i, "=") - 1)] = substr($i, index($i, "=") + 1)
			row = ""
			for (i = 1; i <= n; i++) {
				at = index(want[i], "=")
				if (!at)
					row = row " " key[want[i]]
				else if (key[substr(want[i], 1, at - 1)] != substr(want[i], at + 1))
					next
			}
			print substr(row, 2)
		}' "$results"
}

picks() {
	values name=pick unit=ns state=busy choices=0 n wlc wlch >"$work/exact"
	values name=pick unit=ns state=busy choices=2 n wlch >"$work/drawn"
	plot picks 760 400 <<-E
		set logscale xy
		set xlabel "servers"
		set ylabel "nanoseconds for a choice"
		set key top left
		set title "busy servers, User Mode Linux, medians"
		plot '$work/exact' using 1:2 with linespoints pt 7 lw 2 lc rgb "#bb5566" title 'wlc', \
			'' using 1:3 with linespoints pt 7 lw 2 lc rgb "#225588" title 'wlch', \
			'$work/drawn' using 1:2 with linespoints pt 7 lw 2 lc rgb "#66aa77" title 'wlch, choices=2'
	E
}

parallel() {
	values name=parallel n=10 cpus wlc wlch >"$work/ten"
	values name=parallel n=1000 cpus wlc wlch >"$work/thousand"
	plot parallel 760 320 <<-E
		set multiplot layout 1,2
		set logscale x 2
		set xtics (1, 2, 4)
		set xrange [0.9:4.4]
		set yrange [0:*]
		set xlabel "virtual CPUs"
		set key top right
		set title "10 servers: choices per microsecond"
		plot '$work/ten' using 1:(1000/\$2) with linespoints pt 7 lw 2 lc rgb "#bb5566" title 'wlc', \
			'' using 1:(1000/\$3) with linespoints pt 7 lw 2 lc rgb "#225588" title 'wlch'
		set title "1,000 servers"
		plot '$work/thousand' using 1:(1000/\$2) with linespoints pt 7 lw 2 lc rgb "#bb5566" title 'wlc', \
			'' using 1:(1000/\$3) with linespoints pt 7 lw 2 lc rgb "#225588" title 'wlch'
	E
}

mkdir -p "$dir" && picks && parallel &&
	awk -f "$here/table.awk" "$results" "$here/report.md" >"$2/performance.md"
