# SPDX-License-Identifier: GPL-2.0
#
# table.awk: of the lines "RESULT balance ..." the table max/mean, a line for each
# scenario, a column for each scheduler in their order there, and last the schedulers with
# parameters.

/^RESULT balance / {
	split("", key)
	for (i = 3; i <= NF; i++) {
		cut = index($i, "=")
		key[substr($i, 1, cut - 1)] = substr($i, cut + 1)
	}
	scenario = key["scenario"]
	ratio = sprintf("%.2f", key["max"] / key["mean"])
	if (!(scenario in more)) {
		scenarios[++n] = scenario
		more[scenario] = ""
	}
	cut = index(key["sched"], ",")
	if (cut)
		more[scenario] = more[scenario] "  " substr(key["sched"], cut + 1) ": " ratio
	else {
		if (!known[key["sched"]]++)
			sched[++columns] = key["sched"]
		value[scenario, key["sched"]] = ratio
	}
}

END {
	printf "%-11s", "max/mean"
	for (i = 1; i <= columns; i++)
		printf "%7s", sched[i]
	print "  wlch with"
	for (s = 1; s <= n; s++) {
		printf "%-11s", scenarios[s]
		for (i = 1; i <= columns; i++)
			printf "%7s", value[scenarios[s], sched[i]]
		print more[scenarios[s]]
	}
}
