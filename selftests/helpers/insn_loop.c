// SPDX-License-Identifier: GPL-2.0
/*
 * insn_loop - execute a known number of instructions
 *
 *	insn_loop COUNT
 *
 * Prints
 *	ns=N
 * the time that COUNT instructions of a loop took. Where a machine's clock counts
 * instructions (QEMU's -icount) that is COUNT and what interrupts did meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	volatile long sink;
	long left, begin;

	if (argc != 2 || (left = atol(argv[1]) / 2) < 1) {
		fprintf(stderr, "usage: insn_loop COUNT\n");
		return 2;
	}
	begin = now_ns();
#ifdef __x86_64__
	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(left) : : "cc");
#else
	fprintf(stderr, "insn_loop: written for x86-64 only\n");
	return 1;
#endif
	sink = left;
	(void)sink;
	printf("ns=%ld\n", now_ns() - begin);
	return 0;
}
