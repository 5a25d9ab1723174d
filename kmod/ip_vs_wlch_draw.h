/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Drawing servers with probability in proportion to their weight, at the same
 * cost for any number of servers: the alias method of A. J. Walker (1977), with
 * the table made as M. D. Vose (1991) does.
 *
 * Of n lots each comes up with probability 1/n. A lot belongs to one server in
 * part and to another for the rest. The parts of a server, in all lots, add up
 * to its share of the weights.
 */
#ifndef _IP_VS_WLCH_DRAW_H
#define _IP_VS_WLCH_DRAW_H

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/types.h>

struct wlch_server;

/**
 * struct wlch_lot - one of the lots
 * @first: whose it is for a part
 * @other: whose it is for the rest
 * @part: the part, of 2^32
 */
struct wlch_lot {
	struct wlch_server	*first;
	struct wlch_server	*other;
	u32			part;
};

/**
 * struct wlch_draw - servers to draw from
 * @rcu: frees it
 * @nr: number of lots, which is that of the servers
 * @lot: the lots
 *
 * Servers of weight 0 are not in it.
 */
struct wlch_draw {
	struct rcu_head	rcu;
	u32		nr;
	struct wlch_lot	lot[];
};

/**
 * struct wlch_share - what is left of a server's share while lots are made
 * @rest: its weight times the number of servers, less what it has in lots
 * @stack: numbers of servers: from below those with less than a lot left, from
 *	above the others
 */
struct wlch_share {
	u64	rest;
	u32	stack;
};

/**
 * wlch_lot_part() - which part of a lot is it?
 * @rest: what is left of the server's share
 * @lot: what a whole lot is: the sum of the weights; not less than @rest
 *
 * Return: the part, of 2^32; U32_MAX for all of it.
 */
static inline u32 wlch_lot_part(u64 rest, u64 lot)
{
	int shift = max(fls64(lot) - 32, 0);

	return min_t(u64, div64_u64((rest >> shift) << 32, lot >> shift),
		     U32_MAX);
}

/**
 * wlch_share_out() - make the lots
 * @draw: with each server as the first of a lot
 * @share: with @rest as the weight of that server, 1..INT_MAX; used up
 *
 * A server with less than a whole lot left has what it has of its own lot, and
 * the rest of that goes to one with at least a lot left. All numbers are whole
 * and add up to a lot for each server, so in the end each that is left has
 * exactly that.
 */
static inline void wlch_share_out(struct wlch_draw *draw,
				  struct wlch_share *share)
{
	u32 i, small, large, nr_small = 0, first_large = draw->nr;
	u64 lot = 0;

	for (i = 0; i < draw->nr; i++)
		lot += share[i].rest;
	for (i = 0; i < draw->nr; i++) {
		share[i].rest *= draw->nr;
		if (share[i].rest < lot)
			share[nr_small++].stack = i;
		else
			share[--first_large].stack = i;
		draw->lot[i].other = draw->lot[i].first;
		draw->lot[i].part = U32_MAX;
	}
	while (nr_small && first_large < draw->nr) {
		small = share[--nr_small].stack;
		large = share[first_large].stack;
		draw->lot[small].part = wlch_lot_part(share[small].rest, lot);
		draw->lot[small].other = draw->lot[large].first;
		share[large].rest -= lot - share[small].rest;
		if (share[large].rest < lot) {
			first_large++;
			share[nr_small++].stack = large;
		}
	}
}

/**
 * wlch_draw_one() - draw a server
 * @draw: the servers; at least one
 * @random: 32 random bits
 *
 * They are a place on a line of all lots: which lot that is in, and where in it. The
 * latter is one of 2^32 / nr places, so a part is that exact.
 *
 * Return: the server.
 */
static inline struct wlch_server *wlch_draw_one(const struct wlch_draw *draw,
						u32 random)
{
	u64 place = (u64)random * draw->nr;
	const struct wlch_lot *lot = &draw->lot[place >> 32];

	return (u32)place < lot->part ? lot->first : lot->other;
}

#endif /* _IP_VS_WLCH_DRAW_H */
