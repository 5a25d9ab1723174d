#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# klog.sh FILE: prints the lines of a kernel log that report a defect of the
# kernel, with their numbers. Exit status 1 if there are any. Of data races (KCSAN) those
# count in which one side is a module of ours; the kernel has some of its own. RCU is right
# to be suspicious of how User Mode Linux walks a maple tree; nothing of ours has one.

set -u

defects=(
	'BUG:' 'WARNING:' 'Oops' 'Call Trace' 'Kernel panic' 'general protection'
	'[Uu]nable to handle' 'KASAN' 'UBSAN' 'kmemleak: [0-9]+ new'
	'INFO: task .* blocked' 'soft lockup' 'rcu.*stall' 'nobody cared'
	'possible (deadlock|circular locking|recursive locking|irq lock inversion)'
	'inconsistent lock state' 'bad unlock balance' 'suspicious RCU'
	'sleeping function called' 'scheduling while atomic' 'refcount_t:'
	'(list_add|list_del) corruption' 'Bad page' 'Slab corruption'
	'unregister_netdevice: waiting' 'still has locks held'
)

# What the log also holds on a healthy machine
harmless=(
	'Spectre V2 : WARNING: Unprivileged eBPF'
	'Command line:' 'Kernel command line:'
)

any_of() { local IFS='|'; echo "$*"; }

# shellcheck disable=SC2016 # awk's
found=$(grep -nEa "$(any_of "${defects[@]}" 'lib/maple_tree.c:.*suspicious')" "$1" |
	grep -vE "$(any_of "${harmless[@]}")" |
	awk '
	/BUG: KCSAN:/ && !/\[ip_vs_(wlch|swrr)/ { next }
	held && /lib\/maple_tree.c/ { held = ""; trace = 1; next }
	held { print held; held = "" }
	/suspicious RCU usage/ { held = $0; next }
	trace && /Call Trace/ { trace = 0; next }
	{ trace = 0; print }
	END { if (held) print held }')
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
