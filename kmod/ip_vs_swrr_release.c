// SPDX-License-Identifier: GPL-2.0
/*
 * Which release this is, as in ip_vs_wlch_release.c.
 */
#include <linux/module.h>

MODULE_VERSION(WLCH_VERSION);
