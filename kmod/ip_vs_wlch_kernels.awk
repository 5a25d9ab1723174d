# SPDX-License-Identifier: GPL-2.0
#
# awk -v kernel=VERSION -f ip_vs_wlch_kernels.awk kernels: for Kbuild, says in one
# sentence that the table has no such kernel, or nothing.

# As a number that can be compared; what is not there counts as 0.
function value(version,	part) {
	split(version, part, /[^0-9]+/)
	return (part[1] * 1000 + part[2]) * 1000 + part[3]
}

/^[0-9]/ {
	rows++
	known = known (known ? ", " : "") ($3 == "-" ? $2 " and later " $1 : $2 " to " $3)
	if (int(value(kernel) / 1000) == int(value($1) / 1000) &&
	    value(kernel) >= value($2) && ($3 == "-" || value(kernel) <= value($3)))
		found = 1
}

END {
	if (!rows)
		print "the table of kernels is empty"
	else if (!found)
		printf "it is tested with kernels %s, this one is %s: take one of these, or try this one with WLCH_ANY_KERNEL=1\n",
			known, kernel
}
