// SPDX-License-Identifier: GPL-2.0
/*
 * input_error: no program, but a library for LD_PRELOAD. Where the standard input
 * ends, a program that reads it with stdio gets an error, as of a disk.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static ssize_t read_input(void *cookie, char *buf, size_t size)
{
	ssize_t got = read(STDIN_FILENO, buf, size);

	(void)cookie;
	if (got)
		return got;
	errno = EIO;
	return -1;
}

__attribute__((constructor)) static void take_input(void)
{
	const cookie_io_functions_t functions = { .read = read_input };

	stdin = fopencookie(NULL, "r", functions);
	if (!stdin)
		abort();
}
