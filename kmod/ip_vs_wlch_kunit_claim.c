// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: KUnit tests of the claims
 */

#include <kunit/test.h>
#include <linux/module.h>

#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_kunit.h"

/* A word with two claims in jiffy 99, three in 100, and five pending. */
static u64 some_arrivals(void)
{
	u64 arrivals = 5 * WLCH_ONE_PENDING;
	int i;

	for (i = 0; i < 5; i++)
		arrivals = wlch_claim_add(arrivals, i < 2 ? 99 : 100);
	return arrivals;
}

static void claims_expire(struct kunit *test)
{
	u64 arrivals = some_arrivals();

	KUNIT_EXPECT_EQ(test, 5, wlch_claims(arrivals, 100));
	KUNIT_EXPECT_EQ(test, 3, wlch_claims(arrivals, 101));
	KUNIT_EXPECT_EQ(test, 0, wlch_claims(arrivals, 102));
	KUNIT_EXPECT_EQ(test, 0, wlch_claims(arrivals, 1000));
	KUNIT_EXPECT_EQ(test, 5, wlch_pending(arrivals));
	/* the next claim takes what is void away */
	KUNIT_EXPECT_EQ(test, 4,
			wlch_claims(wlch_claim_add(arrivals, 101), 101));
	KUNIT_EXPECT_EQ(test, 1,
			wlch_claims(wlch_claim_add(arrivals, 102), 102));
	KUNIT_EXPECT_EQ(test, 5, wlch_pending(wlch_claim_add(arrivals, 102)));
}

/* The stamp has few bits, jiffies has many. */
static void claims_wrap(struct kunit *test)
{
	const u32 last = WLCH_STAMP_MASK;
	u64 arrivals = wlch_claim_add(wlch_claim_add(0, last - 9), last);

	KUNIT_EXPECT_EQ(test, 1, wlch_claims(arrivals, last));
	KUNIT_EXPECT_EQ(test, 1, wlch_claims(arrivals, last + 1));
	KUNIT_EXPECT_EQ(test, 0, wlch_claims(arrivals, last + 2));
	arrivals = wlch_claim_add(arrivals, last + 1);
	KUNIT_EXPECT_EQ(test, 2, wlch_claims(arrivals, 0));
	KUNIT_EXPECT_EQ(test, 1, wlch_claims(arrivals, 1));
	arrivals = wlch_claim_add(wlch_claim_add(0, U32_MAX - 1), U32_MAX);
	arrivals = wlch_claim_add(arrivals, 0);
	KUNIT_EXPECT_EQ(test, 2, wlch_claims(arrivals, 0));
}

static void claims_drop(struct kunit *test)
{
	u64 arrivals = some_arrivals();

	KUNIT_EXPECT_EQ(test, 4,
			wlch_claims(wlch_claim_drop(arrivals, 99), 100));
	KUNIT_EXPECT_EQ(test, 3,
			wlch_claims(wlch_claim_drop(arrivals, 99), 101));
	KUNIT_EXPECT_EQ(test, 2,
			wlch_claims(wlch_claim_drop(arrivals, 100), 101));
	/* one that is void takes nobody else's away */
	KUNIT_EXPECT_EQ(test, arrivals, wlch_claim_drop(arrivals, 98));
	/* nor does one too many */
	arrivals = wlch_claim_drop(wlch_claim_drop(arrivals, 99), 99);
	KUNIT_EXPECT_EQ(test, arrivals, wlch_claim_drop(arrivals, 99));
	KUNIT_EXPECT_EQ(test, 3, wlch_claims(arrivals, 100));
	KUNIT_EXPECT_EQ(test, 5, wlch_pending(arrivals));
}

static void claims_limits(struct kunit *test)
{
	u64 arrivals = -WLCH_ONE_PENDING;
	int i;

	for (i = 0; i < 2 * WLCH_CLAIMS_MAX; i++) {
		u64 next = wlch_claim_add(arrivals, 7);

		KUNIT_ASSERT_TRUE(test, wlch_claimed_between(arrivals, next));
		KUNIT_ASSERT_FALSE(test, wlch_claimed_between(next,
							      wlch_claim_drop(next, 7)));
		arrivals = next;
	}
	KUNIT_EXPECT_EQ(test, WLCH_CLAIMS_MAX, wlch_claims(arrivals, 7));
	KUNIT_EXPECT_EQ(test, -1, wlch_pending(arrivals));
	/* the claims are left alone when it goes through 0 */
	arrivals += WLCH_ONE_PENDING;
	KUNIT_EXPECT_EQ(test, 0, wlch_pending(arrivals));
	KUNIT_EXPECT_EQ(test, WLCH_CLAIMS_MAX, wlch_claims(arrivals, 7));
	arrivals -= WLCH_ONE_PENDING;
	KUNIT_EXPECT_EQ(test, WLCH_CLAIMS_MAX, wlch_claims(arrivals, 7));
}

struct burst_case {
	const char *what;
	int nr;
};

static const struct burst_case burst_cases[] = {
	{ "2 servers", 2 }, { "4 servers", 4 }, { "10 servers", 10 },
};

static void burst_desc(const struct burst_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(burst, burst_cases, burst_desc);

#define BURST_PICKS	64

/* Picks while no connection is made, all within the lifetime of a claim: the
 * largest number that a server got, less the smallest.
 */
static int burst_spread(struct pool *pool, unsigned int *took)
{
	unsigned long begin = jiffies;
	int got[POOL_MAX_SERVERS] = {};
	int least = BURST_PICKS, most = 0, i;

	for (i = 0; i < BURST_PICKS; i++)
		got[pool_claim(pool)]++;
	*took = jiffies - begin;
	for (i = 0; i < pool->nr; i++) {
		least = min(least, got[i]);
		most = max(most, got[i]);
	}
	return most - least;
}

static bool all_void(const struct pool *pool)
{
	int i;

	for (i = 0; i < pool->nr; i++)
		if (wlch_claims(atomic64_read(&pool->server[i].arrivals),
				jiffies))
			return false;
	return true;
}

static void wait_until_void(const struct pool *pool)
{
	unsigned long end = jiffies + HZ;

	while (!all_void(pool) && time_before(jiffies, end))
		cond_resched();
}

/* The choice of in-tree wlc: what it reads has not changed since the last. */
static int wlc_choice(const struct pool *pool)
{
	int best = 0, i;

	for (i = 1; i < pool->nr; i++)
		if (atomic_read(&pool->dest[i].activeconns) <
		    atomic_read(&pool->dest[best].activeconns))
			best = i;
	return best;
}

static void claim_burst(struct kunit *test)
{
	const struct burst_case *c = test->param_value;
	struct pool *pool = pool_make(test);
	unsigned int took;
	int i, spread;

	for (i = 0; i < c->nr; i++)
		pool_add(pool, 0, 0, 1);
	/* the control */
	for (i = 0; i < BURST_PICKS; i++)
		KUNIT_ASSERT_EQ(test, 0, wlc_choice(pool));

	/* again if the machine stood still for the lifetime of a claim */
	do {
		wait_until_void(pool);
		spread = burst_spread(pool, &took);
	} while (took > 1);
	KUNIT_EXPECT_LE(test, spread, 1);
	KUNIT_EXPECT_FALSE(test, all_void(pool));
	wait_until_void(pool);
	KUNIT_EXPECT_TRUE(test, all_void(pool));
}

/* Claims are shared in proportion to the weights. */
static void claim_weights(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	unsigned int took;
	u32 light, heavy;

	pool_add(pool, 0, 0, 1);
	pool_add(pool, 0, 0, 3);
	do {
		wait_until_void(pool);
		burst_spread(pool, &took);
		light = wlch_claims(atomic64_read(&pool->server[0].arrivals),
				    jiffies);
		heavy = wlch_claims(atomic64_read(&pool->server[1].arrivals),
				    jiffies);
	} while (took > 1 || light + heavy < BURST_PICKS);
	KUNIT_EXPECT_EQ(test, BURST_PICKS / 4, light);
}

/* What is claimed counts as the connection that will be made. */
static void claim_worth(struct kunit *test)
{
	struct pool *pool = pool_make(test);

	pool_add(pool, 0, 0, 1);
	pool_add(pool, 0, 4, 1);	/* 4 inactive: 4 */
	KUNIT_EXPECT_EQ(test, 0, pool_claim(pool));	/* 8 with the claim */
	KUNIT_EXPECT_EQ(test, 1, pool_pick(pool));
	pool->params.value[WLCH_HALFOPEN] = 3;
	KUNIT_EXPECT_EQ(test, 0, pool_pick(pool));
	pool->params.value[WLCH_HALFOPEN] = 8;
	pool->svc.protocol = IPPROTO_UDP;
	atomic64_set(&pool->server[0].arrivals, wlch_claim_add(0, jiffies));
	KUNIT_EXPECT_EQ(test, 0, pool_pick(pool));	/* 1 with the claim */
}

/* The claim of a connection is ended by that connection, once. */
static void claim_turn(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	struct wlch_server *server;
	u64 arrivals;

	pool_add(pool, 0, 0, 1);
	pool_add(pool, 1, 1, 1);
	server = wlch_server_join(&pool->dest[0], 0);
	KUNIT_ASSERT_NOT_NULL(test, server);
	pool->table->server[0] = server;

	rcu_read_lock();
	local_bh_disable();	/* the notes are of one CPU */
	KUNIT_EXPECT_EQ(test, 0, pool_claim(pool));
	arrivals = atomic64_read(&server->arrivals);
	KUNIT_EXPECT_NULL(test, wlch_claim_turn(&pool->dest[1]));
	KUNIT_EXPECT_EQ(test, arrivals, (u64)atomic64_read(&server->arrivals));
	KUNIT_EXPECT_PTR_EQ(test, server, wlch_claim_turn(&pool->dest[0]));
	arrivals = atomic64_read(&server->arrivals);
	KUNIT_EXPECT_EQ(test, 1, wlch_pending(arrivals));
	KUNIT_EXPECT_EQ(test, 0,
			wlch_claims(arrivals, wlch_claim_stamp(arrivals)));
	KUNIT_EXPECT_NULL(test, wlch_claim_turn(&pool->dest[0]));
	wlch_server_put(server);

	atomic64_set(&server->arrivals, 0);
	KUNIT_EXPECT_EQ(test, 0, pool_claim(pool));
	wlch_claim_end(&pool->dest[0]);
	arrivals = atomic64_read(&server->arrivals);
	KUNIT_EXPECT_EQ(test, 0, wlch_pending(arrivals));
	KUNIT_EXPECT_EQ(test, 0,
			wlch_claims(arrivals, wlch_claim_stamp(arrivals)));

	/* the service goes between the choice and the connection */
	KUNIT_EXPECT_EQ(test, 0, pool_claim(pool));
	wlch_server_leave(&pool->dest[0]);
	KUNIT_EXPECT_NULL(test, wlch_claim_turn(&pool->dest[0]));
	local_bh_enable();
	rcu_read_unlock();
}

/* A choice that somebody else has made meanwhile is not claimed. */
static void claim_conflict(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	struct wlch_server *server = &pool->server[0];
	u64 seen, first;

	pool_add(pool, 0, 0, 1);
	local_bh_disable();
	seen = atomic64_read(&server->arrivals);
	KUNIT_EXPECT_TRUE(test, wlch_claim(server, seen, false));
	first = atomic64_read(&server->arrivals);
	KUNIT_EXPECT_FALSE(test, wlch_claim(server, seen, false));
	KUNIT_EXPECT_EQ(test, first, (u64)atomic64_read(&server->arrivals));
	KUNIT_EXPECT_TRUE(test, wlch_claim(server, seen, true));
	KUNIT_EXPECT_TRUE(test, wlch_claimed_between(first,
						     atomic64_read(&server->arrivals)));
	/* a connection that only moves on is no reason to look again */
	seen = atomic64_read(&server->arrivals);
	atomic64_add(WLCH_ONE_PENDING, &server->arrivals);
	KUNIT_EXPECT_TRUE(test, wlch_claim(server, seen, false));
	local_bh_enable();
}

static struct kunit_case wlch_claim_cases[] = {
	KUNIT_CASE(claims_expire),
	KUNIT_CASE(claims_wrap),
	KUNIT_CASE(claims_drop),
	KUNIT_CASE(claims_limits),
	KUNIT_CASE_PARAM(claim_burst, burst_gen_params),
	KUNIT_CASE(claim_weights),
	KUNIT_CASE(claim_worth),
	KUNIT_CASE(claim_turn),
	KUNIT_CASE(claim_conflict),
	{}
};

static struct kunit_suite wlch_claim_suite = {
	.name		= "wlch-claim",
	.suite_init	= pool_suite_init,
	.suite_exit	= pool_suite_exit,
	.exit		= pool_exit,
	.test_cases	= wlch_claim_cases,
};

kunit_test_suite(wlch_claim_suite);
