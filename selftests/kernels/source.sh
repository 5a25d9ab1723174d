#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# source.sh [VERSION]: Debian's source of Linux 6.1, or of another version,
# unpacked in the cache folder; prints where. Of 6.1 drivers and architectures
# that neither UML nor checkpatch reads are left out: they are most of it; and it
# has the patch that UML needs. Of others there is only the netlink client that
# comes with the kernel, YNL: no Debian package has that.

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/../vm/apt.sh"

version=${1:-6.1}
package=linux-source-$version

candidate() { apt-cache policy "$package" | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }

# The C files of these are not unpacked; Kconfig and Makefiles are read for
# every build and stay
unused=(
	drivers/{gpu,infiniband,media,scsi,staging,net/ethernet,net/wireless}
	sound
	arch/{alpha,arc,arm,arm64,csky,hexagon,ia64,loongarch,m68k,microblaze,mips}
	arch/{nios2,openrisc,parisc,powerpc,riscv,s390,sh,sparc,xtensa}
)

ynl=(Documentation/netlink tools/net/ynl)

# what to give to tar
selection() {
	local excludes=("${unused[@]/#/--exclude=$package/}")
	case $version in
	6.1)	printf '%s\n' --exclude="$package/Documentation/*.rst" \
			"${excludes[@]/%//*.[chS]}" ;;
	*)	printf '%s\n' "${ynl[@]/#/$package/}" ;;
	esac
}

unpack() {
	local tmp=$1 selected
	mapfile -t selected < <(selection)
	mkdir "$tmp/.deb" && (apt_unpack "$tmp/.deb" "$package") &&
		tar -C "$tmp" -xf "$tmp/.deb/usr/src/$package.tar.xz" --strip-components=1 \
			"${selected[@]}" &&
		rm -r "$tmp/.deb"
}

# In what an earlier version of this has unpacked, too. A newer source may have mended it in
# another way. Only UML is built from these files.
mend() {
	local patch=$here/uml-xstate.patch
	if patch -s -f -R --dry-run -d "$1" -p1 <"$patch" >/dev/null; then
		return
	elif patch -s -f --dry-run -d "$1" -p1 <"$patch" >/dev/null; then
		patch -s -d "$1" -p1 <"$patch" >&2
	else
		say "${patch##*/} does not apply: UML is built without it"
	fi
}

mkdir -p "$cache_dir/source" || exit
release=$(candidate)
[ -n "$release" ] || { apt_update && release=$(candidate); }
[ -n "$release" ] || die "no $package in the package lists: is this Debian 12 with its security archive?"

dir=$cache_dir/source/$package-$release
exec 9>"$cache_dir/source/.lock" && flock 9
if [ ! -d "$dir" ]; then
	tmp=$(mktemp -d "$dir.XXXXXX") || exit
	trap 'rm -rf "$tmp"' EXIT
	unpack "$tmp" || { rm -rf "$tmp/.deb"; apt_update && unpack "$tmp"; } || die "could not unpack $package"
	chmod 755 "$tmp"
	mv "$tmp" "$dir"
fi
[ "$version" != 6.1 ] || mend "$dir" || die "could not patch $dir"
echo "$dir"
