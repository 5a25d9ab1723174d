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
#include <linux/prefetch.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_draw.h"
#include "ip_vs_wlch_index.h"
#include "ip_vs_wlch_judge.h"
#include "ip_vs_wlch_trace.h"
#include <linux/ip_vs_wlch.h>

/**
 * struct wlch_pick - a choice in progress
 * @params: the parameters of the service
 * @claim: what a claim counts as: the connection that it stands for
 * @choice: how good the best is
 * @dest: the best
 * @server: its private counters, if any
 * @arrivals: of @server, before its load was read
 * @index: found it, or NULL
 * @best: that is what it found
 * @drawn: how many servers were drawn and compared, or 0
 */
struct wlch_pick {
	const struct wlch_params *params;
	enum wlch_factor	claim;
	struct wlch_choice	choice;
	struct ip_vs_dest	*dest;
	struct wlch_server	*server;
	u64			arrivals;
	struct wlch_index	*index;
	struct wlch_best	best;
	u32			drawn;
};

/* Returns false if the server cannot be chosen. */
static __always_inline bool wlch_look_at(struct wlch_pick *pick,
					 struct ip_vs_dest *dest,
					 struct wlch_server *server)
{
	struct wlch_verdict verdict;

	if (!wlch_judge(&verdict, dest, server, pick->params, pick->claim))
		return false;
	if (wlch_choice_offer(&pick->choice, verdict.load, verdict.weight)) {
		pick->dest = dest;
		pick->server = server;
		pick->arrivals = verdict.arrivals;
	}
	return true;
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

/* Draw servers until there are @choices different ones, or @draws are used up. The
 * first @nr are drawn already. Of each, what is needed is fetched from memory.
 */
static u32 wlch_draw_more(const struct wlch_draw *draw,
			  struct wlch_server **drawn, u32 nr, u32 choices,
			  u32 *draws)
{
	u32 first = nr, i;

	for (; nr < choices && *draws; (*draws)--) {
		struct wlch_server *server;

		server = wlch_draw_one(draw, wlch_random());
		if (wlch_drawn_before(server, drawn, nr))
			continue;
		prefetch(&server->dest);
		prefetchw(&server->arrivals);
		drawn[nr++] = server;
	}
	for (i = first; i < nr; i++) {
		prefetch(&drawn[i]->dest->weight);
		prefetch(&drawn[i]->dest->activeconns);
	}
	return nr;
}

/* Draw @choices different servers that can be chosen and look at them. Returns how many
 * there were.
 */
static u32 wlch_look_at_drawn(struct wlch_pick *pick,
			      const struct wlch_draw *draw, u32 choices)
{
	struct wlch_server *drawn[IPVS_WLCH_CHOICES_MAX] __uninitialized;
	u32 draws = choices * WLCH_DRAWS_PER_CHOICE, found = 0, nr, i;

	while (found < choices && draws) {
		nr = wlch_draw_more(draw, drawn, found, choices, &draws);
		for (i = found; i < nr; i++) {
			if (wlch_look_at(pick, drawn[i]->dest, drawn[i]))
				drawn[found++] = drawn[i];
		}
	}
	return found;
}

static void wlch_look_at_best(struct wlch_pick *pick, struct wlch_index *index)
{
	if (!wlch_index_best(index, pick->params, &pick->best))
		return;
	pick->server = pick->best.server;
	pick->dest = pick->server->dest;
	pick->arrivals = pick->best.verdict.arrivals;
	pick->index = index;
}

/* Look at the servers of the service that the parameters say: where half of
 * them or more would be drawn, and when none that was can be chosen, at all.
 */
static void wlch_look(struct wlch_pick *pick, const struct wlch_service *ws,
		      const struct ip_vs_iphdr *iph)
{
	const struct wlch_draw *draw;
	struct wlch_index *index;
	u32 choices;

	pick->choice = (struct wlch_choice){};
	pick->dest = NULL;
	pick->server = NULL;
	pick->index = NULL;
	pick->drawn = 0;
	pick->params = rcu_dereference(ws->params);
	pick->claim = wlch_claim_class(iph->protocol);
	choices = pick->params->value[WLCH_CHOICES];
	if (choices) {
		draw = rcu_dereference(ws->draw);
		if (draw && 2 * choices < draw->nr)
			pick->drawn = wlch_look_at_drawn(pick, draw, choices);
	}
	index = rcu_dereference(ws->index);
	/* edited meanwhile: this choice may be made in either way */
	if (index && !(READ_ONCE(ws->svc->flags) & IP_VS_SVC_F_ONEPACKET))
		wlch_look_at_best(pick, index);
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

/* How many servers can be chosen now? */
static u32 wlch_candidates(const struct wlch_service *ws)
{
	const struct ip_vs_dest *dest;
	u32 candidates = 0;

	list_for_each_entry_rcu(dest, &ws->svc->destinations, n_list)
		candidates += wlch_usable_weight(dest) > 0;
	return candidates;
}

static noinline void wlch_trace_pick(const struct wlch_pick *pick,
				     const struct wlch_service *ws,
				     const struct sk_buff *skb,
				     const struct ip_vs_iphdr *iph,
				     unsigned int retries)
{
	struct wlch_event_pick event = { .retries = retries };

	wlch_event_service(&event.service, ws->svc, iph->protocol);
	wlch_event_client(event.client, skb, iph, ws->svc->af);
	wlch_event_server(event.server, pick->dest);
	if (pick->index) {
		event.load = pick->best.verdict.load;
		event.weight = pick->best.verdict.weight;
		wlch_index_census(pick->index, &pick->best, &event.candidates,
				  &event.ties);
	} else if (pick->dest) {
		event.load = pick->choice.load;
		event.weight = pick->choice.weight;
		event.candidates = pick->drawn ?: wlch_candidates(ws);
		event.ties = pick->choice.ties;
	}
	if (pick->dest)
		event.effective_weight = wlch_effective_weight(pick->dest,
							       pick->server,
							       pick->params);
	trace_pick(&event);
}

/**
 * wlch_schedule() - choose a server for a new connection
 * @svc: the service
 * @skb: the packet, for who traces the choice
 * @iph: its header, for its protocol
 *
 * Context: under rcu_read_lock(); softirq, or process for local clients.
 * Return: the server, or NULL if there is none to choose.
 */
struct ip_vs_dest *wlch_schedule(struct ip_vs_service *svc,
				 const struct sk_buff *skb,
				 struct ip_vs_iphdr *iph)
{
	const struct wlch_service *ws = svc->sched_data;
	struct wlch_pick pick __uninitialized;	/* wlch_look() sets what is used */
	unsigned int retries;

	local_bh_disable();
	retries = wlch_choose(&pick, ws, iph);
	if (pick.index)
		wlch_index_claimed(pick.index, pick.params, &pick.best);
	else if (pick.server)
		wlch_index_update(pick.server);
	wlch_count_pick(ws, pick.dest, retries);
	local_bh_enable();
	if (trace_pick_enabled())
		wlch_trace_pick(&pick, ws, skb, iph, retries);
	if (!pick.dest) {
		ip_vs_scheduler_err(svc, "no destination available");
		return NULL;
	}
	if (pick.server)
		atomic64_inc(&pick.server->picks);

	IP_VS_DBG_BUF(6, "wlch: server %s:%u activeconns %d weight %d load %llu\n",
		      IP_VS_DBG_ADDR(READ_ONCE(pick.dest->af), &pick.dest->addr),
		      ntohs(pick.dest->port),
		      atomic_read(&pick.dest->activeconns),
		      atomic_read(&pick.dest->weight),
		      (unsigned long long)(pick.index ? pick.best.verdict.load :
						       pick.choice.load));
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
