// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler swrr: servers that take turns, for the KUnit tests of its cycle
 */

#include <kunit/test.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "ip_vs_swrr_kunit.h"

int ring_init(struct kunit *test)
{
	struct ring *ring = kvzalloc(sizeof(*ring), GFP_KERNEL);

	test->priv = ring;
	return ring ? 0 : -ENOMEM;
}

void ring_exit(struct kunit *test)
{
	struct ring *ring = test->priv;

	if (ring)
		kvfree(ring->cycle);
	kvfree(ring);
}

struct ring *ring_make(struct kunit *test, const u32 *weight, u32 nr)
{
	struct ring *ring = test->priv;
	u32 i;

	for (i = 0; i < nr; i++) {
		ring->server[i].dest = &ring->dest[i];
		ring->server[i].weight = weight[i];
		ring->server[i].phase = get_random_u32();
	}
	ring->nr = nr;
	kvfree(ring->cycle);
	ring->cycle = swrr_cycle_make(ring->server, nr);
	KUNIT_ASSERT_NOT_NULL(test, ring->cycle);
	return ring;
}

/* Another weight of a server, in the middle of the cycle. */
void ring_change(struct kunit *test, struct ring *ring, u32 i, u32 weight)
{
	struct swrr_cycle *old = ring->cycle;

	ring->server[i].weight = weight;
	ring->cycle = swrr_cycle_make(ring->server, ring->nr);
	KUNIT_ASSERT_NOT_NULL(test, ring->cycle);
	if (!swrr_cycle_follow(ring->cycle, old, get_random_u64()))
		swrr_cycle_begin(ring->cycle, 0);
	kvfree(old);
}

u32 ring_pick(struct ring *ring)
{
	return swrr_cycle_next(ring->cycle) - ring->dest;
}

u32 ring_turn(const struct ring *ring, u32 turn)
{
	return ring->cycle->turn[turn % ring->cycle->nr].dest - ring->dest;
}
