// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS:	Smooth Weighted Round-Robin Scheduling
 *
 * The servers of a service take turns. In a cycle of sum(weights) / gcd(weights)
 * turns each server has weight / gcd of them, spread over the cycle, and no
 * server has more of them in a row than the weights demand. A cycle begins at a
 * random turn. When servers change, a new cycle is made; the others are due in it
 * as they were in the old one, and it goes on at the time that has come. How that
 * is done is in ip_vs_swrr_cycle.h, ip_vs_swrr_cycle.c and ip_vs_swrr_follow.c.
 *
 * What is due when depends on the weights alone and not on connections. So there is
 * nothing to compute for a pick: it takes the next turn, without a lock. A server that
 * is overloaded loses its turn, which then is nobody's: the pick takes another
 * one. So all others keep their shares of what is left, and the next in the
 * cycle has no more than they.
 *
 * This differs from wrr, which serves the heaviest servers first and begins from the
 * head of its list with every change of a server.
 */

#define pr_fmt(fmt) "IPVS: swrr: " fmt

#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "ip_vs_swrr.h"

/* A cycle of more turns is not made with each change, as servers often come by the
 * thousand, but a jiffy later for all that have changed by then.
 */
#define SWRR_TURNS_AT_ONCE	4096

/* Turns that a pick looks at, at most: of a cycle of servers that are all overloaded it
 * would look at each, for every packet that wants a connection.
 */
#define SWRR_TRIES		256U

/* Without memory it is tried again so many jiffies later. */
#define SWRR_RETRY		HZ

/* The core sets the flag when connections come and go, on any CPU: whoever reads it a
 * moment earlier takes the server once more, or once less.
 */
static bool swrr_usable(const struct ip_vs_dest *dest)
{
	return !(READ_ONCE(dest->flags) & IP_VS_DEST_F_OVERLOAD) &&
	       atomic_read(&dest->weight) > 0;
}

/* The next turn of a server that can have it, unless so many before it are lost that
 * it is not worth while to look on: in the end all of a cycle.
 */
static struct ip_vs_dest *swrr_take_turn(struct swrr_cycle *cycle)
{
	struct ip_vs_dest *dest;
	u32 left;

	if (!cycle->nr)
		return NULL;
	for (left = min(cycle->nr + cycle->lead, SWRR_TRIES); left; left--) {
		dest = swrr_cycle_next(cycle);
		if (likely(dest && swrr_usable(dest)))
			return dest;
	}
	return NULL;
}

static u64 swrr_usable_weight(const struct ip_vs_service *svc)
{
	struct ip_vs_dest *dest;
	u64 sum = 0;

	list_for_each_entry_rcu(dest, &svc->destinations, n_list) {
		if (swrr_usable(dest))
			sum += max(atomic_read(&dest->weight), 0);
	}
	return sum;
}

/* Where no turn is found a server is drawn, with a probability in proportion to its
 * weight. That also tells whether there is any.
 */
static struct ip_vs_dest *swrr_draw(const struct ip_vs_service *svc)
{
	u64 sum = swrr_usable_weight(svc), lot;
	struct ip_vs_dest *dest, *last = NULL;

	if (!sum)
		return NULL;
	div64_u64_rem(get_random_u64(), sum, &lot);
	list_for_each_entry_rcu(dest, &svc->destinations, n_list) {
		u32 weight = max(atomic_read(&dest->weight), 0);

		if (!swrr_usable(dest))
			continue;
		last = dest;
		if (lot < weight)
			break;
		lot -= weight;
	}
	return last;
}

/**
 * swrr_schedule() - choose a server for a new connection
 * @svc: the service
 * @skb: not used
 * @iph: not used
 *
 * Context: under rcu_read_lock(); softirq, or process for local clients.
 * Return: the server, or NULL if there is none to choose.
 */
static struct ip_vs_dest *swrr_schedule(struct ip_vs_service *svc,
					const struct sk_buff *skb,
					struct ip_vs_iphdr *iph)
{
	const struct swrr_service *ss = svc->sched_data;
	struct swrr_cycle *cycle = rcu_dereference(ss->cycle);
	struct ip_vs_dest *dest = NULL;

	if (likely(cycle))
		dest = swrr_take_turn(cycle);
	if (unlikely(!dest))
		dest = swrr_draw(svc);
	if (!dest) {
		ip_vs_scheduler_err(svc, "no destination available");
		return NULL;
	}

	IP_VS_DBG_BUF(6, "swrr: server %s:%u activeconns %d weight %d\n",
		      IP_VS_DBG_ADDR(READ_ONCE(dest->af), &dest->addr),
		      ntohs(dest->port), atomic_read(&dest->activeconns),
		      atomic_read(&dest->weight));
	return dest;
}

static u32 swrr_count(const struct ip_vs_service *svc)
{
	const struct ip_vs_dest *dest;
	u32 nr = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(dest, &svc->destinations, n_list)
		nr++;
	rcu_read_unlock();
	return nr;
}

/* Returns false if there are more than @nr by now. */
static bool swrr_pool_fill(struct swrr_pool *pool,
			   const struct ip_vs_service *svc, u32 nr)
{
	struct ip_vs_dest *dest;
	bool all = true;

	rcu_read_lock();
	list_for_each_entry_rcu(dest, &svc->destinations, n_list) {
		all = pool->nr < nr;
		if (!all)
			break;
		pool->server[pool->nr].dest = dest;
		pool->server[pool->nr].weight =
			max(atomic_read(&dest->weight), 0);
		pool->nr++;
	}
	rcu_read_unlock();
	return all;
}

/* All servers of a service, without phases, or NULL without memory. The list may
 * change meanwhile, but ss->lock is held: who is removed has to wait for it before
 * he may go, and who is added before he is missed.
 */
static struct swrr_pool *swrr_pool_make(const struct ip_vs_service *svc)
{
	struct swrr_pool *pool;
	u32 nr;

	for (;;) {
		nr = swrr_count(svc);
		pool = kvzalloc(struct_size(pool, server, nr), GFP_KERNEL);
		if (!pool || swrr_pool_fill(pool, svc, nr))
			return pool;
		kvfree(pool);
	}
}

/* A server keeps its phase as long as it is there with a weight; or else others
 * might find themselves in its place. Who comes, or comes back, has another one each
 * time: with always the same a server that comes and goes at regular
 * intervals could be due in all of them, or in none.
 *
 * The core adds servers at the head of its list. So seen from the tail, the servers
 * of the old list come in the same order, but for those that have gone.
 */
static void swrr_set_phases(struct swrr_pool *pool, const struct swrr_pool *old)
{
	u32 i, j = old ? old->nr : 0;

	for (i = pool->nr; i-- > 0;) {
		struct swrr_server *server = &pool->server[i];

		while (j && old->server[j - 1].dest != server->dest)
			j--;
		if (j && old->server[--j].weight)
			server->phase = old->server[j].phase;
		else if (server->weight)
			server->phase = get_random_u32();
	}
}

/* Under ss->lock. Picks may go on for a grace period in what it returns, if it is one. */
static struct swrr_cycle *swrr_publish(struct swrr_service *ss,
				       struct swrr_cycle *cycle)
{
	struct swrr_cycle *old = rcu_dereference_protected(ss->cycle,
							   lockdep_is_held(&ss->lock));

	if (!old || !swrr_cycle_follow(cycle, old, get_random_u64()))
		swrr_cycle_begin(cycle, get_random_u32());
	rcu_assign_pointer(ss->cycle, cycle);
	return old;
}

/* Make a cycle of the servers that there are now. Under ss->lock. False if there is no
 * memory: then all stays as it was. @old is what was published before, or NULL.
 */
static bool swrr_renew(struct swrr_service *ss, struct swrr_cycle **old)
{
	struct swrr_pool *pool = swrr_pool_make(ss->svc);
	struct swrr_cycle *cycle;

	if (!pool)
		return false;
	swrr_set_phases(pool, ss->pool);
	cycle = swrr_cycle_make(pool->server, pool->nr);
	if (!cycle) {
		kvfree(pool);
		return false;
	}
	*old = swrr_publish(ss, cycle);
	kvfree(ss->pool);
	ss->pool = pool;
	ss->behind = false;
	cancel_delayed_work(&ss->later);
	return true;
}

static void swrr_renew_later(struct swrr_service *ss, unsigned long delay)
{
	ss->behind = true;
	queue_delayed_work(system_unbound_wq, &ss->later, delay);
}

/* Returns the cycle that was published before, to be freed, or NULL. */
static struct swrr_cycle *swrr_renew_or_retry(struct swrr_service *ss)
{
	struct swrr_cycle *old = NULL;

	if (!swrr_renew(ss, &old)) {
		pr_warn_ratelimited("out of memory: servers keep the turns that they have, and new ones get none, until there is\n");
		swrr_renew_later(ss, SWRR_RETRY);
	}
	return old;
}

static void swrr_renew_work(struct work_struct *work)
{
	struct swrr_service *ss = container_of(to_delayed_work(work),
					       struct swrr_service, later);
	struct swrr_cycle *old = NULL;

	mutex_lock(&ss->lock);
	if (ss->behind)
		old = swrr_renew_or_retry(ss);
	mutex_unlock(&ss->lock);
	if (!old)
		return;
	/* it may have 1 MiB: the next one waits until this one is gone */
	synchronize_rcu();
	kvfree(old);
}

/* kvfree_rcu() would gather all of five seconds. */
static void swrr_cycle_free_rcu(struct rcu_head *head)
{
	kvfree(container_of(head, struct swrr_cycle, rcu));
}

static void swrr_renew_at_once(struct swrr_service *ss)
{
	struct swrr_cycle *old = swrr_renew_or_retry(ss);

	if (old)
		call_rcu(&old->rcu, swrr_cycle_free_rcu);
}

/* Under ss->lock. */
static void swrr_changed(struct swrr_service *ss, const struct swrr_cycle *cycle)
{
	if (cycle && cycle->nr > SWRR_TURNS_AT_ONCE)
		swrr_renew_later(ss, 1);
	else
		swrr_renew_at_once(ss);
}

static int swrr_add_dest(struct ip_vs_service *svc, struct ip_vs_dest *dest)
{
	struct swrr_service *ss = svc->sched_data;

	mutex_lock(&ss->lock);
	swrr_changed(ss, rcu_dereference_protected(ss->cycle,
						   lockdep_is_held(&ss->lock)));
	mutex_unlock(&ss->lock);
	return 0;
}

/* Has the server still the weight that the cycle was made with? Under ss->lock. */
static bool swrr_same_weight(const struct swrr_service *ss,
			     const struct ip_vs_dest *dest)
{
	u32 i;

	for (i = 0; ss->pool && i < ss->pool->nr; i++) {
		if (ss->pool->server[i].dest == dest)
			return ss->pool->server[i].weight ==
			       max(atomic_read(&dest->weight), 0);
	}
	return false;
}

/* Of what can be edited only the weight matters here. */
static int swrr_upd_dest(struct ip_vs_service *svc, struct ip_vs_dest *dest)
{
	struct swrr_service *ss = svc->sched_data;

	mutex_lock(&ss->lock);
	if (ss->behind || !swrr_same_weight(ss, dest))
		swrr_changed(ss, rcu_dereference_protected(ss->cycle,
							   lockdep_is_held(&ss->lock)));
	mutex_unlock(&ss->lock);
	return 0;
}

/* The core keeps the server until long after those who may have read it in a turn are
 * through, as it does for all schedulers. From here on it is in no turn: not in this
 * cycle, even if there is no memory for another one, and not in the next.
 */
static int swrr_del_dest(struct ip_vs_service *svc, struct ip_vs_dest *dest)
{
	struct swrr_service *ss = svc->sched_data;
	struct swrr_cycle *cycle;

	mutex_lock(&ss->lock);
	cycle = rcu_dereference_protected(ss->cycle, lockdep_is_held(&ss->lock));
	if (cycle)
		swrr_cycle_forget(cycle, dest);
	swrr_changed(ss, cycle);
	mutex_unlock(&ss->lock);
	return 0;
}

/* The service may have servers already, if it had another scheduler. */
static int swrr_init_service(struct ip_vs_service *svc)
{
	struct swrr_service *ss = kzalloc(sizeof(*ss), GFP_KERNEL);

	if (!ss)
		return -ENOMEM;
	ss->svc = svc;
	mutex_init(&ss->lock);
	INIT_DELAYED_WORK(&ss->later, swrr_renew_work);
	svc->sched_data = ss;
	mutex_lock(&ss->lock);
	swrr_renew_at_once(ss);
	mutex_unlock(&ss->lock);
	return 0;
}

/* The service is deleted, or gets another scheduler. schedule() may still run
 * on other CPUs, so what it looks at goes by RCU.
 */
static void swrr_done_service(struct ip_vs_service *svc)
{
	struct swrr_service *ss = svc->sched_data;
	struct swrr_cycle *cycle;

	/* Newer kernels have done this before they call. On older ones a
	 * packet could still find the scheduler after the grace period that
	 * frees @ss has begun.
	 */
	RCU_INIT_POINTER(svc->scheduler, NULL);
	cancel_delayed_work_sync(&ss->later);
	cycle = rcu_dereference_protected(ss->cycle, true);
	if (cycle)
		call_rcu(&cycle->rcu, swrr_cycle_free_rcu);
	kvfree(ss->pool);
	mutex_destroy(&ss->lock);
	kfree_rcu(ss, rcu);
}

struct ip_vs_scheduler swrr_scheduler = {
	.name		= "swrr",
	.refcnt		= ATOMIC_INIT(0),
	.module		= THIS_MODULE,
	.n_list		= LIST_HEAD_INIT(swrr_scheduler.n_list),
	.init_service	= swrr_init_service,
	.done_service	= swrr_done_service,
	.add_dest	= swrr_add_dest,
	.del_dest	= swrr_del_dest,
	.upd_dest	= swrr_upd_dest,
	.schedule	= swrr_schedule,
};

static int __init swrr_init(void)
{
	return register_ip_vs_scheduler(&swrr_scheduler);
}

static void __exit swrr_exit(void)
{
	unregister_ip_vs_scheduler(&swrr_scheduler);
	synchronize_rcu();
	rcu_barrier();
}

module_init(swrr_init);
module_exit(swrr_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("IPVS smooth weighted round-robin scheduler, undisturbed by changes of servers");
