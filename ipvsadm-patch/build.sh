#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# build.sh BUILD_DIR [PATCH]: build ipvsadm with the series of this folder, and a
# patch on top of it.
#
# Leaves in BUILD_DIR: ipvsadm (patched), its manual page ipvsadm.8, ipvsadm.bash
# (completion), ipvsadm-save and ipvsadm-restore with theirs, and ipvsadm-orig (the
# release as it is, to compare with). Does nothing if they are up to date. No root
# rights are needed.
set -eu

version=1.31
tarball=ipvsadm_$version.orig.tar.gz
sha256=7276bcf214f31051188b2e44f11029e57303f37e54126e517000c1b2123a6d4e

here=$(cd "$(dirname "$0")" && pwd)
header=$here/../kmod/include/uapi/linux/ip_vs_wlch.h
wrappers="ipvsadm-save ipvsadm-restore ipvsadm-save.8 ipvsadm-restore.8"
outputs="ipvsadm ipvsadm-orig ipvsadm.8 ipvsadm.bash $wrappers"
more=
work=

die() {
	echo "build.sh: $*" >&2
	exit 1
}

cleanup() {
	[ -z "$work" ] || rm -rf "$work"
}

# Name the packages that are missing.
check_tools() {
	missing=
	for tool in gcc make patch pkg-config; do
		command -v "$tool" >/dev/null || missing="$missing $tool"
	done
	for lib in libnl-3.0:libnl-3-dev libnl-genl-3.0:libnl-genl-3-dev \
		   popt:libpopt-dev; do
		pkg-config --exists "${lib%%:*}" 2>/dev/null ||
			missing="$missing ${lib#*:}"
	done
	[ -z "$missing" ] ||
		die "to build ipvsadm, install these Debian packages:$missing"
}

# What the outputs are made of, in a few lines.
fingerprint() {
	echo "$sha256"
	cd "$here"
	# shellcheck disable=SC2046 # names of patches have no spaces
	sha256sum build.sh series $(patches) ${more:+"$more"}
	[ ! -f "$header" ] || sha256sum <"$header"
}

patches() {
	sed 's/[[:space:]]*#.*//; /^[[:space:]]*$/d' "$here/series"
}

up_to_date() {
	for f in $outputs; do
		[ -e "$build/$f" ] || return 1
	done
	[ -f "$build/ipvsadm.stamp" ] &&
		fingerprint | cmp -s - "$build/ipvsadm.stamp"
}

# Unpack the release to $work/$1.
unpack() {
	mkdir "$work/$1"
	tar -xzf "$release" -C "$work/$1" --strip-components=1 \
		--no-same-owner
}

apply_series() {
	cd "$here"
	for p in $(patches) ${more:+"$more"}; do
		patch -d "$work/patched" -p1 -s -F0 <"$p" ||
			die "$p does not apply to ipvsadm $version: refresh it (see README.md)"
	done
	[ ! -f "$header" ] ||
		cmp -s "$header" "$work/patched/libipvs/ip_vs_wlch.h" ||
		die "libipvs/ip_vs_wlch.h in the series differs from kmod/include/uapi/linux/ip_vs_wlch.h: refresh the patch wlch-uapi-header (see README.md)"
}

# The variables of a make that called us are not for ipvsadm's.
compile() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES \
		make -C "$work/$1" libs ipvsadm >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		die "ipvsadm ($1) does not build, see above"
	}
}

# Only complete results get their names; the stamp comes last.
publish() {
	rm -f "$build/ipvsadm.stamp"
	mv "$work/release/ipvsadm" "$build/ipvsadm-orig"
	mv "$work/patched/ipvsadm" "$build/ipvsadm"
	mv "$work/patched/ipvsadm.8" "$build/ipvsadm.8"
	mv "$work/patched/completion/ipvsadm" "$build/ipvsadm.bash"
	for f in $wrappers; do
		mv "$work/patched/$f" "$build/$f"
	done
	fingerprint >"$work/stamp"
	mv "$work/stamp" "$build/ipvsadm.stamp"
}

[ $# -ge 1 ] || die "usage: build.sh BUILD_DIR [PATCH]"
mkdir -p "$1"
build=$(cd "$1" && pwd)
[ $# -eq 1 ] || more=$(readlink -f "$2")
! up_to_date || exit 0

check_tools
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
work=$(mktemp -d "$build/ipvsadm.tmp.XXXXXX")
release=$("$here/../selftests/vm/tarball.sh" ipvsadm "$tarball" "$sha256")
unpack release
unpack patched
apply_series
compile release
compile patched
publish
