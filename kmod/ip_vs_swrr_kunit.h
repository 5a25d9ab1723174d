/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites of swrr's cycle share: servers that take turns.
 */
#ifndef _IP_VS_SWRR_KUNIT_H
#define _IP_VS_SWRR_KUNIT_H

#include "ip_vs_swrr_cycle.h"

struct kunit;

#define RING_SERVERS	16

/**
 * struct ring - a service's servers, and the cycle that they have now
 * @dest: servers that the core does not know
 * @server: the same, with weights
 * @nr: how many
 * @cycle: the cycle
 */
struct ring {
	struct ip_vs_dest	dest[RING_SERVERS];
	struct swrr_server	server[RING_SERVERS];
	u32			nr;
	struct swrr_cycle	*cycle;
};

int ring_init(struct kunit *test);
void ring_exit(struct kunit *test);
struct ring *ring_make(struct kunit *test, const u32 *weight, u32 nr);
void ring_change(struct kunit *test, struct ring *ring, u32 i, u32 weight);
u32 ring_pick(struct ring *ring);
u32 ring_turn(const struct ring *ring, u32 turn);

#endif /* _IP_VS_SWRR_KUNIT_H */
