// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: random numbers
 *
 * They decide between equal servers, and are asked for with nearly every connection.
 * Clients see which server they get: who could foresee that would send all of
 * his connections to one. So it is a keyed hash of a counter, with a key
 * of the kernel's own generator.
 */

#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/siphash.h>

#include "ip_vs_wlch.h"

/* Where each CPU's numbers begin is chosen at random: 2^64 are enough for
 * all never to meet.
 */
static DEFINE_PER_CPU(u64, wlch_random_nr);
static hsiphash_key_t wlch_random_key __read_mostly;

/**
 * wlch_random() - a number that nobody can foresee
 *
 * Context: any.
 * Return: 32 random bits.
 */
u32 wlch_random(void)
{
	u64 nr = this_cpu_inc_return(wlch_random_nr);

	return hsiphash_2u32(lower_32_bits(nr), upper_32_bits(nr),
			     &wlch_random_key);
}

/**
 * wlch_random_init() - choose where the numbers begin
 *
 * Context: process, once.
 */
void wlch_random_init(void)
{
	int cpu;

	get_random_bytes(&wlch_random_key, sizeof(wlch_random_key));
	for_each_possible_cpu(cpu)
		per_cpu(wlch_random_nr, cpu) = get_random_u64();
}
