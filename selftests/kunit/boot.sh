# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Booting the UML kernel, on the host's file system, read-only.

# boot UML INIT [PARAMETER...]: the log on stdout, without times and control
# characters. NAME=VALUE of no driver is in INIT's environment. The exit status tells
# nothing of the run: when it has powered off, UML dies of a signal now and then.
boot() {
	local uml=$1 init=$2
	shift 2
	timeout -k 5 "${TIMEOUT:-120}" "$uml/linux" mem="${MEM:-512M}" root=/dev/root \
		rootfstype=hostfs hostfs=/ ro init="$init" "$@" \
		con=null con0=null,fd:1 oops=panic panic=-1 </dev/null 2>&1 |
		sed -u 's/\r//g; s/^\[ *[0-9.]*\] //'
}

# verdict LOG: fails with a sentence if the run was no success
verdict() {
	local counts
	# shellcheck disable=SC2154 # where the script lies
	counts=$("$here/../check/ktap-count.sh" "$1")
	say "$counts"
	"$here/../vm/klog.sh" "$1" >&2 || die "the kernel reports a defect, its log is $1"
	grep -q 'reboot: Power down' "$1" ||
		die "UML ended before its tests did, or was ended after ${TIMEOUT:-120} s, its log is $1"
	! grep -Eq '^(insmod|rmmod) failed' "$1" ||
		die "the module could not be loaded and removed, see $1"
	case $counts in
	"0 passed, 0 failed"*) die "the log holds no test results" ;;
	*", 0 failed, 0 skipped") ;;
	*) die "not all tests passed" ;;
	esac
	# it may have ended before its last test
	! grep -q '^exit status [0-9]' "$1" ||
		die "the script ends with $(grep -m 1 '^exit status' "$1"), its log is $1"
}
