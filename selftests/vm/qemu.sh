#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# qemu.sh ACCEL VMLINUZ INITRD CPUS MEMORY LOG STATUS [KERNEL ARGUMENT...]:
# boots a machine without disk or network. Three serial ports: the kernel's
# log goes to the file LOG, the output of the script inside to stdout, its exit
# status to the file STATUS.

set -u
accel=$1 vmlinuz=$2 initrd=$3 cpus=$4 memory=$5 log=$6 status=$7
shift 7

clock=()
case $accel in
kvm)	cpu=host ;;
tcg-single)
	cpu=max accel=tcg,thread=single ;;
icount)	cpu=max accel=tcg
	clock=(-icount "shift=0,sleep=off") ;;
*)	cpu=max ;;
esac

# loglevel=7: all but debug messages. The mitigations only cost time here. What
# hangs in the kernel is to end and say where.
append="console=ttyS0 loglevel=7 panic=-1 oops=panic printk.devkmsg=on"
append+=" softlockup_panic=1 softlockup_all_cpu_backtrace=1"
append+=" sysctl.kernel.panic_on_rcu_stall=1"
# An emulator translates a program anew for each address at which it is loaded: with
# random ones to start a program takes several times as long.
append+=" norandmaps"
append+=" mitigations=off nokaslr random.trust_cpu=on trace_clock=mono audit=0"

exec qemu-system-x86_64 -nodefaults -no-user-config -no-reboot \
	-display none -vga none -nic none \
	-accel "$accel" "${clock[@]}" -cpu "$cpu" -smp "$cpus" -m "$memory" \
	-kernel "$vmlinuz" -initrd "$initrd" -append "$append $*" \
	-chardev "file,id=log,path=$log" -serial chardev:log \
	-chardev stdio,id=out,signal=off -serial chardev:out \
	-chardev "file,id=status,path=$status" -serial chardev:status
