# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Plots as SVG, for reports. The folder is $dir.
# shellcheck disable=SC2154

# smaller: an SVG without its empty groups, indentation and what says nothing
smaller() {
	awk '
		{
			gsub(/^[ \t]+|[ \t]+$/, "")
			gsub(/<\/?tspan[^>]*>/, "")
			gsub(/ class="gridline"/, "")
			gsub(/ stroke-width="1.00" stroke-linecap="butt" stroke-linejoin="miter"/, "")
			gsub(/ font-family="sans-serif"/, "")
			gsub(/\.00/, "")
		}
		/^<svg/ { sub(/<svg/, "<svg font-family=\"sans-serif\"") }
		$0 == "" { next }
		group != "" && $0 == "</g>" { group = ""; next }
		group != "" { print group; group = "" }
		/^<g [^>]*>$/ { group = $0; next }
		{ print }'
}

# plot NAME WIDTH HEIGHT: of gnuplot commands
plot() {
	{
		cat <<-E
			set terminal svg size $2,$3 dynamic font "sans-serif,12" background "white"
			set style fill solid 0.9 noborder
			set grid ytics lc rgb "#dddddd"
			set border 3 lc rgb "#555555"
			set tics nomirror out
		E
		cat
	} | gnuplot | smaller >"$dir/$1.svg"
}
