# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# SCTP between the namespaces, with the kernel's own sockets.

# The types of chunks that block() can be told
# shellcheck disable=SC2034 # for the scripts
SCTP_INIT=1 SCTP_INIT_ACK=2 SCTP_COOKIE_ECHO=10

# Clients ask again soon, and never give up: IPVS forgets who has asked once
# and not again for 4 s.
sctp_up() {
	local file value ns
	modprobe sctp || return
	for ns in "$CLIENT" "$DIRECTOR"; do
		while read -r file value; do
			# shellcheck disable=SC2016 # for the inner shell
			ip netns exec "$ns" sh -c 'echo "$1" >"/proc/sys/net/sctp/$0"' \
				"$file" "$value" || return
		done <<-E
			rto_initial 500
			rto_max 1000
			max_init_retransmits 1000
		E
	done
}
