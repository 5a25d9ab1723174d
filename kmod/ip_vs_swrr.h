/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IPVS scheduler swrr: what it keeps for a service
 */
#ifndef _IP_VS_SWRR_H
#define _IP_VS_SWRR_H

#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "ip_vs_swrr_cycle.h"

/**
 * struct swrr_pool - the servers that a cycle was made of
 * @nr: how many
 * @server: all of the service, in the order of its list; a server without weight
 *	has no phase
 */
struct swrr_pool {
	u32			nr;
	struct swrr_server	server[];
};

/**
 * struct swrr_service - a service that runs this scheduler
 * @svc: the core's service
 * @cycle: what is picked from; NULL if there was no memory for the first
 * @lock: of all that changes @cycle
 * @pool: the servers of @cycle, or NULL; under @lock
 * @later: makes a cycle that could not be made at once
 * @behind: servers have changed since @cycle was made; under @lock
 * @rcu: frees this
 */
struct swrr_service {
	struct ip_vs_service	*svc;
	struct swrr_cycle __rcu	*cycle;
	struct mutex		lock; /* see above */
	struct swrr_pool	*pool;
	struct delayed_work	later;
	bool			behind;
	struct rcu_head		rcu;
};

extern struct ip_vs_scheduler swrr_scheduler;

#endif /* _IP_VS_SWRR_H */
