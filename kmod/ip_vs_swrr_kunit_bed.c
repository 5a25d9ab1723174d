// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler swrr: a service with servers that the core does not know, for the
 * KUnit tests of the scheduler
 */

#include <kunit/test.h>
#include <linux/slab.h>

#include "ip_vs_swrr_kunit.h"

int bed_init(struct kunit *test)
{
	struct bed *bed = kvzalloc(sizeof(*bed), GFP_KERNEL);

	if (!bed)
		return -ENOMEM;
	test->priv = bed;
	bed->dest = kvcalloc(MANY, sizeof(*bed->dest), GFP_KERNEL);
	INIT_LIST_HEAD(&bed->svc.destinations);
	bed->svc.af = AF_INET;
	bed->svc.protocol = IPPROTO_TCP;
	return bed->dest ? swrr_scheduler.init_service(&bed->svc) : -ENOMEM;
}

void bed_exit(struct kunit *test)
{
	struct bed *bed = test->priv;

	if (!bed)
		return;
	if (bed->svc.sched_data)
		swrr_scheduler.done_service(&bed->svc);
	synchronize_rcu();
	kvfree(bed->dest);
	kvfree(bed);
}

/* As the core adds a server. */
void bed_add_dest(struct bed *bed, struct ip_vs_dest *dest, int weight)
{
	atomic_set(&dest->weight, weight);
	list_add_rcu(&dest->n_list, &bed->svc.destinations);
	swrr_scheduler.add_dest(&bed->svc, dest);
}

void bed_add(struct bed *bed, int weight)
{
	bed_add_dest(bed, &bed->dest[bed->nr++], weight);
}

void bed_del(struct bed *bed, u32 i)
{
	list_del_rcu(&bed->dest[i].n_list);
	swrr_scheduler.del_dest(&bed->svc, &bed->dest[i]);
}

void bed_weigh(struct bed *bed, u32 i, int weight)
{
	atomic_set(&bed->dest[i].weight, weight);
	swrr_scheduler.upd_dest(&bed->svc, &bed->dest[i]);
}

struct swrr_service *bed_ss(struct bed *bed)
{
	return bed->svc.sched_data;
}

/* The index of the server, or -1. */
int bed_pick(struct bed *bed)
{
	struct ip_vs_iphdr iph = { .protocol = IPPROTO_TCP };
	struct ip_vs_dest *dest;

	rcu_read_lock();
	dest = swrr_scheduler.schedule(&bed->svc, NULL, &iph);
	rcu_read_unlock();
	return dest ? dest - bed->dest : -1;
}

void bed_picks(struct bed *bed, u32 *picks, u32 nr)
{
	while (nr--) {
		int i = bed_pick(bed);

		if (i >= 0)
			picks[i]++;
	}
}

/* Weights 1, 2, 3, ... */
struct bed *bed_of(struct kunit *test, u32 servers)
{
	struct bed *bed = test->priv;
	u32 i;

	for (i = 1; i <= servers; i++)
		bed_add(bed, i);
	return bed;
}
