// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler swrr: KUnit tests with threads that pick at once
 */

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched/task.h>

#include "ip_vs_swrr_kunit.h"

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
 * @task: they; NULL if there was no memory for one
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
	struct task_struct	*task[THREADS];
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
		task = kthread_create(picker, p, "swrr_picker");
		if (IS_ERR(task)) {
			KUNIT_FAIL(test, "no thread");
			if (atomic_dec_and_test(&p->working))
				complete(&p->done);
			continue;
		}
		p->task[i] = get_task_struct(task);
		wake_up_process(task);
	}
}

/* When they are done: not one is still on its way out of this module afterwards. */
static void pickers_join(struct pickers *p)
{
	int i;

	for (i = 0; i < THREADS; i++) {
		if (!p->task[i])
			continue;
		kthread_stop(p->task[i]);
		put_task_struct(p->task[i]);
	}
}

/* No turn is lost or had twice: together they are exact. */
static void expect_exact(struct kunit *test, u32 servers)
{
	struct pickers *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	struct bed *bed = bed_of(test, servers);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	pickers_start(test, p, bed, servers * (servers + 1) / 2 * 400);
	wait_for_completion(&p->done);
	pickers_join(p);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&p->none));
	for (i = 0; i < servers; i++)
		KUNIT_EXPECT_EQ(test, THREADS * 400 * (i + 1),
				atomic_read(&p->picks[i]));
}

static void concurrent_many(struct kunit *test)
{
	expect_exact(test, 10);
}

/* The cycle is there several times. */
static void concurrent_few(struct kunit *test)
{
	expect_exact(test, 2);
}

/* Servers come and go meanwhile. Each change may cost each CPU a pick that was in the
 * old cycle. Who was removed a grace period ago is not chosen.
 */
static void concurrent_changes(struct kunit *test)
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
	pickers_join(p);
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

static struct kunit_case swrr_concurrent_cases[] = {
	KUNIT_CASE(concurrent_many),
	KUNIT_CASE(concurrent_few),
	KUNIT_CASE(concurrent_changes),
	{}
};

static struct kunit_suite swrr_concurrent_suite = {
	.name		= "swrr-concurrent",
	.init		= bed_init,
	.exit		= bed_exit,
	.test_cases	= swrr_concurrent_cases,
};

kunit_test_suite(swrr_concurrent_suite);
