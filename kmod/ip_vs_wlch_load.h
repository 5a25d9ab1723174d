/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arithmetic of wlch: what a connection counts as, what a server's load
 * is, and which of two servers is the better choice. No list, no lock and no
 * kernel object: everything here is tested with KUnit at its extremes.
 */
#ifndef _IP_VS_WLCH_LOAD_H
#define _IP_VS_WLCH_LOAD_H

#include <linux/kernel.h>
#include <linux/types.h>

/**
 * enum wlch_factor - what one connection is worth, by its class
 * @WLCH_ACTIVE: an established connection
 * @WLCH_HALFOPEN: a connection in the handshake
 * @WLCH_REFUSED: a connection whose handshake ended in a reset
 * @WLCH_INACTIVE: a closing connection, or one of a protocol without states
 * @WLCH_NR_FACTORS: number of factors
 *
 * In the order of enum ipvs_wlch_params, which starts at 1.
 */
enum wlch_factor {
	WLCH_ACTIVE,
	WLCH_HALFOPEN,
	WLCH_REFUSED,
	WLCH_INACTIVE,
	WLCH_NR_FACTORS,
};

/**
 * enum wlch_param - the parameters of a service; the factors are the first
 * @WLCH_SLOWSTART: seconds in which the weight of a new server ramps up
 * @WLCH_CHOICES: how many servers are drawn and compared; 0: all are compared
 * @WLCH_NR_PARAMS: number of parameters
 */
enum wlch_param {
	WLCH_SLOWSTART = WLCH_NR_FACTORS,
	WLCH_CHOICES,
	WLCH_NR_PARAMS,
};

/**
 * enum wlch_gauge - where the tracker counts a connection that it follows
 * @WLCH_HANDSHAKE: in the handshake, and the core counts it as active (TCP)
 * @WLCH_REFUSED_GAUGE: its handshake ended in a reset; inactive to the core
 * @WLCH_PENDING: in the handshake, and the core counts it as inactive: the
 *	state machine has not seen a packet yet (state NONE), or the protocol
 *	is SCTP. Counted together with the claims
 * @WLCH_NR_GAUGES: number of gauges
 * @WLCH_UNTRACKED: not, or no longer, followed
 *
 * Those in the handshake are kept apart so that a sum of the core's counters
 * and ours does not dip while a connection moves from one to the other.
 */
enum wlch_gauge {
	WLCH_HANDSHAKE,
	WLCH_REFUSED_GAUGE,
	WLCH_PENDING,
	WLCH_NR_GAUGES,
	WLCH_UNTRACKED = WLCH_NR_GAUGES,
};

/**
 * wlch_next_gauge() - where a followed connection is counted from now on
 * @handshake: its state is one of the handshake
 * @refused: its state is what a handshake comes to that is reset
 * @active: the core counts it as active
 *
 * A connection is followed only until its handshake is over, so one that is
 * found closed has never been established.
 *
 * Return: the gauge, or WLCH_UNTRACKED when its handshake is over.
 */
static inline enum wlch_gauge
wlch_next_gauge(bool handshake, bool refused, bool active)
{
	if (handshake)
		return active ? WLCH_HANDSHAKE : WLCH_PENDING;
	return refused ? WLCH_REFUSED_GAUGE : WLCH_UNTRACKED;
}

/**
 * struct wlch_counts - the connections of a server, each in one class
 * @class: number of connections by the factor that they are worth: up to
 *	INT_MAX, half-open ones up to twice that
 */
struct wlch_counts {
	u32 class[WLCH_NR_FACTORS];
};

/**
 * wlch_count() - sort a server's connections into classes
 * @counts: the result
 * @active: what the core counts as active
 * @inactive: what the core counts as inactive
 * @gauge: the tracker's gauges of this server
 *
 * The counters belong to different writers and are read one after the other,
 * see wlch_server_count(). When the core counts a pending connection as active
 * and the tracker has not moved it yet, it is there twice. It is then missing
 * from the inactive ones: where these come out negative, as many are taken
 * away from the established. Otherwise what comes out negative is taken as 0.
 */
static inline void wlch_count(struct wlch_counts *counts, int active,
			      int inactive, const int gauge[WLCH_NR_GAUGES])
{
	int pending = gauge[WLCH_PENDING];
	int handshake = gauge[WLCH_HANDSHAKE];
	int refused = gauge[WLCH_REFUSED_GAUGE];
	s64 closing = (s64)inactive - pending - refused;
	s64 established = (s64)active - handshake;

	if (unlikely((closing | established | pending | handshake | refused) < 0)) {
		pending = max(pending, 0);
		handshake = max(handshake, 0);
		refused = max(refused, 0);
		closing = (s64)inactive - pending - refused;
		established = (s64)active - handshake + min_t(s64, closing, 0);
		closing = max_t(s64, closing, 0);
		established = max_t(s64, established, 0);
	}
	counts->class[WLCH_ACTIVE] = established;
	counts->class[WLCH_HALFOPEN] = (u32)pending + handshake;
	counts->class[WLCH_REFUSED] = refused;
	counts->class[WLCH_INACTIVE] = closing;
}

/**
 * wlch_load() - the load of a server
 * @counts: its connections
 * @factor: what each class is worth, 0..4096
 *
 * Return: the sum of count times factor, below 2^46; not divided by the weight.
 */
static inline u64 wlch_load(const struct wlch_counts *counts,
			    const u32 factor[WLCH_NR_FACTORS])
{
	/* not in a loop: for each server of each pick */
	return (u64)counts->class[WLCH_ACTIVE] * factor[WLCH_ACTIVE] +
	       (u64)counts->class[WLCH_HALFOPEN] * factor[WLCH_HALFOPEN] +
	       (u64)counts->class[WLCH_REFUSED] * factor[WLCH_REFUSED] +
	       (u64)counts->class[WLCH_INACTIVE] * factor[WLCH_INACTIVE];
}

/* As wlch_load_cmp(), where the products do not fit into 64 bits. */
static inline int wlch_load_cmp_far(u64 load_a, u32 weight_a,
				    u64 load_b, u32 weight_b)
{
	u64 low_a = (load_a & U32_MAX) * weight_b;
	u64 low_b = (load_b & U32_MAX) * weight_a;
	u64 high_a = (load_a >> 32) * weight_b + (low_a >> 32);
	u64 high_b = (load_b >> 32) * weight_a + (low_b >> 32);

	if (high_a != high_b)
		return high_a < high_b ? -1 : 1;
	if ((u32)low_a != (u32)low_b)
		return (u32)low_a < (u32)low_b ? -1 : 1;
	return 0;
}

/**
 * wlch_load_cmp() - compare load_a / weight_a with load_b / weight_b
 * @load_a: load of a
 * @weight_a: weight of a, not 0
 * @load_b: load of b
 * @weight_b: weight of b, not 0
 *
 * Instead of dividing, cross-multiply: load_a * weight_b against
 * load_b * weight_a. The products of 64 by 32 bits need 96: their upper 64
 * bits are compared first, then their lower 32.
 *
 * Return: negative, 0 or positive as a's quotient is less, equal or greater.
 */
static inline int wlch_load_cmp(u64 load_a, u32 weight_a,
				u64 load_b, u32 weight_b)
{
	if (likely(!((load_a | load_b) >> 32))) {
		load_a *= weight_b;
		load_b *= weight_a;
		return load_a < load_b ? -1 : load_a > load_b;
	}
	return wlch_load_cmp_far(load_a, weight_a, load_b, weight_b);
}

u32 wlch_random(void);

/**
 * struct wlch_choice - the best server seen so far
 * @load: its load
 * @weight: its weight; 0: none seen yet
 * @ties: number of servers that are as good as it, itself included
 * @random: state of the generator that decides between them
 */
struct wlch_choice {
	u64 load;
	u32 weight;
	u32 ties;
	u32 random;
};

/**
 * wlch_choice_tie() - shall one more equal server replace the best?
 * @choice: the best so far
 *
 * Reservoir sampling with one place: the k-th of the equal servers takes it
 * with probability 1/k, and in the end each has had it with the same
 * probability, whatever their number. The kernel's generator is asked only at
 * the first tie with a new best, for the seed of a linear congruential one
 * (Numerical Recipes, 3rd ed., 7.1.4), of which the upper bits are used.
 *
 * Return: true if it shall.
 */
static inline bool wlch_choice_tie(struct wlch_choice *choice)
{
	if (++choice->ties == 2)
		choice->random = wlch_random();
	else
		choice->random = choice->random * 1664525 + 1013904223;
	return (u64)choice->random * choice->ties >> 32 == 0;
}

/**
 * wlch_choice_offer() - look at one more server
 * @choice: the best so far; all zero at the start
 * @load: load of the server
 * @weight: weight of the server, 1..INT_MAX
 *
 * The least load / weight wins; of equal ones the larger weight; of those
 * each with the same probability.
 *
 * Return: true if this server is now the best.
 */
static inline bool wlch_choice_offer(struct wlch_choice *choice,
				     u64 load, u32 weight)
{
	int cmp = choice->weight ? wlch_load_cmp(load, weight, choice->load,
						 choice->weight) : -1;

	if (cmp > 0 || (!cmp && weight < choice->weight))
		return false;
	if (!cmp && weight == choice->weight)
		return wlch_choice_tie(choice);
	choice->load = load;
	choice->weight = weight;
	choice->ties = 1;
	return true;
}

#endif /* _IP_VS_WLCH_LOAD_H */
