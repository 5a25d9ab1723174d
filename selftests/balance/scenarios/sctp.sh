# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The burst with SCTP associations.

# shellcheck source=selftests/lib/sctp.sh
. ../lib/sctp.sh
# shellcheck source=selftests/balance/scenarios/burst.sh
. scenarios/burst.sh

# Direct routing, which wlch follows on every kernel
burst_sctp() { one_burst sctp sctp4 g "$1"; }

scenario_sctp() {
	sctp_up || return
	burst_port=10000
	burst_servers ${#SCHEDULERS[@]} sctp4 --sctp &&
		each_scheduler burst_sctp && no_delay
}
