# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Bars of a service's servers, drawn over and over in the same place of a terminal: #
# are established connections, + those in the handshake, - those that are closing; one
# character for two. Where there is no terminal nothing is drawn: make demo sets
# $WLCH_LIVE if there is one. (The serial port of the virtual machine always is.)

live() { [ -n "${WLCH_LIVE-}" ]; }

live_legend() {
	live || return 0
	printf '\n    # established   + in the handshake   - closing, one character for two\n'
	printf '    (with wlc, of which IPVS tells no more: # are all that are not closing)\n'
}

# live_bars ESTABLISHED HALF_OPEN CLOSING...: a line for each server
live_bars() {
	local nr=0
	while [ $# -ge 3 ]; do
		nr=$((nr + 1))
		# up to the end of the line there is nothing else
		printf '    server %d %3d established, %3d half-open, %3d closing %s%s%s\033[K\n' \
			$nr "$1" "$2" "$3" "$(live_fill "$1" '#')" "$(live_fill "$2" +)" "$(live_fill "$3" -)"
		shift 3
	done
}

# live_fill COUNT CHARACTER
live_fill() {
	local blanks
	printf -v blanks '%*s' $((($1 + 1) / 2)) ''
	printf %s "${blanks// /$2}"
}

# live_counts: of listings (-L -n --sched-param) of one service with two servers a line
# each, with the counts of live_bars; none that is as the one before
live_counts() {
	awk '/^Prot / { put() }
		$1 == "->" && $5 ~ /^[0-9]+$/ {
			# what IPVS has as active are those in the handshake, too
			counts = counts " " $5 - $7 " " $7 + 0 " " $6
		}
		END { put() }
		function put() {
			if (counts != "" && counts != before)
				print counts
			before = counts
			counts = ""
		}'
}

# live_draw: the lines of live_counts, each over the one before. Lines above it: $live_up
live_draw() {
	local counts
	while read -ra counts; do
		printf %s "$live_up"
		live_bars "${counts[@]}"
		printf -v live_up '\033[%dA' $((${#counts[@]} / 3))
		sleep 0.1
	done
}

# live_replay FILE: listings of a burst, which itself is too quick for eyes
live_replay() {
	local live_up=
	live || return 0
	echo "The burst, slowed down:"
	live_draw < <(live_counts <"$1")
	echo
}

# live_closing COMMAND...: which lists the service, until nothing is open
live_closing() {
	local live_up='' listing tries
	live || return 0
	echo "The clients leave:"
	for ((tries = 0; tries < 100; tries++)); do
		listing=$("$@") || return
		live_draw < <(live_counts <<<"$listing")
		awk '$1 == "->" { open += $5 } END { exit open > 0 }' <<<"$listing" && break
	done
}
