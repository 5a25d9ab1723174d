// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler swrr: how a cycle goes on where another one is, when servers have
 * changed
 */

#include <linux/gcd.h>
#include <linux/kernel.h>
#include <linux/math64.h>

#include "ip_vs_swrr_cycle.h"

/* How often the server is due before a time of the cycle. */
static u32 swrr_beats_before(const struct swrr_beat *beat, u32 time)
{
	u64 end = (u64)time << 32;

	if (end <= beat->first)
		return 0;
	return min_t(u64, div64_u64(end - beat->first - 1, beat->step) + 1,
		     beat->turns);
}

/* The first turn that is not before a time; the first of all if there is none. */
static u32 swrr_turn_at(const struct swrr_cycle *cycle, u32 time)
{
	u32 low = 0, high = cycle->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (cycle->turn[mid].time < time)
			low = mid + 1;
		else
			high = mid;
	}
	return low < cycle->nr ? low : 0;
}

/* A time of one cycle in the one that follows, whose turns are worth something else. Who is in
 * both is due at (k + phase) / weight in units of weight, whatever a turn is
 * worth, and both cycles are periods of that. In lowest terms @to of the one are as
 * long as @from of the other. So the new time is
 *
 *	(n + time) * to / from		n = 0 .. from - 1
 *
 * without its whole part. That is kept: who comes back to the cycle before takes it for
 * n, and goes on where he was. Others draw one. Were it always 0, those whose turns are in
 * the last part of a long cycle would have none if it never comes that far.
 *
 * Rounding must not pass over a turn: so it is a little early.
 */
static u32 swrr_convert_time(struct swrr_cycle *cycle,
			     const struct swrr_cycle *old, u32 time, u32 random)
{
	u32 common = gcd(old->unit, cycle->unit);
	u32 from = old->unit / common, to = cycle->unit / common, n, rest;
	u64 now;

	if (from == to) {
		cycle->part = old->part;
		cycle->parts = old->parts;
		return time;
	}
	n = old->parts == from ? old->part : reciprocal_scale(random, from);
	now = div_u64_rem((u64)n * to, from, &rest) << 32;
	now += div_u64((u64)rest << 32, from) + div_u64((u64)time * to, from);
	now += ((u64)to << 32) - 2;
	cycle->part = upper_32_bits(now) % to;
	cycle->parts = to;
	return lower_32_bits(now);
}

static bool swrr_untouched(const struct swrr_cycle *cycle)
{
	return !cycle->nr || (!cycle->follows && !atomic_read(&cycle->cursor));
}

/* Turns of the heaviest server that were due before a time, and are not before a
 * turn of the cycle, which is the first after that time.
 */
static int swrr_held_at(const struct swrr_cycle *cycle, u32 place, u32 time)
{
	const struct swrr_beat *beat = &cycle->heaviest;
	const struct swrr_turn *turn = &cycle->turn[place];
	int due;

	due = swrr_beats_before(beat, turn->time) - swrr_beats_before(beat, time);
	if (turn->time < time)
		due += beat->turns;
	return turn->held - due;
}

/* The time that has come is after the last turn and not after the next, and nobody
 * knows when in between: it is drawn. Were it always that of the next turn, who comes
 * when there are few others would have to wait for one of them first, each time.
 */
static u32 swrr_draw_time(const struct swrr_cycle *cycle, u32 next, u32 random)
{
	u32 last = next ? next - 1 : cycle->nr - 1;
	u32 gap = cycle->turn[next].time - cycle->turn[last].time;

	if (last == next)
		gap = U32_MAX;
	return cycle->turn[next].time - reciprocal_scale(random, gap);
}

/**
 * struct swrr_debt - turns that a server has missed, or had already
 * @dest: the server
 * @turns: number of turns; below 0 it had them already
 */
struct swrr_debt {
	struct ip_vs_dest	*dest;
	int			turns;
};

static bool swrr_has_turns(const struct swrr_cycle *cycle,
			   const struct ip_vs_dest *dest)
{
	u32 i;

	if (dest == cycle->heaviest.dest)
		return true;
	for (i = 0; i < cycle->nr; i++) {
		if (cycle->turn[i].dest == dest)
			return true;
	}
	return false;
}

/* Give in the lead what a server has missed, and leave out what it had, so that from
 * turn @place on nobody has missed anything. Returns the turn that comes then.
 */
static u32 swrr_settle(struct swrr_cycle *cycle, u32 place,
		       struct swrr_debt *missed, struct swrr_debt *had)
{
	struct swrr_turn *lead = &cycle->turn[cycle->places];
	struct ip_vs_dest *last = NULL;
	u32 run = 0;

	while ((missed->turns > 0 || had->turns < 0) && cycle->lead < SWRR_LEAD) {
		struct ip_vs_dest *dest = missed->dest;

		if (missed->turns > 0 &&
		    (dest != last || (dest == cycle->heaviest.dest &&
				      run < cycle->longest))) {
			missed->turns--;
		} else {
			dest = cycle->turn[place].dest;
			place = place + 1 < cycle->nr ? place + 1 : 0;
			if (dest == had->dest && had->turns < 0) {
				had->turns++;
				continue;
			}
		}
		run = dest == last ? run + 1 : 1;
		last = dest;
		lead[cycle->lead++].dest = dest;
	}
	return place;
}

/* What is left of the lead of another cycle comes first. */
static void swrr_take_lead(struct swrr_cycle *cycle,
			   const struct swrr_cycle *old, int pick)
{
	for (; pick < 0; pick++) {
		struct ip_vs_dest *dest;

		dest = READ_ONCE(old->turn[swrr_cycle_place(old, pick)].dest);
		if (dest)
			cycle->turn[cycle->places + cycle->lead++].dest = dest;
	}
}

/**
 * swrr_cycle_follow() - go on with a cycle where another one is now
 * @cycle: the cycle, which has not begun
 * @old: the other one, with the same phases; picks may go on in it. Servers that are
 *	not any more have no turns in it: see swrr_cycle_forget().
 * @random: decides when between two turns (the low half; with 0 just before the next), and
 *	in which part of a longer cycle if that is not known (the high half)
 *
 * Where there was no pick yet there is nothing to go on with. Or else the next turn
 * is the first that is due after the time that has come. Who is in both cycles goes on
 * as if nothing had happened; only of the heaviest server of each cycle turns may be
 * held, by one and not by the other: the lead levels that. A lead that would be too
 * long is cut off.
 *
 * Return: false if it does not follow: it has to begin.
 */
bool swrr_cycle_follow(struct swrr_cycle *cycle, const struct swrr_cycle *old,
		       u64 random)
{
	struct swrr_debt missed, had;
	u32 next, time, place;
	bool stays;
	int pick;

	if (!cycle->nr || swrr_untouched(old))
		return false;
	/* first what takes time: picks that come after the cursor was read are had twice */
	stays = swrr_has_turns(cycle, old->heaviest.dest);
	pick = atomic_read(&old->cursor);
	next = swrr_cycle_place(old, max(pick, 0)) % old->nr;
	time = swrr_draw_time(old, next, lower_32_bits(random));
	missed.dest = old->heaviest.dest;
	missed.turns = swrr_held_at(old, next, time);
	swrr_take_lead(cycle, old, pick);

	time = swrr_convert_time(cycle, old, time, upper_32_bits(random));
	place = swrr_turn_at(cycle, time);
	had.dest = cycle->heaviest.dest;
	had.turns = -swrr_held_at(cycle, place, time);
	if (missed.dest == had.dest) {
		missed.turns += had.turns;
		had.turns = min(missed.turns, 0);
	} else if (!stays) {
		missed.turns = 0;
	}
	cycle->first = swrr_settle(cycle, place, &missed, &had);
	cycle->follows = true;
	atomic_set(&cycle->cursor, -(int)cycle->lead);
	return true;
}
