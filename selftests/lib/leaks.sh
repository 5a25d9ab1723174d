# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For the first process of a machine: are the modules gone in the end, and is their memory?

gone() {
	[ ! -e /sys/module/ip_vs_swrr ] || rmmod ip_vs_swrr 2>/dev/null || return
	[ ! -e /sys/module/ip_vs_wlch ] || rmmod ip_vs_wlch 2>/dev/null
}

# A kernel that can tell says in its log what the modules have not freed. What was
# allocated within the last seconds it does not tell.
look_for_leaks() {
	local leaks=/sys/kernel/debug/kmemleak tries line
	[ -e $leaks ] || return 0
	for ((tries = 0; ; tries++)); do
		gone && break
		[ $tries -lt 120 ] ||
			{ echo "ip_vs_wlch or ip_vs_swrr is still in use after the tests"; return 1; }
		sleep 1
	done
	sleep 6
	echo scan >$leaks && echo scan >$leaks
	head -n 200 $leaks | while read -r line; do echo "$line" >/dev/kmsg; done
}

# SLUB may note who has allocated what is there. Of a module that is gone it has only an
# address, where all else is built in; and of functions that the kernel needs no more, but
# these are in its image. The table of what a namespace has of each subsystem, which the
# core makes larger for a module, stays.
orphans() {
	awk '
		function tell() {
			if (gone && record !~ /^ *[0-9]+ net_alloc_generic\+/)
				printf "%s", record
			gone = 0
			record = ""
		}
		FILENAME == "/proc/kallsyms" {
			if ($3 == "_etext")
				end = $1
			next
		}
		/^ *[0-9]+ / { tell() }
		{ record = record $0 "\n" }
		/^ *([0-9]+ )?0x/ {
			match($0, /0x[0-9a-f]+/)
			at = substr($0, RSTART + 2, RLENGTH - 2)
			if (substr("0000000000000000" at, length(at) + 1) > end)
				gone = 1
		}
		END { tell() }
		' /proc/kallsyms /sys/kernel/debug/slab/{kmalloc-*,skbuff*}/alloc_traces
}

nothing_left() {
	local tries left
	for ((tries = 0; tries < 30; tries++)); do
		slabs_shrink
		left=$(orphans)
		[ -n "$left" ] || return 0
		sleep 1
	done
	head -n 50 <<<"$left" | sed 's/^/# left: /'
	return 1
}
