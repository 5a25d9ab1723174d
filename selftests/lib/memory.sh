# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the kernel has in memory.

# Entries of the connection table, of all namespaces. It is some too many: what is kept
# for the next to come, and what has the same size, if the caches are one.
conn_objects() {
	awk '{ print $1 }' /sys/kernel/slab/ip_vs_conn/objects
}

# Bytes that these take
conn_bytes() {
	local cache=/sys/kernel/slab/ip_vs_conn objects
	read -r objects _ <$cache/total_objects
	echo $((objects * $(<$cache/slab_size)))
}

# What CPUs keep for the next to come counts as given, and so does what KASAN keeps to see
# whether it is used: let them give it back.
slabs_shrink() {
	local cache
	for cache in /sys/kernel/slab/{kmalloc-*,skbuff*,ip_vs_conn,net_namespace}/shrink; do
		[ ! -e "$cache" ] || echo 1 >"$cache"
	done
}

# Network namespaces that are in memory, also those without a name that something still
# holds. The kernel frees the last to go when the next one does, and that is not at once: it
# is the least that is seen within a second.
namespaces() {
	local last=wlch-last-$$ looks
	ip netns add $last && ip netns del $last || return
	for ((looks = 0; looks < 10; looks++)); do
		sleep 0.1
		slabs_shrink
		awk '{ print $1 }' /sys/kernel/slab/net_namespace/objects
	done | sort -n | head -n 1
}

# Bytes that kmalloc() has given, not what processes are charged for
kmalloc_bytes() { awk '/^kmalloc-[0-9]/ { sum += $2 * $4 } END { print sum }' /proc/slabinfo; }

available_kib() { awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo; }

# Does this kernel note whose objects are? It does with slub_debug=U.
slabs_have_owners() { [ -e /sys/kernel/debug/slab/kmalloc-64/alloc_traces ]; }

# Objects that were allocated by a function of a module of ours, or by one it called
owned() {
	slabs_have_owners || return
	slabs_shrink
	awk '
		/^ *[0-9]+ / { number = $1; counted = 0 }
		/\[ip_vs_(wlch|swrr)\]/ && !counted { total += number; counted = 1 }
		END { print total + 0 }' /sys/kernel/debug/slab/{kmalloc-*,skbuff*}/alloc_traces
}

owns() { expect "$1" "$(owned)" "objects of the module"; }
