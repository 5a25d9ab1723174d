#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# alerts.sh: the alerts in metrics/alerts.yml are valid, and fire when alerts.yml
# says so, and only then. On this machine; prints KTAP.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
rules=$top/metrics/alerts.yml
# shellcheck source=selftests/lib/ktap.sh
. "$top/selftests/lib/ktap.sh"

promtool=$("$top/selftests/vm/program.sh" promtool prometheus) || exit
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# noticed SED-COMMAND: a test fails for rules that are changed like this
noticed() {
	sed -e "$1" "$rules" >"$work/rules.yml" &&
		sed "s|^  - .*alerts.yml|  - $work/rules.yml|" "$here/alerts.yml" >"$work/tests.yml" &&
		"$promtool" check rules "$work/rules.yml" || return
	! cmp "$rules" "$work/rules.yml" || { echo "nothing was changed"; return 1; }
	! "$promtool" test rules "$work/tests.yml"
}

ktap_begin
ktap_check "the alerts are valid" "$promtool" check rules "$rules"
ktap_check "they fire when they should, and only then" "$promtool" test rules "$here/alerts.yml"
for change in 's/> 0.5$/> 0.8/' 's/> 0.5$/> 0.4/' 's/>= 20/>= 10/' 's/for: 2m/for: 1m/' \
		's/for: 2m/for: 3m/' 's/> 1.5$/> 1.8/' 's/> 1.5$/> 1.4/' 's/>= 100/>= 90/' \
		's/for: 10m/for: 9m/' 's/ (ipvs_wlch_effective_weight > 0)/ ipvs_wlch_weight/' \
		's/> 120$/> 200/' 's/> 120$/> 60/' 's/for: 1m/for: 2m/' 's/ip_vs_wlch.prom//' \
		's/half_open|established/.*/' 's/effective_weight > 0/effective_weight >= 0/'; do
	ktap_check "... and it would be seen: $change" noticed "$change"
done
ktap_end
