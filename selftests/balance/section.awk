# SPDX-License-Identifier: GPL-2.0
#
# section.awk -v scenario=NAME LOG TEXT: the text with the values of the run in
# place of {SCHEDULER:KEY}, and the table of the scenario. A line
#	@require SCHEDULER:KEY > SCHEDULER:KEY
# is not printed: it is what the text says of the numbers, and fails if they do
# not.

function fail(what) {
	print "balance: " scenario ": " what >"/dev/stderr"
	failed = 1
	exit 1
}

function value_of(name) {
	if (!(name in value))
		fail("the run has no " name)
	return value[name]
}

function filled(line,   done, shown) {
	while (match(line, /\{[^}]*\}/)) {
		shown = value_of(substr(line, RSTART + 1, RLENGTH - 2))
		gsub(/ /, ":", shown)
		done = done substr(line, 1, RSTART - 1) shown
		line = substr(line, RSTART + RLENGTH)
	}
	return done line
}

function table(   i, row) {
	row = "| scheduler | max/mean |"
	for (i = 1; i <= keys; i++)
		row = row " " key[i] " |"
	print "\n" row
	gsub(/[^|]+/, "---", row)
	print row
	for (i = 1; i <= rows; i++)
		print line_of[i]
}

FNR == 1 { file++ }

# the log
file == 1 && $0 ~ "^RESULT balance scenario=" scenario " " {
	sched = substr($4, 7)
	row = ""
	keys = 0
	for (i = 5; i <= NF; i++) {
		cut = index($i, "=")
		key[++keys] = substr($i, 1, cut - 1)
		shown = substr($i, cut + 1)
		gsub(/,/, " ", shown)
		value[sched ":" key[keys]] = shown
		row = row " " shown " |"
	}
	ratio = sprintf("%.2f", value[sched ":max"] / value[sched ":mean"])
	value[sched ":max/mean"] = ratio
	line_of[++rows] = "| `" sched "` | " ratio " |" row
}

file == 1 { next }

/^@require / {
	if (value_of($2) + 0 <= value_of($4) + 0)
		fail("the numbers do not show what the text says: " $2 " > " $4)
	next
}

/^# / { print "\n#" $0; next }
/^$/ { blank = 1; next }
/^!\[/ { plots = plots "\n" $0 "\n"; next }
blank { print ""; blank = 0 }
{ print filled($0) }

END {
	if (!failed && !rows)
		fail("the run has no such scenario")
	if (failed)
		exit 1
	table()
	printf "%s", plots
}
