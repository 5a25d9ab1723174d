#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# packages.sh: installs what "make deb", "make dkms" and "make install" deliver in
# a Debian of its own, and removes it again: DKMS builds the module for each kernel
# that comes, Debian's ipvsadm is replaced and comes back, and no file is left. That
# Debian, with the kernels' headers, is made once and kept in the cache folder. On
# this machine, as root or with sudo; prints KTAP.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
. "$top/selftests/vm/apt.sh"
# shellcheck source=selftests/lib/ktap.sh
. "$top/selftests/lib/ktap.sh"
# shellcheck source=selftests/check/chroot.sh
. "$here/chroot.sh"

version=$(<"$top/kmod/VERSION")
work=
root=

inside() { chroot_in "$root" "$@"; }
apt() { inside apt-get -qq -y --no-install-recommends "$@"; }

# The two newest plain kernels of a series, the older one first
choose_kernels() {
	mapfile -t kernels < <(header_releases 6.1 | grep -E '^[0-9.-]+-amd64$' | tail -n 2)
	[ ${#kernels[@]} -eq 2 ] || { echo "the archive has no two kernels 6.1"; return 1; }
}

# make_base: with DKMS, and what the test installs is at hand
make_base() {
	local new=$base.new
	as_root rm -rf "$cache_dir"/chroot/*
	mkdir -p "$cache_dir/chroot" && chroot_make "$new" dkms &&
		chroot_in "$new" apt-get clean &&
		chroot_in "$new" apt-get -qq -y --download-only --no-install-recommends install \
			"linux-headers-${kernels[0]}" "linux-headers-${kernels[1]}" ipvsadm &&
		as_root mv "$new" "$base"
}

# a copy, which the test may change; made anew after the archive has newer kernels
make_root() {
	choose_kernels || return
	base=$cache_dir/chroot/${kernels[0]}_${kernels[1]}
	root=$work/root
	[ -d "$base" ] || make_base || return
	as_root cp -a --reflink=auto "$base" "$root"
}

cleanup() {
	[ -z "$work" ] || as_root rm -rf "$work"
}

build() { make -s -C "$top" module ipvsadm dkms deb KERNEL=6.1 >"$work/log" 2>&1 || { cat "$work/log"; return 1; }; }

# files: in the chroot, with their content; not what installing anything changes
files() {
	inside find / -xdev \( -path /proc -o -path /dev -o -path /tmp -o -path /var/cache -o \
		-path /var/log -o -path '/var/lib/dkms/mok.*' -o -path /var/lib/dpkg -o \
		-path /var/lib/apt -o -path /root -o -path '/lib/modules/*/modules.*' -o \
		-path '/usr/lib/modules/*/modules.*' -o -path /etc/ld.so.cache \) -prune -o \
		\( -type f -exec md5sum {} + -o -printf '%p %l\n' \) | sort
}

same_files() { diff "$1" <(files); }

# module KERNEL: which one modprobe would load
module() { inside modinfo -k "$1" -F "$2" ip_vs_wlch; }

# usable KERNEL: of this version and for this kernel, where DKMS puts it, and signed
usable() {
	expect "$version" "$(module "$1" version)" "version" &&
		expect "$1" "$(module "$1" vermagic | cut -d ' ' -f 1)" "kernel" &&
		expect "/lib/modules/$1/updates/dkms/ip_vs_wlch.ko" "$(module "$1" filename)" "file" &&
		module "$1" signer | grep . &&
		expect "$version /lib/modules/$1/updates/dkms/ip_vs_swrr.ko" \
			"$(inside modinfo -k "$1" -F version ip_vs_swrr) $(inside modinfo -k "$1" -F filename ip_vs_swrr)" "the other one"
}

# works_in_vm: what DKMS has built for the kernel that the virtual machine has, too
works_in_vm() {
	local RELEASE
	RELEASE=$("$top/selftests/vm/kernel.sh" 6.1 | sed -n 's/^RELEASE=//p' | tr -d "'\"")
	mkdir -p "$work/dkms" &&
		cp "$root/lib/modules/$RELEASE/updates/dkms"/ip_vs_*.ko "$work/dkms/" || return
	cat >"$work/load" <<-'E'
		#!/bin/bash
		set -e
		ipvsadm -A -t 10.0.0.1:80 -s wlch --sched-param active=4
		ipvsadm -A -t 10.0.0.1:81 -s swrr
		ipvsadm -L -n --sched-param
		modinfo -F signer ip_vs_wlch | grep .
		ipvsadm -C
		rmmod ip_vs_wlch ip_vs_swrr
	E
	chmod +x "$work/load"
	KERNEL=6.1 MODULE_DIR=$work/dkms "$top/selftests/vm/vm.sh" "$work/load"
}

no_module() { ! module "$1" filename; }

# --- make install

staged() {
	local to=$work/stage
	make -s -C "$top" install KERNEL=6.1 DESTDIR="$to" PREFIX=/opt/lvs &&
		expect 16 "$(find "$to" -type f | wc -l)" "files" &&
		expect 2 "$(find "$to/lib/modules" -path '*/updates/ip_vs_*.ko' | wc -l)" "modules" &&
		[ -x "$to/opt/lvs/sbin/ipvsadm" ] && [ -x "$to/opt/lvs/sbin/wlch-metrics" ] &&
		! grep -v -E '^(#|$)' "$to/etc/modprobe.d/ip_vs_wlch.conf" &&
		expect $'ip_vs_wlch\nip_vs_swrr' "$(grep -v '^#' "$to/etc/modules-load.d/ip_vs_wlch.conf")" "loaded"
}

unstaged() {
	make -s -C "$top" uninstall DESTDIR="$work/stage" PREFIX=/opt/lvs || return
	expect "" "$(cd "$work/stage" && find . -mindepth 1)" "left"
}

# changed: what an administrator has written into a file in /etc is left alone
changed() {
	local to=$work/changed file=$work/changed/etc/modprobe.d/ip_vs_wlch.conf
	make -s -C "$top" install KERNEL=6.1 DESTDIR="$to" &&
		echo "options ip_vs_wlch active=4" >>"$file" &&
		make -s -C "$top" install KERNEL=6.1 DESTDIR="$to" &&
		make -s -C "$top" uninstall DESTDIR="$to" || return
	expect "options ip_vs_wlch active=4" "$(tail -n 1 "$file")" "what was written" &&
		expect "$file" "$(find "$to" -type f)" "left"
}

# half_way: one of the files cannot be written
half_way() {
	local to=$work/half
	mkdir -p "$to/usr/local" && touch "$to/usr/local/share" || return
	says "all is as it was before" make -s -C "$top" install KERNEL=6.1 DESTDIR="$to" &&
		expect "$to/usr/local/share" "$(find "$to" -mindepth 3)" "what is there"
}

# says TEXT COMMAND...: it fails, and says so
says() {
	local text=$1 said
	shift
	! said=$("$@" 2>&1) || { echo "it does not fail"; return 1; }
	grep -F "$text" <<<"$said" || { printf '%s\n' "$said"; return 1; }
}

as_nobody() { as_root setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# make sign: by the certificate with this serial number
sign() { make -s -C "$top" sign KERNEL=6.1 KEY="$work/mok.key" CERT="$work/mok.der"; }

signed() {
	local file serial
	openssl req -new -x509 -newkey rsa:2048 -nodes -sha256 -days 1 -subj "/CN=for a test/" \
		-keyout "$work/mok.key" -outform DER -out "$work/mok.der" &&
		make -s -C "$top" module KERNEL=6.1 && sign || return
	file=$(find "$top/build/kmod" -name ip_vs_wlch.ko -newer "$work/mok.der")
	serial=$(openssl x509 -inform DER -in "$work/mok.der" -noout -serial)
	expect "for a test" "$(modinfo -F signer "$file")" "signer" &&
		expect "${serial#*=}" "$(modinfo -F sig_key "$file" | tr -d ':')" "key"
}

make_sign() {
	ktap_check "make sign: with the key and the certificate that are given" signed
	ktap_check "... once" says "is signed already: run make first" sign
	ktap_check "... which make takes away again" make -s -C "$top" module KERNEL=6.1
	ktap_check "without a key: says where it looked" says "cannot read $work/none: give KEY=" \
		make -C "$top" sign KERNEL=6.1 KEY="$work/none"
}

make_install() {
	ktap_check "make install with DESTDIR and PREFIX: module, ipvsadm, settings" staged
	ktap_check "make uninstall: nothing is left" unstaged
	ktap_check "... but what was changed in /etc" changed
	ktap_check "when a file cannot be written: none is, and says so" half_way
	ktap_check "without headers: says which package to install" \
		says "install linux-headers-$(uname -r)" \
		make -C "$top" install KDIR="$work/none" DESTDIR="$work/none"
	mkdir -p "$work/kdir/include/generated"
	touch "$work/kdir/Makefile"
	echo '#define UTS_RELEASE "6.1.0-0-none"' >"$work/kdir/include/generated/utsrelease.h"
	ktap_check "when nothing was built: says to run make" says "run make first" \
		make -C "$top" install KDIR="$work/kdir" DESTDIR="$work/none"
	ktap_check "when not root: says so, or to give DESTDIR" \
		says "run it as root, or give DESTDIR=folder" uninstall_as_nobody
}

# a copy, as this folder may be for root's eyes only
uninstall_as_nobody() {
	local to
	to=$(mktemp -d /tmp/wlch-install.XXXXXX) || return
	mkdir -p "$to"/{packaging,selftests/vm} && chmod -R 755 "$to" &&
		cp "$top/packaging/install.sh" "$to/packaging/" &&
		cp "$top/selftests/vm/module-lib.sh" "$to/selftests/vm/" &&
		as_nobody "$to/packaging/install.sh" uninstall
	set -- $?
	rm -rf "$to"
	return "$1"
}

# --- DKMS

# with the folder of "make dkms" and without a package
dkms_by_hand() {
	as_root cp -R "$top/build/dkms/ip_vs_wlch-$version" "$root/tmp/source" &&
		inside dkms add /tmp/source &&
		inside dkms build "ip_vs_wlch/$version" -k "${kernels[0]}" &&
		inside dkms install "ip_vs_wlch/$version" -k "${kernels[0]}" &&
		usable "${kernels[0]}"
}

dkms_removed() {
	inside dkms remove "ip_vs_wlch/$version" --all &&
		as_root rm -r "$root/usr/src/ip_vs_wlch-$version" && same_files "$work/before"
}

build_again() {
	inside "$@" dkms build "ip_vs_wlch/$version" -k "${kernels[0]}" --force \
		--kernelsourcedir "/usr/src/linux-headers-${kernels[0]}"
}

kernel_table() { echo "$root/usr/src/ip_vs_wlch-$version/kmod/kernels"; }

# passed_over: a kernel that the table does not have any more; 77 is DKMS's word
passed_over() {
	as_root sed -i.known '/^6\.1\t/s/6\.1\.[0-9]*/6.1.999/' "$(kernel_table)" || return
	build_again >"$work/log" 2>&1
	expect 77 $? "exit status of dkms" || { cat "$work/log"; return 1; }
}

# any_kernel: it is built all the same; the table is put back
any_kernel() {
	build_again env WLCH_ANY_KERNEL=1 &&
		as_root mv "$(kernel_table).known" "$(kernel_table)"
}

# --- packages

content() { dpkg-deb -c "$1" | awk '!/^d/ { print $6 }'; }

debian_deb() { find "$root/var/cache/apt/archives" -name 'ipvsadm_*.deb'; }

# ipvsadm's are Debian's, and the completion
same_content() {
	diff <({ content "$(debian_deb)"; echo ./usr/share/bash-completion/completions/ipvsadm; } | sort) \
		<(content "$ours_ipvsadm" | sort)
}

# else dpkg would ask whoever has changed one of them
same_settings() {
	dpkg-deb -x "$(debian_deb)" "$work/theirs" && dpkg-deb -x "$ours_ipvsadm" "$work/own" &&
		diff -r "$work/theirs/etc" "$work/own/etc"
}

# Debian's, with what we add
same_authors() {
	grep -q 'Copyright (c) 1998 Wensong Zhang' "$work/own/usr/share/doc/ipvsadm/copyright" &&
		grep -q 'the contributors of ip_vs_wlch' "$work/own/usr/share/doc/ipvsadm/copyright"
}

# The last five it says of Debian's own ipvsadm, too.
lintian_silent() {
	local said
	said=$(lintian --allow-root --fail-on none --suppress-tags \
		alien-tag,depends-on-obsolete-package,missing-systemd-service-for-init.d-script,skip-systemd-native-flag-missing-pre-depends,wrong-name-for-changelog-of-native-package \
		"$ours_dkms" "$ours_ipvsadm" "$ours_metrics" 2>&1)
	expect "" "$said" "what lintian says"
}

debian_first() {
	apt install ipvsadm "linux-headers-${kernels[0]}" &&
		echo 'AUTO="true"	# of the administrator' |
		as_root tee "$root/etc/default/ipvsadm" >/dev/null &&
		files >"$work/before"
}

install_ours() {
	as_root cp "$ours_dkms" "$ours_ipvsadm" "$root/tmp/" &&
		apt install "/tmp/${ours_dkms##*/}" "/tmp/${ours_ipvsadm##*/}"
}

next_kernel() { apt install "linux-headers-${kernels[1]}" && usable "${kernels[1]}"; }

# Without IPVS in this machine's kernel ipvsadm does not come to its --help.
ours_in_place() {
	# shellcheck disable=SC2016  # dpkg-query expands it
	expect "$(dpkg-deb -f "$ours_ipvsadm" Version)" \
		"$(inside dpkg-query -W -f '${Version}' ipvsadm)" "version" &&
		grep -q -- '--sched-param' "$root/sbin/ipvsadm" &&
		inside ldd /sbin/ipvsadm &&
		inside dpkg -V ip-vs-wlch-dkms
}

# metrics_in_place: systemd knows the units, and the program says that it has no module
metrics_in_place() {
	as_root cp "$ours_metrics" "$root/tmp/" && apt install "/tmp/${ours_metrics##*/}" &&
		inside [ -e /etc/systemd/system/timers.target.wants/wlch-metrics.timer ] &&
		inside dpkg -V ip-vs-wlch-metrics || return
	inside mkdir -p /var/lib/prometheus/node-exporter &&
		inside touch /var/lib/prometheus/node-exporter/ip_vs_wlch.prom || return
	says "the module is not loaded" inside wlch-metrics
}

# changed_settings: by the administrator, and by nobody else
changed_settings() {
	expect "??5?????? c /etc/default/ipvsadm" "$(inside dpkg -V ipvsadm)" "dpkg -V" &&
		grep 'of the administrator' "$root/etc/default/ipvsadm"
}

# order VERSION OPERATOR VERSION
order() { dpkg --compare-versions "$1" "$2" "$3" || { echo "$1 is not $2 $3"; return 1; }; }

between_debians() {
	local own theirs
	own=$(dpkg-deb -f "$ours_ipvsadm" Version)
	theirs=$(debian_version)
	order "$own" gt "$theirs" && order "$own" gt 1:1.31-1+b9 && order "$own" lt 1:1.31-2
}

debian_version() { dpkg-deb -f "$(debian_deb)" Version; }

removed() {
	apt purge ip-vs-wlch-metrics && apt remove ip-vs-wlch-dkms && no_module "${kernels[0]}" && no_module "${kernels[1]}" &&
		expect "/etc/modprobe.d/ip_vs_wlch.conf" \
			"$(inside find /etc /lib /usr /var/lib/dkms /var/lib/prometheus /opt -name '*wlch*')" "left" &&
		inside rm -r /var/lib/prometheus
}

debian_again() {
	apt --allow-downgrades install "ipvsadm=$(debian_version)" && changed_settings &&
		! grep -q -- '--sched-param' "$root/sbin/ipvsadm"
}

purged() {
	local folder=$root/lib/modules/${kernels[1]}
	apt purge ip-vs-wlch-dkms "linux-headers-${kernels[1]}" && apt autoremove || return
	# depmod's indexes are nobody's
	as_root rm -f "$folder"/modules.* && as_root rmdir "$folder" && same_files "$work/before"
}

dkms() {
	ktap_check "make dkms: dkms add, build and install" dkms_by_hand
	ktap_check "a kernel that the table does not have is passed over" passed_over
	ktap_check "... and it is built with WLCH_ANY_KERNEL=1" any_kernel
	ktap_check "... and dkms remove: nothing is left" dkms_removed
}

packages() {
	ours_dkms=$(find "$top/build/deb" -maxdepth 1 -name 'ip-vs-wlch-dkms_*.deb')
	ours_ipvsadm=$(find "$top/build/deb" -maxdepth 1 -name 'ipvsadm_*.deb')
	ours_metrics=$(find "$top/build/deb" -maxdepth 1 -name 'ip-vs-wlch-metrics_*.deb')
	ktap_check "ipvsadm has the files of Debian's, and the completion" same_content
	ktap_check "... and these settings are Debian's, to the byte" same_settings
	ktap_check "... and its copyright is its authors'" same_authors
	ktap_check "lintian says nothing of the three packages" lintian_silent
	ktap_check "its version is above Debian's, and below a new release" between_debians
	ktap_check "the packages of make deb are installed" install_ours
	ktap_check "DKMS has built the module for ${kernels[0]}" usable "${kernels[0]}"
	ktap_check "headers of ${kernels[1]} come: it is built for it, too" next_kernel
	ktap_check "what DKMS has built is loaded in a virtual machine, and services use it" works_in_vm
	ktap_check "a kernel that the table does not have is passed over" passed_over
	ktap_check "... and it is built with WLCH_ANY_KERNEL=1" any_kernel
	ktap_check "ipvsadm knows --sched-param" ours_in_place
	ktap_check "the metrics are installed, and their timer enabled" metrics_in_place
	ktap_check "changed settings of Debian's ipvsadm are kept" changed_settings
	ktap_check "the module's package is removed: both modules are gone" removed
	ktap_check "Debian's ipvsadm comes back, and the settings are kept" debian_again
	ktap_check "purged: every file is as it was before" purged
}

"$top/selftests/vm/deps.sh" packages || exit
[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
	die "this installs packages in a chroot: run it as root, or install sudo"
ktap_begin
mkdir -p "$top/build" && work=$(mktemp -d "$top/build/packages.XXXXXX") || exit
trap cleanup EXIT
if ktap_check "a Debian in a folder" make_root &&
   ktap_check "make, make dkms and make deb" build; then
	make_install
	make_sign
	ktap_check "Debian's ipvsadm and headers of ${kernels[0]} are installed" debian_first
	dkms
	packages
fi
ktap_end
