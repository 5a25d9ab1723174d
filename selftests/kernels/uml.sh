#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# uml.sh: a User Mode Linux kernel with KUnit and IPVS, built once in the cache
# folder (some minutes); prints the build folder, to give to make ARCH=um -C.

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/../vm/apt.sh"
. "$here/build.sh"

# shellcheck disable=SC2317 # called by once
build() {
	configure "$1" um defconfig "$here/uml.config" &&
		compile "$1" um && trim "$1"
}

unset MAKEFLAGS
source=$("$here/source.sh") || exit
dir=$cache_dir/uml/${source##*/linux-source-}-$(key "$here/uml.config")
once "$dir" "a UML kernel" build || die "the UML kernel does not build"
echo "$dir"
