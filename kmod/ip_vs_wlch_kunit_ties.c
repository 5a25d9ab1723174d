// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: KUnit tests of the choice between equal servers
 *
 * A sample of many picks is compared with even shares by Pearson's chi-square
 * test at 1 %. A fair choice fails that once in 100 times, so a sample that
 * fails is repeated, and the choice is taken for unfair when three fresh
 * samples in a row fail: a fair one does once in 1,000,000 times. A choice that
 * is unfair by so much that the test would notice it 99 times of 100 still
 * fails 97 times of 100. The controls are unfair by more.
 */

#include <kunit/test.h>
#include <linux/random.h>

#include "ip_vs_wlch_kunit.h"

#define TIE_PICKS	20000
#define TIE_SAMPLES	3

struct tie_case {
	const char *what;
	int nr;
	u64 limit;	/* chi-square at 1 %, nr - 1 degrees of freedom; 1/1000 */
};

/* ... with 1 degree of freedom: one server against all others */
#define ONE_LIMIT	6635

static const struct tie_case tie_cases[] = {
	{ "2 servers", 2, 6635 },
	{ "3 servers", 3, 9210 },
	{ "10 servers", 10, 21666 },
	{ "50 servers", 50, 74919 },
};

static void tie_desc(const struct tie_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(tie, tie_cases, tie_desc);

/* ((picks of server i) * nr - all picks)^2. Divided by all picks * nr it is the
 * server's part of chi-square.
 */
static u64 deviation(const int *got, const struct tie_case *c, int i)
{
	s64 d = (s64)got[i] * c->nr - TIE_PICKS;

	return d * d;
}

static bool all_even(const int *got, const struct tie_case *c)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < c->nr; i++)
		sum += deviation(got, c, i);
	return sum * 1000 <= c->limit * TIE_PICKS * c->nr;
}

static bool one_even(const int *got, const struct tie_case *c, int i)
{
	return deviation(got, c, i) * 1000 <=
	       (u64)ONE_LIMIT * TIE_PICKS * (c->nr - 1);
}

static bool first_even(const int *got, const struct tie_case *c)
{
	return one_even(got, c, 0);
}

static bool last_even(const int *got, const struct tie_case *c)
{
	return one_even(got, c, c->nr - 1);
}

static void sample(struct kunit *test, struct pool *pool,
		   int (*rule)(struct pool *pool), int got[POOL_MAX_SERVERS])
{
	int i, picked;

	memset(got, 0, POOL_MAX_SERVERS * sizeof(*got));
	for (i = 0; i < TIE_PICKS; i++) {
		picked = rule(pool);
		KUNIT_ASSERT_GE(test, picked, 0);
		got[picked]++;
	}
}

static void idle_servers(struct pool *pool, const struct tie_case *c)
{
	int i;

	pool_empty(pool);
	for (i = 0; i < c->nr; i++)
		pool_add(pool, 0, 0, 1);
}

/* Is a choice between idle servers fair, as that test has it? */
static bool is_fair(struct kunit *test, const struct tie_case *c,
		    int (*rule)(struct pool *pool),
		    bool (*even)(const int *got, const struct tie_case *c))
{
	struct pool *pool = test->priv;
	int got[POOL_MAX_SERVERS], i;

	for (i = 0; i < TIE_SAMPLES; i++) {
		sample(test, pool, rule, got);
		if (even(got, c))
			return true;
	}
	return false;
}

static void ties_even(struct kunit *test)
{
	idle_servers(pool_make(test), test->param_value);
	KUNIT_EXPECT_TRUE(test, is_fair(test, test->param_value, pool_pick,
					all_even));
}

/* The same through an index, which there is of three servers and more. */
static void ties_index(struct kunit *test)
{
	const struct tie_case *c = test->param_value;

	struct pool *pool = pool_make(test);

	idle_servers(pool, c);
	KUNIT_EXPECT_EQ(test, c->nr > 2, pool_index(pool));
	KUNIT_EXPECT_TRUE(test, is_fair(test, c, pool_pick, all_even));
}

static void ties_first(struct kunit *test)
{
	idle_servers(pool_make(test), test->param_value);
	KUNIT_EXPECT_TRUE(test, is_fair(test, test->param_value, pool_pick,
					first_even));
}

static void ties_last(struct kunit *test)
{
	idle_servers(pool_make(test), test->param_value);
	KUNIT_EXPECT_TRUE(test, is_fair(test, test->param_value, pool_pick,
					last_even));
}

/* Of idle servers only the heaviest have a share, wherever they are. */
static void ties_by_weight(struct kunit *test)
{
	const struct tie_case ten = { "", 10, 21666 };
	struct pool *pool = pool_make(test);
	int got[POOL_MAX_SERVERS], i;
	bool even = false;

	pool_add(pool, 0, 0, 4);
	for (i = 0; i < ten.nr; i++)
		pool_add(pool, 0, 0, 5);
	pool_add(pool, 0, 0, 4);
	for (i = 0; i < TIE_SAMPLES && !even; i++) {
		sample(test, pool, pool_pick, got);
		KUNIT_EXPECT_EQ(test, 0, got[0]);
		KUNIT_EXPECT_EQ(test, 0, got[ten.nr + 1]);
		even = all_even(got + 1, &ten);
	}
	KUNIT_EXPECT_TRUE(test, even);
}

/* Reservoir sampling: the k-th server takes the place once in k + off times. */
static int reservoir(struct pool *pool, int off)
{
	int best = 0, k;

	for (k = 2; k <= pool->nr; k++) {
		if (get_random_u32() % (k + off) == 0)
			best = k - 1;
	}
	return best;
}

static int one_in_k(struct pool *pool)
{
	return reservoir(pool, 0);
}

static int one_in_k_less_1(struct pool *pool)
{
	return reservoir(pool, -1);
}

static int one_in_k_plus_1(struct pool *pool)
{
	return reservoir(pool, 1);
}

struct rule_case {
	const char *what;
	int (*rule)(struct pool *pool);
	bool fair;
};

static const struct rule_case rule_cases[] = {
	{ "wlc: the first of equals", pool_wlc, false },
	{ "one in k - 1", one_in_k_less_1, false },
	{ "one in k + 1", one_in_k_plus_1, false },
	{ "one in k", one_in_k, true },
};

static void rule_desc(const struct rule_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(rule, rule_cases, rule_desc);

/* The control: can the tests above tell? */
static void ties_control(struct kunit *test)
{
	const struct rule_case *c = test->param_value;
	int i;

	pool_make(test);
	for (i = 0; i < ARRAY_SIZE(tie_cases); i++) {
		idle_servers(test->priv, &tie_cases[i]);
		KUNIT_EXPECT_EQ_MSG(test, c->fair,
				    is_fair(test, &tie_cases[i], c->rule,
					    all_even),
				    "all of %s", tie_cases[i].what);
		KUNIT_EXPECT_EQ_MSG(test, c->fair,
				    is_fair(test, &tie_cases[i], c->rule,
					    first_even),
				    "the first of %s", tie_cases[i].what);
	}
}

static struct kunit_case wlch_ties_cases[] = {
	KUNIT_CASE_PARAM(ties_even, tie_gen_params),
	KUNIT_CASE_PARAM(ties_index, tie_gen_params),
	KUNIT_CASE_PARAM(ties_first, tie_gen_params),
	KUNIT_CASE_PARAM(ties_last, tie_gen_params),
	KUNIT_CASE(ties_by_weight),
	KUNIT_CASE_PARAM(ties_control, rule_gen_params),
	{}
};

static struct kunit_suite wlch_ties_suite = {
	.name		= "wlch-ties",
	.suite_init	= pool_suite_init,
	.suite_exit	= pool_suite_exit,
	.exit		= pool_exit,
	.test_cases	= wlch_ties_cases,
};

kunit_test_suite(wlch_ties_suite);
