#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# lockdown.sh: what Documentation/secureboot.rst says that one sees where the kernel
# wants modules to be signed, and this one is not. After this the virtual machine
# loads no module any more, so it is not among the selftests: make vm RUN=...

# shellcheck source=selftests/lib/ktap.sh
. "$(dirname "$0")/../lib/ktap.sh"

# says TEXT COMMAND...: it fails, and says just that
says() {
	local text=$1 said
	shift
	! said=$("$@" 2>&1) || { echo "it succeeded"; return 1; }
	expect "$text" "$said"
}

# logs TEXT: a line of the kernel's log
logs() { expect "$1" "$(dmesg | sed 's/^\[[^]]*\] //' | grep -xF -m 1 -e "$1")"; }

loads() { modprobe ip_vs_wlch && rmmod ip_vs_wlch; }

lock_down() {
	mount -t securityfs securityfs /sys/kernel/security &&
		echo integrity >/sys/kernel/security/lockdown
}

want_signatures() { echo 1 >/sys/module/module/parameters/sig_enforce; }

ktap_begin
modprobe ip_vs
ktap_check "a kernel that wants no signature loads the module" loads
ktap_check "the kernel is locked down, as Secure Boot does" lock_down
ktap_check "... and modprobe fails" says \
	"modprobe: ERROR: could not insert 'ip_vs_wlch': Operation not permitted" modprobe ip_vs_wlch
ktap_check "... with this in the log" logs \
	"Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7"
ktap_check "ipvsadm does not find the scheduler" says \
	"Scheduler or persistence engine not found" ipvsadm -A -t 192.0.2.1:80 -s wlch
ktap_check "the kernel wants every module to be signed" want_signatures
ktap_check "... and modprobe fails" says \
	"modprobe: ERROR: could not insert 'ip_vs_wlch': Key was rejected by service" modprobe ip_vs_wlch
ktap_check "... with this in the log" logs "Loading of unsigned module is rejected"
ktap_end
