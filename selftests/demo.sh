#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scheduler is for, shown with real connections. Run by make demo in
# a virtual machine; the assertions on the same runs are in burst.sh.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/burst.sh
. "$(dirname "$0")/lib/burst.sh"
# shellcheck source=selftests/lib/live.sh
. "$(dirname "$0")/lib/live.sh"

title() { printf '\n=== %s\n\n' "$*"; }

# bar "NAME" COUNT: a column of text for each two connections
bar() {
	local hashes
	printf -v hashes '%*s' $(($2 / 2)) ''
	printf '    %s %3d %s\n' "$1" "$2" "${hashes// /#}"
}

explain() {
	cat <<-E
		A client, an IPVS director and two equal real servers, each in a network
		namespace of its own. Server 1 answers after $BURST_FAST_MS ms, server 2 after $BURST_SLOW_MS ms. The
		client opens $BURST_COUNT connections, $BURST_INTERVAL_US us apart, and keeps them all open.

		Equal servers should get equal shares. But while server 2 takes its time to
		answer, its connections are in the handshake. To a scheduler for which such a
		connection is worth little, server 2 looks idle, and gets all the others too.
	E
}

# run TITLE FIELDS SCHEDULER [OPTION...]
run() {
	local what=$1 fields=$2 n1 n2
	shift 2
	title "$what"
	burst_with 4 m "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }
	grep "times as long" "$log"
	live_replay "$burst_dir/looks"
	echo "While the handshakes were pending:"
	cat "$burst_dir/look"
	echo "With all connections established:"
	ipvs -L -n --sched-param -t "$(service_address 4 "$burst_port")"
	read -r n1 n2 <<<"$(active 4 "$burst_port")"
	echo
	bar "server 1" "$n1"
	bar "server 2" "$n2"
	echo
	echo "RESULT demo sched=$1 ${fields:+$fields }rs1=$n1 rs2=$n2"
}

# leave: the clients of the burst, and the service after them
leave() {
	clients_end
	live_closing ipvs -L -n --sched-param -t "$(service_address 4 "$burst_port")"
	ipvs -C
}

live_change() {
	local vs before after
	vs=$(service_address 4 "$burst_port")
	title "The factor of a live service is changed: ipvsadm -E ... --sched-param active=4"
	before=$(table 4 "$burst_port" ESTABLISHED)
	ipvs -E -t "$vs" -s wlch --sched-param active=4 || exit 1
	after=$(table 4 "$burst_port" ESTABLISHED)
	ipvs -L -n --sched-param -t "$vs"
	echo
	echo "Established connections before: $before, after: $after"
	echo "RESULT demo lost=$(($(sum "$before") - $(sum "$after")))"
}

save_and_restore() {
	local saved
	title "Saved with -S, cleared with -C, restored with -R"
	saved=$(ipvs -S -n) || exit 1
	echo "$saved"
	ipvs -C
	echo
	ipvs -R <<<"$saved" || exit 1
	ipvs -L -n --sched-param
	[ "$(ipvs -S -n)" = "$saved" ] || exit 1
}

wlch_need
topology_up || exit 1
burst_dir=$(mktemp -d)
log=$(mktemp)
burst_servers 3 || exit 1

title "The problem"
explain
live_legend
run "In-tree wlc: since Linux 4.8 it counts TCP handshakes as active" "" wlc
leave
run "wlch with the factors of kernels before 4.8: the defect" \
	"active=256 halfopen=1 inactive=1" \
	wlch --sched-param active=256,halfopen=1,inactive=1
leave
run "wlch with its defaults: a handshake is worth as much as a connection" \
	"active=8 halfopen=8 inactive=1" wlch
live_change
save_and_restore
clients_end
rm -rf "$burst_dir" "$log"
