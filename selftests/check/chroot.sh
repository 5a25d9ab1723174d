# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A small Debian in a folder, to install packages in. Sourced by packages.sh,
# after apt.sh.

# chroot_in ROOT COMMAND [ARGUMENT...]: run it as root in there. Mounts and
# processes that it leaves end with it.
chroot_in() {
	# shellcheck disable=SC2016  # of the inner shell
	as_root unshare --mount --pid --fork --kill-child bash -c '
		mount -t proc proc "$0/proc" &&
		mount --rbind /dev "$0/dev" &&
		exec chroot "$0" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 TERM=dumb \
			DEBIAN_FRONTEND=noninteractive \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
		' "$@"
}

# What this machine has of Debian, as lines for sources.list
chroot_sources() {
	# shellcheck disable=SC2016  # apt-get expands them
	apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT) # $(ORIGIN) $(CODENAME)' \
		'Created-By: Packages' | awk '$6 == "Debian"' | sort -u
}

# How this machine reaches them
chroot_apt_conf() {
	apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets'
}

# chroot_make ROOT PACKAGE...: Debian's own, with these packages
chroot_make() (
	root=$1 codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	shift
	mirror=$(chroot_sources | awk -v name="$codename" '$3 == name { print $2; exit }')
	[ -n "$mirror" ] || { say "apt knows no archive of Debian $codename"; exit 1; }
	# it mounts, too
	as_root unshare --mount debootstrap --variant=minbase --include=ca-certificates \
		"$codename" "$root" "$mirror" || exit
	chroot_sources | as_root tee "$root/etc/apt/sources.list" >/dev/null &&
		chroot_apt_conf | as_root tee "$root/etc/apt/apt.conf.d/90host" >/dev/null &&
		as_root cp /etc/resolv.conf "$root/etc/resolv.conf" &&
		printf '#!/bin/sh\n# nothing is started here\nexit 101\n' |
			as_root install -m 755 /dev/stdin "$root/usr/sbin/policy-rc.d" &&
		chroot_in "$root" apt-get -qq update &&
		chroot_in "$root" apt-get -qq -y install --no-install-recommends "$@"
)
