#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# install.sh install KDIR: installs what make has built, for the kernel of these
# headers. install.sh uninstall: removes it again, for all kernels. Environment:
#	DESTDIR		put in front of every path, to pack it
#	INSTALL_MOD_PATH	instead of that in front of /lib/modules
#	PREFIX		of ipvsadm (/usr/local)
# Files in /etc that somebody has changed stay as they are.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/..")
DESTDIR=${DESTDIR-}
PREFIX=${PREFIX:-/usr/local}
prefix=$DESTDIR$PREFIX
modules=${INSTALL_MOD_PATH:-$DESTDIR}/lib/modules

say() { printf 'install: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
. "$top/selftests/vm/module-lib.sh"

# What goes where: MODE BUILT FILE
built_modules() {
	cat <<-E
	644 build/kmod/$1/ip_vs_wlch.ko $modules/$1/updates/ip_vs_wlch.ko
	644 build/kmod/$1/ip_vs_swrr.ko $modules/$1/updates/ip_vs_swrr.ko
	E
}

programs() {
	cat <<-E
	755 build/ipvsadm/ipvsadm $prefix/sbin/ipvsadm
	755 build/ipvsadm/ipvsadm-save $prefix/sbin/ipvsadm-save
	755 build/ipvsadm/ipvsadm-restore $prefix/sbin/ipvsadm-restore
	644 build/ipvsadm/ipvsadm.8 $prefix/share/man/man8/ipvsadm.8
	644 build/ipvsadm/ipvsadm-save.8 $prefix/share/man/man8/ipvsadm-save.8
	644 build/ipvsadm/ipvsadm-restore.8 $prefix/share/man/man8/ipvsadm-restore.8
	644 build/ipvsadm/ipvsadm.bash $prefix/share/bash-completion/completions/ipvsadm
	755 metrics/wlch-metrics $prefix/sbin/wlch-metrics
	644 metrics/wlch-metrics.8 $prefix/share/man/man8/wlch-metrics.8
	644 metrics/wlch-metrics.service $prefix/lib/systemd/system/wlch-metrics.service
	644 metrics/wlch-metrics.timer $prefix/lib/systemd/system/wlch-metrics.timer
	644 metrics/alerts.yml $prefix/share/ip_vs_wlch/alerts.yml
	E
}

settings() {
	cat <<-E
	644 packaging/modprobe.conf $DESTDIR/etc/modprobe.d/ip_vs_wlch.conf
	644 packaging/modules-load.conf $DESTDIR/etc/modules-load.d/ip_vs_wlch.conf
	E
}

check_built() {
	local mode built file
	while read -r mode built file; do
		[ -e "$top/$built" ] ||
			die "$built is not there: run make first, with the same KDIR or KERNEL"
	done
}

# A folder that is only staged may be anybody's.
check_rights() {
	[ -n "$DESTDIR" ] || [ "$(id -u)" -eq 0 ] ||
		die "only root may write to $modules: run it as root, or give DESTDIR=folder"
}

# index FOLDER: of a kernel that is there; if it comes later, its package does it
index() {
	[ ! -e "$1/modules.order" ] || depmod -b "${modules%/lib/modules}/" "${1##*/}"
}

# prune FOLDER: where all is staged, folders that are empty now
prune() {
	local root
	for root in "$DESTDIR" "${INSTALL_MOD_PATH-}"; do
		[[ -z $root || $1 != "$root"/* || ! -d $1 ]] ||
			(cd "$root" && rmdir -p --ignore-fail-on-non-empty "${1#"$root/"}")
	done
}

# bring, publish, discard: files get their names when all are there
bring() {
	local mode built file
	while read -r mode built file; do
		install -D -m "$mode" "$top/$built" "$file.wlch-new" || return
	done
}

publish() {
	local mode built file
	while read -r mode built file; do
		mv -fT "$file.wlch-new" "$file" || return
	done
}

discard() {
	local mode built file
	while read -r mode built file; do
		rm -f "$file.wlch-new"
		prune "${file%/*}"
	done
}

# Both have a PATH of their own, in which Debian's ipvsadm comes first.
prefer_own() {
	sed -i "s|^PATH=|&$PREFIX/sbin:|" "$prefix"/sbin/ipvsadm-{save,restore}.wlch-new
}

# unchanged TEXT: of these, those that nobody has changed; of others TEXT is said
unchanged() {
	local mode built file
	while read -r mode built file; do
		if [ -e "$file" ] && ! cmp -s "$top/$built" "$file"; then
			say "$file has been changed: $1"
		else
			echo "$mode $built $file"
		fi
	done
}

install_all() {
	local release files
	release=$(kernel_release "$1") || exit
	files=$(built_modules "$release"; programs)
	check_built <<<"$files" || exit
	check_rights
	files+=$(echo; settings | unchanged "left as it is")
	trap 'discard <<<"$files"; exit 1' HUP INT TERM
	if ! { bring <<<"$files" && prefer_own; }; then
		discard <<<"$files"
		die "could not install: all is as it was before"
	fi
	if ! { publish <<<"$files" && index "$modules/$release"; }; then
		discard <<<"$files"
		die "could not install all: run it again"
	fi
}

remove() {
	local mode built file
	while read -r mode built file; do
		[ -e "$file" ] || continue
		rm "$file" || return
		prune "${file%/*}"
	done
}

remove_modules() {
	local file
	for file in "$modules"/*/updates/ip_vs_{wlch,swrr}.ko; do
		[ -e "$file" ] || continue
		rm "$file" && rmdir --ignore-fail-on-non-empty "${file%/*}" || return
		index "${file%/updates/*}" || return
		prune "${file%/updates/*}"
	done
}

uninstall_all() {
	check_rights
	if ! { remove_modules && programs | remove &&
	       settings | unchanged "remove it if you do not need it any more" | remove; }; then
		die "could not remove all"
	fi
}

case ${1-} in
install) install_all "${2-}" ;;
uninstall) uninstall_all ;;
*) die "usage: install.sh install KDIR | uninstall" ;;
esac
