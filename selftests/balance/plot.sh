#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# plot.sh LOG DIR: the plots of the balance report, as SVG.

set -u -o pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/lib/plot.sh
. "$here/../lib/plot.sh"

log=$1
dir=$2
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# values SCENARIO FORMAT KEY...: a line for each scheduler, "SCHEDULER VALUE..."
# where the values of a list are apart
values() {
	awk -v scenario="$1" -v wanted="${*:2}" '
		BEGIN { n = split(wanted, want, " ") }
		$3 != "scenario=" scenario { next }
		{
			printf "%s", substr($4, 7)
			for (w = 1; w <= n; w++)
				for (i = 5; i <= NF; i++)
					if (index($i, want[w] "=") == 1) {
						v = substr($i, length(want[w]) + 2)
						gsub(/,/, " ", v)
						printf " %s", v
					}
			print ""
		}' "$log"
}

# short: names of schedulers as they fit below a bar
short() {
	sed -e 's/^wlch,active=256,halfopen=1,inactive=1/wlch\\nold\\nfactors/' \
		-e 's/^wlch,slowstart=\([0-9]*\)/wlch\\nslowstart\\n\1s/' \
		-e 's/^\([^ ]*\)/"\1"/'
}

# with_factor: only wlch with a factor, "FACTOR VALUE..."
with_factor() { sed -n 's/^wlch,active=\([0-9]*\)[^ ]* /\1 /p'; }

# without parameters, in their order
mapfile -t schedulers < <(awk '/^RESULT balance / && $4 !~ /,/ && !seen[$4]++ {
	print substr($4, 7) }' "$log")
colours=("#bbbbbb" "#999999" "#33bbee" "#ddaa33" "#bb5566" "#66aa77" "#225588" "#ee3377")

overview() {
	local names name part='' i=2 sched
	names=$(awk '/^RESULT balance / && !seen[$3]++ { print substr($3, 10) }' "$log")
	for name in $names; do
		printf '%s' "$name"
		for sched in "${schedulers[@]}"; do
			values "$name" max mean | awk -v s="$sched" '
				$1 == s { printf " %.3f", $2 / $3; found = 1 }
				END { if (!found) printf " ?" }'
		done
		echo
	done >"$work/overview"
	for sched in "${schedulers[@]}"; do
		part+="${part:+, }'$work/overview' using $i:xtic(1) title '$sched' lc rgb '${colours[i - 2]}'"
		i=$((i + 1))
	done
	plot overview 1000 380 <<-E
		set datafile missing "?"
		set style data histogram
		set style histogram clustered gap 1
		set key outside top center horizontal
		set yrange [0:*]
		set xtics scale 0 rotate by -25
		set title "the most loaded server, as a multiple of the mean"
		plot $part, 1 with lines lc rgb "#000000" dt 2 notitle
	E
}

burst() {
	values burst servers | short >"$work/tcp"
	values sctp servers | short >"$work/sctp"
	plot burst 900 320 <<-E
		set multiplot layout 1,2
		set style data histogram
		set style histogram rowstacked
		set boxwidth 0.7
		set yrange [0:100]
		set key outside top center horizontal
		set bmargin 5
		set xtics scale 0
		set title "TCP"
		plot '$work/tcp' using 2:xtic(1) title 'server 1, 5 ms' lc rgb "#66aa77", \
			'' using 3 title 'server 2, 50 ms' lc rgb "#225588"
		set title "SCTP"
		plot '$work/sctp' using 2:xtic(1) title 'server 1, 5 ms' lc rgb "#66aa77", \
			'' using 3 title 'server 2, 50 ms' lc rgb "#225588"
	E
}

newcomer() {
	values newcomer newcomer | short >"$work/newcomer"
	plot newcomer 640 300 <<-E
		set style data histogram
		set boxwidth 0.7
		set yrange [0:50]
		set key top left
		set bmargin 5
		set xtics scale 0
		set title "of 50 new connections the fifth server gets"
		plot '$work/newcomer' using 2:xtic(1) notitle lc rgb "#225588", \
			10 with lines lc rgb "#bb5566" dt 2 title 'a fifth'
	E
}

factors() {
	local wlc failures
	values lingering open | with_factor >"$work/open"
	values broken failures | with_factor >"$work/failures"
	read -r _ wlc <<<"$(values lingering open | grep '^wlc ')"
	read -r _ failures <<<"$(values broken failures | grep '^wlc ')"
	plot factors 900 340 <<-E
		set multiplot layout 1,2
		set logscale x 2
		set xtics (1, 4, 8, 64, 256)
		set xlabel "active, with inactive=1"
		set yrange [0:*]
		set xrange [0.8:320]
		set key bottom center
		set title "connections open at a fast and a slow server"
		plot '$work/open' using 1:3 with linespoints pt 7 lw 2 lc rgb "#225588" title 'server 2, 900 ms', \
			'' using 1:2 with linespoints pt 7 lw 2 lc rgb "#66aa77" title 'server 1, 30 ms', \
			${wlc#* } with lines dt 2 lc rgb "#225588" title 'wlc, server 2', \
			${wlc% *} with lines dt 2 lc rgb "#66aa77" title 'wlc, server 1'
		set title "clients (of 200) that a broken server failed"
		plot '$work/failures' using 1:2 with linespoints pt 7 lw 2 lc rgb "#bb5566" title 'wlch', \
			$failures with lines dt 2 lc rgb "#bb5566" title 'wlc'
	E
}

overview && burst && newcomer && factors
