# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Talking to Debian's package archive. Sourced by deps.sh, kernel.sh and what is
# in ../kernels.

# Where kernels, UML builds and initramfs parts are kept between runs.
# shellcheck disable=SC2034  # for those who source this
cache_dir=${WLCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ip_vs_wlch}

# depmod is where an ordinary user's PATH does not lead
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# as_root COMMAND...: run it as root; 126 when there is no way to.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		return 126
	fi
}

apt_update() {
	say "reading the package lists again (apt-get update)"
	as_root apt-get -qq update >&2 ||
		die "apt-get update failed: run it as root, then start this again"
}

# apt_known PACKAGE: can it be downloaded, by the lists that apt has now?
apt_known() {
	apt-cache madison "$1" 2>/dev/null | grep -q 'Packages$'
}

# apt_unpack DIR PACKAGE...: download the packages and unpack them below DIR,
# installing nothing. Run it in a subshell: it changes the directory.
apt_unpack() {
	local dir=$1 debs deb
	shift
	debs=$(mktemp -d "$dir/debs.XXXXXX") && cd "$debs" || return
	say "downloading $*"
	apt-get -qq -o APT::Sandbox::User=root download "$@" >&2 || return
	for deb in ./*.deb; do
		dpkg-deb -x "$deb" "$dir" || return
	done
	cd "$dir" && rm -r "$debs"
}

# header_releases SERIES: the amd64 kernels of a series whose headers can be
# downloaded, of all flavours, oldest first
header_releases() {
	apt-cache pkgnames "linux-headers-$1." |
		grep -E '^linux-headers-[0-9]+\.[0-9]+\.[0-9][^ ]*-amd64$' |
		xargs -r apt-cache madison |
		sed -n '/Packages$/s/^ *linux-headers-\([^ ]*\) .*/\1/p' | sort -Vu
}

# header_packages RELEASE: all that a module needs to be built for it
header_packages() {
	echo "linux-headers-$1"
	apt-cache depends --important "linux-headers-$1" |
		awk '$1 == "Depends:" && $2 ~ /^linux-(headers|kbuild)-/ { print $2 }'
}
