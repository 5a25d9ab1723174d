// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: KUnit tests of the claims
 */

#include <kunit/test.h>
#include <linux/delay.h>
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

static struct pool *idle_pool(struct kunit *test)
{
	const struct burst_case *c = test->param_value;
	struct pool *pool = pool_make(test);
	int i;

	for (i = 0; i < c->nr; i++)
		pool_add(pool, 0, 0, 1);
	return pool;
}

/* Picks while no connection is made. */
static void burst(struct pool *pool, int (*rule)(struct pool *pool),
		  int got[POOL_MAX_SERVERS])
{
	int i;

	memset(got, 0, POOL_MAX_SERVERS * sizeof(*got));
	for (i = 0; i < BURST_PICKS; i++)
		got[rule(pool)]++;
}

/* The largest number that a server got, less the smallest. */
static int spread(const struct pool *pool, const int *got)
{
	int least = BURST_PICKS, most = 0, i;

	for (i = 0; i < pool->nr; i++) {
		least = min(least, got[i]);
		most = max(most, got[i]);
	}
	return most - least;
}

static u32 all_claims(const struct pool *pool)
{
	u32 sum = 0;
	int i;

	for (i = 0; i < pool->nr; i++)
		sum += wlch_claims(atomic64_read(&pool->server[i].arrivals),
				   jiffies);
	return sum;
}

static void wait_until_void(void)
{
	unsigned long begin = jiffies;

	while (jiffies - begin < 2)
		cond_resched();
}

/* A burst within the lifetime of a claim: again if the machine stood still.
 * Returns the claims after it.
 */
static u32 claim_burst(struct pool *pool, int got[POOL_MAX_SERVERS])
{
	unsigned long begin;
	u32 claims;

	do {
		wait_until_void();
		begin = jiffies;
		burst(pool, pool_claim, got);
		claims = all_claims(pool);
	} while (jiffies - begin > 1);
	return claims;
}

static void expect_level_burst(struct kunit *test, struct pool *pool)
{
	int got[POOL_MAX_SERVERS];

	KUNIT_EXPECT_EQ(test, BURST_PICKS, claim_burst(pool, got));
	KUNIT_EXPECT_LE(test, spread(pool, got), 1);
}

static void claim_level(struct kunit *test)
{
	expect_level_burst(test, idle_pool(test));
}

/* The same where there is a slow start: of servers that are old, and of new ones. */
static void claim_level_slowstart(struct kunit *test)
{
	struct pool *pool = idle_pool(test);
	int i;

	pool->params.value[WLCH_SLOWSTART] = 3600;
	expect_level_burst(test, pool);
	for (i = 0; i < pool->nr; i++)
		pool->server[i].start.since = get_jiffies_64();
	expect_level_burst(test, pool);
}

/* The control: wlc sees each time what it saw the first time. */
static void claim_level_not_wlc(struct kunit *test)
{
	struct pool *pool = idle_pool(test);
	int got[POOL_MAX_SERVERS];

	burst(pool, pool_wlc, got);
	KUNIT_EXPECT_EQ(test, BURST_PICKS, got[0]);
}

/* The connections are never made: two jiffies later nothing is left of the
 * claims, and the idle servers are chosen before the other one again.
 */
static void claim_void(struct kunit *test)
{
	struct pool *pool = idle_pool(test);
	int got[POOL_MAX_SERVERS], busy = pool->nr, i;

	pool_add(pool, 1, 1, 1);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, BURST_PICKS, claim_burst(pool, got));
		KUNIT_EXPECT_GT(test, got[busy], 0);
		wait_until_void();
		KUNIT_EXPECT_EQ(test, 0, all_claims(pool));
		KUNIT_EXPECT_LT(test, pool_pick(pool), busy);
	}
}

/* Claims are shared in proportion to the weights. */
static void claim_weights(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int got[POOL_MAX_SERVERS];

	pool_add(pool, 0, 0, 1);
	pool_add(pool, 0, 0, 3);
	claim_burst(pool, got);
	KUNIT_EXPECT_EQ(test, BURST_PICKS / 4, got[0]);
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
	KUNIT_ASSERT_TRUE(test, pool_join(pool, 0));
	server = pool->table->server[0];

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

	/* the server is removed between the choice and the connection, for which it takes
	 * longer than the claim is good ...
	 */
	KUNIT_EXPECT_EQ(test, 0, pool_claim(pool));
	refcount_inc(&server->refcnt);
	wlch_server_leave(&pool->dest[0]);
	mdelay(jiffies_to_msecs(3));
	KUNIT_EXPECT_PTR_EQ(test, server, wlch_claim_turn(&pool->dest[0]));
	wlch_server_put(server);
	/* ... and none of its connections is followed */
	atomic64_set(&server->arrivals, 0);
	KUNIT_EXPECT_EQ(test, 0, pool_claim(pool));
	wlch_server_put(server);
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
	KUNIT_CASE_PARAM(claim_level, burst_gen_params),
	KUNIT_CASE_PARAM(claim_level_slowstart, burst_gen_params),
	KUNIT_CASE_PARAM(claim_level_not_wlc, burst_gen_params),
	KUNIT_CASE_PARAM(claim_void, burst_gen_params),
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
