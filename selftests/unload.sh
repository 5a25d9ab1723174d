#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module is loaded by the scheduler's name, cannot be removed while a
# service or a handshake needs it, and can be removed afterwards.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

PORT=8200

cannot_remove() {
	local out
	if out=$(rmmod ip_vs_wlch 2>&1); then
		modprobe ip_vs_wlch
		echo "it was removed"
		return 1
	fi
	grep -q "in use" <<<"$out" || { echo "$out"; return 1; }
}

loaded() { [ -e /sys/module/ip_vs_wlch ]; }
not_loaded() { ! loaded; }
references_are() { expect "$1" "$(module_references)" "references"; }
no_handshakes() { expect "0 0" "$(handshakes 4 $PORT)" handshakes; }

# What is removed here must not be what somebody else uses.
wlch_start
if [ "$(module_references)" != 0 ]; then
	ktap_skip "removing the module" "it is in use on this machine"
	ktap_end
	exit
fi

ktap_check "the module can be removed" rmmod ip_vs_wlch
ktap_check "ipvsadm -s wlch loads it" service 4 $PORT m wlch
ktap_check "it is loaded" loaded
ktap_check "its netlink family is there at once" half_open 4 $PORT
ktap_check "a service keeps it from being removed" cannot_remove

block "$SERVER1" $PORT && block "$SERVER2" $PORT
clients 4 $PORT 10
ktap_check "10 handshakes are pending" poll 100 half_open_is 4 $PORT "5 5"
clients_end
ktap_check "the service is deleted" \
	ipvs -D -t "$(service_address 4 $PORT)"
ktap_check "pending handshakes keep it from being removed" cannot_remove
ktap_check "a service made anew finds the pending ones" service 4 $PORT m wlch
ktap_check "... as the table has them" half_open_is 4 $PORT "5 5"
ipvs -C
ktap_check "they expire" poll 120 no_handshakes
ktap_check "nothing refers to the module" poll 100 references_are 0
ktap_check "it can be removed" rmmod ip_vs_wlch
ktap_check "it is gone" not_loaded

modprobe ip_vs_wlch
service 4 $((PORT + 1)) m wlch
block "$SERVER1" $((PORT + 1)) && block "$SERVER2" $((PORT + 1))
clients 4 $((PORT + 1)) 10
ktap_check "handshakes are pending in the namespace" \
	poll 100 half_open_is 4 $((PORT + 1)) "5 5"
clients_end
ktap_check "the namespace goes with them" topology_down
ktap_check "nothing refers to the module any more" poll 100 references_are 0
ktap_check "it can be removed then" rmmod ip_vs_wlch
modprobe ip_vs_wlch
ktap_end
