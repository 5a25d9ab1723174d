#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tarball.sh PACKAGE TARBALL SHA256: prints where the release of a Debian source
# package is. It comes from the machine's own package archive and is kept in
# $WLCH_CACHE (default ~/.cache/ip_vs_wlch). No root rights are needed, and the
# machine's apt configuration is read, not changed.
set -eu

package=$1
tarball=$2
sha256=$3

cache=${WLCH_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set: set it, or WLCH_CACHE}/.cache}/ip_vs_wlch}
work=

die() {
	echo "tarball.sh: $*" >&2
	exit 1
}

cleanup() {
	[ -z "$work" ] || rm -rf "$work"
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
		--download-only "$package") >>"$work/log" 2>&1 || :
	if ! is_tarball "$apt/get/$tarball"; then
		cat "$work/log" >&2
		die "the package archive did not give $tarball (see above): check the network and /etc/apt/sources.list*, or put the file (sha256 $sha256) into $cache/src"
	fi
	mkdir -p "$cache/src"
	cp "$apt/get/$tarball" "$cache/src/$tarball.$$"
	mv "$cache/src/$tarball.$$" "$cache/src/$tarball"
}

if ! is_tarball "$cache/src/$tarball"; then
	trap cleanup EXIT
	trap 'exit 1' HUP INT TERM
	work=$(mktemp -d)
	fetch
fi
echo "$cache/src/$tarball"
