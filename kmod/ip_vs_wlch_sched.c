// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS:	Weighted Least-Connection Scheduling, Half-open aware
 *
 * The wlch algorithm chooses the server with the least
 *
 *	 established * active + half_open * halfopen +
 *	 refused * refused_factor + inactive * inactive_factor
 *	-------------------------------------------------------
 *				weight
 *
 * where each connection of a server is in one of four classes:
 *
 *	established	active to the core, and its handshake is over
 *	half_open	in the handshake
 *	refused		its handshake ended in a reset; until its entry expires
 *	inactive	all others: closing, or of a protocol without states
 *
 * and the four factors are parameters of the service that can be changed at
 * any time. With wlc they are fixed. In a burst of long connections what
 * counts is that those in the handshake weigh as much as the established:
 * otherwise the server that is slow to complete handshakes looks idle, and
 * gets the burst.
 *
 * Servers with weight 0 and overloaded ones are never chosen. Of servers with
 * the same quotient the one with the largest weight is chosen, and of those
 * each with the same probability, so that neither the first in the list nor
 * the first of every director with the same configuration is preferred.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/module.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_draw.h"
#include <linux/ip_vs_wlch.h>

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
u64 wlch_server_count(struct wlch_counts *counts,
		      const struct ip_vs_dest *dest,
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
 * struct wlch_pick - a choice in progress
 * @params: the parameters of the service
 * @claim: what a claim counts as: the connection that it stands for
 * @choice: how good the best is
 * @dest: the best
 * @server: its private counters, if any
 * @arrivals: of @server, before its load was read
 */
struct wlch_pick {
	const struct wlch_params *params;
	enum wlch_factor	claim;
	struct wlch_choice	choice;
	struct ip_vs_dest	*dest;
	struct wlch_server	*server;
	u64			arrivals;
};

/* Returns false if the server cannot be chosen. */
static bool wlch_look_at(struct wlch_pick *pick, struct ip_vs_dest *dest,
			 struct wlch_server *server)
{
	const u32 *factor = pick->params->value;
	struct wlch_counts counts, base;
	struct wlch_shares shares;
	u64 arrivals, load;
	int weight;

	if (READ_ONCE(dest->flags) & IP_VS_DEST_F_OVERLOAD)
		return false;
	weight = atomic_read(&dest->weight);
	if (weight <= 0)
		return false;
	arrivals = wlch_server_count(&counts, dest, server);
	counts.class[pick->claim] += wlch_claims(arrivals, jiffies);
	if (unlikely(wlch_server_start(server, pick->params, &shares, &base)))
		load = wlch_share_load(&counts, &base, factor, &shares);
	else
		load = wlch_load(&counts, factor);
	if (wlch_choice_offer(&pick->choice, load, weight)) {
		pick->dest = dest;
		pick->server = server;
		pick->arrivals = arrivals;
	}
	return true;
}

/* Who has claimed a server is about to make a connection, which counts as
 * half-open, or with UDP as inactive. Where a fwmark has both, all claims are
 * taken for what this packet's will be.
 */
static enum wlch_factor wlch_claim_class(const struct ip_vs_iphdr *iph)
{
	return iph->protocol == IPPROTO_UDP ? WLCH_INACTIVE : WLCH_HALFOPEN;
}

static void wlch_look_at_all(struct wlch_pick *pick,
			     const struct wlch_service *ws)
{
	struct wlch_table *table = rcu_dereference(ws->table);
	struct ip_vs_dest *dest;
	u32 i;

	if (likely(table)) {
		for (i = 0; i < table->nr; i++)
			wlch_look_at(pick, table->server[i]->dest,
				     table->server[i]);
		return;
	}
	list_for_each_entry_rcu(dest, &ws->svc->destinations, n_list)
		wlch_look_at(pick, dest, wlch_server_find(dest));
}

static bool wlch_drawn_before(const struct wlch_server *server,
			      struct wlch_server **drawn, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (drawn[i] == server)
			return true;
	}
	return false;
}

/* How often a server is drawn for each choice, at most: where a few have nearly
 * all of the weight, or most are overloaded, fewer are compared.
 */
#define WLCH_DRAWS_PER_CHOICE	4

/* Draw @choices different servers that can be chosen and look at them. */
static void wlch_look_at_drawn(struct wlch_pick *pick,
			       const struct wlch_draw *draw, u32 choices)
{
	struct wlch_server *drawn[IPVS_WLCH_CHOICES_MAX];
	u32 i, nr = 0;

	for (i = 0; i < choices * WLCH_DRAWS_PER_CHOICE && nr < choices; i++) {
		struct wlch_server *server;

		server = wlch_draw_one(draw, get_random_u64());
		if (!wlch_drawn_before(server, drawn, nr) &&
		    wlch_look_at(pick, server->dest, server))
			drawn[nr++] = server;
	}
}

/* Look at the servers of the service that the parameters say: where half of
 * them or more would be drawn, and when none that was can be chosen, at all.
 */
static void wlch_look(struct wlch_pick *pick, const struct wlch_service *ws,
		      const struct ip_vs_iphdr *iph)
{
	const struct wlch_draw *draw;
	u32 choices;

	memset(pick, 0, sizeof(*pick));
	pick->params = rcu_dereference(ws->params);
	pick->claim = wlch_claim_class(iph);
	choices = pick->params->value[WLCH_CHOICES];
	if (choices) {
		draw = rcu_dereference(ws->draw);
		if (draw && 2 * choices < draw->nr)
			wlch_look_at_drawn(pick, draw, choices);
	}
	if (!pick->dest)
		wlch_look_at_all(pick, ws);
}

/* How often a choice is made again. Each time another CPU has made one, so the
 * scheduler as a whole gets on; in the end this one rests on a stale load.
 */
#define WLCH_MAX_RETRIES	8

/* Choose a server and claim it.
 *
 * Two CPUs that see the same loads want the same server. One of them claims
 * it; the other finds that out when it claims, and looks again. So no two
 * choices of a server rest on the same load of it, without a lock.
 *
 * Return: number of retries.
 */
static unsigned int wlch_choose(struct wlch_pick *pick,
				const struct wlch_service *ws,
				const struct ip_vs_iphdr *iph)
{
	unsigned int retries = 0;

	for (;;) {
		wlch_look(pick, ws, iph);
		if (!pick->server ||
		    wlch_claim(pick->server, pick->arrivals,
			       retries == WLCH_MAX_RETRIES))
			return retries;
		retries++;
	}
}

static void wlch_count_pick(const struct wlch_service *ws, bool found,
			    unsigned int retries)
{
	struct wlch_stats *stats = this_cpu_ptr(ws->stats);

	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(found ? &stats->picks : &stats->no_server);
	u64_stats_add(&stats->retries, retries);
	u64_stats_update_end(&stats->syncp);
}

/**
 * wlch_schedule() - choose a server for a new connection
 * @svc: the service
 * @skb: not used
 * @iph: the packet's header, for its protocol
 *
 * Context: under rcu_read_lock(); softirq, or process for local clients.
 * Return: the server, or NULL if there is none to choose.
 */
struct ip_vs_dest *wlch_schedule(struct ip_vs_service *svc,
				 const struct sk_buff *skb,
				 struct ip_vs_iphdr *iph)
{
	const struct wlch_service *ws = svc->sched_data;
	struct wlch_pick pick;
	unsigned int retries;

	local_bh_disable();
	retries = wlch_choose(&pick, ws, iph);
	wlch_count_pick(ws, pick.dest, retries);
	local_bh_enable();
	if (!pick.dest) {
		ip_vs_scheduler_err(svc, "no destination available");
		return NULL;
	}
	if (pick.server)
		atomic64_inc(&pick.server->picks);

	IP_VS_DBG_BUF(6, "wlch: server %s:%u activeconns %d weight %d load %llu\n",
		      IP_VS_DBG_ADDR(pick.dest->af, &pick.dest->addr),
		      ntohs(pick.dest->port),
		      atomic_read(&pick.dest->activeconns),
		      atomic_read(&pick.dest->weight),
		      (unsigned long long)pick.choice.load);
	return pick.dest;
}

/**
 * wlch_read_stats() - what the scheduler counted for a service since it was
 *	zeroed
 * @ws: the service
 * @totals: the result
 *
 * Context: process, under the lock of the service's namespace.
 */
void wlch_read_stats(const struct wlch_service *ws, struct wlch_totals *totals)
{
	int cpu;

	memset(totals, 0, sizeof(*totals));
	for_each_possible_cpu(cpu) {
		const struct wlch_stats *stats = per_cpu_ptr(ws->stats, cpu);
		unsigned int start;
		struct wlch_totals cpu_totals;

		do {
			start = u64_stats_fetch_begin(&stats->syncp);
			cpu_totals.picks = u64_stats_read(&stats->picks);
			cpu_totals.no_server = u64_stats_read(&stats->no_server);
			cpu_totals.retries = u64_stats_read(&stats->retries);
		} while (u64_stats_fetch_retry(&stats->syncp, start));
		totals->picks += cpu_totals.picks;
		totals->no_server += cpu_totals.no_server;
		totals->retries += cpu_totals.retries;
	}
	totals->picks -= ws->zero.picks;
	totals->no_server -= ws->zero.no_server;
	totals->retries -= ws->zero.retries;
}
