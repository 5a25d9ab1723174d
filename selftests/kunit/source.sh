#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# source.sh: Debian's source of Linux 6.1, unpacked in the cache folder; prints
# where. Drivers and architectures that neither UML nor checkpatch reads are
# left out: they are most of it.

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/../vm/apt.sh"

package=linux-source-6.1

candidate() { apt-cache policy "$package" | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }

# The C files of these are not unpacked; Kconfig and Makefiles are read for
# every build and stay
unused=(
	drivers/{gpu,infiniband,media,scsi,staging,net/ethernet,net/wireless}
	sound
	arch/{alpha,arc,arm,arm64,csky,hexagon,ia64,loongarch,m68k,microblaze,mips}
	arch/{nios2,openrisc,parisc,powerpc,riscv,s390,sh,sparc,xtensa}
)

unpack() {
	local tmp=$1 excludes=("${unused[@]/#/--exclude=$package/}")
	mkdir "$tmp/.deb" && (apt_unpack "$tmp/.deb" "$package") &&
		tar -C "$tmp" -xf "$tmp/.deb/usr/src/$package.tar.xz" --strip-components=1 \
			--exclude="$package/Documentation/*.rst" \
			"${excludes[@]/%//*.[chS]}" &&
		rm -r "$tmp/.deb"
}

mkdir -p "$cache_dir/source" || exit
version=$(candidate)
[ -n "$version" ] || { apt_update && version=$(candidate); }
[ -n "$version" ] || die "no $package in the package lists: is this Debian 12 with its security archive?"

dir=$cache_dir/source/$package-$version
exec 9>"$cache_dir/source/.lock" && flock 9
if [ ! -d "$dir" ]; then
	tmp=$(mktemp -d "$dir.XXXXXX") || exit
	trap 'rm -rf "$tmp"' EXIT
	unpack "$tmp" || { rm -rf "$tmp/.deb"; apt_update && unpack "$tmp"; } || die "could not unpack $package"
	chmod 755 "$tmp"
	mv "$tmp" "$dir"
fi
echo "$dir"
