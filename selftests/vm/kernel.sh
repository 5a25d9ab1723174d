#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh NAME: a stock Debian kernel with its headers, unpacked in the cache
# folder; nothing is installed. Or one that is built there, see ../kernels/debug.sh.
# Prints shell assignments:
#	RELEASE  its uname -r
#	VMLINUZ  the kernel image
#	MODULES  the folder that holds lib/modules/RELEASE
#	KDIR     what to give to make -C

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/apt.sh"

# releases SERIES: the plain amd64 kernels of a series for which both image and
# headers can be downloaded, oldest first. Flavours (cloud, rt, unsigned, dbg)
# do not match: nothing but the version may stand before -amd64.
releases() {
	local version="${1//./\\.}\\.[0-9][0-9a-z.+~]*(-[0-9]+)?-amd64"

	apt-cache pkgnames linux- |
		grep -xE "linux-(image|headers)-$version" |
		xargs -r apt-cache madison |
		awk '/Packages$/ { print $1 }' | sort -u |
		sed -E 's/^linux-(image|headers)-//' |
		sort -V | uniq -d
}

# choose NAME: its release; asked anew only after apt's lists have changed
choose() {
	local memo=$cache_dir/kernels/$1

	if [ ! "$memo" -nt /var/lib/apt/lists ]; then
		query "$1" >"$memo.new" && [ -s "$memo.new" ] && mv "$memo.new" "$memo" || return
	fi
	cat "$memo"
}

query() {
	case $1 in
	6.1)     releases 6.1 | tail -n 1 ;;
	6.1-old) releases 6.1 | head -n 1 ;;
	6.12)    releases 6.12 | tail -n 1 ;;
	esac
}

# fetch RELEASE DIR: unpack it into DIR, which appears only when complete
fetch() (
	release=$1 dir=$2
	tmp=$(mktemp -d "$dir.XXXXXX") || exit
	trap 'rm -rf "$tmp"' EXIT
	# shellcheck disable=SC2046  # package names
	(apt_unpack "$tmp" "linux-image-$release" $(header_packages "$release")) || exit
	# the headers name the place where they would be installed
	sed -i "s|/usr/src/|$dir/usr/src/|" "$tmp/usr/src/linux-headers-$release/Makefile" &&
		depmod -b "$tmp" "$release" || exit
	chmod 755 "$tmp" && mv "$tmp" "$dir"
)

# obtain NAME: sets release and dir
obtain() {
	release=$(choose "$1") || return
	dir=$cache_dir/kernels/$release
	[ -d "$dir" ] || fetch "$release" "$dir"
}

# Debian's stable series changed struct ip_vs_dest on the way
note_layout() {
	local header=("$1"/usr/src/linux-headers-*-common/include/net/ip_vs.h)
	grep -q inactconns "${header[@]}" ||
		say "note: the oldest 6.1 kernel of the archive has no inactconns any more, that layout is not run here"
}

case ${1-} in
6.1|6.1-old|6.12) ;;
debug|kcsan) exec "$here/../kernels/debug.sh" "$1" ;;
*) die "unknown kernel '${1-}': use 6.1 (newest), 6.1-old (oldest), 6.12, debug or kcsan" ;;
esac

mkdir -p "$cache_dir/kernels" || exit
exec 9>"$cache_dir/kernels/.lock" && flock 9
# a second time, as the archive may have newer kernels than apt's lists know
obtain "$1" || { apt_update && obtain "$1"; } ||
	die "could not get a kernel $1: is this Debian 12 with its security archive, and is there room in $cache_dir?"
[ "$1" != 6.1-old ] || note_layout "$dir"

printf '%s=%q\n' RELEASE "$release" VMLINUZ "$dir/boot/vmlinuz-$release" \
	MODULES "$dir" KDIR "$dir/usr/src/linux-headers-$release"
