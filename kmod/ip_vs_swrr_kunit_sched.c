// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler swrr: KUnit tests of the scheduler
 */

#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "ip_vs_swrr_kunit.h"

static void sched_no_server(struct kunit *test)
{
	struct bed *bed = bed_of(test, 0);

	KUNIT_EXPECT_EQ(test, -1, bed_pick(bed));
	bed_add(bed, 0);
	KUNIT_EXPECT_EQ(test, -1, bed_pick(bed));
	bed_weigh(bed, 0, 1);
	KUNIT_EXPECT_EQ(test, 0, bed_pick(bed));
	bed_del(bed, 0);
	KUNIT_EXPECT_EQ(test, -1, bed_pick(bed));
}

static void sched_exact(struct kunit *test)
{
	struct bed *bed = bed_of(test, 10);
	u32 picks[10] = {}, i;

	bed_picks(bed, picks, 55 * 3);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, 3 * (i + 1), picks[i]);
}

/* A service that had another scheduler before has its servers already. */
static void sched_init_with_servers(struct kunit *test)
{
	struct bed *bed = bed_of(test, 4);
	u32 picks[4] = {}, i;

	swrr_scheduler.done_service(&bed->svc);
	KUNIT_ASSERT_EQ(test, 0, swrr_scheduler.init_service(&bed->svc));
	bed_picks(bed, picks, 10);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, i + 1, picks[i]);
}

/* No packet that comes now may find data that is about to go. */
static void sched_hidden_when_done(struct kunit *test)
{
	struct bed *bed = bed_of(test, 4);

	rcu_assign_pointer(bed->svc.scheduler, &swrr_scheduler);
	swrr_scheduler.done_service(&bed->svc);
	bed->svc.sched_data = NULL;
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(bed->svc.scheduler));
}

/* The first pick of each service is another server: of 1,000 each of ten has 100
 * with a standard deviation of 9.5.
 */
static void sched_random_phase(struct kunit *test)
{
	struct bed *bed = test->priv;
	u32 picks[10] = {}, i, n;

	for (i = 0; i < 10; i++)
		bed_add(bed, 1);
	for (n = 0; n < 1000; n++) {
		swrr_scheduler.done_service(&bed->svc);
		KUNIT_ASSERT_EQ(test, 0, swrr_scheduler.init_service(&bed->svc));
		picks[bed_pick(bed)]++;
	}
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_GT(test, picks[i], 40);
		KUNIT_EXPECT_LT(test, picks[i], 160);
	}
}

/* What overloaded servers would have had goes to all others by their weights, and
 * none has anything while all are overloaded.
 */
static void sched_overload(struct kunit *test)
{
	struct bed *bed = bed_of(test, 6);
	u32 picks[6] = {}, i;

	bed->dest[5].flags |= IP_VS_DEST_F_OVERLOAD;
	bed->dest[2].flags |= IP_VS_DEST_F_OVERLOAD;
	bed_picks(bed, picks, 4 * (1 + 2 + 4 + 5));
	for (i = 0; i < 6; i++)
		KUNIT_EXPECT_EQ(test, i == 2 || i == 5 ? 0 : 4 * (i + 1), picks[i]);
	for (i = 0; i < 6; i++)
		bed->dest[i].flags |= IP_VS_DEST_F_OVERLOAD;
	KUNIT_EXPECT_EQ(test, -1, bed_pick(bed));
	for (i = 0; i < 6; i++)
		bed->dest[i].flags &= ~IP_VS_DEST_F_OVERLOAD;
	KUNIT_EXPECT_NE(test, -1, bed_pick(bed));
}

/* How many turns a pick looks at that finds no server. */
static int bed_pick_for_nothing(struct kunit *test, struct bed *bed)
{
	struct swrr_cycle *cycle = rcu_dereference_protected(bed_ss(bed)->cycle, true);

	atomic_set(&cycle->cursor, 0);
	KUNIT_EXPECT_EQ(test, -1, bed_pick(bed));
	return atomic_read(&cycle->cursor);
}

/* Where nearly all turns are lost, or all are, few are looked at: then chance shares what
 * is left.
 */
static void sched_overload_heaviest(struct kunit *test)
{
	struct bed *bed = test->priv;
	u32 picks[3] = {}, i;

	bed_add(bed, 1);
	bed_add(bed, 3);
	bed_add(bed, 4000);
	bed->dest[2].flags |= IP_VS_DEST_F_OVERLOAD;
	bed_picks(bed, picks, 10000);
	KUNIT_EXPECT_EQ(test, 0, picks[2]);
	/* the standard deviation is 43 at most */
	KUNIT_EXPECT_GT(test, picks[0], 2500 - 300);
	KUNIT_EXPECT_LT(test, picks[0], 2500 + 300);
	for (i = 0; i < 2; i++)
		bed->dest[i].flags |= IP_VS_DEST_F_OVERLOAD;
	KUNIT_EXPECT_LE(test, bed_pick_for_nothing(test, bed), 256);
}

/* Of a cycle of few turns each is looked at, though it is there several times. */
static void sched_overload_few(struct kunit *test)
{
	struct bed *bed = test->priv;
	u32 i;

	for (i = 0; i < 2; i++) {
		bed_add(bed, 1);
		bed->dest[i].flags |= IP_VS_DEST_F_OVERLOAD;
	}
	KUNIT_EXPECT_EQ(test, bed_pick_for_nothing(test, bed), 2);
}

/* Without a word from the core, too, which sets the weight before it says so. Then the
 * others go on, from where they are: but for one turn they are exact.
 */
static void sched_weight_0(struct kunit *test)
{
	struct bed *bed = bed_of(test, 4);
	u32 picks[4] = {}, i;

	atomic_set(&bed->dest[3].weight, 0);
	bed_picks(bed, picks, 6);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, i == 3 ? 0 : i + 1, picks[i]);
	bed_weigh(bed, 3, 0);
	bed_picks(bed, picks, 60);
	KUNIT_EXPECT_EQ(test, 0, picks[3]);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_GE(test, picks[i] + 1, 11 * (i + 1));
		KUNIT_EXPECT_LE(test, picks[i], 11 * (i + 1) + 1);
	}
}

/* The others' order is the same, whatever becomes of a server, and wherever in the
 * list it is.
 */
static void sched_undisturbed(struct kunit *test)
{
	struct bed *bed = test->priv;
	int order[8], i, n;

	for (i = 0; i < 8; i++)
		bed_add(bed, 1);
	for (i = 0; i < 8; i++)
		order[i] = bed_pick(bed);
	for (n = 0; n < 200; n++) {
		int gone = order[n % 8];

		if (n % 3)
			bed_weigh(bed, gone, 0);
		else
			bed_del(bed, gone);
		for (i = 1; i < 8; i++)
			KUNIT_ASSERT_EQ(test, order[(n + i) % 8], bed_pick(bed));
		if (n % 3)
			bed_weigh(bed, gone, 1);
		else
			bed_add_dest(bed, &bed->dest[gone], 1);
		/* it has another place now: learn it */
		for (i = 0; i < 8; i++)
			order[(n + 1 + i) % 8] = bed_pick(bed);
	}
}

/* An edit that leaves the weight as it is leaves the cycle, and one that has not been
 * seen yet is seen.
 */
static void sched_same_weight(struct kunit *test)
{
	struct bed *bed = bed_of(test, 3);
	struct swrr_service *ss = bed_ss(bed);
	const void *cycle = rcu_access_pointer(ss->cycle);

	bed_weigh(bed, 1, 2);
	KUNIT_EXPECT_PTR_EQ(test, cycle, (const void *)rcu_access_pointer(ss->cycle));
	atomic_set(&bed->dest[0].weight, 7);
	ss->behind = true;
	bed_weigh(bed, 1, 2);
	KUNIT_EXPECT_FALSE(test, ss->behind);
	KUNIT_EXPECT_EQ(test, 7 + 2 + 3,
			rcu_dereference_protected(ss->cycle, true)->nr);
}

/* As if there had been no memory for any cycle: each is chosen by its weight, and the
 * next try puts that right.
 */
static void sched_no_memory_at_first(struct kunit *test)
{
	struct bed *bed = bed_of(test, 4);
	struct swrr_service *ss = bed_ss(bed);
	struct swrr_cycle *cycle = rcu_dereference_protected(ss->cycle, true);
	u32 picks[4] = {}, i;

	RCU_INIT_POINTER(ss->cycle, NULL);
	synchronize_rcu();
	kvfree(cycle);
	ss->behind = true;
	bed_picks(bed, picks, 10000);
	for (i = 0; i < 4; i++) {
		/* the largest standard deviation is 49 */
		KUNIT_EXPECT_GT(test, picks[i], 1000 * (i + 1) - 300);
		KUNIT_EXPECT_LT(test, picks[i], 1000 * (i + 1) + 300);
	}
	mod_delayed_work(system_unbound_wq, &ss->later, 0);
	flush_delayed_work(&ss->later);
	KUNIT_EXPECT_FALSE(test, ss->behind);
	KUNIT_EXPECT_NOT_NULL(test, rcu_dereference_protected(ss->cycle, true));
}

/* As if there had been no memory when servers were removed: those that are left go
 * on in their order; when none is left the new ones are drawn.
 */
static void sched_no_memory_later(struct kunit *test)
{
	struct bed *bed = bed_of(test, 3);
	struct swrr_cycle *cycle = rcu_dereference_protected(bed_ss(bed)->cycle, true);
	u32 picks[4] = {}, i;

	list_del_rcu(&bed->dest[2].n_list);
	swrr_cycle_forget(cycle, &bed->dest[2]);
	bed_picks(bed, picks, 9);
	KUNIT_EXPECT_EQ(test, 3, picks[0]);
	KUNIT_EXPECT_EQ(test, 6, picks[1]);
	for (i = 0; i < 2; i++) {
		list_del_rcu(&bed->dest[i].n_list);
		swrr_cycle_forget(cycle, &bed->dest[i]);
	}
	KUNIT_EXPECT_EQ(test, -1, bed_pick(bed));
	atomic_set(&bed->dest[3].weight, 1);
	list_add_rcu(&bed->dest[3].n_list, &bed->svc.destinations);
	KUNIT_EXPECT_EQ(test, 3, bed_pick(bed));
}

/* Who is removed is not chosen any more: not in what is left of a large cycle, which
 * stays for a moment, either.
 */
static void sched_removed(struct kunit *test)
{
	struct bed *bed = test->priv;
	u32 picks[2] = {};

	bed_add(bed, 5000);
	bed_add(bed, 3);
	KUNIT_ASSERT_GE(test, bed_pick(bed), 0);
	bed_del(bed, 0);
	bed_picks(bed, picks, 100);
	KUNIT_EXPECT_EQ(test, 0, picks[0]);
	KUNIT_EXPECT_EQ(test, 100, picks[1]);
}

/* 10,000 servers, one after the other: all have their turns soon after. */
static void sched_many(struct kunit *test)
{
	u32 *picks = kunit_kcalloc(test, MANY, sizeof(*picks), GFP_KERNEL);
	struct bed *bed = test->priv;
	u32 i, turns = 0;
	u64 begin;

	KUNIT_ASSERT_NOT_NULL(test, picks);
	begin = ktime_get_ns();
	for (i = 0; i < MANY; i++) {
		bed_add(bed, i % 10 + 1);
		turns += i % 10 + 1;
	}
	flush_delayed_work(&bed_ss(bed)->later);
	kunit_info(test, "%u servers were added in %llu us\n", MANY,
		   div_u64(ktime_get_ns() - begin, 1000));
	KUNIT_ASSERT_FALSE(test, bed_ss(bed)->behind);
	/* what comes before the first round is no round */
	bed_picks(bed, picks,
		  rcu_dereference_protected(bed_ss(bed)->cycle, true)->lead);
	memset(picks, 0, MANY * sizeof(*picks));
	bed_picks(bed, picks, turns);
	for (i = 0; i < MANY; i++)
		KUNIT_ASSERT_EQ(test, i % 10 + 1, picks[i]);
}

/* What weights cost: the best of some runs. Not judged, as machines differ. */
static void sched_make_time(struct kunit *test)
{
	static const char * const name[] = {
		"equal weights", "weights 1..10", "any weights"
	};
	struct swrr_server *server;
	struct swrr_cycle *cycle;
	u32 i, kind, run;

	server = kvcalloc(MANY, sizeof(*server), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, server);
	for (kind = 0; kind < ARRAY_SIZE(name); kind++) {
		u64 least = U64_MAX, begin;
		u32 turns = 0;

		for (i = 0; i < MANY; i++) {
			u32 random = get_random_u32();

			server[i].phase = get_random_u32();
			server[i].weight = !kind ? 1 : kind == 1 ? random % 10 + 1 :
					   (random & INT_MAX) | 1;
		}
		for (run = 0; run < 10; run++) {
			begin = ktime_get_ns();
			cycle = swrr_cycle_make(server, MANY);
			least = min(least, ktime_get_ns() - begin);
			turns = cycle ? cycle->nr : 0;
			kvfree(cycle);
			KUNIT_EXPECT_GE(test, turns, MANY);
			cond_resched();
		}
		kunit_info(test, "%u servers, %s: a cycle of %u turns is made in %llu us\n",
			   MANY, name[kind], turns, div_u64(least, 1000));
	}
	kvfree(server);
}

static struct kunit_case swrr_sched_cases[] = {
	KUNIT_CASE(sched_no_server),
	KUNIT_CASE(sched_exact),
	KUNIT_CASE(sched_init_with_servers),
	KUNIT_CASE(sched_hidden_when_done),
	KUNIT_CASE(sched_random_phase),
	KUNIT_CASE(sched_overload),
	KUNIT_CASE(sched_overload_heaviest),
	KUNIT_CASE(sched_overload_few),
	KUNIT_CASE(sched_weight_0),
	KUNIT_CASE(sched_undisturbed),
	KUNIT_CASE(sched_same_weight),
	KUNIT_CASE(sched_no_memory_at_first),
	KUNIT_CASE(sched_no_memory_later),
	KUNIT_CASE(sched_removed),
	KUNIT_CASE(sched_many),
	KUNIT_CASE(sched_make_time),
	{}
};

static struct kunit_suite swrr_sched_suite = {
	.name		= "swrr-sched",
	.init		= bed_init,
	.exit		= bed_exit,
	.test_cases	= swrr_sched_cases,
};

kunit_test_suite(swrr_sched_suite);
