// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: the best of many servers, without looking at all
 *
 * Each server of a service has a key in a tree: its quotient of load and weight as
 * one word (ip_vs_wlch_key.h). A node knows the least key below it and how many leaves
 * have it. So the best server, and a random one of the equally good, is found on one
 * way down, which begins with all of the uppermost level.
 *
 * Keys are hints. They come from the counters, the core's and ours, which are read
 * anew whenever something is known to have changed them: a pick, a new connection, the
 * end of a handshake, a connection that begins to close, a weight. So it does no
 * harm to do that once too often, and nobody has to count what he changes. What
 * nobody tells us is the end of an entry, mostly by its timer. Then a server is
 * less loaded than its key says. Therefore the first pick of each jiffy finds some
 * keys out anew, in turns, so many that all are within WLCH_INDEX_STALE and less.
 *
 * The chosen server is looked at before it is chosen: if it is not as good as its key
 * says the key is put right, and the choice is made again. So a pick rests on what the
 * server has now, and on keys of the others that are never too good for long.
 *
 * There is no lock. Who has written a key of a leaf reads the counters again, until they
 * say the same. A node is found out from its children and written; who changed a
 * child has said so in the node before, and who finds that in the node after he has
 * written it does it again. So the last one to write has seen all changes.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/mm.h>
#include <linux/slab.h>

#include "ip_vs_wlch_index.h"

/* How long an entry's end may go unnoticed: as many jiffies as it takes for the keys
 * that are found out anew to be this many in each, but no longer than a tenth of a
 * second.
 */
#define WLCH_INDEX_PER_JIFFY	256
#define WLCH_INDEX_STALE	(HZ / 10)

/* How often something is done again because of others on other CPUs. What is not
 * right then will be when its turn has come.
 */
#define WLCH_INDEX_RETRIES	8

static u64 wlch_index_key(const struct wlch_index *index, u32 level, u32 nr)
{
	return atomic64_read(&index->level[level].key[nr]);
}

static u32 wlch_index_ties(const struct wlch_index *index, u32 level, u32 nr)
{
	return level ? READ_ONCE(index->level[level].node[nr].ties) : 1;
}

/* How good is the server now? The key that is stored. */
static u64 wlch_index_judge(const struct wlch_index *index, u32 slot,
			    const struct wlch_params *params,
			    struct wlch_verdict *verdict)
{
	const struct wlch_server *server = index->server[slot];

	if (!wlch_judge(verdict, server->dest, server, params, index->claim))
		return WLCH_KEY_NONE;
	return wlch_key(verdict->load, verdict->weight);
}

/* Find out a leaf's key, and again once it is written: who finds it right as it is,
 * meanwhile, writes nothing, and would not be noticed by who is about to write
 * what was right before. Returns true if it is another than before.
 */
static bool wlch_leaf_renew(const struct wlch_index *index, u32 slot)
{
	const struct wlch_params *params;
	atomic64_t *leaf = &index->level[0].key[slot];
	int retries = WLCH_INDEX_RETRIES;
	struct wlch_verdict verdict;
	bool changed = false;
	s64 old;
	u64 key;

	old = atomic64_read_acquire(leaf);
	while (retries--) {
		/* each time: who sets them finds out all keys only once */
		params = rcu_dereference(index->ws->params);
		key = wlch_index_judge(index, slot, params, &verdict);
		if (key == old)
			break;
		/* fully ordered: written before the counters are read again */
		if (atomic64_try_cmpxchg(leaf, &old, key))
			old = key;
		changed = true;
	}
	return changed;
}

static u32 wlch_index_end(const struct wlch_index *index, u32 level, u32 first)
{
	return min(first + WLCH_INDEX_FANOUT, index->level[level].width);
}

/* The least key of the children of a node, of which @first is the first in their
 * level, and which of them have it: a bit for each.
 */
static __always_inline u64 wlch_children_least(const struct wlch_index *index,
					       u32 level, u32 first, u32 *mask)
{
	u32 end = wlch_index_end(index, level, first), i, with = 0;
	u64 least = WLCH_KEY_NONE;

	for (i = end; i-- > first; ) {
		u64 key = wlch_index_key(index, level, i);

		with = key < least ? 1 : with * 2 + (key == least);
		least = min(least, key);
	}
	*mask = with;
	return least;
}

/* Which of the children have this key? A bit for each. */
static __always_inline u32 wlch_children_with(const struct wlch_index *index,
					      u32 level, u32 first, u64 key)
{
	u32 end = wlch_index_end(index, level, first), i, mask = 0;

	for (i = end; i-- > first; )
		mask = mask * 2 + (wlch_index_key(index, level, i) == key);
	return mask;
}

/* The number of leaves below the children in @mask that have their key. */
static u32 wlch_children_ties(const struct wlch_index *index, u32 level,
			      u32 first, u32 mask)
{
	u32 ties = 0;

	if (!level)
		return hweight32(mask);
	for (; mask; mask &= mask - 1)
		ties += wlch_index_ties(index, level, first + __ffs(mask));
	return ties;
}

/* Of the children in @mask, the one with the @tie-th of these leaves, or else the last;
 * @tie is then counted from its first one.
 */
static __always_inline u32 wlch_children_nth(const struct wlch_index *index,
					     u32 level, u32 first, u32 mask,
					     u32 *tie)
{
	u32 ties = 1;

	for (; mask & (mask - 1); mask &= mask - 1) {
		if (level)
			ties = wlch_index_ties(index, level, first + __ffs(mask));
		if (*tie < ties)
			break;
		*tie -= ties;
	}
	return first + __ffs(mask);
}

/* A child has changed. Returns true if that changes the node. */
static bool wlch_node_renew(const struct wlch_index *index, u32 level, u32 nr)
{
	struct wlch_node *node = &index->level[level].node[nr];
	atomic64_t *node_key = &index->level[level].key[nr];
	int retries = WLCH_INDEX_RETRIES, changes, before;
	u32 first = nr * WLCH_INDEX_FANOUT, ties, mask;
	bool changed = false;
	u64 key;

	changes = atomic_inc_return(&node->changes);
	do {
		key = wlch_children_least(index, level - 1, first, &mask);
		ties = wlch_children_ties(index, level - 1, first, mask);
		if (key != atomic64_read(node_key) ||
		    ties != READ_ONCE(node->ties)) {
			atomic64_set(node_key, key);
			WRITE_ONCE(node->ties, ties);
			changed = true;
		}
		smp_mb();	/* write it, then look for other changes */
		before = changes;
		changes = atomic_read(&node->changes);
	} while (changes != before && retries--);
	return changed;
}

/* One of a level has changed: let those above know. */
static void wlch_index_climb(const struct wlch_index *index, u32 level, u32 nr)
{
	while (level++ < index->top) {
		nr /= WLCH_INDEX_FANOUT;
		if (!wlch_node_renew(index, level, nr))
			return;
	}
}

static void wlch_index_renew(const struct wlch_index *index, u32 slot)
{
	if (wlch_leaf_renew(index, slot))
		wlch_index_climb(index, 0, slot);
}

/* The turn of a leaf has come. With the first below a node come the nodes above it, also
 * where no key has changed: others may have kept changing it until who found it out
 * gave up.
 */
static void wlch_index_turn(const struct wlch_index *index, u32 slot)
{
	u32 level, nr = slot;

	if (slot % WLCH_INDEX_FANOUT) {
		wlch_index_renew(index, slot);
		return;
	}
	wlch_leaf_renew(index, slot);
	for (level = 1; level <= index->top; level++) {
		nr /= WLCH_INDEX_FANOUT;
		wlch_node_renew(index, level, nr);
	}
}

/**
 * wlch_index_refresh() - find out all keys anew
 * @index: the index
 *
 * Context: any but hard interrupt.
 */
void wlch_index_refresh(struct wlch_index *index)
{
	u32 i, level;

	rcu_read_lock();
	WRITE_ONCE(index->refreshed, jiffies);
	for (i = 0; i < index->level[0].width; i++)
		wlch_leaf_renew(index, i);
	for (level = 1; level <= index->top; level++) {
		for (i = 0; i < index->level[level].width; i++)
			wlch_node_renew(index, level, i);
	}
	rcu_read_unlock();
}

/* It is a while since keys were found out anew. */
static noinline void wlch_index_rotate(struct wlch_index *index,
				       unsigned long refreshed, unsigned long now)
{
	u32 nr = index->level[0].width, slot = READ_ONCE(index->next), due;

	if (cmpxchg(&index->refreshed, refreshed, now) != refreshed)
		return;		/* somebody else does */
	due = nr;
	if (now - refreshed < index->stale)
		due = div_u64((u64)nr * (now - refreshed), index->stale) + 1;
	WRITE_ONCE(index->next, (slot + due) % nr);
	while (due--) {
		wlch_index_turn(index, slot);
		slot = slot + 1 < nr ? slot + 1 : 0;
	}
}

/**
 * wlch_index_update() - something has changed for a server
 * @server: the server; nothing is done if it is in no index
 *
 * Context: any but hard interrupt; @server is kept alive by the caller.
 */
void wlch_index_update(struct wlch_server *server)
{
	struct wlch_index *index;
	u32 slot;

	rcu_read_lock();
	index = rcu_dereference(server->index);
	if (index) {
		/* of another index: that one is about to replace ours, and to be
		 * refreshed
		 */
		slot = READ_ONCE(server->slot);
		if (slot < index->level[0].width && index->server[slot] == server)
			wlch_index_renew(index, slot);
	}
	rcu_read_unlock();
}

/* Go down to a random one of the best leaves. Returns false if there is none, or a
 * node is not what its children are: then it is found out anew.
 */
static __always_inline bool wlch_index_descend(const struct wlch_index *index,
					       struct wlch_best *best)
{
	u32 level = index->top, nr, mask, ties, tie = 0;
	u64 key;

	key = wlch_children_least(index, level, 0, &mask);
	if (unlikely(key == WLCH_KEY_NONE))
		return false;
	ties = wlch_children_ties(index, level, 0, mask);
	if (ties > 1)
		tie = (u64)wlch_random() * ties >> 32;
	nr = wlch_children_nth(index, level, 0, mask, &tie);
	while (level--) {
		u32 first = nr * WLCH_INDEX_FANOUT;

		mask = wlch_children_with(index, level, first, key);
		if (unlikely(!mask)) {
			if (wlch_node_renew(index, level + 1, nr))
				wlch_index_climb(index, level + 1, nr);
			return false;
		}
		nr = wlch_children_nth(index, level, first, mask, &tie);
	}
	best->slot = nr;
	best->key = key;
	return true;
}

/**
 * wlch_index_best() - find the best server
 * @index: the index
 * @params: the parameters of the service
 * @best: the result
 *
 * Context: under rcu_read_lock(), BH disabled.
 * Return: false if there is none, or if it is better to compare all.
 */
bool wlch_index_best(struct wlch_index *index, const struct wlch_params *params,
		     struct wlch_best *best)
{
	/* acquire: whoever wrote it has not seen later jiffies than these */
	unsigned long refreshed = smp_load_acquire(&index->refreshed);
	unsigned long now = jiffies;
	int retries;
	u64 key;

	/* not time_after(): an idle service's may be half of all jiffies ago */
	if (unlikely(now != refreshed))
		wlch_index_rotate(index, refreshed, now);
	for (retries = 0; retries < WLCH_INDEX_RETRIES; retries++) {
		if (!wlch_index_descend(index, best))
			continue;
		smp_rmb();	/* the key is older than the counters */
		key = wlch_index_judge(index, best->slot, params, &best->verdict);
		if (key <= best->key) {
			best->server = index->server[best->slot];
			return key != WLCH_KEY_NONE;
		}
		wlch_index_renew(index, best->slot);
	}
	return false;
}

/**
 * wlch_index_census() - among how many was the best server chosen?
 * @index: the index
 * @best: what was found
 * @candidates: servers that can be chosen, that one included
 * @ties: those of them that were as good
 *
 * For who traces choices: looks at all of them, as they are a moment later.
 *
 * Context: under rcu_read_lock().
 */
void wlch_index_census(const struct wlch_index *index, const struct wlch_best *best,
		       u32 *candidates, u32 *ties)
{
	const struct wlch_level *leaves = &index->level[0];
	u32 i;

	*candidates = 1;
	*ties = 1;
	for (i = 0; i < leaves->width; i++) {
		u64 key = atomic64_read(&leaves->key[i]);

		if (i == best->slot || key == WLCH_KEY_NONE)
			continue;
		++*candidates;
		*ties += key == best->key;
	}
}

/**
 * wlch_index_claimed() - the best server has been claimed
 * @index: the index
 * @params: the parameters of the service
 * @best: what was found
 *
 * Its load is what it was and that of a claim, unless it has changed since: then
 * somebody else has replaced the key.
 *
 * Context: under rcu_read_lock(); any but hard interrupt.
 */
void wlch_index_claimed(struct wlch_index *index, const struct wlch_params *params,
			const struct wlch_best *best)
{
	u64 key = wlch_key(best->verdict.load + params->value[index->claim],
			   best->verdict.weight);
	s64 old = best->key;

	if (unlikely(params->value[WLCH_SLOWSTART]) ||
	    !atomic64_try_cmpxchg(&index->level[0].key[best->slot], &old, key))
		wlch_index_renew(index, best->slot);
	else if (key != best->key)
		wlch_index_climb(index, 0, best->slot);
}

static u32 wlch_index_nodes(u32 children)
{
	return DIV_ROUND_UP(children, WLCH_INDEX_FANOUT);
}

/* Where the keys of a node's children, or what follows them, begin. */
static size_t wlch_index_align(size_t size)
{
	return ALIGN(size, SMP_CACHE_BYTES);
}

/* Lay out the levels of an index behind it. Returns the size of all. */
static size_t wlch_index_lay_out(struct wlch_index *index, u32 nr)
{
	size_t size = wlch_index_align(sizeof(*index));
	u32 level, width = nr;

	for (level = 0; ; level++) {
		index->level[level].width = width;
		index->level[level].key = (void *)index + size;
		size = wlch_index_align(size + width * sizeof(atomic64_t));
		index->level[level].node = NULL;
		if (level) {
			index->level[level].node = (void *)index + size;
			size = wlch_index_align(size +
						width * sizeof(struct wlch_node));
		}
		if (width <= WLCH_INDEX_FANOUT)
			break;
		width = wlch_index_nodes(width);
	}
	index->top = level;
	index->server = (void *)index + size;
	return size + nr * sizeof(index->server[0]);
}

/* A weight that is set meanwhile is told of later. */
static bool wlch_index_suits(const struct wlch_table *table)
{
	u32 i;

	for (i = 0; i < table->nr; i++) {
		if (!wlch_index_weight_suits(atomic_read(&table->server[i]->dest->weight)))
			return false;
	}
	return table->nr >= WLCH_INDEX_LEAST;
}

/**
 * wlch_index_make() - make the index of a service
 * @ws: the service
 * @table: its servers
 *
 * All servers are as bad as can be until wlch_index_enter().
 *
 * Context: process, under the lock of the namespace.
 * Return: the index; NULL if there are too few servers for one to
 * be of use, or weights that keys cannot tell apart; or -ENOMEM.
 */
struct wlch_index *wlch_index_make(const struct wlch_service *ws,
				   const struct wlch_table *table)
{
	struct wlch_index *index, sketch;
	u32 i, level;

	if (!wlch_index_suits(table))
		return NULL;
	index = kvzalloc(wlch_index_lay_out(&sketch, table->nr), GFP_KERNEL);
	if (!index)
		return ERR_PTR(-ENOMEM);
	wlch_index_lay_out(index, table->nr);
	index->ws = ws;
	index->claim = wlch_claim_class(ws->svc->protocol);
	index->stale = clamp(table->nr / WLCH_INDEX_PER_JIFFY, 1U,
			     WLCH_INDEX_STALE + 0U);
	memcpy(index->server, table->server,
	       table->nr * sizeof(index->server[0]));
	for (level = 0; level <= index->top; level++) {
		for (i = 0; i < index->level[level].width; i++)
			atomic64_set(&index->level[level].key[i], WLCH_KEY_NONE);
	}
	return index;
}

/**
 * wlch_index_enter() - let the servers know the index, and find out all keys
 * @index: the index, which is about to be published
 *
 * Context: process, under the lock of the namespace.
 */
void wlch_index_enter(struct wlch_index *index)
{
	u32 i;

	for (i = 0; i < index->level[0].width; i++) {
		struct wlch_server *server = index->server[i];

		WRITE_ONCE(server->slot, i);
		rcu_assign_pointer(server->index, index);
	}
	smp_mb();	/* who changes something from now on finds the index, */
	wlch_index_refresh(index);	/* and what was changed before is seen */
}

/**
 * wlch_index_leave() - an index is not in use any more
 * @index: the index
 *
 * Context: process, under the lock of the namespace; its servers are still those of
 * the service.
 */
void wlch_index_leave(struct wlch_index *index)
{
	u32 i;

	for (i = 0; i < index->level[0].width; i++) {
		struct wlch_server *server = index->server[i];

		if (rcu_access_pointer(server->index) == index)
			RCU_INIT_POINTER(server->index, NULL);
	}
}
