#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# debug-build.sh KDIR OUT [MAKE ARGUMENT...]: builds the module as module.sh does,
# from nothing and with IP_VS_DEBUG, which distributions compile away and which
# hides broken fields. Prints only what is not in order.

set -u
here=$(dirname "$(readlink -f "$0")")
kdir=$1 out=$2
shift 2

rm -rf "$out"
# these kernels have no IP_VS_DEBUG, hence not the function behind it
"$here/../vm/module.sh" "$kdir" "$out" -s KCFLAGS=-DCONFIG_IP_VS_DEBUG=1 \
	KBUILD_MODPOST_WARN=1 "$@" 2>&1 |
	grep -v '^WARNING: modpost: "ip_vs_get_debug_level" .* undefined!$'
exit "${PIPESTATUS[0]}"
