# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Round robin: services whose picks are datagrams, and a server that comes and goes
# meanwhile. Sourced after lib.sh and pool.sh.

PORT=9700	# where there is no service yet: they have those after it
FLAPS=${WLCH_FLAPS:-1000}	# each after 10 picks
FLAPPING=10.2.0.105	# of weight 5

# turns_up: services of the form $form have ten servers. They do not listen: the
# client does not mind.
turns_up() {
	form=udp10
	form $form 4 -u
	# shellcheck disable=SC2034,SC2004 # an array of ipvs.sh, by name
	POOL[$form]=$(seq -f '10.2.0.%.0f' -s ' ' 101 110)
	[ -n "${sender_in-}" ] || sender_start
}

# sender_start: a client that sends datagrams when it is told to
sender_start() {
	# shellcheck disable=SC2016 # for the inner shell
	coproc SENDER {
		exec ip netns exec "$CLIENT" bash -c '
			while read -r address port n; do
				while ((n-- > 0)); do
					echo >/dev/udp/$address/$port
				done
				echo sent
			done'
	}
	disown "$SENDER_PID"	# topology_down ends it
	# the shell forgets these when the process ends
	exec {sender_in}>&"${SENDER[1]}" {sender_out}<&"${SENDER[0]}"
}

# send NUMBER [PORT]: datagrams, to the last service or another
send() {
	local said
	echo "${VIP[4]} ${2:-$PORT} $1" >&"$sender_in"
	read -r -t 60 said <&"$sender_out" && expect sent "$said" "sender"
}

# Nothing gives a pool's servers a weight of their own but this.
# begin FORM SCHEDULER "WEIGHT..." [OPTION...]: a service on the next port
begin() {
	local form=$1 scheduler=$2 rips weights i key
	read -ra weights <<<"$3"
	read -ra rips <<<"$(rips "$form")"
	shift 3
	PORT=$((PORT + 1))
	# shellcheck disable=SC2034 # for the script
	counted=()
	service_key "$form" $PORT
	{
		echo "-A ${key[*]} -s $scheduler $*"
		for ((i = 0; i < ${#weights[@]}; i++)); do
			echo "-a ${key[*]} -r $(address "${rips[i]}" "${SERVER_PORT[$form]:-$PORT}") -g -w ${weights[i]}"
		done
	} | ipvs -R
}

# weigh SERVER WEIGHT [OPTION...]
weigh() { ipvs -e -u "${VIP[4]}:$PORT" -r "$1:$PORT" -g -w "$2" "${@:3}"; }

# The picks of each server of the last service, or of one on another port
picked() { column "$form" "${1:-$PORT}" 3 --stats --exact; }

picked_in_all() {
	conns=$(picked "${2:-$PORT}")
	expect "$1" "$(sum "$conns")" "picks of all"
}

# editor_start: an ipvsadm that takes commands as they come
editor_start() {
	exec {editor_in}> >(exec ip netns exec "$DIRECTOR" ipvsadm -R)
	editor=$!
}

editor_end() {
	exec {editor_in}>&-
	wait "$editor"
}

# flap_all PORT...: 10 picks of each service, then the server goes; 10 picks, and it is
# back. The weight in /proc tells when; the last of the services is edited last.
flap_all() {
	local n weight port server
	printf -v server '%s:%04X' "$(proc_address $FLAPPING)" "${@: -1}"
	editor_start
	for ((n = 0; n < FLAPS; n++)); do
		for port; do
			send 10 "$port" || return
		done
		weight=$((n % 2 * 5))
		for port; do
			echo "-e -u ${VIP[4]}:$port -r $FLAPPING:$port -g -w $weight" >&"$editor_in"
		done
		until_weight $weight || return
	done
	editor_end
}

until_weight() {
	local deadline=$((SECONDS + 30)) table found=
	while [ $SECONDS -lt $deadline ]; do
		mapfile -t table <"/proc/$editor/net/ip_vs"
		[[ ${table[*]} =~ $server\ +Route\ +([0-9]+) ]] && found=${BASH_REMATCH[1]}
		[ "$found" != "$1" ] || return 0
	done
	echo "$server: expected weight $1, got $found"
	return 1
}

# shares PORT: what each of ten servers with the weights 1 to 10 has had, in
# percent of its ideal share, is left in $percent. Half of the time all have the picks,
# and else all but the one that was away.
shares() {
	picked_in_all $((10 * FLAPS)) "$1" || return
	# shellcheck disable=SC2034 # for the script
	percent=$(awk -v flaps="$FLAPS" '{
		for (i = 1; i <= NF; i++) {
			ideal = i == 5 ? 5 * flaps * i / 55 : 5 * flaps * (i / 55 + i / 50)
			printf "%s%.2f", (i > 1 ? " " : ""), 100 * $i / ideal
		}
		print ""
	}' <<<"$conns")
}

# undisturbed "PERCENT...": of the servers that never changed
undisturbed() { cut -d ' ' -f 1-4,6- <<<"$1"; }

# off_by "PERCENT...": how far one is from 100 at most, in hundredths
off_by() {
	awk '{
		for (i = 1; i <= NF; i++) {
			off = $i < 100 ? 100 - $i : $i - 100
			if (off > most)
				most = off
		}
		printf "%d\n", 100 * most + 0.5
	}' <<<"$1"
}
