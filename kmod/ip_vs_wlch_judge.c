// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: servers that are in their slow start
 */

#include "ip_vs_wlch_judge.h"

/* The start of a server, as far as it is not over. While the core has given it a
 * weight again, and not yet told us, it is at its very beginning. A start that is
 * written while it is read here would be another one begun within moments: that
 * pick may rest on parts of both.
 *
 * Returns false if the server has all of its weight.
 */
static bool wlch_server_start(const struct wlch_server *server,
			      const struct wlch_params *params,
			      struct wlch_shares *shares,
			      struct wlch_counts *base)
{
	u64 slowstart = (u64)params->value[WLCH_SLOWSTART] * HZ;
	struct wlch_start start;
	s64 age;
	int i;

	if (!slowstart || !server)
		return false;
	if (smp_load_acquire(&server->quiesced)) {	/* see weigh */
		shares->live = WLCH_SHARE_LEAST;
		shares->inactive = WLCH_SHARE_LEAST_INACTIVE;
		memset(base, 0, sizeof(*base));
		return true;
	}
	start.since = READ_ONCE(server->start.since);
	start.service_age = READ_ONCE(server->start.service_age);
	start.linger = READ_ONCE(server->start.linger);
	age = max_t(s64, get_jiffies_64() - start.since, 0);
	if (!wlch_shares(shares, &start, age, slowstart))
		return false;
	for (i = 0; i < WLCH_NR_FACTORS; i++)
		base->class[i] = READ_ONCE(server->start.base.class[i]);
	return true;
}

/**
 * wlch_effective_weight() - the weight of a server, less what slow start takes
 * @dest: the server
 * @server: its private counters, or NULL
 * @params: the parameters of its service
 *
 * Return: the effective weight, rounded up.
 */
u32 wlch_effective_weight(const struct ip_vs_dest *dest,
			  const struct wlch_server *server,
			  const struct wlch_params *params)
{
	u32 weight = atomic_read(&dest->weight);
	struct wlch_shares shares;
	struct wlch_counts base;

	return wlch_server_start(server, params, &shares, &base) ?
	       wlch_share_weight(weight, shares.live) : weight;
}

/**
 * wlch_load_starting() - the load of a server that may be in its slow start
 * @dest: the server
 * @server: its private counters
 * @params: the parameters of its service
 * @claim: what a claim counts as
 * @claims: its claims
 *
 * Context: under rcu_read_lock().
 * Return: the load that its whole weight would have to bear.
 */
u64 wlch_load_starting(const struct ip_vs_dest *dest,
		       const struct wlch_server *server,
		       const struct wlch_params *params,
		       enum wlch_factor claim, u32 claims)
{
	struct wlch_counts counts, base;
	struct wlch_shares shares;

	wlch_server_count(&counts, dest, server);
	counts.class[claim] += claims;
	if (!wlch_server_start(server, params, &shares, &base))
		return wlch_load(&counts, params->value);
	return wlch_share_load(&counts, &base, params->value, &shares);
}
