/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The servers of a service in a tree, by how good they are. See
 * ip_vs_wlch_index.c.
 */
#ifndef _IP_VS_WLCH_INDEX_H
#define _IP_VS_WLCH_INDEX_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_judge.h"
#include "ip_vs_wlch_key.h"

/* Children of a node, and levels: enough for 2^32 servers. */
#define WLCH_INDEX_FANOUT	16
#define WLCH_INDEX_LEVELS	8

/* Of fewer servers all are compared. */
#define WLCH_INDEX_LEAST	3

/**
 * struct wlch_node - what is known of up to WLCH_INDEX_FANOUT of a level below,
 *	besides their least key
 * @ties: number of leaves that have that key
 * @changes: counts the changes in them
 */
struct wlch_node {
	u32		ties;
	atomic_t	changes;
};

/**
 * struct wlch_level - the leaves, or the nodes above them or above other nodes
 * @width: number of them
 * @key: the least key in each, those of a node's children next to each other
 * @node: the rest of the nodes; NULL for the leaves
 */
struct wlch_level {
	u32			width;
	atomic64_t		*key;
	struct wlch_node	*node;
};

/**
 * struct wlch_index - the servers of a service, by how good they are
 * @rcu: frees it
 * @ws: the service
 * @claim: what a claim counts as
 * @stale: jiffies in which all keys are found out anew
 * @top: the uppermost level: that has WLCH_INDEX_FANOUT nodes or leaves at most
 * @level: the levels, from the leaves up
 * @server: the servers, by leaf
 * @refreshed: jiffies when some keys were found out anew
 * @next: the first leaf for which that is to be done next
 *
 * The last two are written by picks, and in a cache line of their own.
 */
struct wlch_index {
	struct rcu_head			rcu;
	const struct wlch_service	*ws;
	enum wlch_factor		claim;
	u32				stale;
	u32				top;
	struct wlch_level		level[WLCH_INDEX_LEVELS];
	struct wlch_server		**server;

	unsigned long			refreshed ____cacheline_aligned_in_smp;
	u32				next;
};

/**
 * struct wlch_best - the best server
 * @verdict: how loaded it is
 * @server: the server
 * @slot: its leaf
 * @key: the leaf's key, with which it was the best, before its load was read
 */
struct wlch_best {
	struct wlch_verdict	verdict;
	struct wlch_server	*server;
	u32			slot;
	u64			key;
};

/* Can keys tell this weight from others? */
static inline bool wlch_index_weight_suits(int weight)
{
	return weight <= (int)WLCH_KEY_WEIGHT_MAX;
}

struct wlch_index *wlch_index_make(const struct wlch_service *ws,
				   const struct wlch_table *table);
void wlch_index_enter(struct wlch_index *index);
void wlch_index_leave(struct wlch_index *index);
void wlch_index_refresh(struct wlch_index *index);
void wlch_index_update(struct wlch_server *server);
bool wlch_index_best(struct wlch_index *index, const struct wlch_params *params,
		     struct wlch_best *best);
void wlch_index_census(const struct wlch_index *index, const struct wlch_best *best,
		       u32 *candidates, u32 *ties);
void wlch_index_claimed(struct wlch_index *index, const struct wlch_params *params,
			const struct wlch_best *best);

#endif /* _IP_VS_WLCH_INDEX_H */
