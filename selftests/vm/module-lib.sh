# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What whoever builds, installs or packs the module has to know. Sourced by
# module.sh and by the scripts in packaging/, which set top and have die().

# depmod and modinfo are where an ordinary user's PATH does not lead
PATH=$PATH:/usr/sbin:/sbin

# source_tar: all that the kernel's build system needs, without what it has built
source_tar() {
	# shellcheck disable=SC2154  # of those who source this
	tar -C "$top" -c --exclude='*.o' --exclude='*.ko' --exclude='*.mod' \
		--exclude='*.mod.c' --exclude='.*.cmd' --exclude=modules.order \
		--exclude=Module.symvers Kbuild kmod
}

# kernel_release KDIR: which kernel the headers belong to
kernel_release() {
	local release
	[ -n "$1" ] || exit 1	# whoever chose it has said why
	[ -e "$1/Makefile" ] ||
		die "there are no kernel headers in $1: install linux-headers-$(uname -r) (Debian), or give KDIR=folder or KERNEL=6.1|6.1-old|6.12"
	release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' "$1/include/generated/utsrelease.h")
	[ -n "$release" ] ||
		die "$1 does not say which kernel it belongs to: are the headers complete?"
	echo "$release"
}
