#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# report.sh LOG DIR: makes DIR/balance.md and DIR/balance/*.svg of the lines that
# run.sh has printed. The text of a scenario is scenarios/NAME.md, where
# {SCHEDULER:KEY} stands for a value of this run.

set -u
here=$(dirname "$(readlink -f "$0")")
log=$1
dir=$2

say() { sed -n "s/^balance kernel=.*$1=\([^ ]*\).*/\1/p" "$log"; }

head_of_report() {
	cat <<-E
		<!-- Written by make balance. Do not edit: the text is in selftests/balance/. -->

		# How evenly the schedulers spread connections

		Measured on $(say date) with Debian's kernel $(sed -n 's/^balance kernel=\([^ ]*\).*/\1/p' "$log"), in a virtual machine
		with $(say cpus) CPUs.

		    $ make balance

		repeats it on a Debian 12 machine, in ten minutes or more, and writes this page
		(\`KERNEL=6.12\` takes another kernel). Nothing is written if a scenario fails.

		## Method

		The in-tree schedulers rr, wrr, lc, wlc, sed and nq and this project's swrr and wlch,
		this one with its defaults unless parameters are given, run the same scenarios in the
		same virtual machine: clients, an IPVS director and real servers in network namespaces on one
		Ethernet, with TCP, SCTP and UDP of the kernel. Each case has a service of its own,
		on a port that was not used before. A client that does not connect where it should
		makes the run fail. Where there are more than two servers they are addresses of one
		namespace; to IPVS they are servers like others.

		Each case is run once, but for those that say otherwise. Where chance decides (ties
		with wlch) numbers are a little different in the next run.

		\`servers\` has a count for each real server, in their order. \`max\`, \`min\` and
		\`mean\` are over the servers; max/mean is 1.00 when all is level.

		## All scenarios

		max/mean. Below each scenario's heading is what it means there.

		\`\`\`
	E
	awk -f "$here/table.awk" "$log"
	cat <<-E
		\`\`\`

		![max/mean of every scenario and scheduler](balance/overview.svg)
	E
}

make_all() {
	local name
	mkdir -p "$dir/balance" || return
	{
		head_of_report
		while read -r name; do
			awk -v scenario="$name" -f "$here/section.awk" "$log" \
				"$here/scenarios/$name.md" || return
		done <"$here/scenarios/order"
	} >"$dir/balance.md" || return
	"$here/plot.sh" "$log" "$dir/balance"
}

make_all
