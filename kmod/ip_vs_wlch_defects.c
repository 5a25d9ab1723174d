// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS: does what a kernel that looks for defects must report, to test that it does, and
 * that who reads its log sees it. Built with CONFIG_IP_VS_WLCH_INTRUDER=m. Each kind is
 * done when its name is written to the parameter "defect". Such a kernel survives all
 * but deserves no trust after it.
 */

#define pr_fmt(fmt) "IPVS: defects: " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#define DEFECT_OBJECTS		10
#define DEFECT_RACE_MS		5000

static DEFINE_SPINLOCK(defect_first);
static DEFINE_SPINLOCK(defect_second);
static u64 __rcu *defect_published;
static u64 defect_counter;

static int defect_sleeps(void)
{
	spin_lock(&defect_first);
	might_sleep();
	spin_unlock(&defect_first);
	return 0;
}

static int defect_reads_without_rcu(void)
{
	return rcu_dereference(defect_published) ? 1 : 0;
}

static int defect_locks_in_both_orders(void)
{
	spin_lock(&defect_first);
	spin_lock(&defect_second);
	spin_unlock(&defect_second);
	spin_unlock(&defect_first);
	spin_lock(&defect_second);
	spin_lock(&defect_first);
	spin_unlock(&defect_first);
	spin_unlock(&defect_second);
	return 0;
}

struct defect_timed {
	struct timer_list timer;
};

static void defect_timer(struct timer_list *timer) { }

static int defect_frees_running_timer(void)
{
	struct defect_timed *timed = kmalloc(sizeof(*timed), GFP_KERNEL);

	if (!timed)
		return -ENOMEM;
	timer_setup(&timed->timer, defect_timer, 0);
	mod_timer(&timed->timer, jiffies + 1000 * HZ);
	/* the kernel stops it, having said so */
	kfree(timed);
	return 0;
}

static int defect_shifts_too_far(void)
{
	int bits = 40;

	OPTIMIZER_HIDE_VAR(bits);
	bits = 1 << bits;
	OPTIMIZER_HIDE_VAR(bits);
	return 0;
}

static int defect_reads_what_was_freed(void)
{
	u64 *object = kmalloc(sizeof(*object), GFP_KERNEL), *hidden = object;

	if (!object)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(hidden);
	kfree(object);
	READ_ONCE(*hidden);
	return 0;
}

static int defect_loses_memory(void)
{
	unsigned int i;

	/* of one a copy may be left somewhere */
	for (i = 0; i < DEFECT_OBJECTS; i++) {
		void *object = kmalloc(128, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(object);
	}
	return 0;
}

static int defect_count(void *unused)
{
	while (!kthread_should_stop()) {
		unsigned int i;

		for (i = 0; i < 1000; i++) {
			defect_counter++;
			barrier();
		}
		cond_resched();
	}
	return 0;
}

static int defect_counts_on_two_cpus(void)
{
	struct task_struct *task[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(task); i++)
		task[i] = kthread_run(defect_count, NULL, "defect/%u", i);
	msleep(DEFECT_RACE_MS);
	for (i = 0; i < ARRAY_SIZE(task); i++)
		if (!IS_ERR(task[i]))
			kthread_stop(task[i]);
	return 0;
}

static const struct {
	const char *name;
	int (*doit)(void);
} defect_kinds[] = {
	{ "sleep", defect_sleeps },
	{ "rcu", defect_reads_without_rcu },
	{ "locks", defect_locks_in_both_orders },
	{ "timer", defect_frees_running_timer },
	{ "shift", defect_shifts_too_far },
	{ "freed", defect_reads_what_was_freed },
	{ "lost", defect_loses_memory },
	{ "race", defect_counts_on_two_cpus },
};

static int defect_set(const char *val, const struct kernel_param *kp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(defect_kinds); i++)
		if (sysfs_streq(val, defect_kinds[i].name))
			return defect_kinds[i].doit();
	return -EINVAL;
}

static const struct kernel_param_ops defect_ops = {
	.set = defect_set,
};

module_param_cb(defect, &defect_ops, NULL, 0200);
MODULE_PARM_DESC(defect, "what to do wrong, for tests");

static int __init defects_init(void)
{
	return 0;
}

static void __exit defects_exit(void)
{
}

module_init(defects_init);
module_exit(defects_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("IPVS test: what a kernel that looks for defects has to report");
