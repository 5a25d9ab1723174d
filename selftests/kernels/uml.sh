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

# A newer source may have mended it in another way. Only UML is built from these files.
mend() {
	if patch -s -f -R --dry-run -d "$source" -p1 <"$patch"; then
		return
	elif patch -s -f --dry-run -d "$source" -p1 <"$patch"; then
		patch -s -d "$source" -p1 <"$patch"
	else
		say "${patch##*/} does not apply: the kernel is built without it"
	fi
}

# shellcheck disable=SC2317 # called by once
build() {
	mend && configure "$1" um defconfig "${files[@]}" &&
		compile "$1" um && trim "$1"
}

files=("$here/uml.config")
patch=$here/uml-xstate.patch
case ${1-} in
"")	name=uml ;;
debug)	name=uml-debug
	files+=("$here/uml-debug.config") ;;
*)	die "there is no UML kernel $1: use debug, or none" ;;
esac

unset MAKEFLAGS
source=$("$here/source.sh") || exit
dir=$cache_dir/$name/${source##*/linux-source-}-$(key "${files[@]}" "$patch")
once "$dir" "a UML kernel" build || die "the UML kernel does not build"
echo "$dir"
