#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# debug.sh NAME: a kernel for the virtual machine that checks what modules do, built
# from Debian's source once in the cache folder (ten minutes), with NAME.config:
#	debug	KASAN, lockdep, kmemleak and others
#	kcsan	data races
# Prints what ../vm/kernel.sh prints of Debian's.

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/../vm/apt.sh"
. "$here/build.sh"

name=$1
files=("$here/machine.config" "$here/../config" "$here/$name.config")

# What is given to make. To look for data races in all of the kernel makes it many times as
# slow, and of a thousand accesses that are watched hardly one is IPVS's or its schedulers'.
# What others do counts as far as it orders accesses.
watched='net/netfilter/ipvs'
ordering='kernel kernel/locking kernel/rcu kernel/sched lib mm net/%'
case $name in
kcsan)	options=("KCSAN_SANITIZE=\$(if \$(filter $watched,\$(obj)),y,n)"
		"KCSAN_INSTRUMENT_BARRIERS=\$(if \$(filter $ordering,\$(obj)),y)") ;;
*)	options=() ;;
esac

# shellcheck disable=SC2317 # called by once
build() {
	configure "$1" x86_64 tinyconfig "${files[@]}" &&
		compile "$1" x86_64 "${options[@]}" bzImage modules &&
		compile "$1" x86_64 INSTALL_MOD_PATH="$1" INSTALL_MOD_STRIP=1 modules_install ||
		return
	mkdir "$1/boot"
	cp "$1/arch/x86/boot/bzImage" "$1/boot/vmlinuz-$(<"$1/include/config/kernel.release")"
	# these name the folder it is built in, which has another name afterwards
	rm -f "$1"/lib/modules/*/{build,source}
	trim "$1"
}

unset MAKEFLAGS
source=$("$here/source.sh") || exit
dir=$cache_dir/debug/$name-${source##*/linux-source-}-$(key "${files[@]}" <(printf %s "${options[*]}"))
once "$dir" "the kernel $name" build || die "the kernel $name does not build"
release=$(<"$dir/include/config/kernel.release")
printf '%s=%q\n' RELEASE "$release" VMLINUZ "$dir/boot/vmlinuz-$release" \
	MODULES "$dir" KDIR "$dir"
