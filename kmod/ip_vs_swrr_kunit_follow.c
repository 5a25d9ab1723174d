// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler swrr: KUnit tests of a cycle that goes on where another one is
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/random.h>

#include "ip_vs_swrr_kunit.h"

/* A server comes and goes, each time after some picks. All that was there all the
 * time, and never the heaviest, has its turns in the same order as ever.
 */
static void flap_keeps_order(struct kunit *test)
{
	static const u32 weight[] = { 7, 3, 4, 5, 1, 2, 6 };
	u32 turns[ARRAY_SIZE(weight)] = {}, period, i, flap, then, nr = 0;
	struct ring *ring;
	u32 *order;

	order = kunit_kcalloc(test, 28, sizeof(*order), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, order);
	for (flap = 1; flap < ARRAY_SIZE(weight); flap++) {
		for (period = 1; period < 40; period++) {
			ring = ring_make(test, weight, ARRAY_SIZE(weight));
			for (i = 0, nr = 0; i < ring->cycle->nr; i++) {
				u32 server = ring_turn(ring, i);

				if (server && server != flap)
					order[nr++] = server;
			}
			swrr_cycle_begin(ring->cycle, 0);
			for (i = 0, then = 0; i < 1000; i++) {
				u32 server;

				if (i && i % period == 0)
					ring_change(test, ring, flap, i / period % 2 ?
						    0 : weight[flap]);
				server = ring_pick(ring);
				turns[server]++;
				if (!server || server == flap)
					continue;
				KUNIT_ASSERT_EQ_MSG(test, order[then++ % nr], server,
						    "flap %u, period %u, pick %u",
						    flap, period, i);
			}
		}
	}
	KUNIT_EXPECT_GT(test, turns[0], 0);
}

/* Those from a server on, which never changed, have had turns in proportion to their
 * weights, but for a few.
 */
static void expect_proportional(struct kunit *test, const struct ring *ring,
				const u32 *picks, u32 from)
{
	u32 i, sum = 0, all = 0;

	for (i = from; i < ring->nr; i++) {
		all += picks[i];
		sum += ring->server[i].weight;
	}
	for (i = from; i < ring->nr; i++) {
		u32 want = all * ring->server[i].weight / sum;

		KUNIT_ASSERT_GE_MSG(test, picks[i] + 3, want,
				    "server %u of weight %u", i,
				    ring->server[i].weight);
		KUNIT_ASSERT_LE_MSG(test, picks[i], want + 3,
				    "server %u of weight %u", i,
				    ring->server[i].weight);
	}
}

/* Of few servers, one comes and goes at regular intervals. What the heaviest is owed when
 * that happens would add up, if it were forgotten each time.
 */
static void flap_keeps_shares(struct kunit *test)
{
	u32 weight[4], n, i, j;

	for (n = 0; n < 600; n++) {
		u32 picks[ARRAY_SIZE(weight)] = {};
		struct ring *ring;

		for (i = 0; i < ARRAY_SIZE(weight); i++)
			weight[i] = get_random_u32() % 6 + 1;
		ring = ring_make(test, weight, ARRAY_SIZE(weight));
		swrr_cycle_begin(ring->cycle, get_random_u32());
		for (i = 0; i < 200; i++) {
			ring_change(test, ring, 0, i % 2 ? weight[0] : 0);
			for (j = 0; j <= n % 15; j++)
				picks[ring_pick(ring)]++;
		}
		expect_proportional(test, ring, picks, 1);
	}
}

/* Of two servers one comes and goes after each 10 picks: the other one has all of them half of
 * the time, and else its part. By how much its picks differ from that is chance, and so
 * comes to much less than 1 % of all; always the same would be more.
 */
static void flap_of_two(struct kunit *test)
{
	static const u32 pair[][2] = {
		{ 1, 1 }, { 4, 8 }, { 8, 4 }, { 1, 3 }, { 5, 6 }, { 516, 955 },
	};
	u32 n, i, j;

	for (n = 0; n < ARRAY_SIZE(pair); n++) {
		struct ring *ring = ring_make(test, pair[n], 2);
		u32 sum = pair[n][0] + pair[n][1];
		u32 want = 10 * 1000 + 10 * 1000 * pair[n][0] / sum;
		u32 picks = 0;

		swrr_cycle_begin(ring->cycle, get_random_u32());
		for (i = 0; i < 2000; i++) {
			ring->server[1].phase = get_random_u32();
			ring_change(test, ring, 1, i % 2 ? pair[n][1] : 0);
			for (j = 0; j < 10; j++)
				picks += !ring_pick(ring);
		}
		KUNIT_EXPECT_GE_MSG(test, picks, want - want / 100, "pair %u", n);
		KUNIT_EXPECT_LE_MSG(test, picks, want + want / 100, "pair %u", n);
	}
}

/* Servers come and go whose weights are so large that the others' are not even one turn's
 * worth when they are there. They never stay away for a whole cycle of the others:
 * then each of these must have its part, and not the first ones all.
 */
static void flap_of_unit(struct kunit *test)
{
	static const u32 weight[] = {
		400000, 400000, 400000, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
	};
	struct ring *ring = ring_make(test, weight, ARRAY_SIZE(weight));
	u32 picks[ARRAY_SIZE(weight)] = {}, i, j;

	swrr_cycle_begin(ring->cycle, get_random_u32());
	ring_pick(ring);
	for (i = 0; i < 200; i++) {
		ring->server[0].weight = i % 2 ? weight[0] : 0;
		ring->server[1].weight = i % 2 ? weight[1] : 0;
		ring_change(test, ring, 2, i % 2 ? weight[2] : 0);
		KUNIT_ASSERT_EQ(test, ring->cycle->unit, i % 2 ? 32 : 1);
		for (j = 0; j < 3; j++)
			picks[ring_pick(ring)]++;
	}
	for (i = 3; i < ARRAY_SIZE(weight); i++) {
		KUNIT_EXPECT_GE_MSG(test, picks[i], 27, "server %u", i);
		KUNIT_EXPECT_LE_MSG(test, picks[i], 33, "server %u", i);
	}
}

/* Changes of any kind. */
static void changes_keep_shares(struct kunit *test)
{
	u32 weight[6], n, i, j, period;

	for (n = 0; n < 300; n++) {
		u32 picks[ARRAY_SIZE(weight)] = {};
		struct ring *ring;

		for (i = 0; i < ARRAY_SIZE(weight); i++)
			weight[i] = get_random_u32() % 9 + 1;
		period = get_random_u32() % 20 + 1;
		ring = ring_make(test, weight, ARRAY_SIZE(weight));
		swrr_cycle_begin(ring->cycle, get_random_u32());
		for (i = 0; i < 100; i++) {
			ring_change(test, ring, get_random_u32() % 3,
				    get_random_u32() % 12);
			for (j = 0; j < period; j++)
				picks[ring_pick(ring)]++;
		}
		expect_proportional(test, ring, picks, 3);
	}
}

/* Many changes between two picks are as one. */
static void changes_without_picks(struct kunit *test)
{
	static const u32 weight[] = { 1, 3, 2, 2 };
	u32 picks[ARRAY_SIZE(weight)] = {}, n, i;
	struct ring *ring = ring_make(test, weight, ARRAY_SIZE(weight));

	swrr_cycle_begin(ring->cycle, get_random_u32());
	for (n = 0; n < 800; n++) {
		for (i = n % 5; i--;) {
			ring_change(test, ring, 0, i % 2 ? 1 : 50);
			ring_change(test, ring, 0, 0);
			ring_change(test, ring, 0, 1);
		}
		picks[ring_pick(ring)]++;
	}
	expect_proportional(test, ring, picks, 1);
}

/* Next to much lighter servers the heaviest can be owed more turns than a lead has: then
 * the lead is full, and the rest is lost.
 */
static void lead_is_cut(struct kunit *test)
{
	static const u32 weight[] = { 3000, 1, 1, 0 };
	u32 n, i, full = 0;

	for (n = 0; n < 300; n++) {
		struct ring *ring = ring_make(test, weight, ARRAY_SIZE(weight));

		swrr_cycle_begin(ring->cycle, get_random_u32());
		for (i = get_random_u32() % 3000 + 1; i--;)
			ring_pick(ring);
		ring_change(test, ring, 3, 1);
		KUNIT_ASSERT_LE(test, ring->cycle->lead, SWRR_LEAD);
		full += ring->cycle->lead == SWRR_LEAD;
	}
	KUNIT_EXPECT_GT(test, full, 0);
}

/* Who comes back has no more turns than others with the same weight. */
static void return_without_burst(struct kunit *test)
{
	static const u32 weight[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	u32 n, i, picks;

	for (n = 0; n < 200; n++) {
		struct ring *ring = ring_make(test, weight, ARRAY_SIZE(weight));

		swrr_cycle_begin(ring->cycle, get_random_u32());
		ring_change(test, ring, n % 10, 0);
		for (i = 0; i < n; i++)
			KUNIT_ASSERT_NE(test, n % 10, ring_pick(ring));
		ring_change(test, ring, n % 10, 1);
		for (i = 0, picks = 0; i < 30; i++)
			picks += ring_pick(ring) == n % 10;
		KUNIT_ASSERT_EQ(test, picks, 3);
	}
}

/* Three servers have a turn each in the lead, and the first of them is removed. */
static void expect_no_lead_of(struct kunit *test, struct ring *ring, u32 gone)
{
	struct swrr_cycle *cycle = ring->cycle;
	u32 i;

	cycle->lead = 3;
	for (i = 0; i < cycle->lead; i++)
		cycle->turn[cycle->places + i].dest = &ring->dest[gone + i];
	atomic_set(&cycle->cursor, -3);
	swrr_cycle_forget(cycle, &ring->dest[gone]);
	KUNIT_EXPECT_NULL(test, swrr_cycle_next(cycle));
	for (i = 1; i < 3; i++)
		KUNIT_EXPECT_EQ(test, ring_pick(ring), gone + i);
}

/* Who is removed has no turn any more, in the lead neither. */
static void forget_removed(struct kunit *test)
{
	static const u32 weight[] = { 4, 1, 1, 1 };
	struct ring *ring = ring_make(test, weight, ARRAY_SIZE(weight));
	struct ip_vs_dest *dest;
	u32 i, none = 0;

	swrr_cycle_begin(ring->cycle, get_random_u32());
	swrr_cycle_forget(ring->cycle, &ring->dest[0]);
	for (i = 0; i < 70; i++) {
		dest = swrr_cycle_next(ring->cycle);
		KUNIT_ASSERT_PTR_NE(test, dest, &ring->dest[0]);
		none += !dest;
	}
	KUNIT_EXPECT_EQ(test, none, 40);
	ring_change(test, ring, 0, 0);
	for (i = 0; i < 30; i++)
		KUNIT_ASSERT_NOT_NULL(test, swrr_cycle_next(ring->cycle));
	expect_no_lead_of(test, ring, 1);
}

static struct kunit_case swrr_follow_cases[] = {
	KUNIT_CASE(flap_keeps_order),
	KUNIT_CASE(flap_keeps_shares),
	KUNIT_CASE(flap_of_two),
	KUNIT_CASE(flap_of_unit),
	KUNIT_CASE(changes_keep_shares),
	KUNIT_CASE(changes_without_picks),
	KUNIT_CASE(lead_is_cut),
	KUNIT_CASE(return_without_burst),
	KUNIT_CASE(forget_removed),
	{}
};

static struct kunit_suite swrr_follow_suite = {
	.name		= "swrr-follow",
	.init		= ring_init,
	.exit		= ring_exit,
	.test_cases	= swrr_follow_cases,
};

kunit_test_suite(swrr_follow_suite);
