// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler swrr: KUnit tests of the cycle of turns
 */

#include <kunit/test.h>
#include <linux/gcd.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "ip_vs_swrr_kunit.h"

/* Of vectors of weights all are tried that have so many servers and weights. */
#define VECTOR_SERVERS	4
#define VECTOR_WEIGHTS	7
#define VECTORS		(VECTOR_WEIGHTS * VECTOR_WEIGHTS * \
			 VECTOR_WEIGHTS * VECTOR_WEIGHTS)

/* How often each is, with other phases each time. */
#define PHASES		4

/* Of any server, or of one, in any number of rounds. */
static u32 longest_run(const struct ring *ring, int of)
{
	u32 i, run = 0, longest = 0, last = U32_MAX;

	for (i = 0; i < 2 * ring->cycle->nr; i++) {
		u32 server = ring_turn(ring, i);

		run = server == last ? run + 1 : 1;
		last = server;
		if (of < 0 || server == of)
			longest = max(longest, run);
	}
	return longest;
}

/* The vector of a number. Returns the number of its servers. */
static u32 vector(u32 number, u32 *weight)
{
	u32 servers = 0, i;

	for (i = 0; i < VECTOR_SERVERS; i++) {
		weight[i] = number % VECTOR_WEIGHTS;
		number /= VECTOR_WEIGHTS;
		servers += !!weight[i];
	}
	return servers;
}

static u32 vector_gcd(const u32 *weight)
{
	u32 divisor = 0, i;

	for (i = 0; i < VECTOR_SERVERS; i++)
		divisor = gcd(divisor, weight[i]);
	return divisor;
}

/* In each cycle a server has weight / gcd turns, and two rounds of picks from any
 * turn on are twice that.
 */
static void cycle_exact(struct kunit *test)
{
	u32 weight[VECTOR_SERVERS], v, i;

	for (v = 1; v < VECTORS; v++) {
		u32 picks[VECTOR_SERVERS] = {}, divisor;
		struct ring *ring;

		vector(v, weight);
		divisor = vector_gcd(weight);
		ring = ring_make(test, weight, VECTOR_SERVERS);
		swrr_cycle_begin(ring->cycle, get_random_u32());
		for (i = 0; i < 2 * ring->cycle->nr; i++)
			picks[ring_pick(ring)]++;
		for (i = 0; i < VECTOR_SERVERS; i++)
			KUNIT_ASSERT_EQ_MSG(test, 2 * weight[i] / divisor,
					    picks[i], "vector %u", v);
	}
}

/**
 * struct arrangements - which counts of turns there is an order for
 * @can: by counts of turns, and for each by whose the last turn is and how many
 *	he has in a row: bit server * 8 + run
 */
struct arrangements {
	u32	can[VECTORS];
};

static u32 vector_step(u32 server)
{
	static const u32 step[VECTOR_SERVERS] = { 1, 7, 49, 343 };

	return step[server];
}

/* All orders that begin with a turn of @first and have no more than @longest turns
 * of one server in a row, turn by turn.
 */
static void arrange(struct arrangements *a, u32 first, u32 longest)
{
	u32 weight[VECTOR_SERVERS], v, i, run;

	memset(a, 0, sizeof(*a));
	a->can[vector_step(first)] = BIT(first * 8 + 1);
	for (v = 1; v < VECTORS; v++) {
		if (!a->can[v])
			continue;
		vector(v, weight);
		for (i = 0; i < VECTOR_SERVERS; i++) {
			u32 own = a->can[v] >> (i * 8) & 0xff;
			u32 then = a->can[v] & ~(0xffU << (i * 8)) ? 2 : 0;

			if (weight[i] == VECTOR_WEIGHTS - 1)
				continue;
			for (run = 1; run < longest; run++) {
				if (own & BIT(run))
					then |= BIT(run + 1);
			}
			a->can[v + vector_step(i)] |= then << (i * 8);
		}
	}
}

/* The slow reference: for each vector the least that the longest run of an order can
 * be which repeats. It may begin with the first turn of a run, and then ends with a
 * turn of somebody else.
 */
static void least_runs(struct arrangements *a, u8 *least)
{
	u32 weight[VECTOR_SERVERS], longest, first, v;

	memset(least, 0, VECTORS);
	for (longest = 1; longest < VECTOR_WEIGHTS; longest++) {
		for (first = 0; first < VECTOR_SERVERS; first++) {
			arrange(a, first, longest);
			for (v = 1; v < VECTORS; v++) {
				if (!least[v] && vector(v, weight) > 1 &&
				    a->can[v] & ~(0xffU << (first * 8)))
					least[v] = longest;
			}
		}
	}
}

static void expect_smooth(struct kunit *test, const struct ring *ring, u32 v,
			  u32 least)
{
	u32 i;

	KUNIT_ASSERT_EQ_MSG(test, least, longest_run(ring, -1), "vector %u", v);
	for (i = 0; i < ring->nr; i++) {
		if (ring->cycle->heaviest.dest != &ring->dest[i])
			KUNIT_ASSERT_LE_MSG(test, longest_run(ring, i), 1,
					    "vector %u, server %u", v, i);
	}
}

/* The longest run is as short as can be, and only the heaviest server has one. */
static void cycle_smooth(struct kunit *test)
{
	struct arrangements *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	u8 *least = kunit_kzalloc(test, VECTORS, GFP_KERNEL);
	u32 weight[VECTOR_SERVERS], v, i;

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, least);
	least_runs(a, least);
	for (v = 1; v < VECTORS; v++) {
		if (vector(v, weight) < 2)
			continue;
		for (i = 0; i < PHASES; i++)
			expect_smooth(test,
				      ring_make(test, weight, VECTOR_SERVERS),
				      v, least[v]);
	}
}

/* With all phases the same, too, so that times are as close as can be. */
static void cycle_same_phase(struct kunit *test)
{
	u32 weight[VECTOR_SERVERS], v, i, most, sum;
	struct ring *ring;

	for (v = 1; v < VECTORS; v++) {
		if (vector(v, weight) < 2)
			continue;
		ring = ring_make(test, weight, VECTOR_SERVERS);
		for (i = 0, most = 0, sum = 0; i < VECTOR_SERVERS; i++) {
			ring->server[i].phase = v;
			most = max(most, weight[i]);
			sum += weight[i];
		}
		ring_change(test, ring, 0, weight[0]);
		expect_smooth(test, ring, v, DIV_ROUND_UP(most, sum - most));
	}
}

/* 5, 1, 1: two or three of the heavy one between two others, from any turn on. In nginx's
 * a a b a c a a it is four from one round to the next.
 */
static void cycle_five_one_one(struct kunit *test)
{
	static const u32 weight[] = { 5, 1, 1 };
	u32 i, n;

	for (n = 0; n < 100; n++) {
		struct ring *ring = ring_make(test, weight, ARRAY_SIZE(weight));
		u32 runs = 0;

		for (i = 0; i < ring->cycle->nr; i++) {
			if (ring_turn(ring, i) && !ring_turn(ring, i + 1))
				runs++;
		}
		KUNIT_ASSERT_EQ(test, runs, 2);
		KUNIT_ASSERT_EQ(test, longest_run(ring, 0), 3);
	}
}

/* All servers but the heaviest are due when they should, in this order. */
static void expect_times(struct kunit *test, const struct ring *ring)
{
	const struct swrr_cycle *cycle = ring->cycle;
	u32 i, k[RING_SERVERS] = {};

	for (i = 0; i < cycle->nr; i++) {
		const struct swrr_turn *turn = &cycle->turn[i];
		const struct swrr_server *server =
			&ring->server[ring_turn(ring, i)];
		u64 time = k[ring_turn(ring, i)]++;

		if (i)
			KUNIT_ASSERT_LE(test, cycle->turn[i - 1].time, turn->time);
		if (turn->dest == cycle->heaviest.dest)
			continue;
		time = ((time << 32) + server->phase) / server->turns;
		KUNIT_ASSERT_LE(test, (u64)turn->time, time);
		KUNIT_ASSERT_LE(test, time, (u64)turn->time + 1);
	}
}

static void cycle_times(struct kunit *test)
{
	u32 weight[RING_SERVERS], n, i;

	for (n = 0; n < 500; n++) {
		for (i = 0; i < RING_SERVERS; i++)
			weight[i] = get_random_u32() % 100;
		expect_times(test, ring_make(test, weight, n % RING_SERVERS + 1));
	}
}

/* Weights are rounded to turns of equal worth, by no more than half a turn; but
 * each has one. How much a turn may be worth is bounded.
 */
static void expect_scaled(struct kunit *test, const struct ring *ring)
{
	u64 unit = ring->cycle->unit, sum = 0, most = SWRR_TURNS;
	u32 divisor = 0, i;

	for (i = 0; i < ring->nr; i++) {
		const struct swrr_server *server = &ring->server[i];
		u64 worth = server->turns * unit;

		sum += server->weight;
		divisor = gcd(divisor, server->weight);
		KUNIT_ASSERT_EQ(test, !server->weight, !server->turns);
		if (server->turns <= 1)
			KUNIT_ASSERT_LT(test, server->weight, 2 * unit);
		else if (worth > server->weight)
			KUNIT_ASSERT_LE(test, 2 * (worth - server->weight), unit);
		else
			KUNIT_ASSERT_LE(test, 2 * (server->weight - worth), unit);
	}
	KUNIT_ASSERT_LE(test, ring->cycle->nr, most);
	if (unit == divisor)
		return;	/* nothing is rounded */
	KUNIT_ASSERT_LT(test, unit * (most - ring->nr), 2 * sum);
}

static void cycle_scaling(struct kunit *test)
{
	static const u32 weight[][RING_SERVERS] = {
		{ INT_MAX }, { INT_MAX, INT_MAX }, { INT_MAX, INT_MAX - 1 },
		{ INT_MAX, 1 }, { 1, INT_MAX, 0, 65537 }, { 65535, 65536 },
		{ SWRR_TURNS }, { SWRR_TURNS, 1 }, { SWRR_TURNS - 1, 1 },
		{ 1000003, 1000033, 1000037 }, { 1 }, { 0, 0, 3 },
	};
	u32 random[RING_SERVERS], n, i, bits;

	for (n = 0; n < ARRAY_SIZE(weight); n++)
		expect_scaled(test, ring_make(test, weight[n], RING_SERVERS));
	for (n = 0; n < 300; n++) {
		bits = get_random_u32() % 31 + 1;
		for (i = 0; i < RING_SERVERS; i++)
			random[i] = get_random_u32() & GENMASK(bits - 1, 0);
		random[n % RING_SERVERS] = n;
		expect_scaled(test, ring_make(test, random, RING_SERVERS));
	}
}

/* With a turn for each unit of weight nothing is rounded. */
static void cycle_not_scaled(struct kunit *test)
{
	static const u32 weight[] = { SWRR_TURNS - 3, 2, 1 };
	struct ring *ring = ring_make(test, weight, ARRAY_SIZE(weight));

	KUNIT_EXPECT_EQ(test, ring->cycle->unit, 1);
	KUNIT_EXPECT_EQ(test, ring->cycle->nr, SWRR_TURNS);
	KUNIT_EXPECT_EQ(test, ring->server[0].turns, weight[0]);
}

/* The cursor is put back each round, and the turns are the same if it is not. */
static void cursor_wraps(struct kunit *test)
{
	static const u32 weight[] = { 1, 1, 1 };
	struct ring *ring = ring_make(test, weight, ARRAY_SIZE(weight));
	u32 i, first = ring_pick(ring);
	int most = 0;

	for (i = 1; i < 1000; i++) {
		KUNIT_ASSERT_EQ(test, i % 3 == 0, ring_pick(ring) == first);
		most = max(most, atomic_read(&ring->cycle->cursor));
	}
	/* 21 times the cycle, and the pick that put it back */
	KUNIT_EXPECT_EQ(test, most, 63);
	/* as if others had been late to put it back */
	atomic_set(&ring->cycle->cursor, 3 * 1000);
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_EQ(test, i % 3 == 0, ring_pick(ring) == first);
}

static struct kunit_case swrr_cycle_cases[] = {
	KUNIT_CASE(cycle_exact),
	KUNIT_CASE(cycle_smooth),
	KUNIT_CASE(cycle_same_phase),
	KUNIT_CASE(cycle_five_one_one),
	KUNIT_CASE(cycle_times),
	KUNIT_CASE(cycle_scaling),
	KUNIT_CASE(cycle_not_scaled),
	KUNIT_CASE(cursor_wraps),
	{}
};

static struct kunit_suite swrr_cycle_suite = {
	.name		= "swrr-cycle",
	.init		= ring_init,
	.exit		= ring_exit,
	.test_cases	= swrr_cycle_cases,
};

kunit_test_suite(swrr_cycle_suite);
