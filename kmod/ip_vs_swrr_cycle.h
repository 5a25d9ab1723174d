/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The order in which swrr serves the servers of a service: a cycle of turns,
 * which is made when servers change and read by every pick.
 *
 * Time in a cycle is what a clock with one hand shows: it is a part of the cycle,
 * in units of 2^-32. A server with w of the W turns of a cycle is due at
 *
 *	(k + phase) / w		k = 0 .. w - 1,	phase in 0 .. 1 of its own
 *
 * and the turns are in the order of these times. So a server's turns are spread
 * evenly, and do not depend on who else there is. What one server cannot have
 * is that another one comes between any two of its turns: see swrr_walk().
 */
#ifndef _IP_VS_SWRR_CYCLE_H
#define _IP_VS_SWRR_CYCLE_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/prefetch.h>
#include <linux/types.h>
#include <net/ip_vs.h>

/* Turns in a cycle, at most: so many, or 4 for each server if that is more.
 * With larger sums the weights are rounded to fewer turns.
 */
#define SWRR_TURNS	65536U

/* A cycle of fewer turns is there several times over, with no more turns than these:
 * so the cursor need not be put back every few picks.
 */
#define SWRR_PLACES	64U

/* Turns that go before a cycle when it follows another one, at most. */
#define SWRR_LEAD	128

/**
 * struct swrr_server - a server while a cycle is made
 * @dest: the server
 * @weight: its weight, 0..INT_MAX
 * @phase: where in its own part of the cycle it is due, of 2^32
 * @turns: in a cycle
 */
struct swrr_server {
	struct ip_vs_dest	*dest;
	u32			weight;
	u32			phase;
	u32			turns;
};

/**
 * struct swrr_beat - when a server is due
 * @dest: the server
 * @first: the first time, in 2^-64 of a cycle
 * @step: from one time to the next
 * @turns: in a cycle
 */
struct swrr_beat {
	struct ip_vs_dest	*dest;
	u64			first;
	u64			step;
	u32			turns;
};

/**
 * struct swrr_turn - a turn
 * @dest: whose it is; NULL if the server has been removed since
 * @time: of the cycle, in 2^-32; in a cycle it does not fall from turn to turn
 * @held: turns of cycle->heaviest that were due before and have not been yet
 */
struct swrr_turn {
	struct ip_vs_dest	*dest;
	u32			time;
	u32			held;
};

/**
 * struct swrr_cycle - all turns of a service's servers
 * @rcu: frees it
 * @unit: a turn's worth of weight, up to INT_MAX
 * @part: of a longer cycle that this one may give way to: which part it is in
 * @parts: of how many; 0 if that is not known
 * @heaviest: the server with most turns; only its turns are held back
 * @longest: how many it may have in a row
 * @nr: number of turns; 0 if no server has a weight
 * @places: of @turn that they take, a multiple of @nr
 * @lead: number of turns that go before
 * @first: the turn that comes after these
 * @follows: there have been picks in a cycle before
 * @cursor: number of the next pick; below 0 it is in the lead. It moves with
 *	each pick, so it is alone in its cache line.
 * @turn: the turns of the cycle, once or again and again, and behind them those
 *	of the lead
 *
 * All but @cursor, and @dest of a turn, is as it is once published.
 */
struct swrr_cycle {
	struct rcu_head		rcu;
	struct swrr_beat	heaviest;
	u32			unit;
	u32			part;
	u32			parts;
	u32			longest;
	u32			nr;
	u32			places;
	u32			lead;
	u32			first;
	bool			follows;
	atomic_t		cursor ____cacheline_aligned_in_smp;
	struct swrr_turn	turn[] ____cacheline_aligned_in_smp;
};

struct swrr_cycle *swrr_cycle_make(struct swrr_server *server, u32 nr);
void swrr_cycle_begin(struct swrr_cycle *cycle, u32 random);
bool swrr_cycle_follow(struct swrr_cycle *cycle, const struct swrr_cycle *old,
		       u64 random);
void swrr_cycle_forget(struct swrr_cycle *cycle, const struct ip_vs_dest *dest);

/**
 * swrr_cycle_round() - where in its round along the places a pick is
 * @cycle: the cycle, with turns
 * @pick: its number, not below 0
 *
 * Return: its number in the round.
 */
static inline u32 swrr_cycle_round(const struct swrr_cycle *cycle, u32 pick)
{
	if (likely(pick < cycle->places))
		return pick;
	pick -= cycle->places;
	return likely(pick < cycle->places) ? pick : pick % cycle->places;
}

/**
 * swrr_cycle_place() - where a pick is
 * @cycle: the cycle, with turns
 * @pick: its number
 *
 * Return: the turn, an index.
 */
static inline u32 swrr_cycle_place(const struct swrr_cycle *cycle, int pick)
{
	u32 place;

	if (unlikely(pick < 0))
		return cycle->places + cycle->lead + pick;
	place = swrr_cycle_round(cycle, pick) + cycle->first;
	return place < cycle->places ? place : place - cycle->places;
}

/* How many turns ahead a server is fetched from memory, and of how many turns a cycle
 * is whose servers are likely to be in the cache.
 */
#define SWRR_AHEAD	3
#define SWRR_CACHED	256

/**
 * swrr_cycle_next() - the next turn
 * @cycle: the cycle, with turns
 *
 * No two picks have the same turn of the same round, whatever the CPU. The cursor is
 * put back by a round once in a round, by who gets its last number plus one.
 *
 * Context: any, under rcu_read_lock().
 * Return: whose turn it is, or NULL if that server has been removed.
 */
static inline struct ip_vs_dest *swrr_cycle_next(struct swrr_cycle *cycle)
{
	int pick = atomic_fetch_inc(&cycle->cursor);
	u32 place = swrr_cycle_place(cycle, pick);
	struct ip_vs_dest *ahead;

	if (unlikely(pick >= (int)cycle->places) && !swrr_cycle_round(cycle, pick))
		atomic_sub(cycle->places, &cycle->cursor);
	if (cycle->places > SWRR_CACHED && place + SWRR_AHEAD < cycle->places) {
		ahead = READ_ONCE(cycle->turn[place + SWRR_AHEAD].dest);
		if (ahead)
			prefetch(&ahead->weight);
	}
	return READ_ONCE(cycle->turn[place].dest);
}

#ifdef CONFIG_IP_VS_WLCH_FAULTS
#include "ip_vs_wlch_faults.h"
#endif

#endif /* _IP_VS_SWRR_CYCLE_H */
