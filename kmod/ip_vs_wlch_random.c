// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: random numbers
 */

#include <linux/percpu.h>
#include <linux/prandom.h>

#include "ip_vs_wlch.h"

static DEFINE_PER_CPU(struct rnd_state, wlch_random_state);

/**
 * wlch_random() - a number that decides between equal servers
 *
 * Nothing is gained by who can foresee it; it is asked for with nearly every
 * connection, and so has to be cheap: a generator on each CPU, which the kernel's
 * random source has seeded, so that no two directors have the same. A softirq that
 * comes between costs the state of one step.
 *
 * Context: any but hard interrupt.
 * Return: 32 random bits.
 */
u32 wlch_random(void)
{
	u32 random = prandom_u32_state(get_cpu_ptr(&wlch_random_state));

	put_cpu_ptr(&wlch_random_state);
	return random;
}

/**
 * wlch_random_init() - seed the generators
 *
 * Context: process, once.
 */
void wlch_random_init(void)
{
	prandom_seed_full_state(&wlch_random_state);
}
