/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The beginning of a connection, packed into one word for each server, so
 * that it changes in one step: what schedule() has claimed, and which
 * connections are pending. No lock and no kernel object: tested with KUnit.
 *
 * The core's counters of a server move only when a connection is made, after
 * schedule() has returned. Until then a claim stands for it, so that picks on
 * other CPUs see each other. The connection may never be made (no memory, or
 * the packet is dropped) and nobody would tell. So a claim is void by itself
 * after one to two jiffies: the word counts the claims of the last jiffy in
 * which there was one, and those of the jiffy before.
 *
 * "now" is always jiffies read after the word was, with acquire: then it is
 * not before the word's last claim.
 */
#ifndef _IP_VS_WLCH_CLAIM_H
#define _IP_VS_WLCH_CLAIM_H

#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/types.h>

/*
 * The fields of the word, lowest first:
 * @SEQ: changes with each claim
 * @STAMP: jiffies at the last claim
 * @PREV: claims of the jiffy before
 * @CUR: claims of that jiffy; both stay at their largest value
 * @PENDING: connections in state WLCH_PENDING; on top, so that one too few or
 *	too many would not spill over
 */
#define WLCH_ARR_SEQ		GENMASK_ULL(5, 0)
#define WLCH_ARR_STAMP		GENMASK_ULL(15, 6)
#define WLCH_ARR_PREV		GENMASK_ULL(26, 16)
#define WLCH_ARR_CUR		GENMASK_ULL(37, 27)
#define WLCH_ARR_PENDING	GENMASK_ULL(63, 38)

#define WLCH_STAMP_MASK		FIELD_MAX(WLCH_ARR_STAMP)
#define WLCH_CLAIMS_MAX		FIELD_MAX(WLCH_ARR_CUR)
#define WLCH_ONE_PENDING	((s64)BIT_ULL(38))

/**
 * wlch_pending() - the connections that are pending
 * @arrivals: the word
 *
 * Return: their number, below 2^25. If they were ever counted down once too
 * often it is negative, and not huge.
 */
static inline int wlch_pending(u64 arrivals)
{
	return sign_extend32(FIELD_GET(WLCH_ARR_PENDING, arrivals), 25);
}

/**
 * wlch_claim_stamp() - when was the last claim made?
 * @arrivals: the word
 *
 * Return: the lowest bits of jiffies.
 */
static inline u32 wlch_claim_stamp(u64 arrivals)
{
	return FIELD_GET(WLCH_ARR_STAMP, arrivals);
}

/**
 * wlch_claim_age() - the jiffies since a claim
 * @stamp: wlch_claim_stamp() when it was made
 * @now: jiffies
 *
 * Return: their number, less what WLCH_STAMP_MASK cannot tell.
 */
static inline u32 wlch_claim_age(u32 stamp, u32 now)
{
	return (now - stamp) & WLCH_STAMP_MASK;
}

/**
 * wlch_claims() - the claims that are valid
 * @arrivals: the word
 * @now: jiffies
 *
 * A word in which nothing is claimed until its stamp comes round again (4 s
 * with 250 jiffies a second) has its void claims back for two jiffies.
 *
 * Return: their number.
 */
static inline u32 wlch_claims(u64 arrivals, u32 now)
{
	u32 claims = FIELD_GET(WLCH_ARR_CUR, arrivals);

	if (likely(!(arrivals & (WLCH_ARR_CUR | WLCH_ARR_PREV))))
		return 0;
	switch (wlch_claim_age(wlch_claim_stamp(arrivals), now)) {
	case 0:
		return claims + FIELD_GET(WLCH_ARR_PREV, arrivals);
	case 1:
		return claims;
	default:
		return 0;
	}
}

/**
 * wlch_claim_add() - one more claim
 * @arrivals: the word
 * @now: jiffies
 *
 * Return: the new word.
 */
static inline u64 wlch_claim_add(u64 arrivals, u32 now)
{
	u32 cur = FIELD_GET(WLCH_ARR_CUR, arrivals);
	u32 prev = FIELD_GET(WLCH_ARR_PREV, arrivals);
	u32 seq = FIELD_GET(WLCH_ARR_SEQ, arrivals) + 1;
	u32 age = wlch_claim_age(wlch_claim_stamp(arrivals), now);

	if (age) {
		prev = age == 1 ? cur : 0;
		cur = 0;
	}
	if (cur < WLCH_CLAIMS_MAX)
		cur++;
	return (arrivals & WLCH_ARR_PENDING) |
	       FIELD_PREP(WLCH_ARR_CUR, cur) | FIELD_PREP(WLCH_ARR_PREV, prev) |
	       FIELD_PREP(WLCH_ARR_STAMP, now & WLCH_STAMP_MASK) |
	       FIELD_PREP(WLCH_ARR_SEQ, seq & FIELD_MAX(WLCH_ARR_SEQ));
}

/**
 * wlch_claim_drop() - one claim less
 * @arrivals: the word
 * @stamp: wlch_claim_stamp() when it was made; nothing happens to the others
 *	when it is void by now
 *
 * Return: the new word.
 */
static inline u64 wlch_claim_drop(u64 arrivals, u32 stamp)
{
	switch (wlch_claim_age(stamp, wlch_claim_stamp(arrivals))) {
	case 0:
		if (arrivals & WLCH_ARR_CUR)
			arrivals -= FIELD_PREP(WLCH_ARR_CUR, 1);
		break;
	case 1:
		if (arrivals & WLCH_ARR_PREV)
			arrivals -= FIELD_PREP(WLCH_ARR_PREV, 1);
		break;
	}
	return arrivals;
}

/**
 * wlch_claimed_between() - has anybody claimed the server in between?
 * @before: the word
 * @after: the word later
 *
 * 64 claims in between look like none: then one pick rests on a stale load.
 *
 * Return: true if so.
 */
static inline bool wlch_claimed_between(u64 before, u64 after)
{
	return (before ^ after) & WLCH_ARR_SEQ;
}

#endif /* _IP_VS_WLCH_CLAIM_H */
