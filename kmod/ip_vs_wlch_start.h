/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Slow start: how much of its share a new server has. No lock and no kernel
 * object: tested with KUnit.
 *
 * At the age of a the weight of a server that ramps up in T has reached the
 * share a / T. Its live connections are compared by that share. But those that
 * have ended stay as inactive ones for a time L, and others have them of all of
 * this time. A new server can have them only of its own, short, life, in which
 * its share was smaller still: that of
 *
 *	H(a) = share(x), summed up for x from a - L to a
 *
 * of the time L. By this part its inactive connections are compared. Else it
 * would have to catch up with the others' past, and get a flood of short
 * connections until it has. With T = 0 there is none of this.
 *
 * Both shares are of what the server has gained since its start. What a server
 * that was only gone for a moment still holds is nothing new to it.
 */
#ifndef _IP_VS_WLCH_START_H
#define _IP_VS_WLCH_START_H

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "ip_vs_wlch_load.h"

/* A whole share; and the least: too small a share would tell servers that are
 * added one after the other from each other by milliseconds.
 */
#define WLCH_SHARE_FULL		65536
#define WLCH_SHARE_LEAST	(WLCH_SHARE_FULL / 64)
#define WLCH_SHARE_LEAST_INACTIVE	(WLCH_SHARE_FULL / 4096)

/**
 * struct wlch_start - the start of a server
 * @since: jiffies (64 bits) when it was added, or its weight was 0 last
 * @service_age: how old its service was then, in jiffies
 * @linger: how long its connections stay when they have ended, in jiffies
 * @base: what it held then
 */
struct wlch_start {
	u64			since;
	u64			service_age;
	u32			linger;
	struct wlch_counts	base;
};

/**
 * struct wlch_shares - what a server has reached
 * @live: of its weight, 1..WLCH_SHARE_FULL
 * @inactive: of the time for which connections stay when they have ended
 */
struct wlch_shares {
	u32	live;
	u32	inactive;
};

/* The sum of the shares from the start to an age, of 2 * WLCH_SHARE_FULL. */
static inline u64 wlch_shares_sum(u64 age, u64 ramp)
{
	return age < ramp ? div64_u64(age * age * WLCH_SHARE_FULL, ramp) :
			    (2 * age - ramp) * WLCH_SHARE_FULL;
}

/**
 * wlch_shares() - what a server has reached at an age
 * @shares: the result
 * @start: its start
 * @age: jiffies since
 * @slowstart: the parameter, in jiffies
 *
 * Among servers that are new, too, there is nobody to be spared from: none
 * ramps up for longer than its service has been there, and no more inactive
 * connections are expected than this time can have left.
 *
 * Return: false if it has reached all.
 */
static inline bool wlch_shares(struct wlch_shares *shares,
			       const struct wlch_start *start, u64 age,
			       u64 slowstart)
{
	u64 ramp = min(slowstart, start->service_age);
	u64 past = min_t(u64, start->linger, start->service_age + age);
	u64 sum;

	if (!ramp || age >= ramp + start->linger)
		return false;
	shares->live = WLCH_SHARE_FULL;
	if (age < ramp)
		shares->live = max_t(u32, WLCH_SHARE_LEAST,
				     div64_u64(age * WLCH_SHARE_FULL, ramp));
	sum = wlch_shares_sum(age, ramp);
	if (age > past)
		sum -= wlch_shares_sum(age - past, ramp);
	shares->inactive = WLCH_SHARE_FULL;
	if (past)
		shares->inactive = clamp_t(u64, div64_u64(sum, 2 * past),
					   WLCH_SHARE_LEAST_INACTIVE,
					   WLCH_SHARE_FULL);
	return true;
}

/**
 * wlch_share_load() - the load of a server of which only a share is there
 * @counts: its connections
 * @base: those that it held at its start
 * @factor: what each class is worth, 0..4096
 * @shares: what it has reached
 *
 * load / (weight * share) = (load / share) / weight
 *
 * Return: the load that its whole weight would have to bear, below 2^59.
 */
static inline u64 wlch_share_load(const struct wlch_counts *counts,
				  const struct wlch_counts *base,
				  const u32 factor[WLCH_NR_FACTORS],
				  const struct wlch_shares *shares)
{
	u64 load = 0;
	int i;

	for (i = 0; i < WLCH_NR_FACTORS; i++) {
		u32 share = i == WLCH_INACTIVE ? shares->inactive :
						 shares->live;
		u32 held = min(counts->class[i], base->class[i]);
		u64 gained = (u64)(counts->class[i] - held) * factor[i];

		load += (u64)held * factor[i] +
			div_u64(gained * WLCH_SHARE_FULL, share);
	}
	return load;
}

/**
 * wlch_share_weight() - the effective weight
 * @weight: the weight
 * @share: the share of it that is there
 *
 * Return: at least 1, unless @weight is 0.
 */
static inline u32 wlch_share_weight(u32 weight, u32 share)
{
	return DIV_ROUND_UP_ULL((u64)weight * share, WLCH_SHARE_FULL);
}

#endif /* _IP_VS_WLCH_START_H */
