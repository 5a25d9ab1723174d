// SPDX-License-Identifier: GPL-2.0
/*
 * kernel_number: no program, but a library for LD_PRELOAD. To each number of 64 bits that
 * a program reads from the kernel with libnl $KERNEL_NUMBER is added.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct nlattr;

uint64_t nla_get_u64(const struct nlattr *nla);

/* a number begins behind the header of its attribute */
uint64_t nla_get_u64(const struct nlattr *nla)
{
	const char *more = getenv("KERNEL_NUMBER");
	uint64_t number;

	memcpy(&number, (const char *)nla + 4, sizeof(number));
	return number + (more ? strtoull(more, NULL, 10) : 0);
}
