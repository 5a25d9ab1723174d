/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How loaded is a server? What a pick, and whoever reports on one, sees.
 */
#ifndef _IP_VS_WLCH_JUDGE_H
#define _IP_VS_WLCH_JUDGE_H

#include <linux/jiffies.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_compat.h"

/**
 * wlch_server_count() - sort a server's connections into classes
 * @counts: the result
 * @dest: the server
 * @server: its private counters, or NULL if there was no memory for them:
 *	then what is half-open counts as the core sees it
 *
 * Connections move on other CPUs meanwhile. Most go from the arrivals to the
 * handshakes, and from there to the established or the refused; the core moves
 * first. So they are read the other way round, the core's counters last, and
 * the active ones once: then a connection that makes one of these moves is
 * not counted twice. Each other move, and the moment in which the core has a
 * connection of which the claim is not ended yet, can show it twice or not.
 *
 * Context: any; @dest and @server are kept alive by the caller.
 * Return: the arrivals of the server as they were before the core's counters
 * were read, or 0 without private counters.
 */
static __always_inline u64
wlch_server_count(struct wlch_counts *counts, const struct ip_vs_dest *dest,
		  const struct wlch_server *server)
{
	int gauge[WLCH_NR_GAUGES] = {};
	u64 arrivals = 0;
	int active, inactive;

	if (server) {
		gauge[WLCH_REFUSED_GAUGE] =
			atomic_read_acquire(&server->gauge[WLCH_REFUSED_GAUGE]);
		gauge[WLCH_HANDSHAKE] =
			atomic_read_acquire(&server->gauge[WLCH_HANDSHAKE]);
		arrivals = atomic64_read_acquire(&server->arrivals);
		gauge[WLCH_PENDING] = wlch_pending(arrivals);
	}
	active = atomic_read_acquire(&dest->activeconns);
	inactive = wlch_dest_inactconns(dest, active);
	wlch_count(counts, active, inactive, gauge);
	return arrivals;
}

u64 wlch_load_starting(const struct ip_vs_dest *dest,
		       const struct wlch_server *server,
		       const struct wlch_params *params,
		       enum wlch_factor claim, u32 claims);
u32 wlch_effective_weight(const struct ip_vs_dest *dest,
			  const struct wlch_server *server,
			  const struct wlch_params *params);

/**
 * wlch_claim_class() - what a claim counts as
 * @protocol: of the packet, or the service
 *
 * Who has claimed a server is about to make a connection, which counts as
 * half-open, or with UDP as inactive. Where a fwmark has both, all claims are
 * taken for what this packet's will be.
 *
 * Return: the class.
 */
static inline enum wlch_factor wlch_claim_class(u16 protocol)
{
	return protocol == IPPROTO_UDP ? WLCH_INACTIVE : WLCH_HALFOPEN;
}

/**
 * struct wlch_verdict - what is known of a server
 * @load: its load, with the claims
 * @arrivals: claims and pending connections, read before the load was
 * @weight: its weight
 */
struct wlch_verdict {
	u64	load;
	u64	arrivals;
	u32	weight;
};

/**
 * wlch_usable_weight() - the weight with which a server can be chosen
 * @dest: the server
 *
 * Context: under rcu_read_lock().
 * Return: the weight, or 0 if it cannot be chosen.
 */
static __always_inline u32 wlch_usable_weight(const struct ip_vs_dest *dest)
{
	if (READ_ONCE(dest->flags) & IP_VS_DEST_F_OVERLOAD)
		return 0;
	return max(atomic_read(&dest->weight), 0);
}

/**
 * wlch_judge() - how loaded is a server now?
 * @verdict: the result
 * @dest: the server
 * @server: its private counters, or NULL
 * @params: the parameters of its service
 * @claim: what a claim counts as: the connection that it stands for
 *
 * Context: under rcu_read_lock().
 * Return: false if it cannot be chosen: then the result is not complete.
 */
static __always_inline bool wlch_judge(struct wlch_verdict *verdict,
				       const struct ip_vs_dest *dest,
				       const struct wlch_server *server,
				       const struct wlch_params *params,
				       enum wlch_factor claim)
{
	struct wlch_counts counts;
	u32 claims;

	verdict->weight = wlch_usable_weight(dest);
	if (!verdict->weight)
		return false;
	verdict->arrivals = wlch_server_count(&counts, dest, server);
	claims = wlch_claims(verdict->arrivals, jiffies);
	if (unlikely(params->value[WLCH_SLOWSTART] && server))
		verdict->load = wlch_load_starting(dest, server, params, claim,
						   claims);
	else
		verdict->load = wlch_load(&counts, params->value) +
				(u64)claims * params->value[claim];
	return true;
}

#endif /* _IP_VS_WLCH_JUDGE_H */
