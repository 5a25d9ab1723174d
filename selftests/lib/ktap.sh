# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Results of a selftest as KTAP: one named line each, the plan at the end.
#
#	ktap_check NAME COMMAND [ARGUMENT...]	ok if the command succeeds
#	ktap_need COMMAND [ARGUMENT...]		no result, unless the command fails
#	ktap_skip NAME REASON
#	ktap_end				the exit status of the script

ktap_nr=0
ktap_failed=0

ktap_note() {
	printf '# %s\n' "$*"
}

ktap_begin() {
	ktap_out=$(mktemp)
	printf 'TAP version 13\n'
}

# The command runs in this shell and may set variables. What it prints is
# shown as notes, and only if it fails.
ktap_check() {
	local name=$1
	shift
	ktap_nr=$((ktap_nr + 1))
	if "$@" >"$ktap_out" 2>&1; then
		printf 'ok %d - %s\n' "$ktap_nr" "$name"
		return 0
	fi
	ktap_fail "$name" "$@"
}

# What the rest of a part cannot do without: ktap_need COMMAND... || return
ktap_need() {
	"$@" >"$ktap_out" 2>&1 && return
	ktap_nr=$((ktap_nr + 1))
	ktap_fail "what is needed to go on" "$@"
}

ktap_fail() {
	ktap_failed=$((ktap_failed + 1))
	printf 'not ok %d - %s\n' "$ktap_nr" "$1"
	shift
	ktap_note "failed: $*"
	sed 's/^/#   /' "$ktap_out"
	return 1
}

ktap_skip() {
	ktap_nr=$((ktap_nr + 1))
	printf 'ok %d - %s # SKIP %s\n' "$ktap_nr" "$1" "$2"
}

# 0: passed, 1: failed, as kselftest has it
ktap_end() {
	rm -f "$ktap_out"
	printf '1..%d\n' "$ktap_nr"
	[ "$ktap_nr" -gt 0 ] && [ "$ktap_failed" -eq 0 ]
}

# poll SECONDS COMMAND...: until it succeeds, or the time is over. The command
# runs in this shell and may set variables; of what it prints the last is shown,
# and only if the time is over.
poll() {
	local deadline=$((SECONDS + $1)) said rc=0
	shift
	said=$(mktemp)
	until "$@" >"$said" 2>&1; do
		if [ "$SECONDS" -ge "$deadline" ]; then
			cat "$said"
			echo "did not become true in time: $*"
			rc=1
			break
		fi
		sleep 0.1
	done
	rm -f "$said"
	return $rc
}

# expect WANT GOT [WHAT]
expect() {
	[ "$1" = "$2" ] && return 0
	echo "${3:-value}: expected '$1', got '$2'"
	return 1
}

# within LEAST MOST NUMBER
within() {
	[ "$3" -ge "$1" ] && [ "$3" -le "$2" ] && return
	echo "'$3' is not within $1 to $2"
	return 1
}
