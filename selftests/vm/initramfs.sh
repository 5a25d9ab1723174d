#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# initramfs.sh RELEASE MODULES [TOOL...]: makes the part of the initramfs that all
# runs on a kernel share, if it is not in the cache yet: this machine's tools and the
# network modules of the kernel. With more tools it is another part, for who wants
# these. Prints the folder that holds it:
#	base.cpio   the archive
#	modules/    the module tree in it; depmod's -b is modules/usr

set -u
here=$(dirname "$(readlink -f "$0")")
. "$here/apt.sh"
PATH=/usr/sbin:/usr/bin:/sbin:/bin

release=$1
modules=$2
shift 2

# Tools that are copied from this machine; busybox stands in for all others
tools=(
	bash dash busybox
	ip tc ss nft tcpdump sysctl ping ethtool
	kmod modprobe insmod rmmod lsmod modinfo depmod
	grep sed awk find xargs diff cmp ps pgrep pkill free
	mount umount dmesg flock taskset chrt unshare nsenter setpriv setsid logger
	hostname getent strace jq
	"$@"
)
more=$(printf '+%s' "$@")
[ $# -gt 0 ] || more=

# Folders below kernel/ whose modules go in, with all that they depend on
folders='net/(netfilter|sched|ipv4|ipv6|sctp|bridge|802|8021q|llc|packet|unix|netlink)/'
folders+='|drivers/net/(veth|dummy|ifb|vrf|macvlan|tun)\.ko'
folders+='|(arch/x86/)?crypto/(crc32c|hmac|md5|sha1|sha256|sha512)'

present_tools() {
	local t
	for t in "${tools[@]}" $(dpkg-query -L coreutils | grep '/s\?bin/' | xargs -n1 basename); do
		type -P "$t"
	done
}

# key: changes when a tool, a library or this script does
key() {
	{
		# shellcheck disable=SC2046  # paths of tools
		stat -L -c '%n %s %Y' $(present_tools) /etc/ld.so.cache "$modules/boot"
		cat "$here"/{initramfs.sh,init}
	} | sha256sum | cut -c 1-16
}

copy_with_libs() {
	local root=$1 file
	shift
	for file in "$@"; do
		install -D "$(readlink -f "$file")" "$root/usr/${file#/usr/}"
	done
	ldd "$@" 2>/dev/null | grep -oE '/[^ )]+\.so[^ )]*' | sort -u |
		while read -r file; do
			[ -e "$root$file" ] || install -D "$(readlink -f "$file")" "$root$file"
		done
}

stage_tools() {
	local root=$1 applet
	mkdir -p "$root"/{usr/{bin,sbin,lib,lib64,local/bin},proc,sys,dev,run,tmp,root,etc}
	for applet in bin sbin lib lib64; do
		ln -s "usr/$applet" "$root/$applet"
	done
	# shellcheck disable=SC2046  # paths of tools
	copy_with_libs "$root" $(present_tools)
	ln -s dash "$root/usr/bin/sh"
	for applet in $(busybox --list); do
		[ -e "$root/usr/bin/$applet" ] || [ -e "$root/usr/sbin/$applet" ] ||
			ln -s busybox "$root/usr/bin/$applet"
	done
}

stage_files() {
	local root=$1 f
	for f in /etc/protocols /etc/services /etc/iproute2 /usr/lib/tc /usr/lib/*/tc; do
		[ ! -e "$f" ] || { mkdir -p "$root${f%/*}" && cp -rL "$f" "$root$f"; }
	done
	printf '%s\n' 'root:x:0:0::/root:/bin/bash' 'nobody:x:65534:65534::/:/bin/sh' \
		'tcpdump:x:101:101::/:/bin/sh' >"$root/etc/passwd"
	printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' 'tcpdump:x:101:' >"$root/etc/group"
	printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$root/etc/hosts"
	ln -s /proc/mounts "$root/etc/mtab"
	cp "$here/init" "$root/init"
}

# the wanted modules and their dependencies, relative to lib/modules/RELEASE
wanted_modules() {
	awk -v folders="^kernel/($folders)" '
		$1 ~ folders { sub(":", ""); for (i = 1; i <= NF; i++) print $i }
	' "$1/modules.dep" | sort -u
}

stage_modules() {
	local root=$1/usr from=$modules/lib/modules/$release
	local to=$root/lib/modules/$release
	mkdir -p "$to"
	cp "$from"/modules.{builtin*,order} "$to"
	(cd "$from" && wanted_modules . | cpio -pdm --quiet "$to") || return
	find "$to" -name '*.xz' -exec xz -d {} +
	depmod -b "$root" "$release"
}

archive() { (cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet); }

build() {
	local tmp=$1
	mkdir "$tmp/modules" "$tmp/root" &&
		stage_tools "$tmp/root" &&
		stage_files "$tmp/root" &&
		stage_modules "$tmp/modules" || return
	{ archive "$tmp/root"; archive "$tmp/modules"; } >"$tmp/base.cpio" || return
	rm -r "$tmp/root"
}

dir=$cache_dir/initramfs/$release$more-$(key)
if [ ! -d "$dir" ]; then
	mkdir -p "$cache_dir/initramfs"
	rm -rf "$cache_dir/initramfs/$release$more"-*
	tmp=$(mktemp -d "$dir.XXXXXX") || exit
	trap 'rm -rf "$tmp"' EXIT
	say "packing tools and modules for $release"
	build "$tmp" || die "could not pack the initramfs for $release"
	chmod 755 "$tmp"
	mv -T "$tmp" "$dir" 2>/dev/null || [ -d "$dir" ]
fi
echo "$dir"
