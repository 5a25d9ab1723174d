// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: KUnit tests of the index of a service's servers
 *
 * The reference is to compare all servers, which the other suites test.
 */

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/random.h>

#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_index.h"
#include "ip_vs_wlch_key.h"
#include "ip_vs_wlch_kunit.h"

/* Is a better than b, or as good, by the rule of the choice? */
static int rule(u64 load_a, u32 weight_a, u64 load_b, u32 weight_b)
{
	int cmp = wlch_load_cmp(load_a, weight_a, load_b, weight_b);

	return cmp ?: weight_a < weight_b ? 1 : weight_a > weight_b ? -1 : 0;
}

static int sign(u64 a, u64 b)
{
	return a < b ? -1 : a > b;
}

static u64 random_bits(int bits)
{
	return get_random_u64() >> (64 - bits + get_random_u32() % bits);
}

/* Keys are ordered as servers are, as long as load times weight is at most 2^41; near
 * misses included.
 */
static void key_order(struct kunit *test)
{
	int i, equal = 0;

	for (i = 0; i < 300000; i++) {
		u32 most = random_bits(16) | 1;
		u64 limit = div_u64(BIT_ULL(WLCH_KEY_FRACTION_BITS), most);
		u64 load_a, load_b;
		u32 weight_a = get_random_u32() % most + 1;
		u32 weight_b = get_random_u32() % most + 1;
		int want;

		load_a = random_bits(fls64(limit)) % (limit + 1);
		load_b = random_bits(fls64(limit)) % (limit + 1);
		if (i % 2)	/* the same quotient, nearly or exactly */
			load_b = min(div_u64(load_a * weight_b, weight_a) +
				     get_random_u32() % 2, limit);
		want = rule(load_a, weight_a, load_b, weight_b);
		equal += !want;
		KUNIT_ASSERT_EQ_MSG(test, want,
				    sign(wlch_key(load_a, weight_a),
					 wlch_key(load_b, weight_b)),
				    "%llu of %u, %llu of %u", load_a, weight_a,
				    load_b, weight_b);
	}
	KUNIT_EXPECT_GT(test, equal, 1000);
}

static void key_extremes(struct kunit *test)
{
	const u64 most = BIT_ULL(60) - 1;

	KUNIT_EXPECT_LT(test, wlch_key(most, 1), WLCH_KEY_NONE);
	KUNIT_EXPECT_LT(test, wlch_key(0, 1), wlch_key(1, S32_MAX));
	KUNIT_EXPECT_LT(test, wlch_key(0, 2), wlch_key(0, 1));
	KUNIT_EXPECT_LT(test, wlch_key(1, S32_MAX), wlch_key(1, S32_MAX / 2));
	KUNIT_EXPECT_LT(test, wlch_key(1, 2), wlch_key(1, 1));
	KUNIT_EXPECT_LT(test, wlch_key(most / 2, 1), wlch_key(most, 1));
	/* beyond that what is nearly equal may be taken for equal, but no worse */
	KUNIT_EXPECT_LE(test, wlch_key(most - 1, 65535), wlch_key(most, 65535));
	KUNIT_EXPECT_LT(test, wlch_key(most - (most >> 40), 65535),
			wlch_key(most, 65535));
}

static u64 load_of(const struct pool *pool, int i)
{
	int active = atomic_read(&pool->dest[i].activeconns);

	return (u64)active * pool->params.value[WLCH_ACTIVE] +
	       (u64)wlch_dest_inactconns(&pool->dest[i], active) *
	       pool->params.value[WLCH_INACTIVE];
}

static bool may_be_chosen(const struct pool *pool, int i)
{
	return atomic_read(&pool->dest[i].weight) > 0 &&
	       !(pool->dest[i].flags & IP_VS_DEST_F_OVERLOAD);
}

static bool is_best(const struct pool *pool, int picked)
{
	int i;

	if (picked >= 0 && !may_be_chosen(pool, picked))
		return false;
	for (i = 0; i < pool->nr; i++) {
		if (!may_be_chosen(pool, i))
			continue;
		if (picked < 0 ||
		    rule(load_of(pool, i), atomic_read(&pool->dest[i].weight),
			 load_of(pool, picked),
			 atomic_read(&pool->dest[picked].weight)) < 0)
			return false;
	}
	return true;
}

static void set_random(struct pool *pool, int i, u32 range)
{
	int active = get_random_u32() % range;

	pool_set(pool, i, active, active + get_random_u32() % range,
		 get_random_u32() % 9);
	if (get_random_u32() % 8 == 0)
		pool->dest[i].flags = IP_VS_DEST_F_OVERLOAD;
}

static void fill(struct pool *pool, int nr)
{
	int i;

	pool_empty(pool);
	for (i = 0; i < nr; i++)
		pool_add(pool, 0, 0, 1);
}

/* One, two and three levels, full ones and such with one more. */
static const int sizes[] = { 3, 15, 16, 17, 100, 256, 257, POOL_MAX_SERVERS };

/* Each change is told of, and each choice is the best. */
static void index_follows(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int s, i, changed, picked;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		fill(pool, sizes[s]);
		KUNIT_ASSERT_TRUE(test, pool_index(pool));
		for (i = 0; i < 2000; i++) {
			changed = get_random_u32() % pool->nr;
			set_random(pool, changed, i % 16 + 1);
			wlch_index_update(&pool->server[changed]);
			picked = pool_pick(pool);
			KUNIT_ASSERT_TRUE_MSG(test, is_best(pool, picked),
					      "%d servers, change %d of %d: picked %d",
					      sizes[s], i, changed, picked);
		}
	}
}

/* No server can be chosen, and then one can. */
static void index_none(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i;

	fill(pool, 20);
	for (i = 0; i < 20; i++)
		pool_set(pool, i, 0, 0, 0);
	KUNIT_ASSERT_TRUE(test, pool_index(pool));
	KUNIT_EXPECT_EQ(test, -1, pool_pick(pool));
	pool_set(pool, 17, 0, 0, 1);	/* not told of */
	KUNIT_EXPECT_EQ(test, 17, pool_pick(pool));
}

/* Who got more than the index knows is not chosen. */
static void index_too_good(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i;

	fill(pool, 100);
	for (i = 0; i < 100; i++)
		pool_set(pool, i, 10 + i, 10 + i, 1);
	KUNIT_ASSERT_TRUE(test, pool_index(pool));
	pool_set(pool, 0, 500, 500, 1);
	pool_set(pool, 1, 0, 0, 0);
	pool->dest[2].flags = IP_VS_DEST_F_OVERLOAD;
	KUNIT_EXPECT_EQ(test, 3, pool_pick(pool));
}

/* With the next pick one key is found out anew at the most, or all are. */
static void refresh_none(struct wlch_index *index)
{
	index->stale = 10 * HZ;
	index->next = 0;
	index->refreshed = jiffies;
}

static void refresh_all(struct wlch_index *index)
{
	index->refreshed = jiffies - index->stale;
}

/* Who has less than the index knows is found when all keys are found out anew, and
 * not before: what the first pick comes to shows that there is an index.
 */
static void index_stale(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	struct wlch_index *index;
	int i;

	fill(pool, 100);
	for (i = 0; i < 100; i++)
		pool_set(pool, i, 10 + (i != 5), 11, 1);
	KUNIT_ASSERT_TRUE(test, pool_index(pool));
	index = rcu_dereference_raw(pool->ws.index);
	pool_set(pool, 77, 0, 0, 1);
	refresh_none(index);
	KUNIT_EXPECT_EQ(test, 5, pool_pick(pool));
	refresh_all(index);
	KUNIT_EXPECT_EQ(test, 77, pool_pick(pool));
	/* a service that was idle for half of all jiffies, as many as 32 bits count */
	pool_set(pool, 33, 0, 0, 2);
	index->refreshed = jiffies + 10;
	KUNIT_EXPECT_EQ(test, 33, pool_pick(pool));
}

/* Nodes that were left wrong are found out anew with the leaves, though these are right:
 * an index without the best server, and one that has none at all.
 */
static void index_mends(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	struct wlch_index *index;
	u32 level, i;

	fill(pool, POOL_MAX_SERVERS);
	for (i = 0; i < POOL_MAX_SERVERS; i++)
		pool_set(pool, i, 10 + (i != 77), 11, 1);
	KUNIT_ASSERT_TRUE(test, pool_index(pool));
	index = rcu_dereference_raw(pool->ws.index);
	KUNIT_ASSERT_EQ(test, 2U, index->top);
	atomic64_set(&index->level[1].key[77 / 16], WLCH_KEY_NONE);
	atomic64_set(&index->level[2].key[0], wlch_key(load_of(pool, 0), 1));
	refresh_none(index);
	KUNIT_EXPECT_NE(test, 77, pool_pick(pool));
	refresh_all(index);
	KUNIT_EXPECT_EQ(test, 77, pool_pick(pool));
	for (level = 1; level <= index->top; level++) {
		for (i = 0; i < index->level[level].width; i++)
			atomic64_set(&index->level[level].key[i], WLCH_KEY_NONE);
	}
	refresh_all(index);
	KUNIT_EXPECT_EQ(test, 77, pool_pick(pool));
	KUNIT_EXPECT_EQ(test, wlch_key(load_of(pool, 77), 1),
			atomic64_read(&index->level[2].key[0]));
}

/* With weights that keys cannot tell apart there is no index. */
static void index_heavy(struct kunit *test)
{
	struct pool *pool = pool_make(test);

	fill(pool, 20);
	pool_set(pool, 13, 0, 0, 65535);
	KUNIT_EXPECT_TRUE(test, pool_index(pool));
	pool_set(pool, 13, 0, 0, 65536);
	KUNIT_EXPECT_FALSE(test, pool_index(pool));
}

/* In WLCH_INDEX_STALE jiffies each key is found out anew, also if picks are rare. */
static void index_rotates(struct kunit *test)
{
	static const int steps[] = { 1, 2, 3, 7 };
	struct pool *pool = pool_make(test);
	struct wlch_index *index;
	int s, i, passed;

	fill(pool, POOL_MAX_SERVERS);
	KUNIT_ASSERT_TRUE(test, pool_index(pool));
	index = rcu_dereference_raw(pool->ws.index);
	index->stale = 10;
	for (s = 0; s < ARRAY_SIZE(steps); s++) {
		for (i = 0; i < pool->nr; i++)
			pool_set(pool, i, 10, 10, 1);
		wlch_index_refresh(index);
		for (i = 0; i < pool->nr; i++)
			pool_set(pool, i, 9, 9, 1);	/* not told of */
		for (passed = 0; passed < index->stale; passed += steps[s]) {
			index->refreshed = jiffies - steps[s];
			pool_pick(pool);
		}
		for (i = 0; i < pool->nr; i++)
			KUNIT_ASSERT_EQ_MSG(test, wlch_key(load_of(pool, i), 1),
					    atomic64_read(&index->level[0].key[i]),
					    "server %d, steps of %d", i, steps[s]);
	}
}

/* An index of another set of servers is not touched for a server, and a server that
 * has no index any more finds none.
 */
static void index_leaves(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i;

	fill(pool, 40);
	KUNIT_ASSERT_TRUE(test, pool_index(pool));
	pool->server[39].slot = 3;
	wlch_index_update(&pool->server[39]);
	pool->server[39].slot = 4000;
	wlch_index_update(&pool->server[39]);
	wlch_index_leave(rcu_dereference_raw(pool->ws.index));
	for (i = 0; i < 40; i++)
		KUNIT_EXPECT_NULL(test, rcu_dereference_raw(pool->server[i].index));
	fill(pool, 2);
	KUNIT_EXPECT_FALSE(test, pool_index(pool));	/* not worth one */
}

static struct kunit_case wlch_index_cases[] = {
	KUNIT_CASE(key_order),
	KUNIT_CASE(key_extremes),
	KUNIT_CASE(index_follows),
	KUNIT_CASE(index_none),
	KUNIT_CASE(index_too_good),
	KUNIT_CASE(index_stale),
	KUNIT_CASE(index_mends),
	KUNIT_CASE(index_heavy),
	KUNIT_CASE(index_rotates),
	KUNIT_CASE(index_leaves),
	{}
};

static struct kunit_suite wlch_index_suite = {
	.name		= "wlch-index",
	.suite_init	= pool_suite_init,
	.suite_exit	= pool_suite_exit,
	.exit		= pool_exit,
	.test_cases	= wlch_index_cases,
};

kunit_test_suite(wlch_index_suite);
