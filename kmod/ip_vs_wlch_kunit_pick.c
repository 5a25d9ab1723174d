// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: KUnit tests of the choice
 *
 * They go through wlch_schedule(), on services and servers made here, which
 * the core never sees.
 */

#include <kunit/test.h>
#include <linux/module.h>

#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_kunit.h"

static void pick_none(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	struct wlch_totals totals;

	KUNIT_EXPECT_EQ(test, -1, pool_pick(pool));	/* no servers */
	pool_add(pool, 0, 0, 0);			/* quiesced */
	KUNIT_EXPECT_EQ(test, -1, pool_pick(pool));
	pool_add(pool, 0, 0, 1);			/* overloaded */
	pool->dest[1].flags = IP_VS_DEST_F_OVERLOAD;
	KUNIT_EXPECT_EQ(test, -1, pool_pick(pool));
	pool_add(pool, INT_MAX, INT_MAX, 1);		/* busy, but willing */
	KUNIT_EXPECT_EQ(test, 2, pool_pick(pool));
	wlch_read_stats(&pool->ws, &totals);
	KUNIT_EXPECT_EQ(test, 1ULL, totals.picks);
	KUNIT_EXPECT_EQ(test, 3ULL, totals.no_server);
	KUNIT_EXPECT_EQ(test, 0ULL, totals.retries);
	KUNIT_EXPECT_EQ(test, 1LL, atomic64_read(&pool->server[2].picks));
}

/* Without memory for a table the core's list is walked instead, and a server
 * without private counters is judged by the core's.
 */
static void pick_without_table(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	struct wlch_server *joined;

	RCU_INIT_POINTER(pool->ws.table, NULL);
	KUNIT_EXPECT_EQ(test, -1, pool_pick(pool));
	pool_add(pool, 3, 3, 1);
	pool_add(pool, 2, 2, 1);
	pool_add(pool, 4, 4, 1);
	KUNIT_EXPECT_EQ(test, 1, pool_pick(pool));

	pool->params.value[WLCH_HALFOPEN] = 0;
	joined = wlch_server_join(&pool->dest[2]);
	KUNIT_ASSERT_NOT_NULL(test, joined);
	atomic_set(&joined->gauge[WLCH_HANDSHAKE], 4);
	KUNIT_EXPECT_EQ(test, 2, pool_pick(pool));
	KUNIT_EXPECT_EQ(test, 1LL, atomic64_read(&joined->picks));
	wlch_server_leave(&pool->dest[2]);
	KUNIT_EXPECT_EQ(test, 1, pool_pick(pool));
}

/* Private counters live while a service has the server or a connection points
 * at them, and are found again when the server comes back.
 */
static void server_lifetime(struct kunit *test)
{
	struct ip_vs_dest *dest = kunit_kzalloc(test, sizeof(*dest), GFP_KERNEL);
	struct wlch_server *server;
	int refs = module_refcount(THIS_MODULE);

	KUNIT_ASSERT_NOT_NULL(test, dest);
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, wlch_server_get(dest));	/* not ours */
	rcu_read_unlock();
	server = wlch_server_join(dest);
	KUNIT_ASSERT_NOT_NULL(test, server);
	KUNIT_EXPECT_PTR_EQ(test, server, wlch_server_join(dest));

	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, server, wlch_server_get(dest));
	wlch_server_leave(dest);
	wlch_server_leave(dest);			/* once is enough */
	KUNIT_EXPECT_PTR_EQ(test, server, wlch_server_find(dest));
	KUNIT_EXPECT_NULL(test, wlch_server_get(dest));	/* out of service */
	rcu_read_unlock();
	server->quiesced = false;
	KUNIT_EXPECT_PTR_EQ(test, server, wlch_server_join(dest));
	KUNIT_EXPECT_TRUE(test, server->quiesced);	/* its start begins */
	KUNIT_EXPECT_EQ(test, refs + 1, module_refcount(THIS_MODULE));

	rcu_read_lock();
	wlch_server_leave(dest);
	KUNIT_EXPECT_PTR_EQ(test, server, wlch_server_find(dest));
	wlch_server_put(server);			/* the connection ends */
	KUNIT_EXPECT_NULL(test, wlch_server_find(dest));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, refs, module_refcount(THIS_MODULE));
}

static void pick_extremes(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i;

	for (i = 0; i < WLCH_NR_FACTORS; i++)
		pool->params.value[i] = 4096;
	pool_add(pool, INT_MAX, INT_MAX, INT_MAX);
	pool_add(pool, INT_MAX - 1, INT_MAX - 1, INT_MAX);
	KUNIT_EXPECT_EQ(test, 1, pool_pick(pool));
	pool_set(pool, 1, INT_MAX, INT_MAX, INT_MAX - 1);
	KUNIT_EXPECT_EQ(test, 0, pool_pick(pool));
	pool_set(pool, 1, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, 1, pool_pick(pool));
	/* 1 of 1 against INT_MAX of INT_MAX: equal, the larger weight wins */
	pool_set(pool, 1, 1, 1, 1);
	KUNIT_EXPECT_EQ(test, 0, pool_pick(pool));
}

/* What a half-open connection is worth decides. */
static void pick_by_factor(struct kunit *test)
{
	struct pool *pool = pool_make(test);

	pool_add(pool, 10, 10, 1);	/* 10 established: 80 */
	pool_add(pool, 11, 11, 1);	/* 11 in the handshake: 88 */
	atomic_set(&pool->server[1].gauge[WLCH_HANDSHAKE], 11);
	KUNIT_EXPECT_EQ(test, 0, pool_pick(pool));
	pool->params.value[WLCH_HALFOPEN] = 1;		/* 11 */
	KUNIT_EXPECT_EQ(test, 1, pool_pick(pool));
	pool->params.value[WLCH_ACTIVE] = 1;		/* 10 against 11 */
	KUNIT_EXPECT_EQ(test, 0, pool_pick(pool));
	/* the same 11 connections, refused: inactive to the core */
	pool_set(pool, 1, 0, 11, 1);
	atomic_set(&pool->server[1].gauge[WLCH_HANDSHAKE], 0);
	atomic_set(&pool->server[1].gauge[WLCH_REFUSED_GAUGE], 11);
	pool->params.value[WLCH_REFUSED] = 1;
	KUNIT_EXPECT_EQ(test, 0, pool_pick(pool));
	pool->params.value[WLCH_REFUSED] = 0;
	KUNIT_EXPECT_EQ(test, 1, pool_pick(pool));
}

static bool may_be_chosen(const struct ip_vs_dest *dest)
{
	return atomic_read(&dest->weight) > 0 &&
	       !(dest->flags & IP_VS_DEST_F_OVERLOAD);
}

/* Is a better than b? Default factors, and numbers so small that 64 bits do. */
static bool is_better(const struct ip_vs_dest *a, const struct ip_vs_dest *b)
{
	int active_a = atomic_read(&a->activeconns);
	int active_b = atomic_read(&b->activeconns);
	s64 load_a = active_a * 8 + wlch_dest_inactconns(a, active_a);
	s64 load_b = active_b * 8 + wlch_dest_inactconns(b, active_b);
	s64 left = load_a * atomic_read(&b->weight);
	s64 right = load_b * atomic_read(&a->weight);

	return left < right ||
	       (left == right &&
		atomic_read(&a->weight) > atomic_read(&b->weight));
}

/* The slow reference: the picked one may be chosen and none is better, or
 * there is none that may be chosen.
 */
static bool is_right(const struct pool *pool, int picked)
{
	int i;

	if (picked >= 0 && !may_be_chosen(&pool->dest[picked]))
		return false;
	for (i = 0; i < pool->nr; i++) {
		if (!may_be_chosen(&pool->dest[i]))
			continue;
		if (picked < 0 || is_better(&pool->dest[i],
					    &pool->dest[picked]))
			return false;
	}
	return true;
}

/* active, inactive, weight, overloaded */
static const int states[][4] = {
	{ 0, 0, 1, 0 }, { 0, 0, 2, 0 }, { 0, 0, 0, 0 }, { 0, 0, 3, 1 },
	{ 0, 1, 1, 0 }, { 0, 8, 1, 0 }, { 1, 0, 1, 0 }, { 2, 0, 2, 0 },
	{ 3, 7, 3, 0 }, { 1000, 1, 65535, 0 }, { 5, 5, 0, 1 },
};

static void pool_add_state(struct pool *pool, int state)
{
	const int *s = states[state];

	pool_add(pool, s[0], s[0] + s[1], s[2]);
	if (s[3])
		pool->dest[pool->nr - 1].flags = IP_VS_DEST_F_OVERLOAD;
}

/* All orders of two and of three servers, each in each of the states. */
static void pick_all_orders(struct kunit *test)
{
	const int n = ARRAY_SIZE(states);
	struct pool *pool = pool_make(test);
	int i, nr, picked;

	for (i = 0; i < n * n * (n + 1); i++) {
		nr = i < n * n ? 2 : 3;
		pool_empty(pool);
		pool_add_state(pool, i % n);
		pool_add_state(pool, i / n % n);
		if (nr == 3)
			pool_add_state(pool, i / n / n - 1);
		picked = pool_pick(pool);
		KUNIT_ASSERT_TRUE_MSG(test, is_right(pool, picked),
				      "states %d %d %d of %d servers: picked %d",
				      i % n, i / n % n, i / n / n - 1, nr,
				      picked);
	}
}

static struct kunit_case wlch_pick_cases[] = {
	KUNIT_CASE(pick_none),
	KUNIT_CASE(pick_without_table),
	KUNIT_CASE(server_lifetime),
	KUNIT_CASE(pick_extremes),
	KUNIT_CASE(pick_by_factor),
	KUNIT_CASE(pick_all_orders),
	{}
};

static struct kunit_suite wlch_pick_suite = {
	.name		= "wlch-pick",
	.suite_init	= pool_suite_init,
	.suite_exit	= pool_suite_exit,
	.exit		= pool_exit,
	.test_cases	= wlch_pick_cases,
};

kunit_test_suite(wlch_pick_suite);
