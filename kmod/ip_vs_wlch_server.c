// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: private counters of the real servers
 *
 * struct ip_vs_dest has no room for a scheduler's data, so the counters live
 * in a table of their own, one for all namespaces, found by the address of
 * the ip_vs_dest. See struct wlch_server for how long an entry lives.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/module.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "ip_vs_wlch_judge.h"

static const struct rhashtable_params wlch_servers_params = {
	.key_len		= sizeof(struct ip_vs_dest *),
	.key_offset		= offsetof(struct wlch_server, dest),
	.head_offset		= offsetof(struct wlch_server, node),
	.automatic_shrinking	= true,
};

static struct rhashtable wlch_servers;

/* Writers of the table and of in_service. Taken with BH disabled: the last
 * followed connection of a removed server may end in softirq.
 */
static DEFINE_SPINLOCK(wlch_servers_lock);

/**
 * wlch_servers_init() - make the table of servers
 *
 * Context: process.
 * Return: 0 or a negative error.
 */
int wlch_servers_init(void)
{
	return rhashtable_init(&wlch_servers, &wlch_servers_params);
}

/**
 * wlch_servers_exit() - free the table of servers, which must be empty
 *
 * Context: process.
 */
void wlch_servers_exit(void)
{
	WARN_ON_ONCE(atomic_read(&wlch_servers.nelems));
	rhashtable_destroy(&wlch_servers);
}

/**
 * wlch_server_find() - find the private counters of a server
 * @dest: the server
 *
 * Context: under rcu_read_lock() or the table's lock.
 * Return: the entry without a reference, or NULL if there is none.
 */
struct wlch_server *wlch_server_find(const struct ip_vs_dest *dest)
{
	return rhashtable_lookup(&wlch_servers, &dest, wlch_servers_params);
}

/**
 * wlch_server_hold() - take a reference for a connection that schedule() has chosen for
 * @dest: the server of the connection
 *
 * Its service may have lost the server since: the connection is one of it all the same,
 * and is there when the server comes back.
 *
 * Only for these: when its service has another scheduler, no more of them come, and one day
 * the last reference is given back.
 *
 * Context: under rcu_read_lock(); softirq, or process for local clients.
 * Return: the entry, or NULL if it is gone, as no other connection was followed.
 */
struct wlch_server *wlch_server_hold(const struct ip_vs_dest *dest)
{
	struct wlch_server *server = wlch_server_find(dest);

	return server && refcount_inc_not_zero(&server->refcnt) ? server : NULL;
}

/**
 * wlch_server_get() - take a reference for a connection that is to be followed
 * @dest: the server of the connection
 *
 * Context: under rcu_read_lock(); softirq, or process for local clients.
 * Return: the entry, or NULL if no service that runs wlch has the server.
 */
struct wlch_server *wlch_server_get(const struct ip_vs_dest *dest)
{
	struct wlch_server *server = wlch_server_find(dest);

	/* A server that is leaving while we look may get one more followed
	 * connection: harmless, the reference keeps its counters.
	 */
	if (!server || !READ_ONCE(server->in_service) ||
	    !refcount_inc_not_zero(&server->refcnt))
		return NULL;
	return server;
}

/**
 * wlch_server_put() - give a reference back; the last one frees the entry
 * @server: the entry
 *
 * Each entry holds the module. Who calls this from code that is not protected
 * by another reference does so under RCU, which the module's exit waits for.
 *
 * Context: any but hard interrupt.
 */
void wlch_server_put(struct wlch_server *server)
{
	bool last;

	if (refcount_dec_not_one(&server->refcnt))
		return;
	/* reaching 0 and leaving the table are one step for who has the lock */
	spin_lock_bh(&wlch_servers_lock);
	last = refcount_dec_and_test(&server->refcnt);
	if (last)
		rhashtable_remove_fast(&wlch_servers, &server->node,
				       wlch_servers_params);
	spin_unlock_bh(&wlch_servers_lock);
	if (last) {
		kfree_rcu(server, rcu);
		module_put(THIS_MODULE);
	}
}

/* Others may read the old start until now, and will read the new one from now on.
 * Until then @quiesced tells them not to.
 */
static void wlch_server_begin(struct wlch_server *server, u64 service_age,
			      u32 linger)
{
	struct wlch_start *start = &server->start;
	struct wlch_counts base;
	int i;

	wlch_server_count(&base, server->dest, server);
	WRITE_ONCE(start->since, get_jiffies_64());
	WRITE_ONCE(start->service_age, service_age);
	WRITE_ONCE(start->linger, linger);
	for (i = 0; i < WLCH_NR_FACTORS; i++)
		WRITE_ONCE(start->base.class[i], base.class[i]);
}

/**
 * wlch_server_weigh() - the weight of a server may have changed
 * @server: the server, which a service has
 * @service_age: how old that service is, in jiffies
 * @linger: how long connections stay when they have ended, in jiffies
 *
 * Its slow start begins when it was added, and when its weight is 0 no more.
 *
 * Context: process, under the core's mutex.
 * Return: true if it is another than before.
 */
bool wlch_server_weigh(struct wlch_server *server, u64 service_age, u32 linger)
{
	int weight = atomic_read(&server->dest->weight);
	bool changed = weight != server->weight;

	if (server->quiesced && weight)
		wlch_server_begin(server, service_age, linger);
	server->weight = weight;
	/* pairs with wlch_server_start(): the start is written */
	smp_store_release(&server->quiesced, !weight);
	return changed;
}

/* Under the table's lock. @fresh goes into the table if @dest has no entry. */
static struct wlch_server *wlch_server_insert(struct ip_vs_dest *dest,
					      struct wlch_server *fresh)
{
	struct wlch_server *server = wlch_server_find(dest);

	if (server) {
		/* in the table under its lock, so the count is not 0 */
		if (!server->in_service)
			refcount_inc(&server->refcnt);
	} else if (fresh && !rhashtable_insert_fast(&wlch_servers, &fresh->node,
						    wlch_servers_params)) {
		__module_get(THIS_MODULE);
		server = fresh;
	}
	if (server) {
		/* it is about to be weighed */
		WRITE_ONCE(server->quiesced, true);
		WRITE_ONCE(server->in_service, true);
	}
	return server;
}

/**
 * wlch_server_join() - a service that runs wlch has this server
 * @dest: the server
 *
 * To call it again for the same server changes nothing. The caller is to call
 * wlch_server_weigh() then.
 *
 * Context: process; the caller's service holds the module.
 * Return: the entry, or NULL without memory.
 */
struct wlch_server *wlch_server_join(struct ip_vs_dest *dest)
{
	struct wlch_server *server, *fresh;

	rcu_read_lock();
	server = wlch_server_find(dest);
	/* our caller is the only one who could end its being in service */
	if (server && READ_ONCE(server->in_service)) {
		rcu_read_unlock();
		return server;
	}
	rcu_read_unlock();

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (fresh) {
		fresh->dest = dest;
		refcount_set(&fresh->refcnt, 1);
	}
	rcu_read_lock();
	spin_lock_bh(&wlch_servers_lock);
	server = wlch_server_insert(dest, fresh);
	spin_unlock_bh(&wlch_servers_lock);
	rcu_read_unlock();
	if (server != fresh)
		kfree(fresh);
	return server;
}

/**
 * wlch_server_leave() - no service that runs wlch has this server any more
 * @dest: the server
 *
 * Context: process.
 */
void wlch_server_leave(const struct ip_vs_dest *dest)
{
	struct wlch_server *server;

	rcu_read_lock();
	spin_lock_bh(&wlch_servers_lock);
	server = wlch_server_find(dest);
	if (server && !server->in_service)
		server = NULL;
	if (server)
		WRITE_ONCE(server->in_service, false);
	spin_unlock_bh(&wlch_servers_lock);
	if (server)
		wlch_server_put(server);
	rcu_read_unlock();
}
