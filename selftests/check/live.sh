#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# live.sh: the bars of make demo, drawn of listings that are known; and nothing where
# there is no terminal. On this machine; prints KTAP.

set -u
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=selftests/lib/ktap.sh
. "$here/../lib/ktap.sh"
# shellcheck source=selftests/lib/live.sh
. "$here/../lib/live.sh"

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# wlch and then wlc, for which no listing has the half-open connections; the second
# says nothing new
cat >"$work/looks" <<'X'
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn HalfOpen Refused       Load      Picks EffWeight
TCP  10.1.0.100:8001 wlch
  -> 10.2.0.11:8001               Masq    1      5          1          3        0         49          6 1
  -> 10.2.0.12:8001               Masq    1      8          0          8        0         64          8 1
Prot LocalAddress:Port Scheduler Flags
  -> 10.2.0.11:8001               Masq    1      5          1          3        0         49          6 1
  -> 10.2.0.12:8001               Masq    1      8          0          8        0         64          8 1
Prot LocalAddress:Port Scheduler Flags
  -> 10.2.0.11:8001               Masq    1      0          9          -          -          -          -            -
  -> 10.2.0.12:8001               Masq    1      0          0          -          -          -          -            -
X

# drawn COMMAND...: on a terminal; \e is an escape character
drawn() { WLCH_LIVE=yes "$@" | sed 's/\x1b/\\e/g'; }

burst() {
	diff - <(drawn live_replay "$work/looks") <<-'E'
	The burst, slowed down:
	    server 1   2 established,   3 half-open,   1 closing #++-\e[K
	    server 2   0 established,   8 half-open,   0 closing ++++\e[K
	\e[2A    server 1   0 established,   0 half-open,   9 closing -----\e[K
	    server 2   0 established,   0 half-open,   0 closing \e[K

	E
}

leaving() {
	diff - <(drawn live_closing tail -n 3 "$work/looks") <<-'E'
	The clients leave:
	    server 1   0 established,   0 half-open,   9 closing -----\e[K
	    server 2   0 established,   0 half-open,   0 closing \e[K
	E
}

plain() {
	unset WLCH_LIVE
	expect "" "$(live_legend; live_replay "$work/looks"; live_closing cat "$work/looks")"
}

ktap_begin
ktap_check "the bars of a burst" burst
ktap_check "... and of clients that leave, until none is open" leaving
ktap_check "where there is no terminal nothing is drawn" plain
ktap_end
