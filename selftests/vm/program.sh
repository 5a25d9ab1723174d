#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# program.sh PROGRAM PACKAGE: prints where the program is: this machine's, or that of
# Debian's package, of which the rest is not wanted, unpacked in the cache folder.

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/apt.sh"

[ $# -eq 2 ] || die "which program of which package? program.sh PROGRAM PACKAGE"
program=$1 package=$2
dir=$cache_dir/programs

fetch() {
	local new
	new=$(mktemp -d "$dir/new.XXXXXX") || return
	(apt_unpack "$new" "$package") && mv "$new/usr/bin/$program" "$dir/"
	set -- $?
	rm -rf "$new"
	return "$1"
}

type -P "$program" && exit
mkdir -p "$dir" || exit
exec 9>"$dir/.lock" && flock 9
[ -e "$dir/$program" ] || fetch || { apt_update && fetch; } ||
	die "could not get $program of the package $package"
echo "$dir/$program"
