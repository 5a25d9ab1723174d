// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler swrr: KUnit tests of the scheduler, with a service and servers that
 * the core does not know
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "ip_vs_swrr.h"

#define MANY	10000

/**
 * struct bed - a service with its servers
 * @svc: the service
 * @dest: MANY servers
 * @nr: how many of them it has had
 */
struct bed {
	struct ip_vs_service	svc;
	struct ip_vs_dest	*dest;
	u32			nr;
};

/* As the core adds a server. */
static void bed_add_dest(struct bed *bed, struct ip_vs_dest *dest, int weight)
{
	atomic_set(&dest->weight, weight);
	list_add_rcu(&dest->n_list, &bed->svc.destinations);
	swrr_scheduler.add_dest(&bed->svc, dest);
}

static void bed_add(struct bed *bed, int weight)
{
	bed_add_dest(bed, &bed->dest[bed->nr++], weight);
}

static void bed_del(struct bed *bed, u32 i)
{
	list_del_rcu(&bed->dest[i].n_list);
	swrr_scheduler.del_dest(&bed->svc, &bed->dest[i]);
}

static void bed_weigh(struct bed *bed, u32 i, int weight)
{
	atomic_set(&bed->dest[i].weight, weight);
	swrr_scheduler.upd_dest(&bed->svc, &bed->dest[i]);
}

static struct swrr_service *bed_ss(struct bed *bed)
{
	return bed->svc.sched_data;
}

/* The index of the server, or -1. */
static int bed_pick(struct bed *bed)
{
	struct ip_vs_iphdr iph = { .protocol = IPPROTO_TCP };
	struct ip_vs_dest *dest;

	rcu_read_lock();
	dest = swrr_scheduler.schedule(&bed->svc, NULL, &iph);
	rcu_read_unlock();
	return dest ? dest - bed->dest : -1;
}

static void bed_picks(struct bed *bed, u32 *picks, u32 nr)
{
	while (nr--) {
		int i = bed_pick(bed);

		if (i >= 0)
			picks[i]++;
	}
}

/* Weights 1, 2, 3, ... */
static struct bed *bed_of(struct kunit *test, u32 servers)
{
	struct bed *bed = test->priv;
	u32 i;

	for (i = 1; i <= servers; i++)
		bed_add(bed, i);
	return bed;
}

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

/* Where nearly all turns are lost, or all are, few are looked at: then chance shares what
 * is left.
 */
static void sched_overload_heaviest(struct kunit *test)
{
	struct bed *bed = test->priv;
	struct swrr_cycle *cycle;
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
	cycle = rcu_dereference_protected(bed_ss(bed)->cycle, true);
	atomic_set(&cycle->cursor, 0);
	KUNIT_EXPECT_EQ(test, -1, bed_pick(bed));
	KUNIT_EXPECT_LE(test, atomic_read(&cycle->cursor), 256);
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
	struct swrr_service *ss = bed_ss(bed);
	struct swrr_cycle *cycle = rcu_dereference_protected(ss->cycle, true);
	u32 picks[4] = {}, i;

	list_del_rcu(&bed->dest[2].n_list);
	swrr_cycle_forget(cycle, &bed->dest[2]);
	ss->behind = true;
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

#define THREADS	4

/**
 * struct pickers - threads that pick at once
 * @bed: from this service
 * @picks: of each server
 * @each: picks of a thread
 * @none: picks that chose none
 * @wrong: picks of a server that may not be chosen any more
 * @gone: this one may not, from 0 on, unless it is -1
 * @working: threads that are not done
 * @done: completed by the last
 */
struct pickers {
	struct bed		*bed;
	atomic_t		picks[16];
	u32			each;
	atomic_t		none;
	atomic_t		wrong;
	int			gone;
	atomic_t		working;
	struct completion	done;
};

static int picker(void *data)
{
	struct pickers *p = data;
	u32 n;

	for (n = 0; n < p->each; n++) {
		int gone, i;

		rcu_read_lock();
		gone = READ_ONCE(p->gone);
		i = bed_pick(p->bed);
		if (i < 0)
			atomic_inc(&p->none);
		else if (i == gone)
			atomic_inc(&p->wrong);
		else
			atomic_inc(&p->picks[i]);
		rcu_read_unlock();
		if (n % 16 == 0)
			cond_resched();
	}
	if (atomic_dec_and_test(&p->working))
		complete(&p->done);
	return 0;
}

static void pickers_start(struct kunit *test, struct pickers *p, struct bed *bed,
			  u32 each)
{
	struct task_struct *task;
	int i;

	p->bed = bed;
	p->each = each;
	p->gone = -1;
	atomic_set(&p->working, THREADS);
	init_completion(&p->done);
	for (i = 0; i < THREADS; i++) {
		task = kthread_run(picker, p, "swrr_picker");
		if (IS_ERR(task)) {
			KUNIT_FAIL(test, "no thread");
			if (atomic_dec_and_test(&p->working))
				complete(&p->done);
		}
	}
}

/* No turn is lost or had twice: together they are exact. */
static void sched_concurrent(struct kunit *test)
{
	struct pickers *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	struct bed *bed = bed_of(test, 10);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	pickers_start(test, p, bed, 55 * 400);
	wait_for_completion(&p->done);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&p->none));
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, THREADS * 400 * (i + 1),
				atomic_read(&p->picks[i]));
}

/* Servers come and go meanwhile. Each change may cost each CPU a pick that was in the
 * old cycle. Who was removed a grace period ago is not chosen.
 */
static void sched_concurrent_changes(struct kunit *test)
{
	struct pickers *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	struct bed *bed = bed_of(test, 10);
	u32 i, changes = 0, sum = 0;

	KUNIT_ASSERT_NOT_NULL(test, p);
	pickers_start(test, p, bed, 40000);
	while (!try_wait_for_completion(&p->done)) {
		i = get_random_u32() % 3;
		if (changes % 4) {
			bed_weigh(bed, i, 0);
			cond_resched();
			bed_weigh(bed, i, i + 1);
		} else {
			bed_del(bed, i);
			synchronize_rcu();
			WRITE_ONCE(p->gone, i);
			cond_resched();
			WRITE_ONCE(p->gone, -1);
			synchronize_rcu();
			bed_add_dest(bed, &bed->dest[i], i + 1);
		}
		changes++;
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&p->none));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&p->wrong));
	for (i = 3; i < 10; i++)
		sum += atomic_read(&p->picks[i]);
	for (i = 3; i < 10; i++) {
		int want = sum * (i + 1) / (55 - 6);
		int off = atomic_read(&p->picks[i]) - want;

		KUNIT_EXPECT_LE_MSG(test, abs(off), want / 50 + 3,
				    "server %u, %u changes", i, changes);
	}
	KUNIT_EXPECT_GT(test, changes, 0);
}

static int bed_init(struct kunit *test)
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

static void bed_exit(struct kunit *test)
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

static struct kunit_case swrr_sched_cases[] = {
	KUNIT_CASE(sched_no_server),
	KUNIT_CASE(sched_exact),
	KUNIT_CASE(sched_init_with_servers),
	KUNIT_CASE(sched_random_phase),
	KUNIT_CASE(sched_overload),
	KUNIT_CASE(sched_overload_heaviest),
	KUNIT_CASE(sched_weight_0),
	KUNIT_CASE(sched_undisturbed),
	KUNIT_CASE(sched_no_memory_at_first),
	KUNIT_CASE(sched_no_memory_later),
	KUNIT_CASE(sched_many),
	KUNIT_CASE(sched_make_time),
	KUNIT_CASE(sched_concurrent),
	KUNIT_CASE(sched_concurrent_changes),
	{}
};

static struct kunit_suite swrr_sched_suite = {
	.name		= "swrr-sched",
	.init		= bed_init,
	.exit		= bed_exit,
	.test_cases	= swrr_sched_cases,
};

kunit_test_suite(swrr_sched_suite);
