# SPDX-License-Identifier: GPL-2.0
#
# awk -f commands.awk PAGE...: the lines of the literal blocks of pages, .rst and
# .md, without their indentation: PAGE, a tab, the line's number, a tab, the line. Not
# those after a comment ".. run: NAME", which another test runs as a whole.

FNR == 1 { literal = fenced = skip = 0; indent = -1; markdown = FILENAME ~ /\.md$/ }

function put(from) {
	printf "%s\t%d\t%s\n", FILENAME, FNR, substr($0, from)
}

markdown && /^```/ { fenced = !fenced; next }
markdown { if (fenced || /^    /) put(fenced ? 1 : 5); next }

/^ *$/ { next }
{
	match($0, /^ */)
	if (literal && RLENGTH > outside) {
		if (indent < 0)
			indent = RLENGTH
		if (!skip)
			put(indent + 1)
		next
	}
	if (literal)
		skip = 0
	literal = 0
}
/^\.\. run: / { skip = 1 }
/::$/ && !/^ *\.\. / { literal = 1; outside = RLENGTH; indent = -1 }
