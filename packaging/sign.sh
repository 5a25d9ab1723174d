#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sign.sh KDIR: signs what make has built for the kernel of these headers, so that
# a machine with Secure Boot loads it. Environment:
#	KEY, CERT	the key and its certificate (DKMS's)

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/..")
KEY=${KEY:-/var/lib/dkms/mok.key}
CERT=${CERT:-/var/lib/dkms/mok.pub}

die() { printf 'sign: %s\n' "$*" >&2; exit 1; }
. "$top/selftests/vm/module-lib.sh"

kdir=${1-}
release=$(kernel_release "$kdir") || exit
modules=("$top/build/kmod/$release"/ip_vs_{wlch,swrr}.ko)
for module in "${modules[@]}"; do
	[ -e "$module" ] || die "$module is not there: run make first, with the same KDIR or KERNEL"
	[ -z "$(modinfo -F sig_key "$module")" ] ||
		die "$module is signed already: run make first, to sign it with another key"
done
for file in "$KEY" "$CERT"; do
	[ -r "$file" ] || die "cannot read $file: give KEY=file and CERT=file, see Documentation/secureboot.rst"
done
program=$kdir/scripts/sign-file
[ -x "$program" ] || die "the headers in $kdir have no scripts/sign-file"
hash=$(sed -n 's/^CONFIG_MODULE_SIG_HASH=//p' "$kdir/include/config/auto.conf" | tr -d '"')
[ -n "$hash" ] || die "this kernel knows no signatures of modules (CONFIG_MODULE_SIG)"
for module in "${modules[@]}"; do
	"$program" "$hash" "$KEY" "$CERT" "$module" || die "could not sign $module"
done
