// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: the services that run it, with their parameters and
 * tables of servers
 *
 * The core calls with its mutex held, so that services and their lists of
 * servers do not change meanwhile. schedule() reads at the same time, under
 * RCU: what it follows is replaced and never changed.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/slab.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_draw.h"
#include "ip_vs_wlch_index.h"
#include "ip_vs_wlch_trace.h"
#include <linux/ip_vs_wlch.h>

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

/* How long a connection of the server stays when it has ended: what the core's
 * timeouts say now. With direct routing and tunnelling it sees the client's FIN
 * only. What runs over a fwmark is taken for TCP.
 */
static u32 wlch_linger(const struct ip_vs_service *svc,
		       const struct ip_vs_dest *dest)
{
	u16 protocol = svc->fwmark ? IPPROTO_TCP : svc->protocol;
	struct ip_vs_proto_data *pd;
	int state;

	pd = ip_vs_proto_data_get(svc->ipvs, protocol);
	if (!pd || !pd->timeout_table)
		return 0;
	switch (protocol) {
	case IPPROTO_UDP:
		state = IP_VS_UDP_S_NORMAL;
		break;
	case IPPROTO_SCTP:
		state = IP_VS_SCTP_S_CLOSED;
		break;
	default:
		state = IP_VS_DFWD_METHOD(dest) == IP_VS_CONN_F_MASQ ?
			IP_VS_TCP_S_TIME_WAIT : IP_VS_TCP_S_FIN_WAIT;
		break;
	}
	return READ_ONCE(pd->timeout_table[state]);
}

static bool wlch_weigh(const struct wlch_service *ws,
		       struct wlch_server *server, bool newcomer)
{
	/* none but a newcomer may be new because memory was short before */
	u64 service_age = newcomer ? get_jiffies_64() - ws->since : 0;

	return wlch_server_weigh(server, service_age,
				 wlch_linger(ws->svc, server->dest));
}

/* A table of all servers of the service, or NULL if memory is short. @newcomer
 * is the one that was added now.
 */
static struct wlch_table *wlch_table_make(const struct wlch_service *ws,
					  const struct ip_vs_dest *newcomer)
{
	const struct ip_vs_service *svc = ws->svc;
	struct wlch_table *table;
	struct ip_vs_dest *dest;
	bool complete = true;
	u32 nr = 0;

	/* the core's mutex is held: the list does not change */
	list_for_each_entry(dest, &svc->destinations, n_list)
		nr++;
	table = kvzalloc(struct_size(table, server, nr), GFP_KERNEL);
	list_for_each_entry(dest, &svc->destinations, n_list) {
		struct wlch_server *server;

		server = wlch_server_join(dest);
		if (!server) {
			complete = false;
			continue;
		}
		wlch_weigh(ws, server, dest == newcomer);
		if (table)
			table->server[table->nr++] = server;
	}
	if (table && complete)
		return table;
	pr_warn_ratelimited("out of memory: choosing more slowly, and perhaps without half-open counts, until a server is added or removed\n");
	kvfree(table);
	return NULL;
}

/* What grows with the number of servers is freed as soon as nobody can read it any more.
 * kvfree_rcu() would gather it for five seconds, in which servers may come by the
 * thousand, and each makes all of it anew.
 */
static void wlch_table_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct wlch_table, rcu));
}

static void wlch_draw_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct wlch_draw, rcu));
}

static void wlch_index_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct wlch_index, rcu));
}

/* The ways to the best server that do not look at all of them. */
struct wlch_ways {
	struct wlch_draw	*draw;
	struct wlch_index	*index;
};

/* Lots of the service's servers if it has choices, or else an index of them. Under
 * wn->lock.
 *
 * Return: 0, or -ENOMEM: then there is none.
 */
static int wlch_ways_make(struct wlch_ways *ways, const struct wlch_net *wn,
			  const struct wlch_service *ws,
			  const struct wlch_params *params)
{
	const struct wlch_table *table =
		rcu_dereference_protected(ws->table,
					  lockdep_is_held(&wn->lock));
	int err = 0;

	memset(ways, 0, sizeof(*ways));
	if (!table)
		return 0;
	if (params->value[WLCH_CHOICES]) {
		ways->draw = wlch_draw_make(table);
		if (IS_ERR(ways->draw))
			err = PTR_ERR(ways->draw);
	} else {
		ways->index = wlch_index_make(ws, table);
		if (IS_ERR(ways->index))
			err = PTR_ERR(ways->index);
	}
	if (err)
		memset(ways, 0, sizeof(*ways));
	return err;
}

static void wlch_ways_publish(const struct wlch_net *wn,
			      struct wlch_service *ws,
			      const struct wlch_ways *ways)
{
	struct wlch_index *index;
	struct wlch_draw *draw;

	draw = rcu_replace_pointer(ws->draw, ways->draw,
				   lockdep_is_held(&wn->lock));
	if (ways->index)
		wlch_index_enter(ways->index);
	index = rcu_replace_pointer(ws->index, ways->index,
				    lockdep_is_held(&wn->lock));
	if (index) {
		wlch_index_leave(index);
		call_rcu(&index->rcu, wlch_index_free_rcu);
	}
	if (draw)
		call_rcu(&draw->rcu, wlch_draw_free_rcu);
}

/* The servers of a service, or their weights, have changed. Under wn->lock. */
static void wlch_ways_renew(const struct wlch_net *wn, struct wlch_service *ws)
{
	struct wlch_ways ways;

	if (wlch_ways_make(&ways, wn, ws, wlch_params_held(wn, ws)))
		pr_warn_ratelimited("out of memory: comparing all servers, until a server changes\n");
	wlch_ways_publish(wn, ws, &ways);
}

/* Services or servers have come or gone. 0 is no generation: to a dump it would
 * mean "cannot tell". Under wn->lock.
 */
static void wlch_next_generation(struct wlch_net *wn)
{
	wn->generation++;
	if (!wn->generation)
		wn->generation = 1;
}

/* The servers of a service have changed. @newcomer has come, or is NULL. */
static void wlch_table_renew(struct wlch_service *ws,
			     const struct ip_vs_dest *newcomer)
{
	struct wlch_net *wn = wlch_net(ws->svc->ipvs->net);
	struct wlch_table *old, *table;

	mutex_lock(&wn->lock);
	table = wlch_table_make(ws, newcomer);
	old = rcu_replace_pointer(ws->table, table,
				  lockdep_is_held(&wn->lock));
	wlch_ways_renew(wn, ws);
	wlch_next_generation(wn);
	mutex_unlock(&wn->lock);
	if (old)
		call_rcu(&old->rcu, wlch_table_free_rcu);
}

/**
 * wlch_service_set_params() - publish new parameters, or change nothing
 * @wn: the namespace of the service
 * @ws: the service
 * @params: the parameters, which are the service's from now on
 *
 * Context: process, under @wn's lock.
 * Return: 0, or -ENOMEM: then @params are still the caller's.
 */
int wlch_service_set_params(struct wlch_net *wn, struct wlch_service *ws,
			    struct wlch_params *params)
{
	const struct wlch_params *before = wlch_params_held(wn, ws);
	struct wlch_index *index;
	struct wlch_ways ways;

	if (!before->value[WLCH_CHOICES] != !params->value[WLCH_CHOICES]) {
		int err = wlch_ways_make(&ways, wn, ws, params);

		if (err)
			return err;
		wlch_ways_publish(wn, ws, &ways);
	}
	rcu_assign_pointer(ws->params, params);
	index = rcu_dereference_protected(ws->index,
					  lockdep_is_held(&wn->lock));
	if (index)
		wlch_index_refresh(index);
	kfree_rcu((struct wlch_params *)before, rcu);
	return 0;
}

/**
 * wlch_service_zero() - let the counters of a service and its servers begin
 *	with 0 again
 * @wn: the namespace of the service
 * @ws: the service
 *
 * They go on counting where they are: this sets what is subtracted.
 *
 * Context: process, under @wn's lock.
 */
void wlch_service_zero(struct wlch_net *wn, struct wlch_service *ws)
{
	struct ip_vs_dest *dest;
	struct wlch_totals totals;

	lockdep_assert_held(&wn->lock);
	wlch_read_stats(ws, &totals);
	ws->zero.picks += totals.picks;
	ws->zero.no_server += totals.no_server;
	ws->zero.retries += totals.retries;
	rcu_read_lock();
	list_for_each_entry_rcu(dest, &ws->svc->destinations, n_list) {
		struct wlch_server *server = wlch_server_find(dest);

		if (server)
			server->zero = atomic64_read(&server->picks);
	}
	rcu_read_unlock();
}

static void wlch_service_free(struct wlch_service *ws)
{
	kvfree(rcu_dereference_raw(ws->table));
	kvfree(rcu_dereference_raw(ws->draw));
	kvfree(rcu_dereference_raw(ws->index));
	kfree(rcu_dereference_raw(ws->params));
	free_percpu(ws->stats);
	kfree(ws);
}

static void wlch_service_free_rcu(struct rcu_head *head)
{
	wlch_service_free(container_of(head, struct wlch_service, rcu));
}

/* A service that has servers before it runs wlch is old: so old that nothing is
 * limited by its age.
 */
#define WLCH_OLD_SERVICE	((u64)2 * IPVS_WLCH_SLOWSTART_MAX * HZ)

static struct wlch_service *wlch_service_alloc(struct ip_vs_service *svc)
{
	struct wlch_params *params;
	struct wlch_service *ws;

	ws = kzalloc(sizeof(*ws), GFP_KERNEL);
	if (!ws)
		return NULL;
	ws->svc = svc;
	ws->since = get_jiffies_64();
	if (!list_empty(&svc->destinations))
		ws->since -= WLCH_OLD_SERVICE;
	params = kmalloc(sizeof(*params), GFP_KERNEL);
	RCU_INIT_POINTER(ws->params, params);
	ws->stats = netdev_alloc_pcpu_stats(struct wlch_stats);
	if (!params || !ws->stats) {
		wlch_service_free(ws);
		return NULL;
	}
	return ws;
}

/* Under wn->lock; the service is not published yet. */
static void wlch_service_defaults(const struct wlch_net *wn,
				  struct wlch_service *ws)
{
	struct wlch_params *params = rcu_dereference_raw(ws->params);

	wlch_default_params(wn, params);
	if (wlch_params_usable(ws->svc, params))
		return;
	pr_warn_ratelimited("the default inactive=0 would make every load of a UDP service 0: it starts with inactive=1\n");
	params->value[WLCH_INACTIVE] = 1;
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
	if (!err) {
		wlch_service_defaults(wn, ws);
		list_add_tail(&ws->list, &wn->services);
		wlch_next_generation(wn);
		wlch_notify_service(wn, ws, IPVS_WLCH_CMD_SERVICE_ADD_NTF);
		wlch_trace_service(ws, wlch_params_held(wn, ws),
				   WLCH_CONFIG_START, 0);
	}
	mutex_unlock(&wn->lock);
	if (err) {
		wlch_service_free(ws);
		return err;
	}
	wlch_table_renew(ws, NULL);
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
	const struct wlch_ways none = {};
	struct ip_vs_dest *dest;

	/* Newer kernels have done this before they call. On older ones a
	 * reader could still find the scheduler after the grace period that
	 * frees @ws has begun.
	 */
	RCU_INIT_POINTER(svc->scheduler, NULL);
	mutex_lock(&wn->lock);
	wlch_notify_service(wn, ws, IPVS_WLCH_CMD_SERVICE_DEL_NTF);
	wlch_trace_service(ws, wlch_params_held(wn, ws), WLCH_CONFIG_STOP, 0);
	list_del(&ws->list);
	wlch_ways_publish(wn, ws, &none);
	wlch_next_generation(wn);
	mutex_unlock(&wn->lock);
	list_for_each_entry(dest, &svc->destinations, n_list)
		wlch_server_leave(dest);
	call_rcu(&ws->rcu, wlch_service_free_rcu);
}

static int wlch_add_dest(struct ip_vs_service *svc, struct ip_vs_dest *dest)
{
	wlch_table_renew(svc->sched_data, dest);
	return 0;
}

static int wlch_del_dest(struct ip_vs_service *svc, struct ip_vs_dest *dest)
{
	/* first nobody finds it any more, then it leaves */
	wlch_table_renew(svc->sched_data, NULL);
	wlch_server_leave(dest);
	return 0;
}

static int wlch_upd_dest(struct ip_vs_service *svc, struct ip_vs_dest *dest)
{
	struct wlch_net *wn = wlch_net(svc->ipvs->net);
	struct wlch_service *ws = svc->sched_data;
	struct wlch_server *server;
	bool changed = false;

	rcu_read_lock();
	server = wlch_server_find(dest);
	/* only we could end its being in service */
	if (server && READ_ONCE(server->in_service)) {
		changed = wlch_weigh(ws, server, true);
		wlch_index_update(server);
	}
	rcu_read_unlock();
	if (!changed)
		return 0;
	mutex_lock(&wn->lock);
	/* an index has been told above; lots cannot be changed */
	if (!rcu_access_pointer(ws->index) ||
	    !wlch_index_weight_suits(atomic_read(&dest->weight)))
		wlch_ways_renew(wn, ws);
	mutex_unlock(&wn->lock);
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
