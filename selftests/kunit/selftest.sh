#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# selftest.sh SCRIPT [ARGUMENT...]: runs a selftest in User Mode Linux: one that needs a
# kernel that Debian does not build, or has more to do than is quick in a virtual machine.
# Its results are on stdout; fails as run.sh does. Variables WLCH_* are the
# script's too. MEM is the machine's memory (512M), UML=debug a kernel that looks for
# defects, see uml.sh. Several may run at once.

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
out=$top/build/uml-selftest${UML:+-$UML}
name=$(basename "${1:-}" .sh)
log=$out/$name.log

say() { printf 'uml: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# shellcheck source=selftests/kunit/boot.sh
. "$here/boot.sh"

[ -x "${1:-}" ] || die "no script to run: selftest.sh SCRIPT [ARGUMENT...]"
script=$(readlink -f "$1")
shift
uml=$("$here/../kernels/uml.sh" "${UML:-}") || exit
needs=()
for variable in "${!WLCH_@}"; do
	needs+=("$variable=${!variable}")
done
if grep -qw YNL "$script"; then
	ynl=$("$here/../kernels/source.sh" 6.12) || exit
	needs+=(YNL="$ynl")
fi
if grep -qw PROMTOOL "$script"; then
	promtool=$("$here/../vm/program.sh" promtool prometheus) &&
		exporter=$("$here/../vm/program.sh" prometheus-node-exporter prometheus-node-exporter) ||
		exit
	needs+=(PROMTOOL="$promtool" NODE_EXPORTER="$exporter")
fi
# IPVS is built in, so this is no option of a module
! grep -qw conn_tab_bits "$script" || needs+=(ip_vs.conn_tab_bits=20)
# all of them have what the first has built; the lock is vm.sh's, who builds programs, too
mkdir -p "$out" && exec 9>"$top/build/.lock" && flock 9 || exit
{
	"$here/../vm/module.sh" "$uml" "$out" ARCH=um && { ! grep -q test_module_need "$script" ||
		"$here/../vm/module.sh" "$uml" "$top/build/threads" ARCH=um \
			CONFIG_IP_VS_WLCH_FAULTS=y; } &&
		make --no-print-directory -s -C "$top" ipvsadm helpers
} >"$out/build.log" 2>&1 || {
	cat "$out/build.log" >&2
	die "the project does not build"
}
exec 9>&-

# connections can be made to fail to allocate; and who allocated what, where it is to be
# known, as it takes time
slub='A,ip_vs_conn'
if [ "${UML:-}" = debug ] || grep -qE 'slabs_have_owners|lib/faults' "$script"; then
	slub+=';U,kmalloc-*,skbuff*'
fi
release=$(<"$uml/include/config/kernel.release")
printf '%s\0' "$script" "$@" >"$out/$name.command"
boot "$uml" "$here/selftest-init" TOP="$top" COMMAND="$out/$name.command" \
	MODULE_FILE="$out/$release/ip_vs_wlch.ko" UML="${UML:-}" "slub_debug=$slub" \
	"${needs[@]}" | tee "$log"
verdict "$log"
