#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deps.sh [plots|packages|tracing]: installs the Debian packages that building and
# testing need and that are missing, with "plots" also what reports need, with "packages"
# what packages need, with "tracing" what tracing.sh needs. Kernels are never
# installed: kernel.sh unpacks them aside.

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/apt.sh"

packages=(
	# the module; Debian's kernels are built with gcc-12
	gcc gcc-12 make libc6-dev
	# ipvsadm
	dpkg-dev patch pkg-config libpopt-dev libnl-3-dev libnl-genl-3-dev
	# keepalived
	libssl-dev
	# unpacked kernels and the virtual machine
	busybox-static cpio kmod qemu-system-x86 xz-utils
	# what runs inside it
	iproute2 jq nftables procps tcpdump util-linux
	# the UML kernel for KUnit
	bc bison flex libelf-dev perl
	# the kernel's netlink client
	python3 python3-jsonschema python3-yaml
	# lint
	shellcheck sparse
	# the manual
	python3-myst-parser python3-sphinx
)
case ${1-} in
plots) packages+=(gnuplot-nox) ;;	# with 70 MB of libraries
packages) packages+=(debhelper dh-dkms debootstrap lintian openssl) ;;
tracing) packages+=(bpftrace linux-perf trace-cmd) ;;	# with 200 MB of libraries
esac

missing_packages() {
	local installed
	# shellcheck disable=SC2016  # dpkg-query expands them
	installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null |
		awk '$2 == "installed" { print $1 }')
	printf '%s\n' "${packages[@]}" | grep -vxF "$installed"
}

all_known() {
	local p
	for p in "$@"; do
		apt_known "$p" || return
	done
}

install() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -y install --no-install-recommends "$@" >&2
}

[ -e /etc/debian_version ] ||
	die "this installs Debian packages; elsewhere install the likes of: ${packages[*]}"

# kernel.sh needs the lists too, even if nothing is to be installed
mapfile -t missing < <(missing_packages)
all_known linux-image-amd64 "${missing[@]}" || apt_update
[ ${#missing[@]} -gt 0 ] || exit 0

say "installing ${missing[*]}"
install "${missing[@]}"
rc=$?
[ $rc -ne 126 ] ||
	die "neither root nor sudo: run as root: apt-get install --no-install-recommends ${missing[*]}"
if [ $rc -ne 0 ]; then
	apt_update
	install "${missing[@]}" || die "apt-get could not install ${missing[*]}"
fi
