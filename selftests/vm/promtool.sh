#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# promtool.sh: prints where promtool is: this machine's, or that of Debian's package
# prometheus, of which the rest is not wanted, unpacked in the cache folder.

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/apt.sh"

dir=$cache_dir/promtool

fetch() {
	local new
	new=$(mktemp -d "$dir.XXXXXX") || return
	(apt_unpack "$new" prometheus) && mkdir -p "$dir" &&
		mv "$new/usr/bin/promtool" "$dir/"
	set -- $?
	rm -rf "$new"
	return "$1"
}

type -P promtool && exit
mkdir -p "$cache_dir" || exit
exec 9>"$cache_dir/.promtool.lock" && flock 9
[ -e "$dir/promtool" ] || fetch || { apt_update && fetch; } ||
	die "could not get promtool of the package prometheus"
echo "$dir/promtool"
