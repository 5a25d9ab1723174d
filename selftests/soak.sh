#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A director at work: clients of all kinds for WLCH_SOAK (20) seconds, while servers go and
# come, weights, parameters and schedulers change, somebody looks, and namespaces with
# pending handshakes are deleted. Then every client of a service that was left alone has
# been served, the counts are what the connection table says, all ends, and the memory is
# what it was. "make uml" also counts the objects that the module has allocated.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"
# shellcheck source=selftests/lib/pool.sh
. "$(dirname "$0")/lib/pool.sh"
# shellcheck source=selftests/lib/sctp.sh
. "$(dirname "$0")/lib/sctp.sh"
# shellcheck source=selftests/lib/flood.sh
. "$(dirname "$0")/lib/flood.sh"
# shellcheck source=selftests/lib/memory.sh
. "$(dirname "$0")/lib/memory.sh"
# shellcheck source=selftests/lib/soak.sh
. "$(dirname "$0")/lib/soak.sh"

SOAK=${WLCH_SOAK:-20}
WARM=5		# seconds, before the memory is measured
# What may be more or less in the end, whatever the length: bytes of kmalloc(), of which four
# CPUs have been seen to keep 200000, entries of the table, and KiB available.
KMALLOC=1048576
OBJECTS=1000
AVAILABLE=65536

warm_up() {
	soak_up && soak_hold && soak_begin || return
	sleep $WARM
	soak_end && soak_release
}

# gone: without services and namespaces, and without the module after that
gone() {
	ktap_check "$1: the namespaces go" topology_down
	ktap_check "$1: the kernel has cleaned them up" poll 300 no_more_namespaces
	ktap_check "$1: nothing refers to the module" poll 100 references_are 0
	rm -rf "$soak_dir"
}

no_more_namespaces() {
	local now
	now=$(namespaces)
	[ "$now" -le "$namespaces_before" ] || { echo "$now, and $namespaces_before before"; return 1; }
}

served() {
	local kind wrong=""
	for kind in refused timeout failed pending; do
		[ $kind = "${2:-}" ] || wrong+="$(soak_sum "$1" $kind) "
	done
	at_least 1 soak_sum "$1" connected && [ -z "${wrong//[0 ]/}" ] && return
	cat "$soak_dir/$1"
	return 1
}

clients_were_served() {
	local name
	for name in short4 short6 long4 long6 udp sctp; do
		ktap_check "all $(soak_sum $name connected) clients of $name were served" served $name
	done
	ktap_check "$(soak_sum refused connected) clients were served where one server refuses" \
		served refused refused
	ktap_check "... which refused $(soak_sum refused refused)" \
		at_least 1 soak_sum refused refused
	ktap_check "$(soak_sum flooded connected) SYNs came from spoofed addresses" \
		at_least 50 soak_sum flooded connected
}

changed() {
	at_least 1 soak_sum "change-$1" changed &&
		expect 0 "$(soak_sum "change-$1" wrong)" "$1 that went wrong" && return
	cat "$soak_dir/$1.wrong" "$soak_dir/$1.said"
	return 1
}

changes_were_made() {
	local name service
	for name in $SOAK_CHANGES; do
		ktap_check "changes of $name: $(soak_sum "change-$name" changed), and none went wrong" \
			changed "$name"
	done
	for service in "${CHANGED[@]}"; do
		name=${service%% *}
		ktap_check "... $(soak_sum "$name" connected) clients connected to the service whose $name changed" \
			at_least 1 soak_sum "$name" connected
	done
	ktap_check "$(grep -c ^service-change "$soak_dir/events") changes were heard of, and none was lost" \
		heard
}

heard() {
	grep -q ^service-change "$soak_dir/events" && ! grep ^error "$soak_dir/events"
}

# look: the table, what IPVS says, and the table again, one right after the other
look() {
	# shellcheck disable=SC2016 # for the inner shell
	in_director sh -c 'cd "$0" && cat /proc/net/ip_vs_conn >before && ipvsadm -L --json >said &&
		cat /proc/net/ip_vs_conn >after' "$soak_dir"
}

# in_table COPY FORM PORT: of each server the handshakes, and all its entries
in_table() {
	local CONN_TABLE=$soak_dir/$1
	echo "$(read_handshakes "$2" "$3") of $(read_table "$2" "$3" '.*')"
}

# listed FORM PORT: the same, as IPVS says; all are the four kinds of connections together
listed() {
	# shellcheck disable=SC2046 # addresses
	jq -r --argjson port "$2" '
		[.services[].servers[] | select(.port == $port) | {(.address): .wlch}] | add as $of |
		[$ARGS.positional[] | $of[.]] |
		(map(.half_open) | join(" ")) + " of " +
		(map(.established + .half_open + .refused + .inactive) | join(" "))' \
		"$soak_dir/said" --args $(rips "$1")
}

# agrees NAME FORM PORT: both, if no entry came or went between the looks at the table. A
# page of the table begins where an entry may just have gone: then look again, twice. A
# handshake in which the servers or the scheduler changed may wait for its next packet to be
# counted, until its entry expires after 60 s (limits that remain, in internals.rst).
agrees() {
	local before
	before=$(in_table before "$2" "$3")
	[ "$before" = "$(in_table after "$2" "$3")" ] || return
	said=$(listed "$2" "$3")
	if [ "$before" != "$said" ]; then
		[ $((wrong[$1] += 1)) -ge 3 ] || return
		case $1 in
		servers | pool | scheduler)
			[ $SECONDS -ge $((begin + 70)) ] || return ;;
		esac
	fi
	ktap_check "$1: half-open of all is what the table says: $before" \
		expect "$before" "$said" || :
}

each_agrees() {
	local service still left=("${KEPT[@]}" "${CHANGED[@]}") begin=$SECONDS said
	local -A wrong=()
	look
	said=$(listed 4 9008)
	ktap_check "flooded: some are half-open" at_least 1 sum "${said%% of *}"
	while [ ${#left[@]} -gt 0 ] && [ $SECONDS -lt $((begin + 120)) ] && look; do
		still=()
		for service in "${left[@]}"; do
			# shellcheck disable=SC2086 # name, form, port
			agrees $service || still+=("$service")
		done
		left=("${still[@]}")
	done
	ktap_check "there was a moment without changes for each service" expect "" "${left[*]}"
}

nothing_left() {
	ipvs -L --json | jq -e '[.services[].servers[].wlch |
		.established, .half_open, .refused, .inactive, .load] | add == 0' &&
		expect "" "$(in_director sed 1d /proc/net/ip_vs_conn)" "the table"
}

memory_is_back() {
	local kmalloc objects available
	slabs_shrink
	kmalloc=$(kmalloc_bytes)
	objects=$(conn_objects)
	available=$(available_kib)
	slabs_have_owners || [ "$kmalloc" -le $((kmalloc_before + KMALLOC)) ] ||
		{ echo "$kmalloc bytes are allocated, $kmalloc_before were"; return 1; }
	[ "$objects" -le $((objects_before + OBJECTS)) ] ||
		{ echo "$objects entries are in memory, $objects_before were"; return 1; }
	[ "$available" -ge $((available_before - AVAILABLE)) ] ||
		{ echo "$available KiB are available, $available_before were"; return 1; }
}

without_traffic() {
	local service
	each_agrees
	for service in "4 9009" "6 9010"; do
		# shellcheck disable=SC2086 # form, port
		ktap_check "IPv${service% *}: connections that stayed are established all the time" \
			table_total_is $service ESTABLISHED $HELD
	done
	soak_release
	ktap_check "when the last entry has expired every count is 0" poll 300 nothing_left
	ktap_check "the module is held as often as before the soak" \
		poll 60 references_are "$references"
}

# or_end NAME COMMAND...: without that there is nothing to see
or_end() {
	ktap_check "$@" && return
	ktap_end
	exit 1
}

namespaces_before=$(namespaces)
wlch_start
if ! poll 100 references_are 0 >/dev/null; then
	ktap_skip "a soak" "the module is in use on this machine, and is removed here"
	ktap_end
	exit
fi
or_end "warming up" warm_up
gone "after warming up"
! slabs_have_owners || objects=$(owned)
rmmod ip_vs_wlch
slabs_shrink
kmalloc_before=$(kmalloc_bytes) objects_before=$(conn_objects) available_before=$(available_kib)

modprobe ip_vs_wlch
topology_up
or_end "services of all kinds are there" soak_up
references=$(module_references)
or_end "clients connect that stay" soak_hold
soak_begin
sleep "$SOAK"
soak_end
clients_were_served
changes_were_made
without_traffic
gone "after the soak"
! slabs_have_owners || ktap_check "the module has as many objects as before" poll 60 owns "$objects"
ktap_check "the module can be removed" rmmod ip_vs_wlch
ktap_check "memory is back where it was" poll 60 memory_is_back
ktap_note "kmalloc: $(($(kmalloc_bytes) - kmalloc_before)) bytes more, available: $((available_before - $(available_kib))) KiB less"
modprobe ip_vs_wlch
ktap_end
