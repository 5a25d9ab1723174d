#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ipvsadm --monitor: a line for each change, at once; a definite end; and a line
# where events were lost.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

VS=10.1.0.100

# monitor: starts one in the background, once it listens. Bash lets its
# background ignore SIGINT; so would the monitor.
monitor() {
	lines=$(mktemp)
	ip netns exec "$DIRECTOR" env --default-signal=INT \
		ipvsadm --monitor >"$lines" 2>&1 &
	monitor_pid=$!
	poll 30 grep -qx listening "$lines"
}

# monitor_ends [SIGNAL]: its status is left in $status
monitor_ends() {
	[ -z "$1" ] || kill "-$1" "$monitor_pid"
	poll 30 gone "$monitor_pid" || { kill -9 "$monitor_pid"; return 1; }
	wait "$monitor_pid"
	status=$?
}

gone() { ! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1")" = Z ]; }

says() { expect "$1" "$(tail -n +2 "$lines")" "what the monitor printed"; }

# The lines of these changes are on stdin.
changes() {
	local want
	want=$(cat)
	ktap_check "the monitor listens" monitor
	ipvs -A -t $VS:8701 -s wlch
	ipvs -E -t $VS:8701 -s wlch --sched-param active=4,inactive=2
	ipvs -A -t $VS:8702 -s wlch --sched-param halfopen=3
	ipvs -E -t $VS:8702 -s rr
	ipvs -E -t $VS:8702 -s wlch
	ipvs -A -u "[fd00:1::100]:8703" -s wlch
	ipvs -A --sctp-service $VS:8703 -s wlch
	ipvs -A -f 4294967295 -s wlch
	ipvs -A -f 7 -6 -s wlch
	ipvs -D -t $VS:8701
	ipvs --sched-default active=3
	ipvs --sched-default active=8
	ktap_check "each change is a line, as soon as it is made" \
		poll 30 says "$want"
}

# What makes no line: what is refused, what stays as it is, what others do.
no_changes() {
	local before
	before=$(cat "$lines")
	ipvs -A -t $VS:8704 -s rr
	ipvs -E -t $VS:8704 -s wlc
	ipvs -A -t $VS:8704 -s wlch --sched-param active=9 2>/dev/null
	ipvs -D -t $VS:8704
	ipvs -L -n --sched-param >/dev/null
	in_client ipvsadm -A -t $VS:8705 -s wlch
	in_client ipvsadm -C
	ipvs -A -t $VS:8706 -s wlch
	before+="
add TCP $VS:8706 wlch $DEFAULTS"
	ktap_check "other services and namespaces make no line" \
		poll 30 says "$(tail -n +2 <<<"$before")"
	ipvs -E -t $VS:8706 -s wlch --sched-param active=8
	ipvs -E -t $VS:8706 -s wlch --sched-param active=7
	before+="
change TCP $VS:8706 wlch $(but active=7)"
	ktap_check "nor does a value that was there already" \
		poll 30 says "$(tail -n +2 <<<"$before")"
	ipvs -C
}

signals() {
	local signal
	for signal in TERM INT; do
		ktap_check "it listens until SIG$signal" monitor
		ktap_check "... which ends it" monitor_ends $signal
		ktap_check "... with status 0" expect 0 "$status"
		ktap_check "... and without a message" says ""
		rm "$lines"
	done
}

# A reader that does not read: the pipe is full, and the monitor waits to write.
stalled_reader() {
	local pipe fd
	pipe=$(mktemp -u)
	mkfifo "$pipe"
	exec {fd}<>"$pipe"
	dd if=/dev/zero of="$pipe" bs=4096 oflag=nonblock 2>/dev/null
	ip netns exec "$DIRECTOR" ipvsadm --monitor >"$pipe" 2>&1 &
	monitor_pid=$!
	ktap_check "a reader stalls: it waits to write" poll 30 waits
	ktap_check "... and SIGTERM ends it all the same" monitor_ends TERM
	ktap_check "... with status 0" expect 0 "$status"
	exec {fd}<&-
	rm "$pipe"
}

# It catches SIGTERM (bit 14), and sleeps.
waits() {
	awk '
		$1 == "State:" { state = $2 }
		$1 == "SigCgt:" { caught = substr($2, length($2) - 3, 1) ~ /[4-7c-f]/ }
		END { print state, caught + 0; exit !(state == "S" && caught) }
	' "/proc/$monitor_pid/status"
}

# that many changes, by one program
many_changes() {
	local n
	for ((n = 0; n < $1; n++)); do
		echo "-E -t $VS:8707 -s wlch --sched-param active=$((n % 2 + 1))"
	done | ipvs -R
}

# The kernel keeps some hundred events for who does not read.
stopped_monitor() {
	ktap_check "a monitor that is stopped" monitor
	kill -STOP "$monitor_pid"
	ktap_check "... while 3000 changes are made" many_changes 3000
}

overflow() {
	stopped_monitor
	kill -CONT "$monitor_pid"
	ktap_check "says that events were lost" \
		poll 60 grep -qx "lost some events" "$lines"
	ktap_check "... as some really are" not_all 3000
	ipvs -E -t $VS:8707 -s wlch --sched-param active=99
	ktap_check "... behind all that came before, and goes on" poll 60 \
		says_since_the_note "change TCP $VS:8707 wlch $(but active=99)"
	ktap_check "... until it is ended" monitor_ends TERM
	ktap_check "... with status 0" expect 0 "$status"
	rm "$lines"
}

says_since_the_note() {
	expect "$1" "$(sed '1,/^lost some events$/d' "$lines")" "what the monitor printed since"
}

not_all() {
	local seen
	seen=$(grep -c ^change "$lines")
	echo "$seen of $1"
	[ "$seen" -gt 0 ] && [ "$seen" -lt "$1" ]
}

# The kernel has dropped its message that the module was removed, with the last changes.
removed_unheard() {
	ipvs -A -t $VS:8707 -s wlch
	stopped_monitor
	ipvs -C
	ktap_check "... and the module is removed" poll 30 rmmod ip_vs_wlch
	ktap_check "... and comes back" modprobe ip_vs_wlch
	kill -CONT "$monitor_pid"
	says_that_it_was_removed
	poll 30 references_are 0
}

says_that_it_was_removed() {
	ktap_check "when the module is removed it ends" monitor_ends ""
	ktap_check "... not with status 0" not expect 0 "$status"
	ktap_check "... and says so" grep -q "ip_vs_wlch was removed" "$lines"
	rm "$lines"
}

# Only where nobody else uses the module
without_module() {
	removed_unheard
	ktap_check "it listens" monitor
	ktap_need rmmod ip_vs_wlch || return
	cp /proc/sys/kernel/modprobe "$ktap_out.modprobe"
	echo /bin/false >/proc/sys/kernel/modprobe
	says_that_it_was_removed
	ktap_check "without the module it does not begin" not monitor_now
	ktap_check "... and says what to do" \
		grep -qF "load the module with \`modprobe ip_vs_wlch'" "$lines"
	rm "$lines"
	cat "$ktap_out.modprobe" >/proc/sys/kernel/modprobe
	rm "$ktap_out.modprobe"
	modprobe ip_vs_wlch
}

monitor_now() {
	lines=$(mktemp)
	in_director timeout 60 ipvsadm --monitor >"$lines" 2>&1
}

not() { ! "$@" >/dev/null; }

cannot_write() {
	in_director timeout 60 ipvsadm --monitor 2>&1 >/dev/full |
		grep -q "output can not be written"
}

wlch_start
changes <<-E
	add TCP $VS:8701 wlch $DEFAULTS
	change TCP $VS:8701 wlch $(but active=4 inactive=2)
	add TCP $VS:8702 wlch $DEFAULTS
	change TCP $VS:8702 wlch $(but halfopen=3)
	delete TCP $VS:8702 wlch $(but halfopen=3)
	add TCP $VS:8702 wlch $DEFAULTS
	add UDP [fd00:1::100]:8703 wlch $DEFAULTS
	add SCTP $VS:8703 wlch $DEFAULTS
	add FWM 4294967295 wlch $DEFAULTS
	add FWM6 7 wlch $DEFAULTS
	delete TCP $VS:8701 wlch $(but active=4 inactive=2)
	default wlch $(but active=3)
	default wlch $DEFAULTS
E
no_changes
monitor_ends TERM
rm "$lines"
signals
stalled_reader
ipvs -A -t $VS:8707 -s wlch
overflow
ipvs -C
ktap_check "it ends when its lines can not be written" cannot_write
if poll 30 references_are 0; then
	without_module
else
	ktap_skip "without the module" "it is in use on this machine"
fi
ktap_end
