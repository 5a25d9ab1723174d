# SPDX-License-Identifier: GPL-2.0
#
# table.awk RESULTS TEMPLATE: the template, in which "{table NAME COLUMN...}" is replaced by a
# table of the results of that name, with these of their values; a word COLUMN=VALUE
# chooses those that have it. "{value NAME KEY=VALUE... COLUMN}" in a line is one of them.

function parse(line, key,   i, n, part, at) {
	split("", key)
	n = split(line, part, " ")
	for (i = 1; i <= n; i++) {
		at = index(part[i], "=")
		if (at)
			key[substr(part[i], 1, at - 1)] = substr(part[i], at + 1)
	}
}

function table(words,   n, word, i, r, columns, head, rule, row, fits, at, wanted) {
	n = split(words, word, " ")
	head = rule = ""
	for (i = 2; i <= n; i++) {
		if (index(word[i], "="))
			continue
		head = head "| " word[i] " "
		rule = rule "|---:"
	}
	print head "|"
	print rule "|"
	for (r = 1; r <= results; r++) {
		parse(result[r], key)
		fits = key["name"] == word[1]
		row = ""
		for (i = 2; i <= n && fits; i++) {
			at = index(word[i], "=")
			if (at)
				fits = key[substr(word[i], 1, at - 1)] == substr(word[i], at + 1)
			else
				row = row "| " key[word[i]] " "
		}
		if (fits)
			print row "|"
	}
}

function value(words,   n, word, i, r, fits, at) {
	n = split(words, word, " ")
	for (r = 1; r <= results; r++) {
		parse(result[r], key)
		fits = key["name"] == word[1]
		for (i = 2; i < n && fits; i++) {
			at = index(word[i], "=")
			fits = key[substr(word[i], 1, at - 1)] == substr(word[i], at + 1)
		}
		if (fits)
			return key[word[n]]
	}
	print "there is no result for {value " words "}" >"/dev/stderr"
	failed = 1
	return "?"
}

FNR == NR {
	if (/^RESULT bench /)
		result[++results] = $0
	else if (/^bench /) {
		parse($0, said)
		for (k in said)
			head[k] = said[k]
	}
	next
}
/^[{]table .*[}]$/ { table(substr($0, 8, length($0) - 8)); next }
{
	while (match($0, /[{]value [^}]*[}]/))
		$0 = substr($0, 1, RSTART - 1) value(substr($0, RSTART + 7, RLENGTH - 8)) \
			substr($0, RSTART + RLENGTH)
	while (match($0, /[{]head [^}]*[}]/))
		$0 = substr($0, 1, RSTART - 1) head[substr($0, RSTART + 6, RLENGTH - 7)] \
			substr($0, RSTART + RLENGTH)
	print
}
END { exit failed }
