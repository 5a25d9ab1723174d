# SPDX-License-Identifier: GPL-2.0
#
# For people. The kernel's build system reads Kbuild.

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

.PHONY: all
all: module ipvsadm

# The kernel to build for: KERNEL (a name of selftests/vm/kernel.sh, unpacked in
# the cache folder), or KDIR (a folder with headers), or the one that runs.
ifneq ($(KERNEL),)
  ifeq ($(origin KDIR),undefined)
    KDIR = $(shell eval "`selftests/vm/kernel.sh $(KERNEL)`" && echo "$$KDIR")
  endif
else
  KDIR ?= /lib/modules/$(shell uname -r)/build
endif

# Each kernel has a copy of the source of its own, so that objects do not mix
.PHONY: module
module:
	@selftests/vm/module.sh "$(KDIR)" build/kmod

.PHONY: ipvsadm
ipvsadm:
	@ipvsadm-patch/build.sh build/ipvsadm

.PHONY: helpers
helpers:
	@$(MAKE) -C selftests/helpers

.PHONY: vm
vm: export KERNEL := $(or $(KERNEL),6.1)
vm:
	@selftests/vm/vm.sh $(RUN) $(ARGS)
