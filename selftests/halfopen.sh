#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The half-open count of each server is the number of its entries in the
# connection table that are in the handshake: while they are pending, after
# they are completed and after they have expired.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=selftests/lib/handshakes.sh
. "$(dirname "$0")/lib/handshakes.sh"

PORT=8100
EXPIRY_PORT=8190

# They are as they are with wlc: neither counted nor disturbed.
untracked() {
	local family=$1 method=$2 name="IPv$1 -$2, not followed"
	PORT=$((PORT + 1))
	service "$family" $PORT "$method" wlch
	unheard_clients "$family" $PORT 40
	ktap_check "$name: 40 handshakes are pending" \
		poll 100 handshakes_are "$family" $PORT "20 20"
	ktap_check "$name: none is reported" \
		expect "0 0" "$(half_open "$family" $PORT)"
	unblock_servers
	ktap_check "$name: all complete" expect 40 "$(clients_connected)"
	clients_end
}

# Handshakes wait for a server that does not hear, and complete when it does.
completed() {
	local family=$1 method=$2 name="IPv$1 -$2"
	PORT=$((PORT + 1))
	service "$family" $PORT "$method" wlch
	unheard_clients "$family" $PORT 40
	ktap_check "$name: 40 handshakes are pending, as the table has them" \
		poll 100 half_open_is "$family" $PORT "20 20"
	ktap_check "$name: IPVS counts them as active" \
		expect "20 20" "$(active "$family" $PORT)"
	unblock "$SERVER1"
	ktap_check "$name: one server completes, its count is 0" \
		poll 100 half_open_is "$family" $PORT "0 20"
	unblock "$SERVER2"
	ktap_check "$name: all complete" \
		expect 40 "$(clients_connected)"
	ktap_check "$name: none is half-open" half_open_is "$family" $PORT "0 0"
	ktap_check "$name: all are established" \
		expect "20 20" "$(table "$family" $PORT ESTABLISHED)"
	clients_end
	ktap_check "$name: none is half-open after the end" \
		half_open_is "$family" $PORT "0 0"
}

# Clients that go away in the handshake leave entries that nobody completes.
# The core's timeout for them is 60 s and cannot be changed.
expiring_start() {
	local family
	block_servers $EXPIRY_PORT
	for family in 4 6; do
		service $family $EXPIRY_PORT g wlch
		clients $family $EXPIRY_PORT 30
		ktap_check "IPv$family expiry: 30 handshakes are pending" \
			poll 100 half_open_is $family $EXPIRY_PORT "15 15"
		clients_end
	done
	unblock_servers
}

expiring_end() {
	local family
	for family in 4 6; do
		ktap_check "IPv$family expiry: they are gone after 60 s" \
			poll 120 half_open_is $family $EXPIRY_PORT "0 0"
	done
}

wlch_start
# shellcheck disable=SC2046 # port numbers
serve "$SERVER1" $(seq 8101 8106) || exit 1
# shellcheck disable=SC2046
serve "$SERVER2" $(seq 8101 8106) || exit 1

expiring_start
for family in 4 6; do
	for method in m g i; do
		if [ $family$method = 6m ] && leaves_alone "IPv6 with NAT"; then
			untracked $family $method
		else
			completed $family $method
		fi
	done
done
expiring_end
ktap_end
