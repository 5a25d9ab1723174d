#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# uml.sh [debug]: a User Mode Linux kernel with KUnit and IPVS, built once in the cache
# folder (some minutes); prints the build folder, to give to make ARCH=um -C. "debug" looks
# for defects.

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/../vm/apt.sh"
. "$here/build.sh"

# shellcheck disable=SC2317 # called by once
build() {
	configure "$1" um defconfig "${files[@]}" &&
		compile "$1" um && trim "$1"
}

files=("$here/uml.config")
case ${1-} in
"")	name=uml ;;
debug)	name=uml-debug
	files+=("$here/uml-debug.config") ;;
*)	die "there is no UML kernel $1: use debug, or none" ;;
esac

unset MAKEFLAGS
source=$("$here/source.sh") || exit
dir=$cache_dir/$name/${source##*/linux-source-}-$(key "${files[@]}" "$here/uml-xstate.patch")
once "$dir" "a UML kernel" build || die "the UML kernel does not build"
echo "$dir"
