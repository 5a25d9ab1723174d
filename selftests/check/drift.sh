#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# drift.sh: builds the module for kernels whose include/net/ip_vs.h is not what
# it relies on. Each time the build must stop with one sentence that says what
# is missing, before the compiler has seen a file; or with one of the compiler,
# where only a type is another. On this machine; prints KTAP.

set -u
here=$(dirname "$(readlink -f "$0")")
kmod=$here/../../kmod
needs=$kmod/ip_vs_wlch_needs.awk
# shellcheck source=selftests/lib/ktap.sh
. "$here/../lib/ktap.sh"

parts=$("$here/../vm/kernel.sh" "${KERNEL:-6.1}") || exit
eval "$parts"
work=$(mktemp -d "${TMPDIR:-/tmp}/wlch-drift.XXXXXX") || exit
trap 'rm -rf "$work"' EXIT

# links FROM TO [BUT]: a folder that has all that another has, but one name
links() {
	local file
	mkdir -p "$2" || return
	for file in "$1"/* "$1"/.[!.]*; do
		[ ! -e "$file" ] || [ "${file##*/}" = "${3-}" ] ||
			ln -s "$file" "$2/" || return
	done
}

# Headers of the kernel with an ip_vs.h of their own; leaves the original one
# in $original.
copy_headers() {
	local common to=$work/common
	# shellcheck disable=SC2153  # of kernel.sh
	common=$(sed -n 's|^include \(.*\)/Makefile$|\1|p' "$KDIR/Makefile")
	original=$common/include/net/ip_vs.h
	links "$KDIR" "$work/kdir" Makefile &&
		links "$common" "$to" include &&
		links "$common/include" "$to/include" net &&
		links "$common/include/net" "$to/include/net" ip_vs.h &&
		echo "include $to/Makefile" >"$work/kdir/Makefile"
}

# build [SED SCRIPT]: with a header that is changed so; what is said goes to a file
build() {
	sed "${1-}" "$original" >"$work/common/include/net/ip_vs.h" &&
		"$here/../vm/module.sh" "$work/kdir" "$work/out" -s >"$work/said" 2>&1
}

builds() {
	build && expect "" "$(<"$work/said")" "said"
	local rc=$?
	[ $rc -eq 0 ] || cat "$work/said"
	return $rc
}

# stops SED SCRIPT TEXT [COMPILER'S WORDS]: the build says TEXT, once, and of the
# compiler nothing, or only that
stops() {
	local rc=0
	build "$1" && { echo "it builds"; return 1; }
	expect 1 "$(grep -cF "$2" "$work/said")" "times that it said: $2" || rc=1
	expect "${3-}" "$(grep -oE '(error|warning): [a-z ]+' "$work/said")" "the compiler" || rc=1
	[ $rc -eq 0 ] || cat "$work/said"
	return $rc
}

# How a member's own declaration looks; a parameter of an operation does not.
rename() {
	printf '%s\n' "/^struct $1 {/,/^}/ s/\\<$2\\>\\( *[;:[]\\|)(\\)/old_$2\\1/"
}

lacks() {
	echo "$1 has no $2 (include/net/ip_vs.h), on which $3 relies: this kernel is not supported yet"
}

# renamed USER STRUCT MEMBER
renamed() {
	stops "$(rename "$2" "$3")" \
		"ip_vs_wlch: $(lacks "struct $2 of this kernel" "$3" "$1")"
}

# each_noticed USER STRUCT MEMBER...: by what Kbuild asks; without a structure,
# names of the header
each_noticed() {
	local user=$1 structure=$2 name who=this\ kernel change
	shift 2
	[ -z "$structure" ] || who="struct $structure of this kernel"
	for name; do
		change="s/\\<$name\\>/old_$name/"
		[ -z "$structure" ] || change=$(rename "$structure" "$name")
		expect "$(lacks "$who" "$name" "$user")" \
			"$(sed "$change" "$original" | awk -f "$needs")" || return
	done
}

# used STRUCT VARIABLE: members that the module's source uses; which of two
# counts a server has is asked apart
used() {
	find "$kmod" -name '*.[ch]' ! -name '*_kunit*' ! -name '*_bench.c' ! -name '*_intruder.c' \
		-exec grep -ohE "\\<$2->[a-z_]+" {} + | sort -u |
		sed "s/.*->//; /^\(total\|inact\)conns\$/d"
}

# all_noticed STRUCT VARIABLE: each of these, whoever uses it
all_noticed() {
	local member members
	members=$(used "$@")
	[ -n "$members" ] || { echo "nothing of struct $1 is used"; return 1; }
	for member in $members; do
		sed "$(rename "$1" "$member")" "$original" | awk -f "$needs" | grep -q . ||
			{ echo "struct $1: $member is used, but not in the table"; return 1; }
	done
}

# retyped STRUCT MEMBER SED SCRIPT
retyped() {
	stops "/^struct $1 {/,/^}/ $3" \
		"\"ip_vs_wlch: $2 of struct $1 has another type in this kernel: it is not supported yet\"" \
		"error: static assertion failed"
}

stopped_builds() {
	local structure member user
	while read -r structure member user; do
		ktap_check "struct $structure without $member: the build stops and says so" \
			renamed "$user" "$structure" "$member"
	done <<-E
		ip_vs_protocol app_conn_bind half-open accounting
		ip_vs_protocol state_transition half-open accounting
		ip_vs_proto_data pp half-open accounting
		ip_vs_conn app half-open accounting
		ip_vs_app unbind_conn half-open accounting
		ip_vs_service sched_data the scheduler
	E
	ktap_check "struct ip_vs_dest without a count of connections: likewise" \
		stops 's/atomic_t\t*\(total\|inact\)conns;/atomic_t others;/' \
		"ip_vs_wlch: struct ip_vs_dest of this kernel has neither totalconns nor inactconns: this kernel is not supported yet"
}

members() {
	local structure user members member
	while IFS=: read -r structure user members; do
		# shellcheck disable=SC2086  # words
		ktap_check "members of struct $structure that are missing are noticed, each" \
			each_noticed "$user" "$structure" $members
	done <<-E
		ip_vs_proto_data:half-open accounting:pp appcnt
		ip_vs_conn:half-open accounting:af app app_data dest flags lock protocol state
		ip_vs_app:half-open accounting:app module name unbind_conn usecnt
		ip_vs_service:the scheduler:addr af destinations flags fwmark ipvs port protocol
		ip_vs_dest:the scheduler:activeconns addr af flags n_list port weight
		ip_vs_scheduler:the scheduler:init_service done_service add_dest del_dest upd_dest schedule
	E
	while read -r structure member; do
		ktap_check "whatever member of struct $structure the source uses is in the table" \
			all_noticed "$structure" "$member"
	done <<-E
		ip_vs_protocol core
		ip_vs_proto_data pd
		ip_vs_conn cp
		ip_vs_app app
		ip_vs_service svc
		ip_vs_dest dest
	E
	ktap_check "functions that are missing are noticed" each_noticed \
		"half-open accounting" "" ip_vs_proto_get ip_vs_proto_data_get
	ktap_check "states that are missing are noticed" each_noticed \
		"half-open accounting" "" IP_VS_TCP_S_SYNACK IP_VS_SCTP_S_COOKIE
}

types() {
	ktap_check "app_conn_bind() with one more argument: the compiler says it in a sentence" \
		retyped ip_vs_protocol app_conn_bind \
		's/\(app_conn_bind)(.*\));/\1, int early);/'
	ktap_check "state_transition() with another argument: likewise" \
		retyped ip_vs_protocol state_transition \
		's/\(state_transition)(struct ip_vs_conn \*cp, \)int/\1long/'
	ktap_check "app_data that is no pointer: likewise" \
		retyped ip_vs_conn app_data 's/void *\*app_data/unsigned long app_data/'
}

ktap_begin
copy_headers || exit
stopped_builds
members
types
ktap_check "the header as it is: it builds, and nothing is said" builds
ktap_end
