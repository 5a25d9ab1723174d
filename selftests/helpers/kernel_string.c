// SPDX-License-Identifier: GPL-2.0
/*
 * kernel_string: no program, but a library for LD_PRELOAD. Strings that a
 * program reads from the kernel with libnl are then what $KERNEL_STRING says.
 */
#include <stdlib.h>

struct nlattr;

char *nla_get_string(const struct nlattr *nla);

/* a string begins behind the header of its attribute */
char *nla_get_string(const struct nlattr *nla)
{
	char *other = getenv("KERNEL_STRING");

	return other ? other : (char *)nla + 4;
}
