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
#include <linux/slab.h>

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

/**
 * wlch_server_ramp() - the share of its weight that a server has now
 * @server: its private counters, or NULL
 * @params: the parameters of its service
 *
 * Return: up to WLCH_RAMP_FULL.
 */
u32 wlch_server_ramp(const struct wlch_server *server,
		     const struct wlch_params *params)
{
	u32 slowstart = params->value[WLCH_SLOWSTART];

	if (!server || !slowstart)
		return WLCH_RAMP_FULL;
	return wlch_ramp(get_jiffies_64() - READ_ONCE(server->since),
			 (u64)slowstart * HZ);
}

/**
 * struct wlch_pick - a choice in progress
 * @params: the parameters of the service
 * @claim: what a claim is worth: as much as the connection that it stands for
 * @choice: how good the best is
 * @dest: the best
 * @server: its private counters, if any
 * @arrivals: of @server, before its load was read
 */
struct wlch_pick {
	const struct wlch_params *params;
	u32			claim;
	struct wlch_choice	choice;
	struct ip_vs_dest	*dest;
	struct wlch_server	*server;
	u64			arrivals;
};

static void wlch_look_at(struct wlch_pick *pick, struct ip_vs_dest *dest,
			 struct wlch_server *server)
{
	struct wlch_counts counts;
	u64 arrivals, load;
	int weight;

	if (READ_ONCE(dest->flags) & IP_VS_DEST_F_OVERLOAD)
		return;
	weight = atomic_read(&dest->weight);
	if (weight <= 0)
		return;
	arrivals = wlch_server_count(&counts, dest, server);
	load = wlch_load(&counts, pick->params->value) +
	       (u64)wlch_claims(arrivals, jiffies) * pick->claim;
	load = wlch_ramp_load(load, wlch_server_ramp(server, pick->params));
	if (wlch_choice_offer(&pick->choice, load, weight)) {
		pick->dest = dest;
		pick->server = server;
		pick->arrivals = arrivals;
	}
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
			     const struct wlch_service *ws,
			     const struct ip_vs_iphdr *iph)
{
	struct wlch_table *table = rcu_dereference(ws->table);
	struct ip_vs_dest *dest;
	u32 i;

	memset(pick, 0, sizeof(*pick));
	pick->params = rcu_dereference(ws->params);
	pick->claim = pick->params->value[wlch_claim_class(iph)];
	if (likely(table)) {
		for (i = 0; i < table->nr; i++)
			wlch_look_at(pick, table->server[i]->dest,
				     table->server[i]);
		return;
	}
	list_for_each_entry_rcu(dest, &ws->svc->destinations, n_list)
		wlch_look_at(pick, dest, wlch_server_find(dest));
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
		wlch_look_at_all(pick, ws, iph);
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
 * wlch_read_stats() - read what the scheduler counted for a service
 * @ws: the service
 * @totals: the result
 *
 * Context: process.
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
}

/**
 * wlch_params_usable() - is there a connection that is worth something?
 * @svc: the service
 * @params: the parameters
 *
 * All connections of a UDP service are inactive. If these are worth 0, every
 * load is 0 and the choice blind. What runs over a fwmark cannot be known.
 *
 * Return: true if so.
 */
bool wlch_params_usable(const struct ip_vs_service *svc,
			const struct wlch_params *params)
{
	return svc->fwmark || svc->protocol != IPPROTO_UDP ||
	       params->value[WLCH_INACTIVE];
}

/* A table of all servers of the service, or NULL if memory is short. */
static struct wlch_table *wlch_table_make(struct ip_vs_service *svc)
{
	struct wlch_table *table;
	struct ip_vs_dest *dest;
	bool complete = true;
	u32 nr = 0;

	/* the core's mutex is held: the list does not change */
	list_for_each_entry(dest, &svc->destinations, n_list)
		nr++;
	table = kvzalloc(struct_size(table, server, nr), GFP_KERNEL);
	list_for_each_entry(dest, &svc->destinations, n_list) {
		struct wlch_server *server = wlch_server_join(dest);

		if (!server)
			complete = false;
		else if (table)
			table->server[table->nr++] = server;
	}
	if (table && complete)
		return table;
	pr_warn_ratelimited("out of memory: choosing more slowly, and perhaps without half-open counts, until a server changes\n");
	kvfree(table);
	return NULL;
}

/* The servers of a service have changed. */
static void wlch_table_renew(struct wlch_service *ws)
{
	struct wlch_net *wn = wlch_net(ws->svc->ipvs->net);
	struct wlch_table *old, *table;

	mutex_lock(&wn->lock);
	table = wlch_table_make(ws->svc);
	old = rcu_replace_pointer(ws->table, table,
				  lockdep_is_held(&wn->lock));
	wn->generation++;
	mutex_unlock(&wn->lock);
	if (old)
		kvfree_rcu(old, rcu);
}

static void wlch_service_free(struct wlch_service *ws)
{
	kvfree(rcu_dereference_raw(ws->table));
	kfree(rcu_dereference_raw(ws->params));
	free_percpu(ws->stats);
	kfree(ws);
}

static void wlch_service_free_rcu(struct rcu_head *head)
{
	wlch_service_free(container_of(head, struct wlch_service, rcu));
}

static struct wlch_service *wlch_service_alloc(struct ip_vs_service *svc)
{
	struct wlch_params *params;
	struct wlch_service *ws;

	ws = kzalloc(sizeof(*ws), GFP_KERNEL);
	if (!ws)
		return NULL;
	ws->svc = svc;
	params = kmalloc(sizeof(*params), GFP_KERNEL);
	RCU_INIT_POINTER(ws->params, params);
	ws->stats = netdev_alloc_pcpu_stats(struct wlch_stats);
	if (!params || !ws->stats) {
		wlch_service_free(ws);
		return NULL;
	}
	wlch_default_params(params);
	if (!wlch_params_usable(svc, params)) {
		pr_warn("the default inactive=0 would make every load of a UDP service 0: it starts with inactive=1\n");
		params->value[WLCH_INACTIVE] = 1;
	}
	return ws;
}

/* A service starts to use wlch; it may have servers already. Called under the
 * core's mutex, as are all the following.
 */
static int wlch_init_service(struct ip_vs_service *svc)
{
	struct wlch_net *wn = wlch_net(svc->ipvs->net);
	struct wlch_service *ws;
	int err;

	ws = wlch_service_alloc(svc);
	if (!ws)
		return -ENOMEM;
	mutex_lock(&wn->lock);
	err = wlch_track_start(svc->ipvs, wn);
	if (!err)
		list_add_tail(&ws->list, &wn->services);
	mutex_unlock(&wn->lock);
	if (err) {
		wlch_service_free(ws);
		return err;
	}
	wlch_table_renew(ws);
	svc->sched_data = ws;
	return 0;
}

/* The service is deleted, or gets another scheduler. schedule() may still run
 * on other CPUs, so svc->sched_data stays and what it points to goes by RCU.
 */
static void wlch_done_service(struct ip_vs_service *svc)
{
	struct wlch_net *wn = wlch_net(svc->ipvs->net);
	struct wlch_service *ws = svc->sched_data;
	struct ip_vs_dest *dest;

	/* Newer kernels have done this before they call. On older ones a
	 * reader could still find the scheduler after the grace period that
	 * frees @ws has begun.
	 */
	RCU_INIT_POINTER(svc->scheduler, NULL);
	mutex_lock(&wn->lock);
	list_del(&ws->list);
	wn->generation++;
	mutex_unlock(&wn->lock);
	list_for_each_entry(dest, &svc->destinations, n_list)
		wlch_server_leave(dest);
	call_rcu(&ws->rcu, wlch_service_free_rcu);
}

static int wlch_add_dest(struct ip_vs_service *svc, struct ip_vs_dest *dest)
{
	wlch_table_renew(svc->sched_data);
	return 0;
}

static int wlch_del_dest(struct ip_vs_service *svc, struct ip_vs_dest *dest)
{
	/* first nobody finds it any more, then it leaves */
	wlch_table_renew(svc->sched_data);
	wlch_server_leave(dest);
	return 0;
}

static int wlch_upd_dest(struct ip_vs_service *svc, struct ip_vs_dest *dest)
{
	struct wlch_server *server;

	rcu_read_lock();
	server = wlch_server_find(dest);
	/* only we could end its being in service */
	if (server && READ_ONCE(server->in_service))
		wlch_server_weigh(server);
	rcu_read_unlock();
	return 0;
}

struct ip_vs_scheduler wlch_scheduler = {
	.name		= "wlch",
	.refcnt		= ATOMIC_INIT(0),
	.module		= THIS_MODULE,
	.n_list		= LIST_HEAD_INIT(wlch_scheduler.n_list),
	.init_service	= wlch_init_service,
	.done_service	= wlch_done_service,
	.add_dest	= wlch_add_dest,
	.del_dest	= wlch_del_dest,
	.upd_dest	= wlch_upd_dest,
	.schedule	= wlch_schedule,
};
