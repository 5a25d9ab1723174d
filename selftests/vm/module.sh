#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# module.sh KDIR OUT [MAKE ARGUMENT...]: builds the modules against the headers
# in KDIR as OUT/RELEASE/ip_vs_wlch.ko and ip_vs_swrr.ko, and what the arguments add.
# The source is copied there first: objects of several kernels do not mix, and the
# source folder stays clean.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
kdir=$1
out=$2
shift 2

die() { printf 'module: %s\n' "$*" >&2; exit 1; }
. "$here/module-lib.sh"

# sync DIR: as the source is now, with its times, so that nothing is built twice
sync_source() {
	mkdir -p "$1" &&
		find "$1" -name '*.[ch]' ! -name '*.mod.c' -delete &&
		source_tar | tar -C "$1" -x
}

release=$(kernel_release "$kdir") || exit
dir=$out/$release
sync_source "$dir/src" || die "could not copy the source to $dir/src"
# without pahole and vmlinux there is no BTF, and the kernel complains of it
make -C "$kdir" M="$(readlink -f "$dir/src")" CONFIG_DEBUG_INFO_BTF_MODULES= \
	"$@" modules || die "the module does not build for $release"
# others may be loading what is there and is the same
cp -pu "$dir"/src/kmod/*.ko "$dir/"
