// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler swrr: calls that fail, for tests; with a parameter of its own.
 */
#define WLCH_FAULTS_OF	"swrr"

#include "ip_vs_wlch_faults.c"
