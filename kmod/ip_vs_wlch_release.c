// SPDX-License-Identifier: GPL-2.0
/*
 * Which release this is, for modinfo and DKMS. In the kernel's own tree a module
 * has the version of the kernel; so only the build outside of it has this file.
 */
#include <linux/module.h>

MODULE_VERSION(WLCH_VERSION);
