// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: services and servers for KUnit, unknown to the core
 */

#include <kunit/test.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/slab.h>

#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_kunit.h"

struct pool *pool_make(struct kunit *test)
{
	struct pool *pool = kunit_kzalloc(test, sizeof(*pool), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	pool->table = kunit_kzalloc(test, struct_size(pool->table, server,
						      POOL_MAX_SERVERS),
				    GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool->table);
	pool->ws.stats = netdev_alloc_pcpu_stats(struct wlch_stats);
	KUNIT_ASSERT_NOT_NULL(test, (void __force *)pool->ws.stats);
	wlch_default_params(&pool->params);
	INIT_LIST_HEAD(&pool->svc.destinations);
	pool->svc.af = AF_INET;
	pool->svc.protocol = IPPROTO_TCP;
	pool->svc.sched_data = &pool->ws;
	pool->ws.svc = &pool->svc;
	RCU_INIT_POINTER(pool->ws.params, &pool->params);
	RCU_INIT_POINTER(pool->ws.table, pool->table);
	test->priv = pool;
	return pool;
}

void pool_exit(struct kunit *test)
{
	struct pool *pool = test->priv;

	if (!pool)
		return;
	kvfree(rcu_dereference_raw(pool->ws.draw));
	free_percpu(pool->ws.stats);
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
	pool->server[i].ramp = U64_MAX;
	pool->table->server[i] = &pool->server[i];
	pool->table->nr = pool->nr;
}

void pool_empty(struct pool *pool)
{
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

	if (picked >= 0)
		atomic64_set(&pool->server[picked].arrivals, 0);
	return picked;
}

/* The same, and the choice becomes a connection that is held. */
int pool_hold(struct pool *pool)
{
	int picked = pool_pick(pool);

	if (picked >= 0) {
		int conns = atomic_read(&pool->dest[picked].activeconns) + 1;

		wlch_dest_set_conns(&pool->dest[picked], conns, conns);
	}
	return picked;
}

/* KUnit of some kernels runs a module's suites before the module's init: then
 * the table of private counters is not there yet.
 */
static bool before_init(void)
{
	return THIS_MODULE->state == MODULE_STATE_COMING;
}

int pool_suite_init(struct kunit_suite *suite)
{
	return before_init() ? wlch_servers_init() : 0;
}

void pool_suite_exit(struct kunit_suite *suite)
{
	if (before_init())
		wlch_servers_exit();
}
