#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Does vm.sh tell every way a run can end? Prints TAP.
#
# shellcheck disable=SC2016  # the guest expands them
# shellcheck disable=SC2317  # called by result

set -u
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
count=0 failed=0

# result NAME CONDITION...: one TAP line; on failure with what the run said
result() {
	local name=$1 no=
	shift
	"$@" || { no='not ' failed=1; }
	printf '%sok %d - %s\n' "$no" $((++count)) "$name"
	[ -z "$no" ] || sed 's/^/# /' "$work/err"
}

# run BODY [ARGUMENT...]: a bash script with that body; leaves rc, out and err
run() {
	printf '#!/bin/bash\n%s\n' "$1" >"$work/case"
	chmod +x "$work/case"
	shift
	"$here/vm.sh" "$work/case" "$@" >"$work/out" 2>"$work/err" </dev/null
	rc=$?
}

status() { [ "$rc" -eq "$1" ]; }
ended() { [ "$rc" -eq "$1" ] && grep -q "$2" "$work/err"; }
printed() { printf '%b' "$1" | cmp -s - "$work/out"; }

PATH=/usr/local/bin:/usr/bin:/bin run 'printf "%s|" "$PWD" "$@"
printf "a\nb\r\n\tc\000\377\004end"; printf to-stderr >&2' one 'two words'
result "a passing script passes, with the PATH of an ordinary user" status 0
result "arguments and folder reach it, and its output comes byte for byte" \
	printed '/selftests|one|two words|a\nb\r\n\tc\0000\0377\0004endto-stderr'

run 'exit 3'
result "the exit status of the script is that of the runner" status 3

run 'echo c >/proc/sysrq-trigger; sleep 60'
result "a panic fails" ended 241 'vm: the kernel panicked'

# Whoever runs before all others for good keeps RCU waiting.
run 'echo 3 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
for cpu in 0 1; do taskset -c $cpu chrt -f 50 bash -c "while :; do :; done" & done
sleep 1000'
result "a stall ends the run" ended 241 'vm: the kernel panicked'
result "... and is shown" grep -q 'detected stalls\|self-detected stall' "$work/err"

run '# vm-tools: trace-cmd
mount -t tracefs none /sys/kernel/tracing
while :; do sleep 0.001; done &
for ((i = 0; i < 300; i++)); do
	for on in 1 0; do echo $on >/sys/kernel/tracing/events/sched/sched_switch/enable || exit; done
done'
result "where there are tracers the kernel can change the code it runs" status 0

TIMEOUT=20 run 'sleep 1000'
result "a hang fails" ended 242 'vm: still running after 20 s'

run 'echo "<4>WARNING: made up" >/dev/kmsg'
result "a kernel warning fails a passing script" ended 243 'vm: the kernel reports a defect'
result "the warning is shown" grep -q 'WARNING: made up' "$work/err"

run 'poweroff -f'
result "an end without a verdict fails" ended 244 'vm: the machine ended without a verdict'

"$here/vm.sh" "$work/none" >"$work/out" 2>"$work/err"
rc=$?
result "a missing script is told" ended 240 'vm: there is no script'

echo 'exit 0' >"$work/plain"
"$here/vm.sh" "$work/plain" >"$work/out" 2>"$work/err"
rc=$?
result "a script that is not executable is told" ended 240 'chmod +x'

KERNEL=2.6 run 'exit 0'
result "an unknown kernel is told" ended 240 'use 6.1'

echo "1..$count"
exit $failed
