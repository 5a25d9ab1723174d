#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# accel.sh VMLINUZ INITRD: prints how QEMU is to run the machine, kvm or tcg.
#
# That /dev/kvm exists does not mean that guests run on it (nested machines hang
# or abort), so a guest is booted on it first. The answer holds until the host
# is booted again. WLCH_ACCEL=kvm|tcg overrides; icount is tcg with a clock that
# goes on by one nanosecond with each instruction, with one CPU.

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/apt.sh"

# boots TIME: does a guest come up on KVM and report within TIME seconds?
boots() {
	local status
	status=$(mktemp) || return
	{	# bash itself would say "Aborted"
		timeout --foreground -k 2 "$1" "$here/qemu.sh" kvm "$vmlinuz" "$initrd" \
			2 512M /dev/null "$status" wlch.probe </dev/null >/dev/null
	} 2>/dev/null
	grep -q '^status=0' "$status"
	set -- $?
	rm -f "$status"
	return "$1"
}

case ${WLCH_ACCEL-} in
kvm|tcg|icount) echo "$WLCH_ACCEL"; exit ;;
'')      ;;
*)       die "WLCH_ACCEL is '$WLCH_ACCEL': use kvm, tcg or icount" ;;
esac

vmlinuz=$1
initrd=$2
[ -w /dev/kvm ] || { echo tcg; exit; }

answer=$cache_dir/accel-$(cat /proc/sys/kernel/random/boot_id)
if ! { exec 9>"$cache_dir/.accel.lock" && flock 9; }; then
	die "cannot write to $cache_dir"
fi
if [ ! -s "$answer" ]; then
	say "trying whether guests run on KVM"
	rm -f "$cache_dir"/accel-*
	if boots 8; then echo kvm; else echo tcg; fi >"$answer.new"
	mv "$answer.new" "$answer"
	say "using $(cat "$answer"), until this machine boots again"
fi
cat "$answer"
