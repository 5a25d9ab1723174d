// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS: calls the scheduler of a virtual service, over and over, and tells how
 * long that took. Built with CONFIG_IP_VS_WLCH_BENCH=m.
 *
 * This is a scheduler, too, "bench", which chooses nothing. A service that runs it
 * once is known here by its fwmark. Given another scheduler then
 *
 *	ipvsadm -A -f 1 -s bench; ipvsadm -a -f 1 ...; ipvsadm -E -f 1 -s wlc
 *
 * it is that one's schedule() that is called, as the core would: the kernel's
 * own code, with the core's servers. The parameters of the module:
 *
 *	fill	"MARK MAX": the servers of the service are said to have 0..MAX
 *		active connections each, at random, but always the same
 *	run	"MARK PICKS CPUS": that many picks on each of that many CPUs at
 *		once; then read "cpus=N picks=N none=N ns=N": the picks on one
 *		CPU, those without a server, and the time of the slowest
 *
 * It is made for a service without traffic, which must not be deleted before this
 * module is removed: nobody would tell.
 */

#define pr_fmt(fmt) "IPVS: bench: " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "ip_vs_wlch_compat.h"

#define BENCH_MAX_PICKS	100000000
#define BENCH_MAX_CONNS	1000000

/* Picks between two looks at the clock, and the time until others may run. */
#define BENCH_BATCH	32
#define BENCH_SLICE	NSEC_PER_MSEC

/**
 * struct bench_service - a service that has run this scheduler
 * @list: in bench_services
 * @svc: the core's service
 * @mark: its fwmark
 */
struct bench_service {
	struct list_head	list;
	struct ip_vs_service	*svc;
	u32			mark;
};

/**
 * struct bench_run - picks on several CPUs
 * @svc: the service
 * @picks: on each CPU
 * @cpus: number of CPUs
 * @missing: CPUs that are not ready yet: all begin together
 * @working: CPUs that are not done
 * @done: completed by the last
 * @ns: the time of the slowest
 * @none: picks that chose no server
 */
struct bench_run {
	struct ip_vs_service	*svc;
	unsigned int		picks;
	unsigned int		cpus;
	atomic_t		missing;
	atomic_t		working;
	struct completion	done;
	atomic64_t		ns;
	atomic_t		none;
};

/* All of what follows is under the lock. */
static DEFINE_MUTEX(bench_lock);
static LIST_HEAD(bench_services);
static struct bench_run bench_last;

static struct ip_vs_service *bench_find(u32 mark)
{
	struct bench_service *bs;

	list_for_each_entry(bs, &bench_services, list) {
		if (bs->mark == mark)
			return bs->svc;
	}
	return NULL;
}

/* What the core does for a packet. Returns the picks that found no server. */
static int bench_batch(struct ip_vs_service *svc, unsigned int picks)
{
	struct ip_vs_iphdr iph = { .protocol = IPPROTO_TCP };
	struct ip_vs_scheduler *sched;
	int none = 0;

	local_bh_disable();
	rcu_read_lock();
	sched = rcu_dereference(svc->scheduler);
	while (sched && picks--)
		none += !sched->schedule(svc, NULL, &iph);
	rcu_read_unlock();
	local_bh_enable();
	return none;
}

static u64 bench_picks(struct bench_run *run)
{
	u64 begin = ktime_get_ns(), slice = begin, now = begin, away = 0;
	unsigned int left, batch;

	for (left = run->picks; left; left -= batch) {
		batch = min_t(unsigned int, left, BENCH_BATCH);
		atomic_add(bench_batch(run->svc, batch), &run->none);
		now = ktime_get_ns();
		if (now - slice > BENCH_SLICE) {
			cond_resched();
			slice = ktime_get_ns();
			away += slice - now;
		}
	}
	return now - begin - away;
}

static int bench_thread(void *data)
{
	struct bench_run *run = data;
	s64 ns, most = 0;

	atomic_dec(&run->missing);
	while (atomic_read(&run->missing))
		cond_resched();
	ns = bench_picks(run);
	while (ns > most && !atomic64_try_cmpxchg(&run->ns, &most, ns))
		;
	if (atomic_dec_and_test(&run->working))
		complete(&run->done);
	return 0;
}

/* A thread for each CPU; none of them runs yet. @task is all NULL. */
static int bench_create(struct bench_run *run, struct task_struct **task)
{
	struct task_struct *thread;
	unsigned int cpu, nr = 0;

	for_each_online_cpu(cpu) {
		if (nr == run->cpus)
			break;
		thread = kthread_create_on_cpu(bench_thread, run, cpu, "bench/%u");
		if (IS_ERR(thread))
			return PTR_ERR(thread);
		task[nr++] = get_task_struct(thread);
	}
	return nr < run->cpus ? -ENODEV : 0;
}

static int bench_go(struct bench_run *run)
{
	struct task_struct **task;
	unsigned int i;
	int err;

	task = kcalloc(run->cpus, sizeof(*task), GFP_KERNEL);
	if (!task)
		return -ENOMEM;
	err = bench_create(run, task);
	if (!err) {
		for (i = 0; i < run->cpus; i++)
			wake_up_process(task[i]);
		wait_for_completion(&run->done);
	}
	/* so that none is still on its way out of this module when it goes */
	for (i = 0; i < run->cpus && task[i]; i++) {
		kthread_stop(task[i]);
		put_task_struct(task[i]);
	}
	kfree(task);
	return err;
}

static int bench_set_run(const char *val, const struct kernel_param *kp)
{
	struct bench_run *run = &bench_last;
	int err = -EINVAL;
	u32 mark;

	mutex_lock(&bench_lock);
	memset(run, 0, sizeof(*run));
	if (sscanf(val, "%u %u %u", &mark, &run->picks, &run->cpus) != 3 ||
	    !run->picks || run->picks > BENCH_MAX_PICKS || !run->cpus ||
	    run->cpus > nr_cpu_ids)
		goto unlock;
	run->svc = bench_find(mark);
	err = -ENOENT;
	if (!run->svc)
		goto unlock;
	atomic_set(&run->missing, run->cpus);
	atomic_set(&run->working, run->cpus);
	init_completion(&run->done);
	err = bench_go(run);
unlock:
	mutex_unlock(&bench_lock);
	return err;
}

static int bench_get_run(char *buf, const struct kernel_param *kp)
{
	const struct bench_run *run = &bench_last;
	int len;

	mutex_lock(&bench_lock);
	len = sysfs_emit(buf, "cpus=%u picks=%u none=%d ns=%lld\n", run->cpus,
			 run->picks, atomic_read(&run->none),
			 (s64)atomic64_read(&run->ns));
	mutex_unlock(&bench_lock);
	return len;
}

static const struct kernel_param_ops bench_run_ops = {
	.set	= bench_set_run,
	.get	= bench_get_run,
};

module_param_cb(run, &bench_run_ops, NULL, 0600);
MODULE_PARM_DESC(run, "MARK PICKS CPUS: pick; then read what it took");

static int bench_set_fill(const char *val, const struct kernel_param *kp)
{
	struct ip_vs_service *svc;
	struct ip_vs_dest *dest;
	struct rnd_state state;
	int err = -EINVAL;
	u32 mark, most;

	mutex_lock(&bench_lock);
	if (sscanf(val, "%u %u", &mark, &most) != 2 || most > BENCH_MAX_CONNS)
		goto unlock;
	err = -ENOENT;
	svc = bench_find(mark);
	if (!svc)
		goto unlock;
	err = 0;
	prandom_seed_state(&state, 1);
	rcu_read_lock();
	list_for_each_entry_rcu(dest, &svc->destinations, n_list) {
		u32 active = prandom_u32_state(&state) % (most + 1);

		wlch_dest_set_conns(dest, active, active);
	}
	rcu_read_unlock();
unlock:
	mutex_unlock(&bench_lock);
	return err;
}

static const struct kernel_param_ops bench_fill_ops = {
	.set	= bench_set_fill,
};

module_param_cb(fill, &bench_fill_ops, NULL, 0200);
MODULE_PARM_DESC(fill, "MARK MAX: let the servers have up to MAX connections");

static int bench_init_service(struct ip_vs_service *svc)
{
	struct bench_service *bs;
	int err = 0;

	if (!svc->fwmark)
		return -EOPNOTSUPP;
	mutex_lock(&bench_lock);
	if (!bench_find(svc->fwmark)) {
		bs = kzalloc(sizeof(*bs), GFP_KERNEL);
		if (bs) {
			bs->svc = svc;
			bs->mark = svc->fwmark;
			list_add(&bs->list, &bench_services);
		} else {
			err = -ENOMEM;
		}
	}
	mutex_unlock(&bench_lock);
	return err;
}

static struct ip_vs_dest *bench_schedule(struct ip_vs_service *svc,
					 const struct sk_buff *skb,
					 struct ip_vs_iphdr *iph)
{
	return NULL;
}

static struct ip_vs_scheduler bench_scheduler = {
	.name		= "bench",
	.refcnt		= ATOMIC_INIT(0),
	.module		= THIS_MODULE,
	.n_list		= LIST_HEAD_INIT(bench_scheduler.n_list),
	.init_service	= bench_init_service,
	.schedule	= bench_schedule,
};

static int __init bench_init(void)
{
	return register_ip_vs_scheduler(&bench_scheduler);
}

static void __exit bench_exit(void)
{
	struct bench_service *bs, *next;

	unregister_ip_vs_scheduler(&bench_scheduler);
	synchronize_rcu();
	list_for_each_entry_safe(bs, next, &bench_services, list)
		kfree(bs);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("measures IPVS schedulers");
