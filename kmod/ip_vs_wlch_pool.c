// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: services and servers for tests, unknown to the core
 */

#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/slab.h>

#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_index.h"
#include "ip_vs_wlch_pool.h"

/* a namespace for which nothing was set */
static const struct wlch_net no_net;

/* A service without servers, or NULL. */
struct pool *pool_alloc(void)
{
	struct pool *pool = kvzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	pool->table = kvzalloc(struct_size(pool->table, server,
					   POOL_MAX_SERVERS), GFP_KERNEL);
	pool->ws.stats = netdev_alloc_pcpu_stats(struct wlch_stats);
	if (!pool->table || !pool->ws.stats) {
		pool_free(pool);
		return NULL;
	}
	wlch_default_params(&no_net, &pool->params);
	INIT_LIST_HEAD(&pool->svc.destinations);
	pool->svc.ipvs = net_ipvs(&init_net);	/* for who traces */
	pool->svc.af = AF_INET;
	pool->svc.protocol = IPPROTO_TCP;
	pool->svc.sched_data = &pool->ws;
	pool->ws.svc = &pool->svc;
	RCU_INIT_POINTER(pool->ws.params, &pool->params);
	RCU_INIT_POINTER(pool->ws.table, pool->table);
	return pool;
}

static void pool_index_free(struct pool *pool)
{
	struct wlch_index *index = rcu_dereference_raw(pool->ws.index);

	if (!index)
		return;
	wlch_index_leave(index);
	RCU_INIT_POINTER(pool->ws.index, NULL);
	synchronize_rcu();
	kvfree(index);
}

void pool_free(struct pool *pool)
{
	int i;

	if (!pool)
		return;
	pool_index_free(pool);
	for (i = 0; i < pool->nr; i++)
		wlch_server_leave(&pool->dest[i]);
	free_percpu(pool->ws.stats);
	kvfree(rcu_dereference_raw(pool->ws.draw));
	kvfree(pool->table);
	kvfree(pool);
}

void pool_set(struct pool *pool, int i, int active, int total, int weight)
{
	struct ip_vs_dest *dest = &pool->dest[i];

	wlch_dest_set_conns(dest, active, total);
	atomic_set(&dest->weight, weight);
	dest->flags = 0;
}

/* Add a server; its counters are as in pool_set(). */
void pool_add(struct pool *pool, int active, int total, int weight)
{
	int i = pool->nr++;

	memset(&pool->dest[i], 0, sizeof(pool->dest[i]));
	memset(&pool->server[i], 0, sizeof(pool->server[i]));
	pool_set(pool, i, active, total, weight);
	list_add_tail(&pool->dest[i].n_list, &pool->svc.destinations);
	pool->server[i].dest = &pool->dest[i];
	pool->server[i].start.service_age = S64_MAX;
	pool->table->server[i] = &pool->server[i];
	pool->table->nr = pool->nr;
}

/* The server can be found by its address, as is needed for connections to it.
 * It stays until pool_free(). False without memory.
 */
bool pool_join(struct pool *pool, int i)
{
	struct wlch_server *server = wlch_server_join(&pool->dest[i]);

	if (!server)
		return false;
	pool->table->server[i] = server;
	return true;
}

/* From now on the servers are found by an index. False if there is none. */
bool pool_index(struct pool *pool)
{
	struct wlch_index *index;

	pool_index_free(pool);
	index = wlch_index_make(&pool->ws, pool->table);
	if (IS_ERR_OR_NULL(index))
		return false;
	wlch_index_enter(index);
	rcu_assign_pointer(pool->ws.index, index);
	return true;
}

/* The counters were changed without a word. */
void pool_refresh(struct pool *pool)
{
	struct wlch_index *index = rcu_dereference_raw(pool->ws.index);

	if (index)
		wlch_index_refresh(index);
}

void pool_empty(struct pool *pool)
{
	pool_index_free(pool);
	INIT_LIST_HEAD(&pool->svc.destinations);
	pool->nr = 0;
	pool->table->nr = 0;
}

/* The index of the chosen server, or -1. It stays claimed. */
int pool_claim(struct pool *pool)
{
	struct ip_vs_iphdr iph = { .protocol = pool->svc.protocol };
	struct ip_vs_dest *dest;

	rcu_read_lock();
	dest = wlch_schedule(&pool->svc, NULL, &iph);
	rcu_read_unlock();
	return dest ? dest - pool->dest : -1;
}

/* The same, as if its claim were void at once. */
int pool_pick(struct pool *pool)
{
	int picked = pool_claim(pool);

	if (picked >= 0) {
		atomic64_set(&pool->server[picked].arrivals, 0);
		wlch_index_update(&pool->server[picked]);
	}
	return picked;
}

/* The same, and the choice becomes a connection that is held. */
int pool_hold(struct pool *pool)
{
	int picked = pool_pick(pool);

	if (picked >= 0) {
		int conns = atomic_read(&pool->dest[picked].activeconns) + 1;

		wlch_dest_set_conns(&pool->dest[picked], conns, conns);
		wlch_index_update(&pool->server[picked]);
	}
	return picked;
}

/* In-tree wlc: the first server of those with the least overhead / weight. */
int pool_wlc(struct pool *pool)
{
	struct ip_vs_dest *d, *least = NULL;

	list_for_each_entry(d, &pool->svc.destinations, n_list) {
		if (d->flags & IP_VS_DEST_F_OVERLOAD ||
		    atomic_read(&d->weight) <= 0)
			continue;
		if (!least ||
		    (s64)ip_vs_dest_conn_overhead(least) *
		    atomic_read(&d->weight) >
		    (s64)ip_vs_dest_conn_overhead(d) *
		    atomic_read(&least->weight))
			least = d;
	}
	return least ? least - pool->dest : -1;
}
