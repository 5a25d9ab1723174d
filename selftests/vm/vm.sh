#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vm.sh SCRIPT [ARGUMENT...]: runs a script as root in a virtual machine that
# has the module and both ipvsadm, prints its output as it comes and ends with
# its exit status. Environment:
#	KERNEL	6.1 (default), 6.1-old, 6.12, debug or kcsan, see kernel.sh
#	SMP	number of CPUs (2)
#	MEM	memory (1G; 2G for debug and kcsan, and for tools that a script wants)
#	TIMEOUT	seconds until it counts as hung (600)
#	MODULE_DIR	a folder with both modules, if not those that are built here
#	WLCH_ACCEL	kvm, tcg or icount instead of finding out, see accel.sh; for
#			tools tcg has one thread for all CPUs
# Other variables WLCH_* are the script's, too.
#
# The script starts in /selftests, a copy of the selftests folder; Documentation is beside
# it, as outside. The module can be autoloaded by its name and is in /kmod/ip_vs_wlch.ko,
# with the tests of "make threads" in /build/threads as outside, and with KUnit, where the
# kernel has it, in /build/kunit-vm; the helpers are in $PATH, the unpatched ipvsadm is ipvsadm-orig. If
# "make keepalived" was run, there are keepalived and keepalived-orig. A benchmark has
# its module in /kmod, too. Tools that are large are there for a script with a line
# "# vm-tools: TOOL..." only, and for tests with one that run_tests.sh is to run.
#
# These end the run with a status of its own, whatever the script said:
EX_SETUP=240	# it could not be started
EX_PANIC=241	# the kernel panicked
EX_HANG=242	# the deadline has passed
EX_DEFECT=243	# the kernel's log reports a defect
EX_LOST=244	# the machine ended without a verdict

set -u
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
# depmod is where an ordinary user's PATH does not lead
PATH=$PATH:/usr/sbin:/sbin

say() { printf 'vm: %s\n' "$*" >&2; }
fail() { local rc=$1; shift; say "$*"; exit "$rc"; }

check_arguments() {
	[ $# -gt 0 ] || fail $EX_SETUP "no script given: vm.sh SCRIPT [ARGUMENT...], or make vm RUN=SCRIPT"
	[ -f "$1" ] || fail $EX_SETUP "there is no script $1"
	[ -x "$1" ] || fail $EX_SETUP "the script $1 is not executable: chmod +x $1"
	command -v qemu-system-x86_64 >/dev/null ||
		fail $EX_SETUP "there is no qemu-system-x86_64: run selftests/vm/deps.sh"
}

# Does the kernel look for defects while it runs?
is_for_defects() { [ "$KERNEL" = debug ] || [ "$KERNEL" = kcsan ]; }

# wanted_tools SCRIPT [ARGUMENT...]: those that the script, or its tests, want besides
wanted_tools() {
	local script=$1 scripts=("$1")
	shift
	[ "${script##*/}" != run_tests.sh ] || mapfile -t scripts < <("$script" --list "$@")
	(cd "$top/selftests" && sed -n 's/^# vm-tools: //p' "${scripts[@]}") |
		tr ' ' '\n' | sort -u
}

build_project() {
	mkdir -p "$top/build" && (
		flock 9
		unset MAKEFLAGS
		make --no-print-directory -s -C "$top" module threads ipvsadm helpers \
			KERNEL="$KERNEL" >&2 || exit
		! is_for_defects || "$here/module.sh" "$KDIR" "$top/build/kunit-vm" -s \
			CONFIG_IP_VS_WLCH_KUNIT=y >&2
	) 9>"$top/build/.lock"
}

# place_script DIR SCRIPT [ARGUMENT...]: what init is to run. A script of the
# selftests folder runs in its place, so that it finds what lies beside it.
place_script() {
	local dir=$1 script inside
	script=$(readlink -f "$2")
	shift 2
	mkdir -p "$dir/run-script"
	case $script in
	"$top"/selftests/*)
		inside=${script#"$top"} ;;
	*)
		inside=/run-script/${script##*/}
		cp "$script" "$dir$inside" ;;
	esac
	printf '%s\0' "$inside" "$@" >"$dir/run-script/command"
	export -p | grep '^declare -x WLCH_' >"$dir/run-script/environment"
	return 0
}

# place_tools DIR: the selftests, their helpers, ipvsadm and its libraries
place_tools() {
	local dir=$1 file
	mkdir -p "$dir"/usr/{local/bin,sbin}
	cp -R "$top/selftests" "$dir/selftests"
	mkdir "$dir/Documentation" && cp "$top"/Documentation/*.rst "$dir/Documentation/" || return
	find "$top/build/helpers/" -maxdepth 1 -type f -executable \
		-exec cp -t "$dir/usr/local/bin" {} +
	install -D -m 644 "$top/build/ipvsadm/ipvsadm.bash" \
		"$dir/usr/share/bash-completion/completions/ipvsadm" || return
	for file in ipvsadm/ipvsadm ipvsadm/ipvsadm-orig \
			keepalived/keepalived keepalived/keepalived-orig; do
		# keepalived takes a minute to build, for one test
		[[ -e $top/build/$file || $file != keepalived/* ]] || continue
		cp "$top/build/$file" "$dir/usr/sbin/" || return
		ldd "$top/build/$file"
	done | grep -oE '/[^ )]+/lib/[^ )]+|/lib/[^ )]+' | sort -u |
		while read -r file; do
			install -D "$(readlink -f "$file")" "$dir/usr/lib/${file##*/lib/}"
		done
}

# place_module DIR TREE: the modules, and the indexes of a module tree with it
place_module() {
	local dir=$1 tree=$2 to=$1/tree/lib/modules/$RELEASE
	local kos=("${MODULE_DIR:-$top/build/kmod/$RELEASE}"/ip_vs_{wlch,swrr}.ko)
	local build
	local bench=$top/build/bench/vm/$RELEASE/ip_vs_wlch_bench.ko

	mkdir -p "$dir/kmod" "$dir/usr/lib/modules" && cp "${kos[@]}" "$dir/kmod/" || return
	for build in build/{threads,kunit-vm}/$RELEASE; do
		[ -d "$top/$build" ] || continue
		mkdir -p "$dir/$build" && cp "$top/$build"/*.ko "$dir/$build/" || return
	done
	[ ! -e "$bench" ] || cp "$bench" "$dir/kmod/" || return
	cp -al "$tree" "$dir/tree" 2>/dev/null || cp -a "$tree" "$dir/tree" || return
	# depmod writes new files, so links to the old ones are safe
	mkdir -p "$to/updates" && cp "${kos[@]}" "$to/updates/" &&
		depmod -b "$dir/tree" "$RELEASE" || return
	rm -r "$to/kernel" && mv "$to" "$dir/usr/lib/modules/" && rm -r "$dir/tree"
}

pack() { (cd "$1" && find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet); }

# make_initrd FILE SCRIPT [ARGUMENT...]
make_initrd() {
	local file=$1 base dir=$work/initrd.d
	shift
	base=$("$here/initramfs.sh" "$RELEASE" "$MODULES" "${tools[@]}") || return
	mkdir "$dir"
	place_script "$dir" "$@" && place_tools "$dir" &&
		place_module "$dir" "$base/modules/usr" || return
	{ cat "$base/base.cpio" && pack "$dir"; } >"$file" || return
	rm -r "$dir"
}

# run: boots and passes the output on; its status is QEMU's, 124 or 137 when
# the deadline has passed
run() {
	local out rc
	mkfifo "$work/out"
	cat "$work/out" &
	out=$!
	timeout --foreground -k 5 "$TIMEOUT" "$here/qemu.sh" "$accel" "$VMLINUZ" \
		"$work/initrd" "$SMP" "$MEM" "$work/log" "$work/status" \
		</dev/null >"$work/out" &
	qemu=$!
	wait $qemu
	rc=$?
	qemu=
	wait $out
	return $rc
}

# verdict QEMU_STATUS: says what went wrong, and exits
verdict() {
	local rc=$1 status defects
	status=$(sed -n 's/^status=\([0-9]\+\)\r\?$/\1/p' "$work/status" 2>/dev/null)

	if grep -qa 'Kernel panic' "$work/log"; then
		grep -aE -B 3 -A 100 -m 1 'BUG:|Oops|rcu:.*(self-)?detected|Kernel panic' \
			"$work/log" >&2
		fail $EX_PANIC "the kernel panicked, its log is $log"
	fi
	if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
		tail -n 10 "$work/log" >&2
		fail $EX_HANG "still running after $TIMEOUT s, ended; the kernel's log is $log"
	fi
	if ! defects=$("$here/klog.sh" "$work/log"); then
		printf '%s\n' "$defects" >&2
		fail $EX_DEFECT "the kernel reports a defect (exit status of the script: ${status:-none}), its log is $log"
	fi
	[ -n "$status" ] ||
		fail $EX_LOST "the machine ended without a verdict (exit status of QEMU: $rc), its log is $log"
	exit "$status"
}

# shellcheck disable=SC2317  # called by the trap
cleanup() {
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null
	[ ! -e "$work/log" ] || mv "$work/log" "$log"
	rm -rf "$work"
}

KERNEL=${KERNEL:-6.1} SMP=${SMP:-2} TIMEOUT=${TIMEOUT:-600}
check_arguments "$@"
mapfile -t tools < <(wanted_tools "$(readlink -f "$1")" "${@:2}")
if is_for_defects || [ ${#tools[@]} -gt 0 ]; then MEM=${MEM:-2G}; else MEM=${MEM:-1G}; fi
parts=$("$here/kernel.sh" "$KERNEL") || exit $EX_SETUP
eval "$parts"
[ ${#tools[@]} -eq 0 ] || "$here/deps.sh" tracing || exit $EX_SETUP
build_project || fail $EX_SETUP "the project does not build"

qemu=
arguments=${*:2}
log=$top/build/vm/$(basename "$1" .sh)${arguments:+-${arguments//[^a-z0-9]/-}}
log=${log:0:200}-$RELEASE.log
mkdir -p "$top/build/vm"
work=$(mktemp -d "$top/build/vm/run.XXXXXX") || exit $EX_SETUP
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
make_initrd "$work/initrd" "$@" || fail $EX_SETUP "could not pack the initramfs"
accel=$("$here/accel.sh" "$VMLINUZ" "$work/initrd") || exit $EX_SETUP
# Tracers have the kernel change code that it runs, the scheduler's as well. With a thread
# for each CPU QEMU sometimes goes on with the code as it was, and the kernel panics at a
# breakpoint that it has removed, or hangs.
[ "$accel" != tcg ] || [ ${#tools[@]} -eq 0 ] || accel=tcg-single
run
verdict $?
