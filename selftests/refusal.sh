#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What another module, or an unknown kernel, has done to IPVS: then the module
# is not loaded, or no service runs it, and somebody is told why; IPVS works on.
# A protocol that the kernel was built without is none of the module's business,
# which it says once. The other module is in a build of its own: make threads.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/module.sh
. "$(dirname "$0")/lib/module.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

PORT=9100
declare -A NUMBER=([TCP]=6 [SCTP]=132 [UDP]=17)
intruder=$test_builds/ip_vs_wlch_intruder.ko

# shellcheck disable=SC2317 # called by the trap
put_back() {
	rmmod ip_vs_wlch_intruder 2>/dev/null
	modprobe ip_vs_wlch
	topology_down
}

intrude() { insmod "$intruder" "$1"; }
intruder_goes() { rmmod ip_vs_wlch_intruder; }
unload() { rmmod ip_vs_wlch; }
loaded() { [ -e /sys/module/ip_vs_wlch ]; }

log_of_wlch() { log_since | sed -n 's/.*IPVS: wlch: //p'; }

# logged SENTENCE...: and nothing else
logged() { expect "$(printf '%s\n' "$@")" "$(log_of_wlch)" "kernel log"; }

# not_loaded ERROR: that is how an attempt ends
not_loaded() {
	local said
	since_now
	said=$(modprobe ip_vs_wlch 2>&1) && { echo "it was loaded"; return 1; }
	loaded && { echo "it is loaded, though modprobe failed"; return 1; }
	grep -qF "$1" <<<"$said" || { echo "$said"; return 1; }
}

# ipvsadm fails, says why, and leaves what is there as it is
fails() {
	local want=$1 before said rc
	shift
	before=$(ipvs -S -n)
	since_now
	said=$(ipvs "$@" 2>&1)
	rc=$?
	expect "$before" "$(ipvs -S -n)" "services" || return
	[ $rc -ne 0 ] || { echo "it succeeded"; return 1; }
	grep -qF "$want" <<<"$said" || { echo "status $rc: $said"; return 1; }
}

# replaced PROTOCOL: in the director's namespace, whose number lsns tells
replaced() {
	local ns
	ns=$(in_director readlink /proc/self/ns/net)
	echo "the operations of protocol $1 in network namespace ${ns//[^0-9]/} are not the core's own: another module has replaced them"
}

without() {
	echo "this kernel's IPVS has no protocol $1: it goes without half-open accounting"
}

# The protocols that this kernel has, in $protocols. Whether it was built
# without one is asked of the core, and what the module says of that.
as_built() {
	local protocol sentences=()
	protocols=()
	for protocol in TCP SCTP UDP; do
		if intrude "hide=${NUMBER[$protocol]}" 2>/dev/null; then
			intruder_goes
			protocols+=("$protocol")
		else
			sentences+=("$(without "$protocol")")
		fi
	done
	ktap_note "protocols: ${protocols[*]}"
	since_now
	ktap_check "the module is loaded" modprobe ip_vs_wlch
	ktap_check "... and says which protocols the kernel was built without" \
		logged "${sentences[@]}"
	ktap_check "... and is removed" unload
}

works() { service 4 $PORT m "$1" && service_end 4 $PORT; }

# Somebody was there first, in one namespace of many.
wrapped_before() {
	local protocol
	for protocol in "${protocols[@]}"; do
		ktap_check "$protocol is wrapped by another module" \
			in_director insmod "$intruder" "wrap=${NUMBER[$protocol]}"
		ktap_check "... the module is not loaded" not_loaded "Device or resource busy"
		ktap_check "... and says why, once" logged "$(replaced "$protocol")"
		ktap_check "... nor by its name" fails "Scheduler or persistence engine not found" \
			-A -t 10.1.0.100:$PORT -s wlch
		ktap_check "... which is told too" logged "$(replaced "$protocol")"
		ktap_check "... other schedulers work" works wlc
		ktap_check "... the other module goes" intruder_goes
		ktap_check "... and wlch is there for a service" works wlch
		ktap_check "... and is removed" unload
	done
}

# Somebody comes when the module is there already, and no service has run it in
# this namespace.
wrapped_after() {
	local protocol
	ktap_check "the module is loaded" modprobe ip_vs_wlch
	service 4 $((PORT + 1)) m wlc
	for protocol in "${protocols[@]}"; do
		ktap_check "$protocol is wrapped afterwards" \
			in_director insmod "$intruder" "wrap=${NUMBER[$protocol]}"
		ktap_check "... a service is refused" fails "Device or resource busy" \
			-A -t 10.1.0.100:$PORT -s wlch
		ktap_check "... and the log says why, once" logged "$(replaced "$protocol")"
		ktap_check "... a service does not get this scheduler" fails \
			"Device or resource busy" -E -t "10.1.0.100:$((PORT + 1))" -s wlch
		ktap_check "... nothing refers to the module" references_are 0
		ktap_check "... in another namespace it works" \
			in_client ipvsadm -A -t 10.1.0.100:$PORT -s wlch
		in_client ipvsadm -C
		ktap_check "... the other module goes" intruder_goes
		ktap_check "... and wlch is there for a service" works wlch
		# had it left a wrapper, that would be a stranger's to it now
		ktap_check "... the module is removed and loaded anew" reload
	done
	service_end 4 $((PORT + 1))
	ktap_check "the module is removed" unload
}

reload() { unload && modprobe ip_vs_wlch; }

# A kernel whose protocols lack what is to be wrapped
blank() {
	local protocol
	for protocol in "${protocols[@]}"; do
		intrude "blank=${NUMBER[$protocol]}"
		ktap_check "$protocol lacks an operation: the module is not loaded" \
			not_loaded "Operation not supported"
		ktap_check "... and says why, once" logged \
			"protocol $protocol of this kernel has no operation app_conn_bind: it is not supported yet"
		intruder_goes
	done
}

load_and_use() {
	modprobe ip_vs_wlch && works wlch && in_client ipvsadm -A -f 91 -s wlch &&
		in_client ipvsadm -C
}

# A kernel that was built without a protocol, as the core then looks
absent() {
	local protocol
	for protocol in "${protocols[@]}"; do
		intrude "hide=${NUMBER[$protocol]}"
		since_now
		ktap_check "without $protocol the module is loaded, and runs services" load_and_use
		ktap_check "... and says it, once" logged "$(without "$protocol")"
		intruder_goes
		ktap_check "... and is removed" unload
	done
}

# The module came while there was no SCTP: it lets it alone, and follows TCP.
sctp_left_alone() {
	intrude "hide=${NUMBER[SCTP]}"
	modprobe ip_vs_wlch
	intruder_goes
	service sctp4 $((PORT + 2)) m wlch
	service 4 $((PORT + 3)) m wlch
	unheard_clients sctp4 $((PORT + 2)) 10
	ktap_check "10 SCTP handshakes are pending" \
		poll 100 table_total_is sctp4 $((PORT + 2)) "$HANDSHAKE" 10
	ktap_check "... of which the module does not know, as it said" \
		expect "0 0" "$(half_open sctp4 $((PORT + 2)))"
	ktap_check "... but IPVS" expect 10 "$(sum "$(inactive sctp4 $((PORT + 2)))")"
	unheard_clients 4 $((PORT + 3)) 10
	ktap_check "10 TCP handshakes are pending, and counted" \
		poll 100 half_open_is 4 $((PORT + 3)) "5 5"
	ktap_check "the namespace goes with them" topology_down
	ktap_check "nothing refers to the module any more" poll 100 references_are 0
	ktap_check "it is removed" unload
}

wlch_start
test_module_need "$intruder"
trap put_back EXIT
unload
as_built
wrapped_before
wrapped_after
blank
absent
case " ${protocols[*]} " in
*" SCTP "*) sctp_left_alone ;;
esac
ktap_end
