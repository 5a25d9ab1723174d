/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the module share: services, servers and their owners.
 */
#ifndef _IP_VS_WLCH_H
#define _IP_VS_WLCH_H

#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/u64_stats_sync.h>

#include <net/ip_vs.h>

#include "ip_vs_wlch_claim.h"
#include "ip_vs_wlch_load.h"
#include "ip_vs_wlch_start.h"

/**
 * struct wlch_server - what the core does not keep about a real server
 * @node: in the table of all servers, by @dest
 * @dest: the core's server, the key; see below when it may be followed
 * @rcu: frees it
 * @in_service: a service that runs wlch has it; written under the lock of
 *	ip_vs_wlch_server.c
 * @weight: its weight when we were last told; under the core's mutex
 * @quiesced: that was 0, and @start is about to be written; likewise
 * @start: its start; written under the core's mutex before @quiesced ends
 * @index: of the service that has it, if that one has an index; under the lock of
 *	the namespace, freed by RCU
 * @slot: its number there
 * @zero: @picks when the counters were zeroed last; under the lock of the
 *	namespace
 * @refcnt: one for the service that has it, one for each followed connection
 * @arrivals: claims and pending connections, see ip_vs_wlch_claim.h
 * @gauge: the other followed connections, by where they are counted
 * @picks: how often it was chosen
 *
 * A server that is removed keeps its connections, and comes back as the same
 * &struct ip_vs_dest when it is added again soon. So this lives as long as
 * the server is in service or a followed connection points at it. Each such
 * connection holds @dest too; the service holds it while @in_service.
 * Therefore @dest may be followed by who found this through a service, or
 * through a connection, under RCU.
 *
 * The first part is read for every pick, the second written for every
 * connection.
 */
struct wlch_server {
	struct rhash_head	node;
	struct ip_vs_dest	*dest;
	struct rcu_head		rcu;
	bool			in_service;
	bool			quiesced;
	int			weight;
	struct wlch_start	start;
	struct wlch_index __rcu	*index;
	u32			slot;
	u64			zero;

	refcount_t		refcnt ____cacheline_aligned_in_smp;
	atomic64_t		arrivals;
	atomic_t		gauge[WLCH_PENDING];
	atomic64_t		picks;
};

/**
 * struct wlch_table - the servers of a service, for walking fast
 * @rcu: frees it
 * @nr: number of servers
 * @server: the servers, in the order of the core's list
 */
struct wlch_table {
	struct rcu_head		rcu;
	u32			nr;
	struct wlch_server	*server[];
};

/**
 * struct wlch_params - the parameters of a service
 * @rcu: frees it
 * @value: by enum wlch_param; the first are the factors
 *
 * Never written after it is published: a pick sees all of a change or nothing.
 */
struct wlch_params {
	struct rcu_head		rcu;
	u32			value[WLCH_NR_PARAMS];
};

/**
 * struct wlch_stats - what the scheduler did for a service, on one CPU
 * @picks: servers chosen
 * @no_server: times there was none to choose
 * @retries: choices made again because another CPU had claimed the server
 * @syncp: makes reading 64 bits whole on 32-bit machines
 */
struct wlch_stats {
	u64_stats_t		picks;
	u64_stats_t		no_server;
	u64_stats_t		retries;
	struct u64_stats_sync	syncp;
};

/**
 * struct wlch_totals - &struct wlch_stats of all CPUs
 * @picks: servers chosen
 * @no_server: times there was none to choose
 * @retries: choices made again
 */
struct wlch_totals {
	u64	picks;
	u64	no_server;
	u64	retries;
};

/**
 * struct wlch_service - a virtual service that runs wlch
 * @list: in the services of its namespace
 * @svc: the core's service; it outlives this
 * @since: jiffies (64 bits) when it began to run wlch, or long ago if it had
 *	servers then
 * @table: its servers; NULL when there was no memory for all of them: then
 *	the core's list is walked
 * @draw: lots of the servers, if the parameters have choices; NULL when there
 *	was no memory for them: then all are compared
 * @index: the servers by how good they are, if they are many and the parameters do
 *	not have choices; NULL when there was no memory for it: then all are compared
 * @params: its parameters
 * @stats: per-CPU counters
 * @zero: what they were when they were zeroed last; under the namespace's lock
 * @rcu: frees it after the last schedule() that may still run
 */
struct wlch_service {
	struct list_head		list;
	struct ip_vs_service		*svc;
	u64				since;
	struct wlch_table __rcu		*table;
	struct wlch_draw __rcu		*draw;
	struct wlch_index __rcu		*index;
	struct wlch_params __rcu	*params;
	struct wlch_stats __percpu	*stats;
	struct wlch_totals		zero;
	struct rcu_head			rcu;
};

/**
 * struct wlch_net - per network namespace
 * @lock: writers of everything below, and netlink's readers. Taken in process
 *	context below the core's __ip_vs_mutex; never take that one below this
 * @services: list of &struct wlch_service
 * @generation: changes with @services and with any service's table; never 0
 * @defaults: what a new service starts with, by enum wlch_param, where it was
 *	set for this namespace
 * @defaults_set: bits of those
 * @tracking: the protocols of this namespace are wrapped
 */
struct wlch_net {
	struct mutex		lock;	/* see @lock above */
	struct list_head	services;
	unsigned int		generation;
	u32			defaults[WLCH_NR_PARAMS];
	u32			defaults_set;
	bool			tracking;
};

struct wlch_draw;
struct wlch_index;

struct wlch_net *wlch_net(const struct net *net);

/**
 * struct wlch_param_desc - what is known of a parameter
 * @name: as the module parameter and ipvsadm have it
 * @min: the least value that is allowed
 * @max: the largest
 */
struct wlch_param_desc {
	const char	*name;
	u32		min;
	u32		max;
};

/* ip_vs_wlch_main.c: limits, what a new service starts with, and the namespaces */
extern const struct wlch_param_desc wlch_param_desc[WLCH_NR_PARAMS];
bool wlch_param_in_range(enum wlch_param param, u32 value);
void wlch_default_params(const struct wlch_net *wn, struct wlch_params *params);
int wlch_nets_init(void);
void wlch_nets_exit(void);

/* ip_vs_wlch_sched.c */
struct ip_vs_dest *wlch_schedule(struct ip_vs_service *svc,
				 const struct sk_buff *skb,
				 struct ip_vs_iphdr *iph);
void wlch_read_stats(const struct wlch_service *ws, struct wlch_totals *totals);

/* ip_vs_wlch_service.c */
extern struct ip_vs_scheduler wlch_scheduler;
bool wlch_params_usable(const struct ip_vs_service *svc,
			const struct wlch_params *params);
int wlch_service_set_params(struct wlch_net *wn, struct wlch_service *ws,
			    struct wlch_params *params);
void wlch_service_zero(struct wlch_net *wn, struct wlch_service *ws);

/* Under the lock of the service's namespace. */
static inline const struct wlch_params *
wlch_params_held(const struct wlch_net *wn, const struct wlch_service *ws)
{
	return rcu_dereference_protected(ws->params,
					 lockdep_is_held(&wn->lock));
}

/* ip_vs_wlch_draw.c */
struct wlch_draw *wlch_draw_make(const struct wlch_table *table);

/* ip_vs_wlch_random.c; wlch_random() is in ip_vs_wlch_load.h */
void wlch_random_init(void);

/* ip_vs_wlch_claim.c */
bool wlch_claim(struct wlch_server *server, u64 seen, bool anyway);
void wlch_claim_end(const struct ip_vs_dest *dest);
struct wlch_server *wlch_claim_turn(const struct ip_vs_dest *dest);

/* ip_vs_wlch_server.c */
int wlch_servers_init(void);
void wlch_servers_exit(void);
struct wlch_server *wlch_server_find(const struct ip_vs_dest *dest);
struct wlch_server *wlch_server_hold(const struct ip_vs_dest *dest);
struct wlch_server *wlch_server_get(const struct ip_vs_dest *dest);
void wlch_server_put(struct wlch_server *server);
struct wlch_server *wlch_server_join(struct ip_vs_dest *dest);
void wlch_server_leave(const struct ip_vs_dest *dest);
bool wlch_server_weigh(struct wlch_server *server, u64 service_age, u32 linger);

/* ip_vs_wlch_wrap.c */
int wlch_track_init(void);
int wlch_track_start(struct netns_ipvs *ipvs, struct wlch_net *wn);
void wlch_track_stop(struct netns_ipvs *ipvs, struct wlch_net *wn);

/* ip_vs_wlch_nl_event.c */
void wlch_notify_service(const struct wlch_net *wn,
			 const struct wlch_service *ws, u8 event);

/* ip_vs_wlch_nl.c */
void wlch_netlink_register(void);
void wlch_netlink_unregister(void);

#ifdef CONFIG_IP_VS_WLCH_FAULTS
#include "ip_vs_wlch_faults.h"
#endif

#endif /* _IP_VS_WLCH_H */
