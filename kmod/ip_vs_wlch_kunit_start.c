// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: KUnit tests of slow start
 */

#include <kunit/test.h>
#include <linux/module.h>

#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_kunit.h"

#define FULL	WLCH_SHARE_FULL

struct shares_case {
	const char *what;
	u64 service_age;
	u32 linger;
	u64 age;
	u64 slowstart;
	u32 live;	/* 0: all is reached */
	u32 inactive;
};

static const struct shares_case shares_cases[] = {
	{ "off", 9999, 100, 0, 0, 0, 0 },
	{ "begins", 9999, 100, 0, 1000, FULL / 64, FULL / 4096 },
	{ "least live", 9999, 100, 15, 1000, FULL / 64, FULL * 9 / 8000 },
	/* from 400 to 500: 0.4 to 0.5, on average 0.45 */
	{ "half", 9999, 100, 500, 1000, FULL / 2, FULL * 45 / 100 },
	/* 100 * 100 / 2 / 1000 = 5 of 100 */
	{ "young", 9999, 100, 100, 1000, FULL / 10, FULL * 5 / 100 },
	/* 50 while it ramped, 50 since then, of 1000 */
	{ "lingers", 9999, 1000, 150, 100, FULL, FULL / 10 },
	{ "last", 9999, 100, 1099, 1000, FULL, FULL - 1 },
	{ "over", 9999, 100, 1100, 1000, 0, 0 },
	{ "nothing lingers", 9999, 0, 500, 1000, FULL / 2, FULL },
	{ "long ago", 9999, 100, S64_MAX, 3600, 0, 0 },
	/* ramps up in the 50 that its service was there; 25 of 100 */
	{ "young service", 50, 100, 50, 1000, FULL, FULL / 4 },
	{ "first server", 0, 100, 0, 1000, 0, 0 },
};

static void shares_desc(const struct shares_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(shares, shares_cases, shares_desc);

static void start_shares(struct kunit *test)
{
	const struct shares_case *c = test->param_value;
	const struct wlch_start start = {
		.service_age = c->service_age,
		.linger = c->linger,
	};
	struct wlch_shares shares;

	KUNIT_ASSERT_EQ(test, c->live != 0,
			wlch_shares(&shares, &start, c->age, c->slowstart));
	if (!c->live)
		return;
	KUNIT_EXPECT_EQ(test, c->live, shares.live);
	KUNIT_EXPECT_LE(test, c->inactive, shares.inactive + 1);
	KUNIT_EXPECT_GE(test, c->inactive + 1, shares.inactive);
}

static void start_load(struct kunit *test)
{
	static const u32 factor[WLCH_NR_FACTORS] = { 8, 4, 2, 1 };
	static const u32 largest[WLCH_NR_FACTORS] = { 4096, 4096, 4096, 4096 };
	const struct wlch_counts none = {};
	const struct wlch_counts counts = { .class = { 10, 20, 30, 40 } };
	const struct wlch_counts base = { .class = { 4, 100, 0, 30 } };
	const struct wlch_counts most = { .class = { U32_MAX, U32_MAX,
						     U32_MAX, U32_MAX } };
	struct wlch_shares shares = { .live = FULL, .inactive = FULL };

	KUNIT_EXPECT_EQ(test, wlch_load(&counts, factor),
			wlch_share_load(&counts, &none, factor, &shares));
	shares.live = FULL / 2;
	shares.inactive = FULL / 4;
	KUNIT_EXPECT_EQ(test, 2 * (80 + 80 + 60) + 4 * 40ULL,
			wlch_share_load(&counts, &none, factor, &shares));
	/* 6 active, 30 refused and 10 inactive ones are new */
	KUNIT_EXPECT_EQ(test, 32 + 2 * 48 + 80 + 2 * 60 + 30 + 4 * 10ULL,
			wlch_share_load(&counts, &base, factor, &shares));
	shares.live = WLCH_SHARE_LEAST;
	shares.inactive = WLCH_SHARE_LEAST_INACTIVE;
	KUNIT_EXPECT_EQ(test, (u64)U32_MAX * 4096 * (3 * 64 + 4096),
			wlch_share_load(&most, &none, largest, &shares));
}

static void start_weight(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, wlch_share_weight(0, FULL / 64));
	KUNIT_EXPECT_EQ(test, 1, wlch_share_weight(1, FULL / 64));
	KUNIT_EXPECT_EQ(test, 50, wlch_share_weight(100, FULL / 2));
	KUNIT_EXPECT_EQ(test, INT_MAX, wlch_share_weight(INT_MAX, FULL));
}

/* So long that a test that stands still for some seconds measures the same. */
#define SLOWSTART	3600
#define OLD_SERVERS	4
#define OLD_CONNS	1000

static int held(const struct pool *pool, int i)
{
	return atomic_read(&pool->dest[i].activeconns);
}

static void pool_age(struct pool *pool, int i, int seconds)
{
	pool->server[i].start.since = get_jiffies_64() - (u64)seconds * HZ;
}

/* Servers that hold many connections, and one that was just added. */
static struct pool *pool_with_newcomer(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i;

	for (i = 0; i < OLD_SERVERS; i++) {
		pool_add(pool, OLD_CONNS, OLD_CONNS, 1);
		pool_age(pool, i, 2 * SLOWSTART);
	}
	pool_add(pool, 0, 0, 1);
	pool_age(pool, OLD_SERVERS, 0);
	return pool;
}

/* The control: without slow start the newcomer gets all until it is level. */
static void newcomer_flood(struct kunit *test)
{
	struct pool *pool = pool_with_newcomer(test);
	int i;

	for (i = 0; i < OLD_CONNS; i++)
		KUNIT_ASSERT_EQ(test, OLD_SERVERS, pool_hold(pool));
}

/* With it, it has at each moment the share of its fair load that its age is of
 * the time that it is given, or a 64th.
 */
static void newcomer_ramp(struct kunit *test)
{
	struct pool *pool = pool_with_newcomer(test);
	int percent, share, i;

	pool->params.value[WLCH_SLOWSTART] = SLOWSTART;
	for (percent = 0; percent < 100; percent += 10) {
		pool_age(pool, OLD_SERVERS, SLOWSTART / 100 * percent);
		for (i = 0; i < OLD_CONNS / 5; i++)
			pool_hold(pool);
		share = held(pool, OLD_SERVERS) * 100 / held(pool, 0);
		KUNIT_EXPECT_LE(test, share, max(percent + 1, 2));
		KUNIT_EXPECT_GE(test, share, max(percent - 1, 1));
	}
	/* then it is one like the others */
	pool_age(pool, OLD_SERVERS, SLOWSTART);
	for (i = 0; i < OLD_CONNS; i++)
		pool_hold(pool);
	KUNIT_EXPECT_LE(test, abs(held(pool, 0) - held(pool, OLD_SERVERS)), 1);
}

/* Where all are new nobody is to be spared: two servers that a service began
 * with, though one came after the other; a third ramps up within the time in
 * which these can have gathered connections. Its first one it has as an idle
 * server.
 */
static void newcomers_only(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int age = SLOWSTART / 10, i;

	pool->params.value[WLCH_SLOWSTART] = SLOWSTART;
	for (i = 0; i < 3; i++) {
		struct wlch_start *start = &pool->server[i].start;

		pool_add(pool, 0, 0, 1);
		start->service_age = (u64)i * age / 2 * HZ;
		pool_age(pool, i, age - i * age / 2);
	}
	for (i = 0; i < 64; i++)
		pool_hold(pool);
	KUNIT_EXPECT_LE(test, abs(held(pool, 0) - held(pool, 1)), 1);
	KUNIT_EXPECT_EQ(test, 1, held(pool, 2));
	pool_age(pool, 2, age);
	for (i = 0; i < 32; i++)
		pool_hold(pool);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, 32, held(pool, i));
}

/* A server that was gone for a moment has what it held, which is not new to it:
 * it shares what comes from the first connection on, by its ramp.
 */
static void newcomer_holds(struct kunit *test)
{
	struct pool *pool = pool_with_newcomer(test);
	int i, last = OLD_SERVERS;

	pool_set(pool, last, OLD_CONNS, OLD_CONNS, 1);
	pool->server[last].start.base.class[WLCH_ACTIVE] = OLD_CONNS;
	pool->params.value[WLCH_SLOWSTART] = SLOWSTART;
	pool_age(pool, last, SLOWSTART / 2);
	for (i = 0; i < 900; i++)
		pool_hold(pool);
	KUNIT_EXPECT_GE(test, held(pool, last), OLD_CONNS + 99);
	KUNIT_EXPECT_LE(test, held(pool, last), OLD_CONNS + 101);
	/* The control: as if all of it were new, it gets none. */
	memset(&pool->server[last].start.base, 0, sizeof(struct wlch_counts));
	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_NE(test, last, pool_hold(pool));
}

#define SHORT_SERVERS	10
#define SHORT_RATE	100	/* connections in a second */
#define SHORT_LINGER	120	/* seconds */
#define SHORT_SLOWSTART	30

/**
 * struct short_conns - connections that end at once and linger
 * @pool: the servers; the last is new
 * @ended: of each second of the last SHORT_LINGER, how many a server has
 * @second: since the newcomer came
 */
struct short_conns {
	struct pool *pool;
	int ended[SHORT_LINGER][SHORT_SERVERS];
	int second;
};

static void short_begin(struct kunit *test, struct short_conns *conns)
{
	int i, j, last = SHORT_SERVERS - 1;

	conns->pool = pool_make(test);
	for (i = 0; i < SHORT_SERVERS; i++) {
		pool_add(conns->pool, 0, 0, 1);
		for (j = 0; i != last && j < SHORT_LINGER; j++)
			conns->ended[j][i] = SHORT_RATE / last;
	}
	conns->pool->server[last].start.linger = SHORT_LINGER * HZ;
}

/* A second passes. Returns what the newcomer has got. */
static int short_second(struct short_conns *conns)
{
	int *ended = conns->ended[conns->second % SHORT_LINGER];
	int inactive[SHORT_SERVERS] = {};
	int i, j;

	for (i = 0; i < SHORT_SERVERS; i++) {
		ended[i] = 0;
		for (j = 0; j < SHORT_LINGER; j++)
			inactive[i] += conns->ended[j][i];
		pool_set(conns->pool, i, 0, inactive[i], 1);
	}
	pool_age(conns->pool, SHORT_SERVERS - 1, conns->second);
	for (i = 0; i < SHORT_RATE; i++) {
		j = pool_pick(conns->pool);
		ended[j]++;
		pool_set(conns->pool, j, 0, ++inactive[j], 1);
	}
	conns->second++;
	return ended[SHORT_SERVERS - 1];
}

/* The newcomer's part of what came in five seconds, in percent of its share. */
static int short_share(struct short_conns *conns)
{
	int i, got = 0;

	for (i = 0; i < 5; i++)
		got += short_second(conns);
	return got * 100 * SHORT_SERVERS / (5 * SHORT_RATE);
}

/* The control: who has no past gets all of what comes, for as long as it takes
 * to have as many as the others, and as they go, again.
 */
static void short_flood(struct kunit *test)
{
	struct short_conns *conns = kunit_kzalloc(test, sizeof(*conns),
						  GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, conns);
	short_begin(test, conns);
	KUNIT_EXPECT_GE(test, short_share(conns), 950);
}

/* With slow start what it gets ramps up, and no flood follows. */
static void short_ramp(struct kunit *test)
{
	struct short_conns *conns = kunit_kzalloc(test, sizeof(*conns),
						  GFP_KERNEL);
	int share, want;

	KUNIT_ASSERT_NOT_NULL(test, conns);
	short_begin(test, conns);
	conns->pool->params.value[WLCH_SLOWSTART] = SHORT_SLOWSTART;
	while (conns->second < 2 * SHORT_LINGER) {
		/* at the middle of the five seconds */
		want = (2 * conns->second + 5) * 100 / (2 * SHORT_SLOWSTART);
		want = min(want, 100);
		share = short_share(conns);
		KUNIT_EXPECT_GE(test, share, want - 25);
		KUNIT_EXPECT_LE(test, share, want + 25);
	}
}

static struct kunit_case wlch_start_cases[] = {
	KUNIT_CASE_PARAM(start_shares, shares_gen_params),
	KUNIT_CASE(start_load),
	KUNIT_CASE(start_weight),
	KUNIT_CASE(newcomer_flood),
	KUNIT_CASE(newcomer_ramp),
	KUNIT_CASE(newcomers_only),
	KUNIT_CASE(newcomer_holds),
	KUNIT_CASE(short_flood),
	KUNIT_CASE(short_ramp),
	{}
};

static struct kunit_suite wlch_start_suite = {
	.name		= "wlch-start",
	.suite_init	= pool_suite_init,
	.suite_exit	= pool_suite_exit,
	.exit		= pool_exit,
	.test_cases	= wlch_start_cases,
};

kunit_test_suite(wlch_start_suite);
