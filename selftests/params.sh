#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The parameters of a service: set, shown, changed on the live service, saved
# and restored; bad input is refused with a sentence and changes nothing.

# shellcheck source=selftests/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"

PORT=8300
VS=10.1.0.100:$PORT

# params OPTION SERVICE: what the listing shows
params() { ipvs -L -n "$1" "$2" --sched-param | sed -n 's/^  sched-param //p'; }
params_are() { expect "$3" "$(params "$1" "$2")" "parameters of $2"; }
rules() { ipvs -S -n; }
rules_are() { expect "$1" "$(rules)" "saved rules"; }

set_and_show() {
	ktap_check "a service starts with the defaults" ipvs -A -t $VS -s wlch
	ktap_check "... and shows them" params_are -t $VS "$DEFAULTS"
	ktap_check "one parameter is changed" \
		ipvs -E -t $VS -s wlch --sched-param active=4
	ktap_check "... and the others keep their value" params_are -t $VS \
		"$(but active=4)"
	ktap_check "an edit without the option" ipvs -E -t $VS -s wlch -p 60
	ktap_check "... changes no parameter" params_are -t $VS \
		"$(but active=4)"
	ktap_check "all are set at once, to their limits" \
		ipvs -E -t $VS -s wlch \
		--sched-param active=4096,halfopen=0,refused=0,inactive=0,slowstart=3600,choices=64
	ktap_check "... and shown" params_are -t $VS \
		active=4096,halfopen=0,refused=0,inactive=0,slowstart=3600,choices=64
	ktap_check "another scheduler" ipvs -E -t $VS -s wlc
	ktap_check "... and back" ipvs -E -t $VS -s wlch
	ktap_check "... begins with the defaults again" \
		params_are -t $VS "$DEFAULTS"
	ipvs -D -t $VS
}

# Whatever a service is named by.
every_kind() {
	local option vs extra
	while read -r option vs extra; do
		# shellcheck disable=SC2086 # two words or none
		ktap_check "$option $vs: added with parameters" \
			ipvs -A "$option" "$vs" $extra -s wlch --sched-param active=5
		ktap_check "$option $vs: shown" params_are "$option" "$vs" \
			"$(but active=5)"
	done <<-E
		-t 10.1.0.100:8310
		-t [fd00:1::100]:8310
		-u 10.1.0.100:8310
		-f 17
	E
	ktap_check "-f 17 -6: added with parameters" \
		ipvs -A -f 17 -6 -s wlch --sched-param active=6
	ktap_check "-f 17: the IPv4 one is another" params_are -f 17 \
		"$(but active=5)"
}

save_and_restore() {
	local saved
	ipvs -a -t 10.1.0.100:8310 -r 10.2.0.11:8310 -m -w 3
	ipvs -A -t 10.1.0.100:8311 -s rr
	saved=$(rules)
	ktap_check "saved rules carry the parameters" \
		grep -qe "-A -t 10.1.0.100:8310 -s wlch --sched-param $(but active=5)" <<<"$saved"
	ktap_check "... of wlch only" \
		grep -qxe "-A -t 10.1.0.100:8311 -s rr" <<<"$saved"
	ipvs -C
	ktap_check "they are restored" ipvs -R <<<"$saved"
	ktap_check "... as they were" rules_are "$saved"
}

# -S asks for the parameters of a service that has gone, or got another scheduler, since
# it was listed: here ipvsadm is told that all services run wlch.
without_params() {
	local why="there is no such service, or it does not use the scheduler wlch"
	local rule="-A -t 10.1.0.100:8311 -s wlch" saved
	ktap_check "parameters that can not be read: -S ends with status 1" saved_as_wlch
	ktap_check "... and warns" expect \
		"Warning: \`$rule' is saved without --sched-param: $why" \
		"$(cat "$ktap_out.err")"
	ktap_check "... that rule is saved without them, all others with theirs" \
		expect "$(rules | sed 's/:8311 -s rr$/:8311 -s wlch/')" "$saved"
	rm "$ktap_out.err"
}

saved_as_wlch() {
	saved=$(in_director env LD_PRELOAD="$(type -P kernel_string)" KERNEL_STRING=wlch \
		ipvsadm -S -n 2>"$ktap_out.err")
	expect 1 $? "status"
}

MODULE_PARAMS=/sys/module/ip_vs_wlch/parameters

# module_params KEY=VALUE,...: write these
module_params() {
	local pair
	for pair in ${1//,/ }; do
		echo "${pair#*=}" >"$MODULE_PARAMS/${pair%=*}" || return
	done
}

module_defaults() {
	# each has another value than all others, and than all defaults
	local all=active=31,halfopen=32,refused=33,inactive=34,slowstart=35,choices=36
	ktap_check "all module parameters are set" module_params $all
	ipvs -A -t $VS -s wlch
	ktap_check "a module parameter is the default of a new service" \
		params_are -t $VS $all
	ktap_check "... and of no other" params_are -t 10.1.0.100:8310 \
		"$(but active=5)"
	ktap_check "all are set back" module_params "$DEFAULTS"
	ktap_check "a module parameter out of range is refused" \
		not_written $MODULE_PARAMS/active 4097
	ipvs -D -t $VS
}

defaults() { ipvs -L --sched-default | sed -n 's/^Scheduler defaults (wlch): //p'; }
defaults_are() { expect "$1" "$(defaults)" "defaults"; }

namespace_defaults() {
	ktap_check "the defaults are shown" defaults_are "$DEFAULTS"
	ktap_check "... on one line" expect 1 "$(ipvs -L --sched-default | wc -l)"
	ktap_check "two of them are set" ipvs --sched-default active=4,choices=2
	ktap_check "... and shown" defaults_are "$(but active=4 choices=2)"
	ktap_check "one more" ipvs --sched-default inactive=3
	ktap_check "... leaves the others as they are" \
		defaults_are "$(but active=4 choices=2 inactive=3)"
	ipvs -A -t $VS -s wlch
	ktap_check "a new service begins with them" params_are -t $VS \
		"$(but active=4 choices=2 inactive=3)"
	ipvs -A -t 10.1.0.100:8303 -s wlch --sched-param active=7
	ktap_check "... but for what it is given" params_are -t 10.1.0.100:8303 \
		"$(but active=7 choices=2 inactive=3)"
	ktap_check "a service that was there does not change" \
		params_are -t 10.1.0.100:8310 "$(but active=5)"
	ktap_check "they are no rule" not grep -q sched-default <(rules)
	in_client ipvsadm -A -t $VS -s wlch
	ktap_check "another namespace has its own" expect \
		"  sched-param $DEFAULTS" \
		"$(in_client ipvsadm -L -n --sched-param | grep sched-param)"
	in_client ipvsadm -C
	ipvs -D -t $VS
	ipvs -D -t 10.1.0.100:8303
	bad_defaults
	ipvs --sched-default "$DEFAULTS"
	ktap_check "all are set back" defaults_are "$DEFAULTS"
}

bad_defaults() {
	ktap_check "--sched-default with a value out of range is refused" refuses \
		"value \`0' for \`active' in --sched-default is out of range" \
		--sched-default active=0
	ktap_check "... with an unknown key, among others" refuses \
		"unknown key \`nice' in --sched-default" \
		--sched-default active=9,nice=1
	ktap_check "... without an argument" refuses \
		"--sched-default needs an argument" --sched-default
	ktap_check "... with a service" refuses "Illegal 'service-address' option" \
		--sched-default active=9 -t $VS
	ktap_check "-L --sched-default with an argument" refuses \
		"--sched-default takes no argument" -L --sched-default active=9
	ktap_check "... with a service" refuses "conflicts" -L --sched-default -t $VS
	ktap_check "... with --stats" refuses "conflicts" -L --sched-default --stats
	ktap_check "... with --json" refuses "conflicts" -L --sched-default --json
	ktap_check "none of these changed a default" \
		defaults_are "$(but active=4 choices=2 inactive=3)"
}

not() { ! "$@"; }

not_written() {
	! echo "$2" >"$1" && expect 8 "$(cat "$1")"
}

# refused MESSAGE ARGUMENT...: ipvsadm fails, says so, and the rules stay
refuses() {
	local message=$1 before out rc
	shift
	before=$(rules)
	out=$(ipvs "$@" 2>&1 </dev/null)
	rc=$?
	[ $rc -ne 0 ] || { echo "it succeeded"; return 1; }
	grep -qF -e "$message" <<<"$out" ||
		{ echo "it does not say '$message': $out"; return 1; }
	rules_are "$before"
}

# Each value of --sched-param with what is said of it. The rest of the line
# after the first blank is the message.
bad_values() {
	local value message
	while read -r value message; do
		ktap_check "-A with '$value' is refused" refuses "$message" \
			-A -t 10.1.0.100:8399 -s wlch --sched-param "$value"
		ktap_check "-E with '$value' is refused" refuses "$message" \
			-E -t 10.1.0.100:8310 -s wlch --sched-param "$value"
	done <<-'E'
		nice=8 unknown key `nice' in --sched-param: allowed are active=1..4096, halfopen=0..4096, refused=0..4096, inactive=0..4096, slowstart=0..3600, choices=0..64
		active=0 out of range: allowed is a decimal number 1..4096
		active=4097 out of range: allowed is a decimal number 1..4096
		inactive=4097 out of range: allowed is a decimal number 0..4096
		slowstart=3601 out of range: allowed is a decimal number 0..3600
		choices=65 out of range: allowed is a decimal number 0..64
		halfopen=-1 is not a number: allowed is a decimal number 0..4096
		halfopen=99999999999999999999 out of range
		active=4294967304 out of range
		active=8x is not a number
		active= empty value for `active'
		active missing `='
		active=8,active=9 is given twice
		active=8, nothing before or after a comma
		active=8,nice=1 unknown key `nice'
	E
	ktap_check "-A with an empty argument is refused" refuses \
		"--sched-param needs an argument" \
		-A -t 10.1.0.100:8399 -s wlch --sched-param ""
}

bad_combinations() {
	ktap_check "another scheduler is refused" refuses \
		"only the scheduler wlch has parameters, not \`rr'" \
		-A -t 10.1.0.100:8399 -s rr --sched-param active=8
	ktap_check "the default scheduler is refused" refuses \
		"only the scheduler wlch has parameters, not \`wlc'" \
		-A -t 10.1.0.100:8399 --sched-param active=8
	ktap_check "a UDP service without worth is refused by the kernel" refuses \
		"inactive: at least 1 for a UDP service" \
		-A -u 10.1.0.100:8399 -s wlch --sched-param inactive=0
	ktap_check "... also when it is there already" refuses \
		"inactive: at least 1 for a UDP service" \
		-E -u 10.1.0.100:8310 -s wlch --sched-param active=7,inactive=0
	ktap_check "... and when its scheduler would change" refuses \
		"inactive: at least 1 for a UDP service" \
		-E -u 10.1.0.100:8312 -s wlch --sched-param inactive=0
	ktap_check "a service that is not there is refused" refuses \
		"No such service" \
		-E -t 10.1.0.100:8399 -s wlch --sched-param active=8
	ktap_check "a service that is there already is refused" refuses \
		"Service already exists" \
		-A -t 10.1.0.100:8310 -s wlch --sched-param active=9
	# the parameters have been set by then
	ktap_check "a persistence engine that is not there is refused" refuses \
		"Scheduler or persistence engine not found" \
		-E -t 10.1.0.100:8310 -s wlch -p 60 --pe none --sched-param active=9
	ktap_check "-S takes no --sched-param" refuses \
		"Illegal 'sched-param' option" -S --sched-param
	ktap_check "-L --sched-param with --stats is refused" refuses \
		"conflicts" -L --sched-param --stats
}

# As a user without privileges, and as root of a user namespace that does not
# own the network namespace.
unprivileged() {
	ktap_check "who is not root is refused" refused_to \
		setpriv --reuid 65534 --regid 65534 --clear-groups
	ktap_check "root of another user namespace is refused" refused_to \
		unshare --user --map-root-user
}

refused_to() {
	local before out
	before=$(rules)
	if out=$(in_director "$@" ipvsadm -E -t 10.1.0.100:8310 -s wlch \
		 --sched-param active=9 2>&1); then
		echo "it succeeded"
		return 1
	fi
	grep -q "you must be root" <<<"$out" || { echo "$out"; return 1; }
	rules_are "$before"
}

# Two namespaces: each has its own services.
other_namespace() {
	ktap_check "another namespace has no services" expect "" \
		"$(in_client ipvsadm -S -n)"
	in_client ipvsadm -A -t $VS -s wlch --sched-param active=99
	ktap_check "a service in another namespace is not seen here" \
		refuses "No such service" -E -t $VS -s wlch --sched-param active=1
	in_client ipvsadm -C
}

# On a kernel without the module: nothing is half done, and the listing
# without the option works as ever. Only where nobody else uses the module.
without_module() {
	if [ "$(module_references)" != 0 ]; then
		ktap_skip "without the module" "it is in use on this machine"
		return
	fi
	rmmod ip_vs_wlch
	# nothing may load it again behind our back
	cp /proc/sys/kernel/modprobe "$ktap_out.modprobe"
	echo /bin/false >/proc/sys/kernel/modprobe
	ipvs -A -t 10.1.0.100:8311 -s rr
	ktap_check "without the module -A says what to do" refuses \
		"load the module with \`modprobe ip_vs_wlch'" \
		-A -t 10.1.0.100:8399 -s wlch --sched-param active=8
	ktap_check "... and -E" refuses \
		"load the module with \`modprobe ip_vs_wlch'" \
		-E -t 10.1.0.100:8311 -s wlch --sched-param active=8
	ktap_check "... and -L" refuses \
		"load the module with \`modprobe ip_vs_wlch'" -L -n --sched-param
	ktap_check "... and --sched-default" refuses \
		"load the module with \`modprobe ip_vs_wlch'" \
		--sched-default active=8
	ktap_check "... and -L --sched-default" refuses \
		"load the module with \`modprobe ip_vs_wlch'" -L --sched-default
	ktap_check "the listing works without it" ipvs -L -n
	cat "$ktap_out.modprobe" >/proc/sys/kernel/modprobe
	rm "$ktap_out.modprobe"
	modprobe ip_vs_wlch
}

wlch_start
set_and_show
every_kind
save_and_restore
without_params
module_defaults
namespace_defaults
ipvs -A -u 10.1.0.100:8312 -s rr -p 100
bad_values
bad_combinations
unprivileged
other_namespace
ipvs -C
without_module
ktap_end
