#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tracepoints tell what happens, and Documentation/tracing.rst how to read them: its
# commands are taken from the page and run, all at once, over the same connections.
# "sleep 10" of theirs lasts as long as these need; what has none is interrupted.
#
# vm-tools: bpftrace perf trace-cmd

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

# shellcheck disable=SC2154  # of lib.sh
PAGE=$wlch_lib/../../Documentation/tracing.rst
TRACING=/sys/kernel/tracing
OWN=$TRACING/instances/wlch-$$
COUNT=40
SLOW_MS=100
FAST_MS=5
WHY=(why-perf why-trace-cmd why-tracefs why-bpftrace)
HOW_LONG=(time-perf time-trace-cmd time-tracefs time-bpftrace)

need() {
	local tool
	for tool in perf trace-cmd bpftrace; do
		command -v $tool >/dev/null && continue
		echo "1..0 # SKIP there is no $tool: install bpftrace, linux-perf and trace-cmd"
		exit 4
	done
}

# snippet NAME: the commands that follow this mark in the page
snippet() {
	awk -v mark=".. run: $1" '
		$0 == mark { found = 1 }
		found && /^    / { print substr($0, 5); some = 1; next }
		found && some && /[^ ]/ { exit }
		found && some { print "" }' "$PAGE"
}

# Commands of the page sleep until they are told not to. Each says that it does, and
# by then what it starts with is done: all of them sleep while they trace.
make_sleep() {
	mkdir "$dir/bin"
	cat >"$dir/bin/sleep" <<-E
		#!/bin/bash
		PATH=${PATH@Q}
		touch "\$SLEEPS"
		for ((i = 0; i < 9000; i++)); do
			[ ! -e "$dir/wake" ] || exit 0
			sleep 0.1
		done
	E
	chmod +x "$dir/bin/sleep"
}

# start NAME...: run the page's commands until wake; what they print is $dir/NAME
start() {
	local name
	rm -f "$dir/wake"
	for name; do
		rm -f "$dir/$name.sleeps"
		snippet "$name" >"$dir/$name.sh"
		SLEEPS=$dir/$name.sleeps PATH=$dir/bin:$PATH env --default-signal=INT \
			bash -eu "$dir/$name.sh" >"$dir/$name" 2>"$dir/$name.err" &
		pid[$name]=$!
	done
}

declare -A pid told

# waits NAME: bpftrace does for what comes, when all is attached
waits() { grep -qE 'epoll|ep_poll' "/proc/$(pgrep -P "${pid[$1]}" -x bpftrace)/wchan" 2>/dev/null; }

# traces NAME: it sleeps by now, or waits
traces() {
	[ -e "$dir/$1.sleeps" ] && return
	waits "$1" && return
	cat "$dir/$1.err"
	return 1
}

wake() { touch "$dir/wake"; }

gone() { ! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1")" = Z ]; }

# interrupted NAME: it is gone, or is told to go. bpftrace forgets a signal that comes while
# it prints, so it gets another one; not soon, as one that comes while it ends kills it.
interrupted() {
	gone "${pid[$1]}" && return
	waits "$1" && [ $((SECONDS - ${told[$1]:--10})) -ge 10 ] || return 1
	told[$1]=$SECONDS
	pkill -INT -P "${pid[$1]}" -x bpftrace
	return 1
}

# ended NAME: it has been woken, or is interrupted, and ends well. bpftrace is the last to:
# when its programs go, so do symbols, while trace-cmd copies the list of them.
ended() {
	if poll 300 interrupted "$1" && wait "${pid[$1]}"; then
		unset "pid[$1]" "told[$1]"
		return
	fi
	cat "$dir/$1" "$dir/$1.err"
	return 1
}

# delays MS1 MS2
delays() { delay "$SERVER1" "$1" && delay "$SERVER2" "$2"; }

# connections FAMILY PORT COUNT [OPTION...]: all connect
connections() {
	clients "$1" "$2" "$3" --interval 2000 "${@:4}"
	expect "$3" "$(clients_connected)" "connected clients"
}

# own EVENT...: only these, into our buffer, which is empty
own() {
	local event
	echo 0 >"$OWN/events/ip_vs_wlch/enable" && echo >"$OWN/trace" || return
	for event; do
		echo 1 >"$OWN/events/ip_vs_wlch/$event/enable" || return
	done
}

# seen [PATTERN]: how many lines of our buffer
seen() { grep -v '^#' "$OWN/trace" | grep -cE -e "${1-}"; }
seen_is() { expect "$1" "$(seen "$2")" "events like $2" || { cat "$OWN/trace"; return 1; }; }

off() {
	own
	service 4 79 m wlch
	ktap_check "off: the clients connect" connections 4 79 10
	clients_end
	ktap_check "off: nothing is recorded" seen_is 0
}

# per_server FILE WORD: how often the two servers stand there, behind the word
per_server() {
	echo "$(grep -cF -e "$2${RIP1[4]}:80 " "$1") $(grep -cF -e "$2${RIP2[4]}:80 " "$1")"
}

# What the events say of both servers is what the director counts. One client after the
# other, as a claim does not outlive that a busy machine takes the CPU away for a moment.
why() {
	local name word before after want
	start "${WHY[@]}"
	for name in "${WHY[@]}"; do
		ktap_check "$name: the page's commands trace" poll 300 traces "$name"
	done
	before=$(picks 4 80)
	ktap_check "why: all clients connect" connections 4 80 $COUNT --in-turn
	after=$(picks 4 80)
	want="$((${after% *} - ${before% *})) $((${after#* } - ${before#* }))"
	wake
	ktap_check "why: the director has chosen $COUNT times" expect $COUNT "$(sum "$want")"
	for name in "${WHY[@]}"; do
		word=server=
		[ "$name" != why-bpftrace ] || word='-> '
		ktap_check "$name: the commands end well" ended "$name"
		ktap_check "$name: each server as often as the director says: $want" \
			expect "$want" "$(per_server "$dir/$name" "$word")"
		ktap_check "$name: each connection once" connected_once "$dir/$name"
		ktap_check "$name: every load is that of the connections before" \
			loads_rise "$dir/$name" "$word"
	done
	clients_end
}

# connected_once FILE: the ports of the clients are those that are connected
connected_once() {
	local want
	want=$(in_client ss -Htn state established dst "${VIP[4]}:80" |
		awk '{ sub(/.*:/, "", $3); print $3 }' | sort -n)
	expect "$want" "$(grep -oE '10\.1\.0\.2:[0-9]+' "$1" | cut -d: -f2 | sort -n)" "client ports" &&
		expect $COUNT "$(wc -l <<<"$want")" "connections"
}

# A server that is chosen for the nth time has n - 1 connections, worth 8 each. What comes
# from two CPUs may be printed in another order.
loads_rise() {
	awk -v word="$2" '
		match($0, word "[0-9.:]+ ") {
			server = substr($0, RSTART, RLENGTH)
			match($0, /load[ =][0-9]+/)
			load = substr($0, RSTART + 5, RLENGTH - 5)
			n[server]++
			times[server, load + 0]++
			lines++
		}
		END {
			for (server in n) for (i = 0; i < n[server]; i++)
				if (times[server, 8 * i] != 1) {
					print server " load " 8 * i ": " times[server, 8 * i] + 0 " times"
					bad = 1
				}
			exit bad || !lines
		}' "$1"
}

# times NAME: "server1 server2", how many handshakes and microseconds each, as printed
times() {
	awk -v one="${RIP1[4]}:80" -v two="${RIP2[4]}:80" '
		index($0, one) { n = 1 }
		index($0, two) { n = 2 }
		!n { next }
		/handshakes, mean/ { count[n] = $2; us[n] = $5 * 1000 }
		/^@us/ { match($0, /count [0-9]+/); count[n] = substr($0, RSTART + 6, RLENGTH - 6)
			match($0, /average [0-9]+/); us[n] = substr($0, RSTART + 8, RLENGTH - 8) }
		/hitcount:/ { match($0, /hitcount: *[0-9]+/); count[n] = substr($0, RSTART + 9, RLENGTH - 9) + 0
			match($0, /us: *[0-9]+/); us[n] = substr($0, RSTART + 3, RLENGTH - 3) / count[n] }
		{ n = 0 }
		END { printf "%d %d %d %d\n", count[1], count[2], us[1], us[2] }' "$dir/$1"
}

# slower NAME SLOW: that server (1 or 2) takes its delay at least, and the other less
slower() {
	local n1 n2 us1 us2 slow fast
	read -r n1 n2 us1 us2 < <(times "$1")
	slow=$us1 fast=$us2
	[ "$2" = 1 ] || { slow=$us2 fast=$us1; }
	expect $COUNT $((n1 + n2)) "handshakes of $n1 and $n2" &&
		[ "$slow" -ge $((SLOW_MS * 1000)) ] && [ "$fast" -gt $((FAST_MS * 1000)) ] &&
		[ "$fast" -lt "$slow" ] && return
	echo "$n1 $n2 handshakes, $us1 $us2 us"
	cat "$dir/$1" "$dir/$1.err"
	return 1
}

# how_long SLOW NAME...: which server is slow, and who is to find out
how_long() {
	local name slow=$1
	shift
	own half_open
	start pairs "$@"
	ktap_check "pairs: the page's commands end well" ended pairs
	for name; do
		ktap_check "$name: the page's commands trace" poll 300 traces "$name"
	done
	ktap_check "how long: all clients connect" connections 4 80 $COUNT
	wake
	for name; do
		ktap_check "$name: the commands end well" ended "$name"
		ktap_note "$name: $(times "$name") (handshakes, us)"
		ktap_check "$name: the handshakes, and server $slow is the slow one" slower "$name" "$slow"
	done
	clients_end
	ktap_check "half_open: each handshake begins once" seen_is $COUNT what=begin
	ktap_check "half_open: ... and is established once" seen_is $COUNT what=established
	ktap_check "half_open: nothing else" seen_is $((2 * COUNT))
}

# How handshakes end that are not completed
refused_ends() {
	own half_open
	service 4 81 m wlch
	clients 4 81 10
	ktap_check "refused: 10 clients are" expect 10 "$(clients_refused)"
	clients_end
	ktap_check "refused: 10 handshakes begin" seen_is 10 'service=10.1.0.100:81 .* what=begin'
	ktap_check "refused: ... and end so" seen_is 10 'service=10.1.0.100:81 .* what=refused'
	ktap_check "refused: nothing else" seen_is 20
}

# The client's FIN comes while no server hears
closed_ends() {
	local port
	own half_open
	service 4 87 m wlch
	block_servers 87
	for port in {1001..1010}; do
		in_client segment_send S 10.1.0.2 "$port" "${VIP[4]}" 87
		in_client segment_send FA 10.1.0.2 "$port" "${VIP[4]}" 87
	done
	ktap_check "closed: 10 handshakes begin" \
		poll 30 seen_is 10 'service=10.1.0.100:87 .* what=begin'
	ktap_check "closed: ... and end so" poll 30 seen_is 10 'service=10.1.0.100:87 .* what=closed'
	ktap_check "closed: nothing else" seen_is 20
	unblock_servers
}

expired_ends() {
	own half_open
	service 4 82 m wlch
	unheard_clients 4 82 10
	ktap_check "expired: 10 handshakes are pending" poll 60 half_open_is 4 82 "5 5"
	ktap_check "expired: they have begun, and not ended" seen_is 10
	namespace_down "$DIRECTOR"
	ktap_check "expired: they end with the director" poll 60 seen_is 10 what=expired
	ktap_check "expired: nothing else" seen_is 20
	clients_end
}

# one_pick FAMILY PORT WANT: of the last choice
one_pick() {
	own pick
	connections "$1" "$2" 1 || return
	clients_end
	seen_is 1 "$3"
}

choices() {
	own pick
	service 4 83 m wlch
	ipvs -a -t 10.1.0.100:83 -r 10.2.0.11:84 -m -w 0
	ktap_check "pick: one of two that may be chosen, by chance" one_pick 4 83 \
		"protocol=TCP service=10.1.0.100:83 .* load=0 weight=1 effective_weight=1 candidates=2 ties=2 retries=0"
	# the first connection is closed by now, and counts 1
	ktap_check "... and the other one, for it is better" one_pick 4 83 \
		"load=0 weight=1 .* candidates=2 ties=1 "
	ipvs -e -t 10.1.0.100:83 -r 10.2.0.11:84 -m -w 1
	ipvs -E -t 10.1.0.100:83 -s wlch --sched-param choices=1
	ktap_check "... one is drawn" one_pick 4 83 "candidates=1 ties=1 "
	ipvs -R <<-E
		-A -t 10.1.0.100:84 -s rr
		-a -t 10.1.0.100:84 -r 10.2.0.12:84 -m -w 1
		-E -t 10.1.0.100:84 -s wlch --sched-param slowstart=3600
		-a -t 10.1.0.100:84 -r 10.2.0.11:84 -m -w 64
	E
	ktap_check "... a server in its slow start" one_pick 4 84 \
		"server=10.2.0.11:84 load=0 weight=64 effective_weight=[12] candidates=2 ties=1 "
	service 6 83 g wlch
	ktap_check "... IPv6" one_pick 6 83 \
		"service=\[fd00:1::100\]:83 client=\[fd00:1::2\]:[0-9]+ server=\[fd00:2::1[12]\]:83 "
	in_director nft -f - <<-E
		table inet marked {
			chain in {
				type filter hook prerouting priority 0
				ip daddr 10.1.0.100 tcp dport 85 mark set 77
			}
		}
	E
	ipvs -A -f 77 -s wlch && ipvs -a -f 77 -r 10.2.0.11:85 -m
	ktap_check "... a service by mark" one_pick 4 85 \
		"protocol=TCP service=fwmark:77 client=10.1.0.2:[0-9]+ server=10.2.0.11:85 "
	ipvs -e -f 77 -r 10.2.0.11:85 -m -w 0
	own pick
	clients 4 85 1
	ktap_check "... no server" poll 30 some_seen "service=fwmark:77 .* server=none load=0 .* candidates=0 "
	clients_end
}

some_seen() { [ "$(seen "$1")" -gt 0 ] || { cat "$OWN/trace"; return 1; }; }

# changed WANT COMMAND...: one event, of the task that asked
changed() {
	local want=$1
	shift
	own config
	"$@"
	seen_is 1 "$want" && seen_is 1
}

set_module() { echo "$module_active" >/sys/module/ip_vs_wlch/parameters/active; }

changes() {
	local netns VS=10.1.0.100:86 module_active
	module_active=$(cat /sys/module/ip_vs_wlch/parameters/active)
	start who-perf
	ktap_check "who-perf: the page's commands trace" poll 300 traces who-perf
	netns=$(stat -L -c %i "/run/netns/$DIRECTOR")
	ktap_check "config: a service" changed \
		" ipvsadm-.* netns=$netns protocol=TCP service=$VS request=start set= active=8 " ipvs -A -t $VS -s wlch
	ktap_check "... its parameters" changed \
		"service=$VS request=set-service set=active,inactive active=5 halfopen=8 refused=8 inactive=6 " \
		ipvs -E -t $VS -s wlch --sched-param active=5,inactive=6
	own config
	ipvs -E -t $VS -s wlch --sched-param active=5000 2>/dev/null
	ktap_check "... what is refused: nothing" seen_is 0
	ktap_check "... the defaults" changed \
		"netns=$netns protocol=any service=defaults request=set-defaults set=choices .* choices=3$" \
		ipvs --sched-default choices=3
	ktap_check "... the module's" changed \
		"netns=0 protocol=any service=defaults request=set-module set=active active=$module_active " set_module
	ktap_check "... the end of the service" changed "service=$VS request=stop set= active=5 " \
		ipvs -D -t $VS
	ipvs --sched-default choices=0
	wake
	ktap_check "who-perf: the commands end well" ended who-perf
	ktap_check "who-perf: the one who has changed the parameters" grep -qE \
		"^ *ipvsadm +[0-9]+ .* service=$VS request=set-service set=active,inactive " "$dir/who-perf"
}

# Last, as it takes the services with it
module_goes() {
	own pick half_open config
	if ! poll 60 references_are 0; then
		ktap_skip "the module goes while it is traced" "it is in use on this machine"
		return
	fi
	ktap_check "the module goes while it is traced" rmmod ip_vs_wlch
	ktap_check "... and its events" expect "" "$(ls $TRACING/events/ip_vs_wlch 2>/dev/null)"
	ktap_check "... and comes back" modprobe ip_vs_wlch
}

# shellcheck disable=SC2317  # called by the trap
cleanup() {
	touch "$dir/wake"
	topology_down
	rmdir "$OWN"
	rm -rf "$dir" /tmp/{pick,half_open,config}.dat{,a} /tmp/handshakes.awk
}

need
wlch_start
dir=$(mktemp -d)
mkdir "$OWN" || exit
trap cleanup EXIT
make_sleep
# shellcheck disable=SC2046 # port numbers
{ serve "$SERVER1" 79 80 $(seq 83 85) && serve "$SERVER2" 79 80 $(seq 83 85); } || exit
delays $FAST_MS $SLOW_MS
service 4 80 m wlch
off
why
how_long 2 "${HOW_LONG[@]}"
delays $SLOW_MS $FAST_MS
how_long 1 time-tracefs
choices
changes
refused_ends
closed_ends
expired_ends
module_goes
ktap_end
