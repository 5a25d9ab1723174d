# SPDX-License-Identifier: GPL-2.0
#
# For people; the kernel's build system reads Kbuild.

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
Q := $(if $(V),,@)

# The kernel to build for: KERNEL (a name of selftests/vm/kernel.sh), or KDIR
# (a folder with headers), or else the one that runs here.
ifeq ($(KERNEL),)
  KDIR ?= /lib/modules/$(shell uname -r)/build
else
  override KDIR = $(shell eval "`selftests/vm/kernel.sh $(KERNEL)`" && echo "$$KDIR")
endif

.PHONY: all
all: module ipvsadm

.PHONY: help
help:
	@echo 'make                  the module for the running kernel, and ipvsadm'
	@echo 'make module           build/kmod/RELEASE/ip_vs_wlch.ko and ip_vs_swrr.ko'
	@echo '     KDIR=folder      for the kernel of these headers'
	@echo '     KERNEL=name      for a Debian kernel, fetched to ~/.cache:'
	@echo '                      6.1 (newest), 6.1-old (oldest), 6.12 (newest)'
	@echo 'make threads          the same in build/threads, with what some selftests need'
	@echo 'make ipvsadm          build/ipvsadm/ipvsadm, and ipvsadm-orig without the patches'
	@echo 'make install          these and settings of the module, in the system; as root'
	@echo '     PREFIX=folder    where ipvsadm goes (/usr/local)'
	@echo '     DESTDIR=folder   in front of every path, to pack what is installed'
	@echo 'make sign             sign the module, before make install, for Secure Boot'
	@echo '     KEY=file CERT=file  with these instead of those of DKMS'
	@echo 'make uninstall        remove what make install has installed, with the same PREFIX'
	@echo 'make dkms             build/dkms/ip_vs_wlch-VERSION, for dkms add'
	@echo 'make keepalived       build/keepalived/keepalived, and keepalived-orig without the patch'
	@echo
	@echo 'On Debian 12; these install missing packages, but no kernel:'
	@echo 'make deb              build/deb/*.deb: DKMS, ipvsadm and metrics as Debian packages'
	@echo 'make demo             what the scheduler is for, in a virtual machine'
	@echo 'make check            all tests on the newest 6.1, some on 6.1-old and 6.12; an hour or more'
	@echo 'make check-all        and on kernels that look for defects, and longer: hours'
	@echo 'make check-long       what check-all has beyond check'
	@echo 'make vm RUN=script    run a script in a virtual machine'
	@echo '     ARGS="..."       its arguments'
	@echo '     KERNEL=name SMP=cpus MEM=size TIMEOUT=seconds  (6.1, 2, 1G, 600)'
	@echo '                      KERNEL=debug and kcsan are built and look for defects'
	@echo 'make selftests        all selftests in a virtual machine; KERNEL, TIMEOUT as above'
	@echo '     ARGS=short       those of a few minutes; cpus, those for SMP=4; tools, those'
	@echo '                      that want large tools; or names'
	@echo 'make balance          how even the schedulers are: writes Documentation/balance.md'
	@echo 'make bench            what they cost: writes Documentation/performance*.md'
	@echo '     ARGS=wlch|swrr   of one of them'
	@echo 'make kunit            the KUnit suite, in User Mode Linux'
	@echo 'make uml RUN=script   a selftest in that kernel, where allocations can fail;'
	@echo '     UML=debug        a kernel that looks for defects; for make kunit, too'
	@echo 'make docs             the manual as HTML, in build/docs'
	@echo 'make lint             checkpatch, sparse, shellcheck'
	@echo
	@echo 'V=1 shows the commands; WLCH_CACHE=folder is the cache folder (~/.cache/ip_vs_wlch)'
	@echo
	@echo 'make clean            remove build/'
	@echo 'make distclean        and the kernels in the cache folder'

.PHONY: module
module:
	$(Q)selftests/vm/module.sh "$(KDIR)" build/kmod

.PHONY: threads
threads:
	$(Q)selftests/vm/module.sh "$(KDIR)" build/threads CONFIG_IP_VS_WLCH_THREADS=y \
		CONFIG_IP_VS_WLCH_INTRUDER=m CONFIG_IP_VS_WLCH_FAULTS=y

.PHONY: ipvsadm
ipvsadm:
	$(Q)ipvsadm-patch/build.sh build/ipvsadm

# What has been built is installed: root builds nothing.
export DESTDIR PREFIX INSTALL_MOD_PATH

.PHONY: install
install:
	$(Q)packaging/install.sh install "$(KDIR)"

.PHONY: sign
sign:
	$(Q)KEY="$(KEY)" CERT="$(CERT)" packaging/sign.sh "$(KDIR)"

.PHONY: uninstall
uninstall:
	$(Q)packaging/install.sh uninstall

.PHONY: dkms
dkms:
	$(Q)packaging/dkms.sh build/dkms/ip_vs_wlch-$(file <kmod/VERSION)
	@echo 'now, as root: dkms add build/dkms/ip_vs_wlch-$(file <kmod/VERSION)'

.PHONY: deb
deb:
	$(Q)selftests/vm/deps.sh packages
	$(Q)packaging/deb.sh build/deb

.PHONY: keepalived
keepalived:
	$(Q)keepalived-patch/build.sh build/keepalived

.PHONY: docs
docs: deps
	$(Q)sphinx-build -q -W --keep-going -n -b html -d build/docs/.doctrees Documentation build/docs

.PHONY: helpers
helpers:
	$(Q)$(MAKE) -C selftests/helpers

.PHONY: deps
deps:
	$(Q)selftests/vm/deps.sh

.PHONY: vm
vm: deps
	$(Q)selftests/vm/vm.sh $(RUN) $(ARGS)

.PHONY: demo
demo: deps
	$(Q)! [ -t 1 ] || export WLCH_LIVE=yes; selftests/vm/vm.sh selftests/demo.sh

.PHONY: selftests
selftests: deps keepalived
	$(Q)selftests/vm/vm.sh selftests/run_tests.sh $(ARGS)

.PHONY: balance
balance:
	$(Q)selftests/vm/deps.sh plots
	$(Q)selftests/balance/balance.sh

.PHONY: bench
bench:
	$(Q)selftests/vm/deps.sh plots
	$(Q)selftests/bench/bench.sh $(ARGS)

.PHONY: kunit
kunit: deps
	$(Q)selftests/kunit/run.sh

.PHONY: uml
uml: deps
	$(Q)selftests/kunit/selftest.sh $(RUN) $(ARGS)

.PHONY: lint
lint: deps
	$(Q)selftests/check/lint.sh

.PHONY: check
check: deps
	$(Q)selftests/check/check.sh

.PHONY: check-all
check-all: deps
	$(Q)selftests/check/check.sh all

.PHONY: check-long
check-long: deps
	$(Q)selftests/check/check.sh long

.PHONY: clean
clean:
	rm -rf build

.PHONY: distclean
distclean: clean
	. selftests/vm/apt.sh && rm -rf "$$cache_dir"/{kernels,headers,initramfs,source,uml,uml-debug,debug,programs,accel-*} && \
		{ [ ! -e "$$cache_dir/chroot" ] || as_root rm -rf "$$cache_dir/chroot"; }
