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

/**
 * struct wlch_random - where the numbers of a CPU come from
 * @key: its own: no two CPUs have the same numbers
 * @nr: of the last one; with 0 comes another key
 */
struct wlch_random {
	hsiphash_key_t	key;
	u32		nr;
};

static DEFINE_PER_CPU(struct wlch_random, wlch_randoms);

/**
 * wlch_random() - a number that nobody can foresee
 *
 * Who is moved to another CPU in here has a number with the key of either.
 *
 * Context: any.
 * Return: 32 random bits.
 */
u32 wlch_random(void)
{
	u32 nr = this_cpu_inc_return(wlch_randoms.nr);
	struct wlch_random *own = raw_cpu_ptr(&wlch_randoms);

	if (unlikely(!nr))
		get_random_bytes(&own->key, sizeof(own->key));
	return hsiphash_1u32(nr, &own->key);
}

/**
 * wlch_random_init() - choose the keys
 *
 * Context: process, once.
 */
void wlch_random_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct wlch_random *own = per_cpu_ptr(&wlch_randoms, cpu);

		get_random_bytes(&own->key, sizeof(own->key));
	}
}
