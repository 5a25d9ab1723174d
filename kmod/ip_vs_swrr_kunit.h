/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites of swrr share: servers that take turns, for those of the cycle,
 * and services for those of the scheduler.
 */
#ifndef _IP_VS_SWRR_KUNIT_H
#define _IP_VS_SWRR_KUNIT_H

#include "ip_vs_swrr.h"

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

#define MANY	10000

/**
 * struct bed - a service with its servers
 * @svc: the service
 * @dest: MANY servers
 * @nr: how many of them it has had
 */
struct bed {
	struct ip_vs_service	svc;
	struct ip_vs_dest	*dest;
	u32			nr;
};

int bed_init(struct kunit *test);
void bed_exit(struct kunit *test);
struct bed *bed_of(struct kunit *test, u32 servers);
struct swrr_service *bed_ss(struct bed *bed);
void bed_add(struct bed *bed, int weight);
void bed_add_dest(struct bed *bed, struct ip_vs_dest *dest, int weight);
void bed_del(struct bed *bed, u32 i);
void bed_weigh(struct bed *bed, u32 i, int weight);
int bed_pick(struct bed *bed);
void bed_picks(struct bed *bed, u32 *picks, u32 nr);

#endif /* _IP_VS_SWRR_KUNIT_H */
