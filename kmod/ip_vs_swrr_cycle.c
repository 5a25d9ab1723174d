// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler swrr: the cycle of turns. Nothing here knows of services.
 */

#include <linux/gcd.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "ip_vs_swrr_cycle.h"

#define SWRR_NOBODY	U32_MAX

/* What a server's weight comes to in units of 1 << @shift. */
static u32 swrr_turns(u32 weight, unsigned int shift)
{
	u64 half = shift ? 1ULL << (shift - 1) : 0;

	return weight ? max_t(u64, (weight + half) >> shift, 1) : 0;
}

static u64 swrr_all_turns(const struct swrr_server *server, u32 nr, u32 gcd,
			  unsigned int shift)
{
	u64 turns = 0;
	u32 i;

	for (i = 0; i < nr; i++)
		turns += swrr_turns(server[i].weight / gcd, shift);
	return turns;
}

/* Set the servers' turns. A turn's worth of weight is their greatest common
 * divisor, times 2 as often as is needed for no more turns than there may be.
 * Then a server with a weight has at least one turn, and if it has more its weight
 * is rounded by no more than half a turn. A turn is worth less than
 *
 *	2 * sum of weights / (turns that there may be - number of servers)
 *
 * as with half of it there would have been too many: each server has a turn more
 * than its weight comes to at most. So it is worth less than 2^31, as weights are, and
 * as there may be 4 turns for each server. A power of 2, so that what a server gets stays
 * mostly the same when others change.
 *
 * Return: the number of turns; @unit is what one is worth.
 */
static u32 swrr_share_turns(struct swrr_server *server, u32 nr, u32 *unit)
{
	u64 most = max_t(u64, SWRR_TURNS, 4ULL * nr), turns;
	unsigned int shift = 0;
	u32 divisor = 0, i;

	for (i = 0; i < nr && divisor != 1; i++)
		divisor = gcd(divisor, server[i].weight);
	divisor = max(divisor, 1U);
	while ((turns = swrr_all_turns(server, nr, divisor, shift)) > most)
		shift++;
	for (i = 0; i < nr; i++)
		server[i].turns = swrr_turns(server[i].weight / divisor, shift);
	*unit = divisor << shift;
	return turns;
}

static void swrr_beat_set(struct swrr_beat *beat,
			  const struct swrr_server *server)
{
	beat->dest = server->dest;
	beat->turns = server->turns;
	if (!server->turns)
		return;
	beat->first = div_u64((u64)server->phase << 32, server->turns);
	beat->step = div_u64(U64_MAX, server->turns);
}

static u32 swrr_beat_time(const struct swrr_beat *beat, u32 k)
{
	return (beat->first + k * beat->step) >> 32;
}

/* What turns are sorted by: time, and number of the server. */
static u64 swrr_key(u32 time, u32 server)
{
	return (u64)time << 32 | server;
}

static u32 swrr_bucket(u32 time, u32 nr)
{
	return mul_u32_u32(time, nr) >> 32;
}

/* As many buckets as turns, each for a part of the cycle. Those before the one of
 * a key are in order afterwards, and the keys of a bucket are few.
 *
 * @end: room for one number more than there are buckets, all 0
 */
static void swrr_fill_buckets(const struct swrr_server *server, u32 servers,
			      u64 *key, u32 *end, u32 nr)
{
	struct swrr_beat beat;
	u32 i, k, time;

	for (i = 0; i < servers; i++) {
		swrr_beat_set(&beat, &server[i]);
		for (k = 0; k < beat.turns; k++)
			end[swrr_bucket(swrr_beat_time(&beat, k), nr) + 1]++;
	}
	for (i = 1; i < nr; i++)
		end[i] += end[i - 1];
	for (i = 0; i < servers; i++) {
		swrr_beat_set(&beat, &server[i]);
		for (k = 0; k < beat.turns; k++) {
			time = swrr_beat_time(&beat, k);
			key[end[swrr_bucket(time, nr)]++] = swrr_key(time, i);
		}
	}
}

/* Keys that are nearly in order already. */
static void swrr_sort(u64 *key, u32 nr)
{
	u32 i, j;

	for (i = 1; i < nr; i++) {
		u64 this = key[i];

		for (j = i; j && key[j - 1] > this; j--)
			key[j] = key[j - 1];
		key[j] = this;
	}
}

/**
 * struct swrr_walk - a way along the keys
 * @heaviest: number of the server that may have more than one turn in a row
 * @longest: how many
 * @last: number of the server that had the last turn, or SWRR_NOBODY
 * @run: turns that it had in a row
 * @holder: number of the server that turns are held of
 * @held: how many
 */
struct swrr_walk {
	u32	heaviest;
	u32	longest;
	u32	last;
	u32	run;
	u32	holder;
	u32	held;
};

static bool swrr_may_follow(const struct swrr_walk *walk, u32 server)
{
	return server != walk->last ||
	       (server == walk->heaviest && walk->run < walk->longest);
}

static void swrr_give(struct swrr_walk *walk, u32 server)
{
	walk->run = server == walk->last ? walk->run + 1 : 1;
	walk->last = server;
}

/* Go along the keys once and give each its turn, in their order; but a server that
 * would have too many in a row is held back until others have come between. All
 * others keep their order.
 *
 * The most that a server should have in a row is 1, or if it has more than half of all
 * turns, ceil(own / others'), which is the least that is possible as there
 * are no more gaps than turns of others. Who is held back finds a gap: there are
 * enough in a round. And there is never more than one server held, as its turn is
 * what comes between two of another one.
 *
 * @turn: where the turns go, or NULL
 *
 * Return: number of turns.
 */
static u32 swrr_walk(struct swrr_walk *walk, const u64 *key, u32 nr,
		     const struct swrr_server *server, struct swrr_turn *turn)
{
	u32 given = 0, i;

	for (i = 0; i < nr; i++) {
		u32 this = key[i], time = key[i] >> 32;

		while (walk->held && walk->holder != this &&
		       swrr_may_follow(walk, walk->holder)) {
			swrr_give(walk, walk->holder);
			if (turn && given < nr)
				turn[given] = (struct swrr_turn) {
					server[walk->holder].dest, time, walk->held
				};
			walk->held--;
			given++;
		}
		if (!swrr_may_follow(walk, this)) {
			walk->holder = this;
			walk->held++;
			continue;
		}
		swrr_give(walk, this);
		if (turn && given < nr)
			turn[given] = (struct swrr_turn) {
				server[this].dest, time, walk->held
			};
		given++;
	}
	return given;
}

static bool swrr_same_walk(const struct swrr_walk *a, const struct swrr_walk *b)
{
	return a->last == b->last && a->run == b->run && a->held == b->held;
}

/* A round begins as it ends. Who does not know how it ends goes round until it is as
 * the last time: twice, or three times.
 */
#define SWRR_ROUNDS	4

static bool swrr_lay_out(struct swrr_cycle *cycle, const u64 *key,
			 const struct swrr_server *server, u32 heaviest)
{
	struct swrr_walk walk = {
		.heaviest = heaviest,
		.longest = cycle->longest,
		.last = SWRR_NOBODY,
	}, before;
	int round;

	for (round = 0; round < SWRR_ROUNDS; round++) {
		before = walk;
		swrr_walk(&walk, key, cycle->nr, server, NULL);
		if (swrr_same_walk(&walk, &before))
			break;
	}
	return swrr_walk(&walk, key, cycle->nr, server, cycle->turn) ==
	       cycle->nr;
}

static void swrr_repeat(struct swrr_cycle *cycle)
{
	u32 i;

	for (i = cycle->nr; i < cycle->places; i++)
		cycle->turn[i] = cycle->turn[i - cycle->nr];
}

static u32 swrr_heaviest(const struct swrr_server *server, u32 nr)
{
	u32 heaviest = 0, i;

	for (i = 1; i < nr; i++) {
		if (server[i].turns > server[heaviest].turns)
			heaviest = i;
	}
	return heaviest;
}

/* The least that the longest run of a server with @own of @all turns can be. */
static u32 swrr_longest_run(u32 own, u32 all)
{
	return own < all ? DIV_ROUND_UP(own, all - own) : U32_MAX;
}

static bool swrr_fill(struct swrr_cycle *cycle, const struct swrr_server *server,
		      u32 servers)
{
	u32 heaviest = swrr_heaviest(server, servers);
	u32 *end = kvcalloc(cycle->nr + 1, sizeof(*end), GFP_KERNEL);
	u64 *key = kvcalloc(cycle->nr, sizeof(*key), GFP_KERNEL);
	bool filled = false;

	if (end && key) {
		swrr_beat_set(&cycle->heaviest, &server[heaviest]);
		cycle->longest = swrr_longest_run(cycle->heaviest.turns, cycle->nr);
		swrr_fill_buckets(server, servers, key, end, cycle->nr);
		swrr_sort(key, cycle->nr);
		filled = !WARN_ON_ONCE(!swrr_lay_out(cycle, key, server, heaviest));
	}
	kvfree(key);
	kvfree(end);
	return filled;
}

/**
 * swrr_cycle_make() - make a cycle
 * @server: the servers; their turns are set. Those of weight 0 have none.
 * @nr: how many; may be 0
 *
 * It takes a time in proportion to the number of turns. With the same servers,
 * weights and phases it comes to the same cycle.
 *
 * Context: process.
 * Return: a cycle that has not begun, to be freed by kvfree(), or NULL without memory.
 */
struct swrr_cycle *swrr_cycle_make(struct swrr_server *server, u32 nr)
{
	struct swrr_cycle *cycle;
	u32 unit = 1, turns, places;

	turns = swrr_share_turns(server, nr, &unit);
	places = turns ? max(rounddown(SWRR_PLACES, turns), turns) : 0;
	cycle = kvzalloc(struct_size(cycle, turn, (size_t)places + SWRR_LEAD),
			 GFP_KERNEL);
	if (!cycle)
		return NULL;
	cycle->unit = unit;
	cycle->nr = turns;
	cycle->places = places;
	if (turns && !swrr_fill(cycle, server, nr)) {
		kvfree(cycle);
		return NULL;
	}
	swrr_repeat(cycle);
	return cycle;
}

/**
 * swrr_cycle_begin() - begin a cycle that follows no other
 * @cycle: the cycle
 * @random: decides where
 */
void swrr_cycle_begin(struct swrr_cycle *cycle, u32 random)
{
	cycle->first = reciprocal_scale(random, cycle->nr);
}

/**
 * swrr_cycle_forget() - let a server have no turns any more
 * @cycle: the cycle; picks may go on in it
 * @dest: the server
 */
void swrr_cycle_forget(struct swrr_cycle *cycle, const struct ip_vs_dest *dest)
{
	u32 i;

	for (i = 0; i < cycle->places + cycle->lead; i++) {
		if (cycle->turn[i].dest == dest)
			WRITE_ONCE(cycle->turn[i].dest, NULL);
	}
	if (cycle->heaviest.dest == dest)
		cycle->heaviest.dest = NULL;
}
