// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: KUnit tests of drawing servers, and of what the best of
 * some comes to
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_draw.h"
#include "ip_vs_wlch_kunit.h"

#define WHOLE	((u64)U32_MAX + 1)

/* What a server has of all lots together, of 2^32 a lot. */
static u64 parts_of(const struct wlch_draw *draw,
		    const struct wlch_server *server)
{
	u64 parts = 0;
	u32 i;

	for (i = 0; i < draw->nr; i++) {
		const struct wlch_lot *lot = &draw->lot[i];

		if (lot->first == server)
			parts += lot->other == server ? WHOLE : lot->part;
		else if (lot->other == server)
			parts += WHOLE - lot->part;
	}
	return parts;
}

/* Each server has its share of the lots, but for a rounding error of less than
 * 2^-30 of a lot for each of them.
 */
static void expect_shares(struct kunit *test, struct pool *pool)
{
	struct wlch_draw *draw = wlch_draw_make(pool->table);
	u64 weights = 0, want, parts;
	int i, weight;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, draw);
	for (i = 0; i < pool->nr; i++)
		weights += atomic_read(&pool->dest[i].weight);
	for (i = 0; i < pool->nr; i++) {
		weight = atomic_read(&pool->dest[i].weight);
		want = mul_u64_u64_div_u64((u64)weight * draw->nr, WHOLE,
					   max(weights, 1ULL));
		parts = parts_of(draw, &pool->server[i]);
		KUNIT_EXPECT_LE(test, parts, want + 4 * draw->nr);
		KUNIT_EXPECT_GE(test, parts + 4 * draw->nr, want);
		if (!weight)
			KUNIT_EXPECT_EQ(test, 0, parts);
	}
	kvfree(draw);
}

static void draw_shares(struct kunit *test)
{
	static const int weights[][4] = {
		{ 1 }, { 0 }, { 1, 1 }, { 1, 2, 3 }, { 1, 0, 1 },
		{ 10, 1, 1, 1 }, { 1, 100, 65535, INT_MAX },
		{ INT_MAX, INT_MAX, INT_MAX, INT_MAX }, { 3, 3, 2, 1 },
	};
	struct pool *pool = pool_make(test);
	int i, j;

	for (i = 0; i < ARRAY_SIZE(weights); i++) {
		pool_empty(pool);
		for (j = 0; j < ARRAY_SIZE(weights[i]); j++)
			pool_add(pool, 0, 0, weights[i][j]);
		expect_shares(test, pool);
	}
}

static void draw_shares_random(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i, j, nr, bits;

	for (i = 0; i < 1000; i++) {
		pool_empty(pool);
		nr = get_random_u32() % POOL_MAX_SERVERS + 1;
		bits = get_random_u32() % 31 + 1;
		for (j = 0; j < nr; j++)
			pool_add(pool, 0, 0,
				 get_random_u32() & GENMASK(bits - 1, 0));
		expect_shares(test, pool);
	}
}

/* The ends of a lot's parts, and of the lots. */
static void draw_bounds(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	struct wlch_draw *draw;
	struct wlch_lot *lot;

	pool_add(pool, 0, 0, 1);
	pool_add(pool, 0, 0, 3);
	draw = wlch_draw_make(pool->table);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, draw);
	lot = &draw->lot[0];
	KUNIT_EXPECT_EQ(test, lot->part, BIT(31));
	KUNIT_EXPECT_PTR_EQ(test, wlch_draw_one(draw, 0), &pool->server[0]);
	KUNIT_EXPECT_PTR_EQ(test, wlch_draw_one(draw, BIT(30) - 1),
			    &pool->server[0]);
	KUNIT_EXPECT_PTR_EQ(test, wlch_draw_one(draw, BIT(30)),
			    &pool->server[1]);
	KUNIT_EXPECT_PTR_EQ(test, wlch_draw_one(draw, BIT(31) - 1),
			    &pool->server[1]);
	KUNIT_EXPECT_PTR_EQ(test, wlch_draw_one(draw, U32_MAX),
			    &pool->server[1]);
	kvfree(draw);
}

static void pool_set_choices(struct kunit *test, struct pool *pool, u32 choices)
{
	struct wlch_draw *draw = wlch_draw_make(pool->table);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, draw);
	pool->params.value[WLCH_CHOICES] = choices;
	kvfree(rcu_dereference_raw(pool->ws.draw));
	RCU_INIT_POINTER(pool->ws.draw, draw);
}

/* Connections that are held; returns the most that a server has for each unit
 * of weight, and in @least the least, both times 1000.
 */
static int hold_many(struct pool *pool, int conns, int *least)
{
	int i, share, most = 0;

	for (i = 0; i < conns; i++)
		pool_hold(pool);
	*least = INT_MAX;
	for (i = 0; i < pool->nr; i++) {
		share = atomic_read(&pool->dest[i].activeconns) * 1000 /
			atomic_read(&pool->dest[i].weight);
		most = max(most, share);
		*least = min(*least, share);
	}
	return most;
}

/* 100 servers with 100 connections each on average: the best of two drawn is
 * within 10 %, and one that is drawn, the control, is not.
 */
static void choices_level(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i, least;

	for (i = 0; i < POOL_MAX_SERVERS; i++)
		pool_add(pool, 0, 0, 1);
	pool_set_choices(test, pool, 2);
	KUNIT_EXPECT_LE(test, hold_many(pool, POOL_MAX_SERVERS * 100, &least),
			110 * 1000);
	for (i = 0; i < POOL_MAX_SERVERS; i++)
		pool_set(pool, i, 0, 0, 1);
	pool_set_choices(test, pool, 1);
	KUNIT_EXPECT_GT(test, hold_many(pool, POOL_MAX_SERVERS * 100, &least),
			110 * 1000);
}

static void choices_weights(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int held[2] = {}, i;

	for (i = 0; i < POOL_MAX_SERVERS; i++)
		pool_add(pool, 0, 0, i % 2 ? 10 : 1);
	pool_set_choices(test, pool, 2);
	for (i = 0; i < POOL_MAX_SERVERS * 110; i++)
		held[pool_hold(pool) % 2]++;
	KUNIT_EXPECT_GE(test, held[1] * 100, held[0] * 10 * 95);
	KUNIT_EXPECT_LE(test, held[1] * 100, held[0] * 10 * 105);
}

/* Two of six differ; where half or more would be drawn all are compared; and
 * the parameter without lots, for want of memory, compares all.
 */
static void choices_few(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i, missed = 0;

	for (i = 0; i < 6; i++)
		pool_add(pool, i < 5, i < 5, 1);
	pool_set_choices(test, pool, 2);
	for (i = 0; i < 40000; i++)
		missed += pool_pick(pool) != 5;
	/* The idle one is not among two different ones of six in 2/3 of the
	 * picks, 26,667, with a standard deviation of 94. Among two that may
	 * be the same it would not be in 27,778.
	 */
	KUNIT_EXPECT_GT(test, missed, 26667 - 600);
	KUNIT_EXPECT_LT(test, missed, 26667 + 600);
	pool_set_choices(test, pool, 3);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, 5, pool_pick(pool));
	pool_set_choices(test, pool, 2);
	kvfree(rcu_dereference_raw(pool->ws.draw));
	RCU_INIT_POINTER(pool->ws.draw, NULL);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, 5, pool_pick(pool));
}

/* Who cannot be chosen is none of the choices: another one is drawn. With every second
 * server overloaded, the idle one is missed in 2/3 of the picks, and in a few more: sometimes
 * eight draws, which is the most, do not find two. Among those of two draws that
 * can be chosen, or of all if none can, it would be missed in 24,242.
 */
static void choices_half_overloaded(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i, missed = 0;

	for (i = 0; i < 12; i++)
		pool_add(pool, i > 0, i > 0, 1);
	pool_set_choices(test, pool, 2);
	for (i = 1; i < 12; i += 2)
		pool->dest[i].flags = IP_VS_DEST_F_OVERLOAD;
	for (i = 0; i < 40000; i++)
		missed += pool_pick(pool) != 0;
	KUNIT_EXPECT_GT(test, missed, 26667 - 600);
	KUNIT_EXPECT_LT(test, missed, 26667 + 1200);
}

/* Where nearly all are overloaded, the others are found nevertheless; and a
 * weight that is 0 by now is not chosen, whatever the lots say.
 */
static void choices_overload(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i;

	for (i = 0; i < POOL_MAX_SERVERS; i++)
		pool_add(pool, 0, 0, 1);
	pool_set_choices(test, pool, 2);
	for (i = 1; i < POOL_MAX_SERVERS; i += 2)
		pool->dest[i].flags = IP_VS_DEST_F_OVERLOAD;
	for (i = 2; i < POOL_MAX_SERVERS; i += 2)
		atomic_set(&pool->dest[i].weight, 0);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, 0, pool_pick(pool));
	atomic_set(&pool->dest[0].weight, 0);
	KUNIT_EXPECT_EQ(test, -1, pool_pick(pool));
}

static struct kunit_case wlch_draw_cases[] = {
	KUNIT_CASE(draw_shares),
	KUNIT_CASE(draw_shares_random),
	KUNIT_CASE(draw_bounds),
	KUNIT_CASE(choices_level),
	KUNIT_CASE(choices_weights),
	KUNIT_CASE(choices_few),
	KUNIT_CASE(choices_half_overloaded),
	KUNIT_CASE(choices_overload),
	{}
};

static struct kunit_suite wlch_draw_suite = {
	.name		= "wlch-draw",
	.suite_init	= pool_suite_init,
	.suite_exit	= pool_suite_exit,
	.exit		= pool_exit,
	.test_cases	= wlch_draw_cases,
};

kunit_test_suite(wlch_draw_suite);
