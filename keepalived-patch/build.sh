#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# build.sh BUILD_DIR: build keepalived 2.2.7 with the patch of this folder.
#
# Leaves BUILD_DIR/keepalived (patched) and BUILD_DIR/keepalived-orig (the release
# as it is, to compare with), both without VRRP: what is tested is how it manages
# virtual services. Does nothing if they are up to date. No root rights are needed.
set -eu

version=2.2.7
tarball=keepalived_$version.orig.tar.gz
sha256=c61940d874154a560a54627ecf7ef47adebdf832164368d10bf242a4d9b7d49d
patch=0001-any-scheduler.patch

here=$(cd "$(dirname "$0")" && pwd)
work=

die() {
	echo "build.sh: $*" >&2
	exit 1
}

cleanup() {
	[ -z "$work" ] || rm -rf "$work"
}

fingerprint() {
	cd "$here"
	sha256sum build.sh "$patch"
}

up_to_date() {
	[ -e "$build/keepalived" ] && [ -e "$build/keepalived-orig" ] &&
		[ -f "$build/keepalived.stamp" ] &&
		fingerprint | cmp -s - "$build/keepalived.stamp"
}

# The variables of a make that called us are not for keepalived's.
run() {
	(cd "$work/source" && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		-u MAKEOVERRIDES "$@") >>"$work/log" 2>&1 || {
		tail -n 30 "$work/log" >&2
		die "keepalived does not build, see above"
	}
}

# compile NAME: only complete results get their names
compile() {
	run make -j2
	strip -o "$work/$1" "$work/source/bin/keepalived"
	mv "$work/$1" "$build/$1"
}

[ $# -eq 1 ] || die "usage: build.sh BUILD_DIR"
mkdir -p "$1"
build=$(cd "$1" && pwd)
! up_to_date || exit 0

for lib in libnl-3.0:libnl-3-dev libnl-genl-3.0:libnl-genl-3-dev \
	   libssl:libssl-dev; do
	pkg-config --exists "${lib%%:*}" 2>/dev/null ||
		die "to build keepalived, install the Debian package ${lib#*:}"
done
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
rm -f "$build/keepalived.stamp"
work=$(mktemp -d "$build/keepalived.tmp.XXXXXX")
release=$("$here/../selftests/vm/tarball.sh" keepalived "$tarball" "$sha256")
mkdir "$work/source"
tar -xzf "$release" -C "$work/source" --strip-components=1 --no-same-owner
run ./configure --disable-vrrp --disable-dynamic-linking --disable-regex
compile keepalived-orig
patch -d "$work/source" -p1 -s -F0 <"$here/$patch" ||
	die "$patch does not apply to keepalived $version"
compile keepalived
fingerprint >"$work/stamp"
mv "$work/stamp" "$build/keepalived.stamp"
