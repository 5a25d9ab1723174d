// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: KUnit tests of the arithmetic
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/string.h>

#include "ip_vs_wlch.h"

/* --- comparing quotients --- */

struct cmp_case {
	const char *what;
	u64 load_a;
	u32 weight_a;
	u64 load_b;
	u32 weight_b;
	int want;
};

/* the largest load: INT_MAX connections in each class, each worth 4096 */
#define LOAD_MAX	(4ULL * INT_MAX * 4096)

static const struct cmp_case cmp_cases[] = {
	{ "both idle", 0, 1, 0, INT_MAX, 0 },
	{ "idle against loaded", 0, 1, 1, INT_MAX, -1 },
	{ "same load, larger weight is less", 10, 3, 10, 2, -1 },
	{ "equal quotients", 10, 2, 15, 3, 0 },
	{ "products differ below bit 32", 7, 5, 10, 7, -1 },
	{ "products differ only above bit 64", LOAD_MAX, INT_MAX,
	  LOAD_MAX / 2, 1, -1 },
	{ "largest load and weight on both sides", LOAD_MAX, INT_MAX,
	  LOAD_MAX, INT_MAX, 0 },
	{ "one connection more at the largest load", LOAD_MAX, INT_MAX,
	  LOAD_MAX - 1, INT_MAX, 1 },
	{ "one weight more at the largest load", LOAD_MAX, INT_MAX - 1,
	  LOAD_MAX, INT_MAX, 1 },
	{ "a 64-bit product would wrap to less", 1ULL << 34, 1,
	  1, 1U << 30, 1 },
	{ "whole 64 and 32 bits", U64_MAX, U32_MAX, U64_MAX - 1, U32_MAX, 1 },
	{ "a carry out of the lower half", 0xffffffffULL, 3,
	  0x100000000ULL, 3, -1 },
};

static void cmp_desc(const struct cmp_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(cmp, cmp_cases, cmp_desc);

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void load_cmp_cases(struct kunit *test)
{
	const struct cmp_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, c->want,
			sign(wlch_load_cmp(c->load_a, c->weight_a,
					   c->load_b, c->weight_b)));
	KUNIT_EXPECT_EQ(test, -c->want,
			sign(wlch_load_cmp(c->load_b, c->weight_b,
					   c->load_a, c->weight_a)));
}

/* Long multiplication, bit by bit, into two words. Slow and obvious. */
static void mul_slow(u64 a, u32 b, u64 *hi, u64 *lo)
{
	int bit;

	*hi = 0;
	*lo = 0;
	for (bit = 31; bit >= 0; bit--) {
		*hi = *hi << 1 | *lo >> 63;
		*lo <<= 1;
		if (!(b & BIT(bit)))
			continue;
		*lo += a;
		*hi += *lo < a;
	}
}

static int cmp_slow(u64 load_a, u32 weight_a, u64 load_b, u32 weight_b)
{
	u64 hi_a, lo_a, hi_b, lo_b;

	mul_slow(load_a, weight_b, &hi_a, &lo_a);
	mul_slow(load_b, weight_a, &hi_b, &lo_b);
	if (hi_a != hi_b)
		return hi_a < hi_b ? -1 : 1;
	return lo_a < lo_b ? -1 : lo_a > lo_b;
}

/* Numbers of random length, so that small and huge ones meet. */
static u64 random_number(unsigned int bits)
{
	return get_random_u64() >> (64 - bits + get_random_u32() % bits);
}

static void load_cmp_random(struct kunit *test)
{
	int i;

	for (i = 0; i < 100000; i++) {
		u64 la = random_number(64), lb = random_number(64);
		u32 wa = random_number(32), wb = random_number(32);

		if (i % 4 == 0)		/* near ties */
			lb = la + i % 3 - 1;
		if (i % 8 == 0)
			wb = wa;
		KUNIT_ASSERT_EQ_MSG(test, cmp_slow(la, wa, lb, wb),
				    sign(wlch_load_cmp(la, wa, lb, wb)),
				    "%llu/%u and %llu/%u", la, wa, lb, wb);
	}
}

/* --- classes and load --- */

struct count_case {
	const char *what;
	int active, inactive;
	int gauge[WLCH_NR_GAUGES];
	u32 want[WLCH_NR_FACTORS];
};

static const struct count_case count_cases[] = {
	{ "idle", 0, 0, { 0, 0, 0 }, { 0, 0, 0, 0 } },
	{ "nothing followed", 5, 7, { 0, 0, 0 }, { 5, 0, 0, 7 } },
	{ "a handshake is inside active", 5, 7, { 3, 0, 0 }, { 2, 3, 0, 7 } },
	{ "a pending one is inside inactive", 5, 7, { 0, 0, 2 },
	  { 5, 2, 0, 5 } },
	{ "a refused one is inside inactive", 5, 7, { 0, 4, 0 },
	  { 5, 0, 4, 3 } },
	{ "a pending one that the core counts as active already", 6, 1,
	  { 0, 0, 2 }, { 5, 2, 0, 0 } },
	{ "all at once", 50, 40, { 20, 10, 3 }, { 30, 23, 10, 27 } },
	{ "gauges ahead of the core never go below 0", 1, 1, { 4, 5, 3 },
	  { 0, 7, 5, 0 } },
	{ "gauges below 0 count as 0", 4, 4, { -2, -3, -1 }, { 4, 0, 0, 4 } },
	{ "counters at their limit", INT_MAX, INT_MAX, { 0, 0, 0 },
	  { INT_MAX, 0, 0, INT_MAX } },
	{ "gauges at their limit", INT_MAX, INT_MAX,
	  { INT_MAX, INT_MAX, INT_MAX }, { 0, 2U * INT_MAX, INT_MAX, 0 } },
};

static void count_desc(const struct count_case *c, char *desc)
{
	strscpy(desc, c->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(count, count_cases, count_desc);

static void count_classes(struct kunit *test)
{
	const struct count_case *c = test->param_value;
	struct wlch_counts counts;
	int i;

	wlch_count(&counts, c->active, c->inactive, c->gauge);
	for (i = 0; i < WLCH_NR_FACTORS; i++)
		KUNIT_EXPECT_EQ_MSG(test, c->want[i], counts.class[i],
				    "class %s", wlch_param_desc[i].name);
}

static void load_formula(struct kunit *test)
{
	const struct wlch_counts counts = { { 1000, 200, 30, 4 } };
	const struct wlch_counts most = {
		{ INT_MAX, INT_MAX, INT_MAX, INT_MAX }
	};
	const u32 defaults[] = { 8, 8, 8, 1 }, old[] = { 256, 1, 1, 1 };
	const u32 largest[] = { 4096, 4096, 4096, 4096 };
	const u32 none[] = { 1, 0, 0, 0 };

	KUNIT_EXPECT_EQ(test, 8000 + 1600 + 240 + 4ULL,
			wlch_load(&counts, defaults));
	KUNIT_EXPECT_EQ(test, 256000 + 200 + 30 + 4ULL,
			wlch_load(&counts, old));
	KUNIT_EXPECT_EQ(test, 1000ULL, wlch_load(&counts, none));
	KUNIT_EXPECT_EQ(test, LOAD_MAX, wlch_load(&most, largest));
}

static void next_gauge(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, WLCH_PENDING, wlch_next_gauge(true, false, false));
	KUNIT_EXPECT_EQ(test, WLCH_HANDSHAKE, wlch_next_gauge(true, false, true));
	KUNIT_EXPECT_EQ(test, WLCH_REFUSED_GAUGE,
			wlch_next_gauge(false, true, false));
	KUNIT_EXPECT_EQ(test, WLCH_UNTRACKED,
			wlch_next_gauge(false, false, true));
	KUNIT_EXPECT_EQ(test, WLCH_UNTRACKED,
			wlch_next_gauge(false, false, false));
}

static struct kunit_case wlch_load_cases[] = {
	KUNIT_CASE_PARAM(load_cmp_cases, cmp_gen_params),
	KUNIT_CASE(load_cmp_random),
	KUNIT_CASE_PARAM(count_classes, count_gen_params),
	KUNIT_CASE(load_formula),
	KUNIT_CASE(next_gauge),
	{}
};

static struct kunit_suite wlch_load_suite = {
	.name		= "wlch-load",
	.test_cases	= wlch_load_cases,
};

kunit_test_suite(wlch_load_suite);
