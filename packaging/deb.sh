#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb.sh OUT: builds the Debian packages in OUT, the module's source for DKMS,
# what Prometheus needs, and an ipvsadm that takes the place of Debian's. That one
# has the files of Debian's package, from the archive, but for those that the patches
# change: who goes from one to the other and back keeps his settings and is asked
# nothing.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/..")
. "$top/selftests/vm/apt.sh"

version=$(<"$top/kmod/VERSION")
base=1:1.31-1	# of Debian's package; its rebuilds have +bN behind it

# The time of the change that is packed, so that it is packed alike each time.
stamp() {
	git -C "$top" log -1 --format=%ct 2>/dev/null || stat -c %Y "$top/kmod/VERSION"
}

# entry PACKAGE VERSION: of a changelog
entry() {
	cat <<-E
	$1 ($2) unstable; urgency=medium

	  * ip_vs_wlch $version

	 -- $(sed -n 's/^Maintainer: //p' "$here/debian/control")  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
	E
}

# debian_ipvsadm DIR: unpack it from the archive there
debian_ipvsadm() {
	local found
	found=$(apt-cache madison ipvsadm | awk -v base="$base" '
		$3 == base || index($3, base "+b") == 1 { print $3; exit }')
	[ -n "$found" ] || return
	rm -rf "$1" && mkdir -p "$1" && (apt_unpack "$1" "ipvsadm=$found")
}

# What is Debian's, and what of it is replaced
lay_out_ipvsadm() {
	local dir=$src/ipvsadm doc=$src/ipvsadm/usr/share/doc/ipvsadm built=$out/ipvsadm page
	debian_ipvsadm "$dir" || {
		apt_update && debian_ipvsadm "$dir"
	} || die "the archive has no ipvsadm $base, on which the package is built: is this Debian 12?"
	install -m 755 "$built"/ipvsadm{,-save,-restore} "$dir/sbin/" || return
	for page in ipvsadm ipvsadm-save ipvsadm-restore; do
		gzip -n9 <"$built/$page.8" >"$dir/usr/share/man/man8/$page.8.gz" || return
	done
	install -D -m 644 "$built/ipvsadm.bash" \
		"$dir/usr/share/bash-completion/completions/ipvsadm" || return
	{ entry ipvsadm "$IPVSADM_VERSION"; echo; gzip -dc "$doc/changelog.Debian.gz"; } >"$src/changelog" &&
		gzip -n9 <"$src/changelog" >"$doc/changelog.Debian.gz" && rm "$src/changelog" || return
	echo >>"$doc/copyright" &&
		echo "The patches for the scheduler wlch: Copyright (c) 2026 the contributors of ip_vs_wlch," >>"$doc/copyright" &&
		echo "under the same license." >>"$doc/copyright" || return
	# debhelper makes from these what has to be run at installation
	mv "$dir/etc/init.d/ipvsadm" "$src/debian/ipvsadm.init" &&
		mv "$dir/etc/default/ipvsadm" "$src/debian/ipvsadm.default" &&
		rmdir "$dir"/etc/{init.d,default}
}

lay_out_module() {
	local dir=$src/ip-vs-wlch-dkms
	"$here/dkms.sh" "$dir/usr/src/ip_vs_wlch-$version" &&
		mv "$dir/usr/src/ip_vs_wlch-$version/dkms.conf" "$src/" &&
		install -D -m 644 "$here/modprobe.conf" "$dir/etc/modprobe.d/ip_vs_wlch.conf" &&
		# not in /etc, where it would stay when the module goes
		install -D -m 644 "$here/modules-load.conf" "$dir/usr/lib/modules-load.d/ip_vs_wlch.conf"
}

lay_out_metrics() {
	local dir=$src/ip-vs-wlch-metrics from=$top/metrics
	install -D -m 755 "$from/wlch-metrics" "$dir/usr/sbin/wlch-metrics" &&
		install -D -m 644 -t "$dir/lib/systemd/system" "$from"/wlch-metrics.{service,timer} &&
		install -D -m 644 "$from/alerts.yml" "$dir/usr/share/ip_vs_wlch/alerts.yml" &&
		install -D -m 644 "$from/wlch-metrics.8" "$dir/usr/share/man/man8/wlch-metrics.8"
}

build() {
	cd "$src" && entry ip-vs-wlch "$version" >debian/changelog &&
		env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES \
			dpkg-buildpackage -b -us -uc
}

[ $# -eq 1 ] || die "usage: deb.sh OUT"
command -v dh_dkms >/dev/null || die "debhelper and dh-dkms are missing: run selftests/vm/deps.sh packages"
mkdir -p "$1" && out=$(readlink -f "$1") || exit
src=$out/source
SOURCE_DATE_EPOCH=$(stamp)
IPVSADM_VERSION=$base+wlch$version
export SOURCE_DATE_EPOCH IPVSADM_VERSION

"$top/ipvsadm-patch/build.sh" "$out/ipvsadm" "$here/debian/ipvsadm-weights.patch" || exit
rm -rf "$src" "$out"/*.deb && mkdir "$src" && cp -R "$here/debian" "$src/debian" || exit
if ! { lay_out_module && lay_out_ipvsadm && lay_out_metrics; }; then
	die "could not lay out the packages in $src"
fi
build >"$out/log" 2>&1 || { cat "$out/log" >&2; die "the packages do not build, see above"; }
ls "$out"/*.deb
