/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How good a server is, in one word: the smaller the better. No lock and no
 * kernel object: tested with KUnit.
 *
 * From the top: the quotient load / weight as a number of 41 bits after the
 * leading one and 7 bits of exponent, and the complement of the weight, so that of
 * equal quotients the larger weight is better.
 *
 * Two quotients a / b and c / d are equal or differ by 1 / bd, which is 1 / ad of
 * the larger one, a / b. So their words differ if ad is at most 2^41: a server of
 * weight 100 may have 80 million connections of 256 each. Beyond that, quotients
 * that differ by less than 2^-41 of their value count as equal.
 */
#ifndef _IP_VS_WLCH_KEY_H
#define _IP_VS_WLCH_KEY_H

#include <linux/bitops.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define WLCH_KEY_WEIGHT_BITS	16
#define WLCH_KEY_FRACTION_BITS	41
#define WLCH_KEY_WEIGHT_MAX	(BIT(WLCH_KEY_WEIGHT_BITS) - 1)

/* Added to the exponent: quotients are above 2^-32. */
#define WLCH_KEY_EXPONENT_BIAS	32

/* No server: worse than all. */
#define WLCH_KEY_NONE		U64_MAX

/**
 * wlch_key() - how good a server is
 * @load: its load, below 2^60
 * @weight: its weight, 1..WLCH_KEY_WEIGHT_MAX; a larger one is not told from that
 *	where quotients are equal
 *
 * Return: the word.
 */
static inline u64 wlch_key(u64 load, u32 weight)
{
	u32 light = WLCH_KEY_WEIGHT_MAX - min_t(u32, weight, WLCH_KEY_WEIGHT_MAX);
	u64 quotient, fraction, exponent;
	int shift, bits;

	if (!load)
		return light;
	/* as many bits of the quotient as there are; not one is lost above */
	shift = 64 - fls64(load);
	quotient = load << shift;
	if (weight > 1)
		quotient = div_u64(quotient, weight);
	bits = fls64(quotient);
	/* the leading one is shifted out */
	fraction = bits > 1 ? quotient << (65 - bits) : 0;
	exponent = WLCH_KEY_EXPONENT_BIAS + bits - shift;
	return exponent << (WLCH_KEY_FRACTION_BITS + WLCH_KEY_WEIGHT_BITS) |
	       fraction >> (64 - WLCH_KEY_FRACTION_BITS) << WLCH_KEY_WEIGHT_BITS |
	       light;
}

#endif /* _IP_VS_WLCH_KEY_H */
