#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dkms.sh DIR: leaves in DIR what DKMS builds the module from, for "dkms add DIR".

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/..")

die() { printf 'dkms.sh: %s\n' "$*" >&2; exit 1; }
. "$top/selftests/vm/module-lib.sh"

[ $# -eq 1 ] || die "usage: dkms.sh DIR"
if ! { rm -rf "$1" && mkdir -p "$1" && source_tar | tar -C "$1" -x; }; then
	die "could not write to $1"
fi
conf=$(<"$here/dkms.conf.in")
printf '%s\n' "${conf//@VERSION@/$(<"$top/kmod/VERSION")}" >"$1/dkms.conf"
