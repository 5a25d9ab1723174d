#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# uml.sh: a User Mode Linux kernel with KUnit and IPVS, built once in the cache
# folder (some minutes); prints the build folder, to give to make ARCH=um -C.

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/../vm/apt.sh"

# Dependencies that are not met drop a symbol without a word
verify_config() {
	local missing
	missing=$(grep '^CONFIG_' "$here/uml.config" | grep -vxFf "$1/.config")
	[ -z "$missing" ] || { printf 'not in the UML kernel:\n%s\n' "$missing"; return 1; }
}

configure() {
	make -s -C "$source" ARCH=um O="$1" defconfig &&
		cat "$here/uml.config" >>"$1/.config" &&
		make -s -C "$source" ARCH=um O="$1" olddefconfig &&
		verify_config "$1"
}

# what is not needed to run it nor to build modules for it
trim() {
	find "$1" -path "$1/scripts" -prune -o -type f \
		\( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o -name '.tmp_*' -o -name vmlinux \) \
		-exec rm {} +
}

build() {
	configure "$1" >"$1/build.log" 2>&1 &&
		make -s -C "$source" ARCH=um O="$1" -j"$(nproc)" >>"$1/build.log" 2>&1 &&
		trim "$1" && return
	tail -n 20 "$1/build.log" >&2
	return 1
}

unset MAKEFLAGS
source=$("$here/source.sh") || exit
dir=$cache_dir/uml/${source##*/linux-source-}-$(sha256sum <"$here/uml.config" | cut -c 1-16)
mkdir -p "$cache_dir/uml"
exec 9>"$cache_dir/uml/.lock" && flock 9
if [ ! -d "$dir" ]; then
	tmp=$(mktemp -d "$dir.XXXXXX") || exit
	trap 'rm -rf "$tmp"' EXIT
	say "building a UML kernel, some minutes, once"
	build "$tmp" || die "the UML kernel does not build"
	chmod 755 "$tmp"
	mv "$tmp" "$dir"
fi
echo "$dir"
