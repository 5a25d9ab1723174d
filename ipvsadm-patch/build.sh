#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# build.sh BUILD_DIR: build ipvsadm with the series of this folder.
#
# Leaves BUILD_DIR/ipvsadm (patched), BUILD_DIR/ipvsadm.8 (its manual page),
# BUILD_DIR/ipvsadm.bash (completion) and BUILD_DIR/ipvsadm-orig (the release as
# it is, to compare with). Does nothing if they are up to date. The release comes from the machine's own
# package archive; its tarball is kept in $WLCH_CACHE (default
# ~/.cache/ip_vs_wlch). No root rights are needed, and the machine's apt
# configuration is read, not changed.
set -eu

version=1.31
tarball=ipvsadm_$version.orig.tar.gz
sha256=7276bcf214f31051188b2e44f11029e57303f37e54126e517000c1b2123a6d4e

here=$(cd "$(dirname "$0")" && pwd)
header=$here/../kmod/include/uapi/linux/ip_vs_wlch.h
cache=${WLCH_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/ip_vs_wlch}
outputs="ipvsadm ipvsadm-orig ipvsadm.8 ipvsadm.bash"
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
	sha256sum build.sh series $(patches)
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

is_tarball() {
	[ -f "$1" ] && echo "$sha256  $1" | sha256sum --check --status
}

# The machine's package sources, each turned into one for source packages.
# $1: directory to write them to
write_sources() {
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$f" ] || continue
		sed -n 's/^[[:space:]]*deb\(-src\)\{0,1\}[[:space:]]/deb-src /p' \
			"$f" | sort -u >"$1/$(basename "$f" .list).list"
	done
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -f "$f" ] || continue
		sed 's/^[Tt]ypes:.*/Types: deb-src/' "$f" >"$1/$(basename "$f")"
	done
}

# Settings for apt that keep its state in $1. They are read last, so that the
# machine's own settings (a proxy, say) are in force and its hooks are not.
write_apt_conf() {
	cat <<-EOF
	#clear APT::Update;
	Dir::Etc::SourceList "/dev/null";
	Dir::Etc::SourceParts "$1/sources.list.d";
	Dir::State::Lists "$1/lists";
	Dir::Cache "$1/cache";
	APT::Sandbox::User "root";
	Acquire::Languages "none";
	EOF
}

# Fetch the release into $cache/src.
fetch() {
	command -v apt-get >/dev/null ||
		die "no apt-get here: put $tarball (sha256 $sha256) into $cache/src"
	apt=$work/apt
	mkdir -p "$apt/sources.list.d" "$apt/lists/partial" \
		"$apt/cache/archives/partial" "$apt/get"
	write_sources "$apt/sources.list.d"
	write_apt_conf "$apt" >"$apt/conf"

	# one broken source among many does no harm: the result counts
	apt-get -c="$apt/conf" -qq update >"$work/log" 2>&1 || :
	(cd "$apt/get" && apt-get -c="$apt/conf" -qq source --tar-only \
		--download-only ipvsadm) >>"$work/log" 2>&1 || :
	if ! is_tarball "$apt/get/$tarball"; then
		cat "$work/log" >&2
		die "the package archive did not give $tarball (see above): check the network and /etc/apt/sources.list*, or put the file (sha256 $sha256) into $cache/src"
	fi
	mkdir -p "$cache/src"
	cp "$apt/get/$tarball" "$cache/src/$tarball.$$"
	mv "$cache/src/$tarball.$$" "$cache/src/$tarball"
}

# Unpack the release to $work/$1.
unpack() {
	mkdir "$work/$1"
	tar -xzf "$cache/src/$tarball" -C "$work/$1" --strip-components=1 \
		--no-same-owner
}

apply_series() {
	for p in $(patches); do
		patch -d "$work/patched" -p1 -s -F0 <"$here/$p" ||
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
	fingerprint >"$work/stamp"
	mv "$work/stamp" "$build/ipvsadm.stamp"
}

[ $# -eq 1 ] || die "usage: build.sh BUILD_DIR"
mkdir -p "$1"
build=$(cd "$1" && pwd)
! up_to_date || exit 0

check_tools
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
work=$(mktemp -d "$build/ipvsadm.tmp.XXXXXX")
is_tarball "$cache/src/$tarball" || fetch
unpack release
unpack patched
apply_series
compile release
compile patched
publish
