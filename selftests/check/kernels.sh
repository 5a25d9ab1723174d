#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernels.sh: builds the module for every kernel of the table (kmod/kernels)
# whose headers the package archive has, plain, cloud and rt, without a line of
# output; and looks whether the build refuses others. Only headers are fetched, and
# kept in the cache folder. On this machine; prints KTAP.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
. "$top/selftests/vm/apt.sh"
# shellcheck source=selftests/lib/ktap.sh
. "$top/selftests/lib/ktap.sh"

headers=$cache_dir/headers
out=$top/build/kernels

releases() {
	local series
	while read -r series _; do
		[[ $series != [0-9]* ]] || header_releases "$series"
	done <"$top/kmod/kernels"
}

# wanted RELEASE...: the packages that they need, as NAME=VERSION
wanted() {
	local release
	for release; do
		header_packages "$release"
	done | sort -u | xargs apt-cache madison |
		awk '/Packages$/ && !seen[$1]++ { print $1 "=" $3 }' | sort
}

# remove_old: what was unpacked and is in the archive no more
remove_old() {
	local package
	while IFS='=' read -r package _; do
		rm -rf "$headers/usr/src/$package" "$headers/usr/lib/$package"
	done < <(comm -13 "$headers/wanted" "$headers/present")
}

# fetch RELEASE...: all of them into one tree, where they share what they have in
# common
fetch() {
	local missing
	mkdir -p "$headers" && touch "$headers/present" &&
		wanted "$@" >"$headers/wanted" || return
	mapfile -t missing < <(comm -23 "$headers/wanted" "$headers/present")
	[ ${#missing[@]} -gt 0 ] || return 0
	remove_old
	rm -rf "$headers"/debs.*
	(apt_unpack "$headers" "${missing[@]}" 2>"$headers/log") || { cat "$headers/log"; return 1; }
	# the headers name the place where they would be installed
	sed -i "s|^include /usr/src/|include $headers/usr/src/|" \
		"$headers"/usr/src/linux-headers-*-amd64/Makefile &&
		mv "$headers/wanted" "$headers/present"
}

# refuses TABLE KERNEL: with this table
refuses() {
	printf '%s\n' "$1" |
		awk -v kernel="$2" -f "$top/kmod/ip_vs_wlch_kernels.awk" |
		grep -F "this one is $2: take one of these, or try this one with WLCH_ANY_KERNEL=1"
}

borders() {
	local table=$'6.1 6.1.170 - note\n6.12 6.12.107 6.12.200 note' kernel
	for kernel in 6.1.170 6.1.999 6.12.107 6.12.200; do
		! refuses "$table" "$kernel" || { echo "$kernel is refused"; return 1; }
	done
	for kernel in 6.1 6.1.169 6.2.180 6.11.170 6.12.106 6.12.201 5.1.170 7.1.170-rc1; do
		refuses "$table" "$kernel" >/dev/null || { echo "$kernel is not refused"; return 1; }
	done
}

# stops: a kernel that says that it is older; without a look by the compiler
stops() {
	! "$top/selftests/vm/module.sh" "$1" "$out/old" -s SUBLEVEL=1 >"$out/said" 2>&1 &&
		expect 1 "$(grep -c 'ip_vs_wlch: it is tested with kernels .*, this one is .*\.1: take' "$out/said")" \
			"times that it said what it is tested with" &&
		expect "" "$(find "$out/old" -name '*.o')" "compiled"
}

tried_anyway() {
	"$top/selftests/vm/module.sh" "$1" "$out/old" -s SUBLEVEL=1 WLCH_ANY_KERNEL=1 &&
		find "$out/old" -maxdepth 2 -name ip_vs_wlch.ko | grep -q .
}

# builds KDIR: and prints nothing, nor does sparse
builds() {
	local said
	said=$("$here/debug-build.sh" "$1" "$out/debug" C=2 W=1 -j"$(nproc)") && [ -z "$said" ] && return
	printf '%s\n' "$said"
	return 1
}

kdir() { echo "$headers/usr/src/linux-headers-$1"; }

ktap_begin
rm -rf "$out" && mkdir -p "$out" "$cache_dir" || exit
exec 9>"$cache_dir/.headers.lock" && flock 9
mapfile -t all < <(releases)
ktap_check "the archive's headers: ${#all[@]} kernels" fetch "${all[@]}"
ktap_check "the table's borders are kept" borders
ktap_check "a kernel that the table does not have: the build stops and says so" \
	stops "$(kdir "${all[0]}")"
ktap_check "... and builds with WLCH_ANY_KERNEL=1" tried_anyway "$(kdir "${all[0]}")"
for release in "${all[@]}"; do
	ktap_check "$release: sparse, W=1 and IP_VS_DEBUG, no warning" builds "$(kdir "$release")"
done
ktap_end
