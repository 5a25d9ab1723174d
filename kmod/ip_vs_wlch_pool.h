/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests inside the kernel share: services and servers that the core
 * never sees, and in-tree wlc's choice among them.
 */
#ifndef _IP_VS_WLCH_POOL_H
#define _IP_VS_WLCH_POOL_H

#include "ip_vs_wlch.h"

#define POOL_MAX_SERVERS	300

/**
 * struct pool - a service with its servers, unknown to the core
 * @svc: the service
 * @ws: what wlch keeps for it
 * @params: its parameters
 * @table: its servers
 * @dest: the core's servers
 * @server: ours, where they did not join the table of all servers
 * @nr: number of servers
 */
struct pool {
	struct ip_vs_service svc;
	struct wlch_service ws;
	struct wlch_params params;
	struct wlch_table *table;
	struct ip_vs_dest dest[POOL_MAX_SERVERS];
	struct wlch_server server[POOL_MAX_SERVERS];
	int nr;
};

struct pool *pool_alloc(void);
void pool_free(struct pool *pool);
void pool_set(struct pool *pool, int i, int active, int total, int weight);
void pool_add(struct pool *pool, int active, int total, int weight);
bool pool_join(struct pool *pool, int i);
bool pool_index(struct pool *pool);
void pool_refresh(struct pool *pool);
void pool_empty(struct pool *pool);
int pool_claim(struct pool *pool);
int pool_pick(struct pool *pool);
int pool_hold(struct pool *pool);
int pool_wlc(struct pool *pool);

#endif /* _IP_VS_WLCH_POOL_H */
