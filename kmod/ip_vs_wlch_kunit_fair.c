// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: KUnit tests of what many choices come to
 */

#include <kunit/test.h>
#include <linux/module.h>

#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_kunit.h"

static int held(const struct pool *pool, int i)
{
	return atomic_read(&pool->dest[i].activeconns);
}

static void fair_weights(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i;

	for (i = 1; i <= 3; i++)
		pool_add(pool, 0, 0, i);
	for (i = 0; i < 600; i++)
		pool_hold(pool);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_GE(test, held(pool, i), 100 * (i + 1) - 1);
		KUNIT_EXPECT_LE(test, held(pool, i), 100 * (i + 1) + 1);
	}
}

#define FAR_SERVERS	4

/* In the order of the list, and where each comes by weight. */
static const int far_weights[FAR_SERVERS] = { 100, INT_MAX, 1, 65535 };
static const int far_order[FAR_SERVERS] = { 1, 3, 0, 2 };

/* However far apart the weights are: first each idle server gets one, the
 * heaviest first, and none a second one before that. Then the weights rule: of
 * 2^31 and more parts the others have 2^16.
 */
static void first_picks(struct kunit *test, struct pool *pool,
			const int list[FAR_SERVERS])
{
	int i;

	pool_empty(pool);
	for (i = 0; i < FAR_SERVERS; i++)
		pool_add(pool, 0, 0, far_weights[list[i]]);
	for (i = 0; i < FAR_SERVERS; i++)
		KUNIT_EXPECT_EQ(test, far_order[i], list[pool_hold(pool)]);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, far_order[0], list[pool_hold(pool)]);
}

/* In whatever order they are in the list. */
static void fair_first_picks(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int list[FAR_SERVERS], i, orders = 0;

	for (i = 0; i < 4 * 4 * 4 * 4; i++) {
		list[0] = i & 3;
		list[1] = i >> 2 & 3;
		list[2] = i >> 4 & 3;
		list[3] = i >> 6;
		if ((BIT(list[0]) | BIT(list[1]) | BIT(list[2]) |
		     BIT(list[3])) != 15)
			continue;	/* not each of them once */
		first_picks(test, pool, list);
		orders++;
	}
	KUNIT_EXPECT_EQ(test, 4 * 3 * 2, orders);
}

/* The control: wlc begins with the first in the list, however small. */
static void fair_first_picks_not_wlc(struct kunit *test)
{
	struct pool *pool = pool_make(test);

	pool_add(pool, 0, 0, 1);
	pool_add(pool, 0, 0, INT_MAX);
	KUNIT_EXPECT_EQ(test, 0, pool_wlc(pool));
	KUNIT_EXPECT_EQ(test, 1, pool_pick(pool));
}

struct share_case {
	const char *what;
	int light;
	int heavy;
};

static const struct share_case share_cases[] = {
	{ "1 and 100", 1, 100 },
	{ "1 and 65535", 1, 65535 },
	{ "65535 and INT_MAX", 65535, INT_MAX },
};

static void share_desc(const struct share_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(share, share_cases, share_desc);

/* No weight is so large that a small one is starved: its first connection it
 * has as an idle server, and each further one when its share has come.
 */
static void fair_not_starved(struct kunit *test)
{
	const struct share_case *c = test->param_value;
	struct pool *pool = pool_make(test);
	int ratio = c->heavy / c->light, i, want;

	pool_add(pool, 0, 0, c->light);
	pool_add(pool, 0, 0, c->heavy);
	for (i = 1; i <= 4 * ratio; i++) {
		pool_hold(pool);
		want = i / (ratio + 1);
		KUNIT_ASSERT_GE(test, held(pool, 0), want);
		KUNIT_ASSERT_LE(test, held(pool, 0), want + 1);
	}
	KUNIT_EXPECT_EQ(test, 4, held(pool, 0));
}

struct directors_case {
	const char *what;
	int directors;
	int percent;	/* largest load of a server over the mean, on average */
};

static const struct directors_case directors_cases[] = {
	{ "20 directors", 20, 200 }, { "100 directors", 100, 150 },
};

static void directors_desc(const struct directors_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(directors, directors_cases, directors_desc);

#define DIRECTORS_SERVERS	10
#define DIRECTORS_CONNS		2
#define DIRECTORS_RUNS		100

/* Directors that know nothing of each other. Returns the most connections that
 * one server got from all of them.
 */
static int directors_most(struct kunit *test, struct pool *pool, int directors)
{
	int got[DIRECTORS_SERVERS] = {};
	int i, j, picked, most = 0;

	for (i = 0; i < directors; i++) {
		pool_empty(pool);
		for (j = 0; j < DIRECTORS_SERVERS; j++)
			pool_add(pool, 0, 0, 1);
		for (j = 0; j < DIRECTORS_CONNS; j++) {
			picked = pool_hold(pool);
			KUNIT_ASSERT_GE(test, picked, 0);
			got[picked]++;
		}
	}
	for (i = 0; i < DIRECTORS_SERVERS; i++)
		most = max(most, got[i]);
	return most;
}

/* With a rule that takes the first of equal servers all directors load the
 * same two: five times the mean.
 */
static void fair_directors(struct kunit *test)
{
	const struct directors_case *c = test->param_value;
	struct pool *pool = pool_make(test);
	int conns = c->directors * DIRECTORS_CONNS;
	int i, most = 0;

	for (i = 0; i < DIRECTORS_RUNS; i++)
		most += directors_most(test, pool, c->directors);
	KUNIT_EXPECT_LE(test, most * DIRECTORS_SERVERS * 100,
			DIRECTORS_RUNS * conns * c->percent);
}

static bool wlc_equal(struct ip_vs_dest *a, struct ip_vs_dest *b)
{
	return (s64)ip_vs_dest_conn_overhead(a) * atomic_read(&b->weight) ==
	       (s64)ip_vs_dest_conn_overhead(b) * atomic_read(&a->weight);
}

static void random_state(struct pool *pool)
{
	u32 range = BIT(get_random_u32() % 20 + 1);
	int i, nr = get_random_u32() % 10 + 1;

	pool_empty(pool);
	for (i = 0; i < nr; i++) {
		int active = get_random_u32() % range;
		int inactive = get_random_u32() % range;

		pool_add(pool, active, active + inactive, get_random_u32() % 9);
		if (get_random_u32() % 8 == 0)
			pool->dest[i].flags = IP_VS_DEST_F_OVERLOAD;
		atomic_set(&pool->server[i].gauge[WLCH_HANDSHAKE],
			   get_random_u32() % (active + 1));
		atomic_set(&pool->server[i].gauge[WLCH_REFUSED_GAUGE],
			   get_random_u32() % (inactive + 1));
	}
}

/* With the core's own factors, and half-open worth as much as established,
 * the choice is wlc's, but for exact ties.
 */
static void fair_as_wlc(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i, wlc, picked, chosen = 0;

	pool_add(pool, 1, 1, 1);
	pool->params.value[WLCH_ACTIVE] = ip_vs_dest_conn_overhead(pool->dest);
	pool->params.value[WLCH_HALFOPEN] = pool->params.value[WLCH_ACTIVE];
	pool->params.value[WLCH_REFUSED] = 1;
	pool->params.value[WLCH_INACTIVE] = 1;
	for (i = 0; i < 10000; i++) {
		random_state(pool);
		wlc = pool_wlc(pool);
		picked = pool_pick(pool);
		if (wlc < 0) {
			KUNIT_ASSERT_EQ(test, -1, picked);
			continue;
		}
		KUNIT_ASSERT_GE(test, picked, 0);
		KUNIT_ASSERT_TRUE(test, wlc_equal(&pool->dest[wlc],
						  &pool->dest[picked]));
		chosen++;
	}
	KUNIT_EXPECT_GT(test, chosen, 5000);
}

static struct kunit_case wlch_fair_cases[] = {
	KUNIT_CASE(fair_weights),
	KUNIT_CASE(fair_first_picks),
	KUNIT_CASE(fair_first_picks_not_wlc),
	KUNIT_CASE_PARAM(fair_not_starved, share_gen_params),
	KUNIT_CASE_PARAM(fair_directors, directors_gen_params),
	KUNIT_CASE(fair_as_wlc),
	{}
};

static struct kunit_suite wlch_fair_suite = {
	.name		= "wlch-fair",
	.suite_init	= pool_suite_init,
	.suite_exit	= pool_suite_exit,
	.exit		= pool_exit,
	.test_cases	= wlch_fair_cases,
};

kunit_test_suite(wlch_fair_suite);
