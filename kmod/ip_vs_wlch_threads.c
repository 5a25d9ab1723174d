// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: picks on all CPUs at once, a test for stock kernels
 *
 * A module that is built with CONFIG_IP_VS_WLCH_THREADS=y has a parameter
 * "threads". Who writes
 *
 *	RULE KEEP SERVERS ROUNDS
 *
 * to it waits for a run, and then reads from it what the run came to. In each
 * round one thread on every CPU picks a server with RULE (wlch, or wlc as the
 * control). Once all have picked, they make their connections. Then the
 * servers, which are equal, must have numbers of connections that differ by
 * one at most. KEEP says whether the connections of the rounds before are
 * still there (held), or each round begins with idle servers (idle).
 *
 * A claim is void after one to two jiffies. A round that took longer from the
 * first pick to the last connection, because a CPU was away (virtual ones are,
 * often), tells nothing of wlch. It is repeated, and counted as such.
 *
 * The core never sees the service. What it would do when a connection is made,
 * count it and call app_conn_bind(), is done here.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/cpu.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_pool.h"

#define THREADS_MAX_ROUNDS	1000000

/* A run with more rounds to repeat than this for each one that counts ends. */
#define THREADS_MAX_REPEATED	10

/* How often a thread looks whether the others have come before it sleeps. The
 * others may be waiting for this CPU, where virtual ones share real ones.
 */
#define THREADS_SPINS		200

/* How often it looks whether the others are about to pick before it does. */
#define THREADS_LINE_UP		300

/**
 * struct threads_result - what a run came to
 * @cpus: number of threads
 * @servers: number of servers
 * @indexed: they are found by an index
 * @rounds: rounds that count
 * @uneven: those of them after which the servers differed by more than one
 * @spread: the largest difference
 * @lost: those after which a claim was left, or a connection not counted
 * @overlapped: those in which a pick began before another one had ended
 * @repeated: rounds that took too long
 * @retries: picks made again because somebody else had claimed the server
 */
struct threads_result {
	unsigned int cpus, servers, rounds, uneven, spread, lost, overlapped;
	unsigned int repeated;
	u64 retries;
	bool indexed;
};

/**
 * struct threads_run - a run
 * @pool: the service
 * @wlch: the rule is wlch, and not wlc
 * @keep: connections of the rounds before are there
 * @rounds: how many are to be made
 * @held: connections of each server before the round
 * @got: connections that the round has added
 * @begin: jiffies before the first pick of the round
 * @overlapped: a pick has begun while another one was made
 * @ready: number of threads that are about to pick
 * @picking: number of threads that are at it
 * @missing: threads that have not come to the point where all wait
 * @passed: how often all have; then they go on
 * @wait: those who sleep there
 * @interrupted: the run is to end early
 * @over: no more rounds
 * @working: threads that have not ended
 * @result: see there
 */
struct threads_run {
	struct pool		*pool;
	bool			wlch;
	bool			keep;
	unsigned int		rounds;
	int			held[POOL_MAX_SERVERS];
	atomic_t		got[POOL_MAX_SERVERS];
	unsigned long		begin;
	bool			overlapped;
	atomic_t		ready;
	atomic_t		picking;
	atomic_t		missing;
	unsigned int		passed;
	wait_queue_head_t	wait;
	bool			interrupted;
	bool			over;
	atomic_t		working;
	struct threads_result	result;
};

/* Have all come since @before was read? Then what they did is seen. */
static bool threads_passed(const struct threads_run *run, unsigned int before)
{
	/* pairs with the release in threads_meet() */
	return smp_load_acquire(&run->passed) != before;
}

/* Wait for all threads. The last one to come does the work that is to be done
 * while nobody else does anything.
 */
static void threads_meet(struct threads_run *run,
			 void (*work)(struct threads_run *run))
{
	unsigned int passed = READ_ONCE(run->passed);
	int i;

	cond_resched();
	if (atomic_dec_and_test(&run->missing)) {
		work(run);
		atomic_set(&run->missing, run->result.cpus);
		/* the work is done: pairs with threads_passed() */
		smp_store_release(&run->passed, passed + 1);
		wake_up_all(&run->wait);
		return;
	}
	for (i = 0; i < THREADS_SPINS; i++) {
		if (threads_passed(run, passed))
			return;
		cpu_relax();
	}
	wait_event_idle(run->wait, threads_passed(run, passed));
}

/* The servers as they are before a round, without claims. */
static void threads_begin_round(struct threads_run *run)
{
	struct pool *pool = run->pool;
	int i;

	for (i = 0; i < pool->nr; i++) {
		wlch_dest_set_conns(&pool->dest[i], 0, run->held[i]);
		atomic64_set(&pool->table->server[i]->arrivals,
			     run->held[i] * WLCH_ONE_PENDING);
		atomic_set(&run->got[i], 0);
	}
	pool_refresh(pool);
	atomic_set(&run->ready, 0);
	run->overlapped = false;
	run->begin = jiffies;
}

/* The core counts a connection before it calls app_conn_bind(). */
static void threads_count_conns(struct threads_run *run)
{
	struct pool *pool = run->pool;
	int i;

	for (i = 0; i < pool->nr; i++)
		wlch_dest_set_conns(&pool->dest[i], 0, run->held[i] +
				    atomic_read(&run->got[i]));
}

static u64 threads_arrivals(const struct threads_run *run, int i)
{
	return atomic64_read(&run->pool->table->server[i]->arrivals);
}

static unsigned int threads_spread(const struct threads_run *run)
{
	int least = INT_MAX, most = 0, i;

	for (i = 0; i < run->pool->nr; i++) {
		int conns = run->held[i] + atomic_read(&run->got[i]);

		least = min(least, conns);
		most = max(most, conns);
	}
	return most - least;
}

/* Has each CPU made a connection, and does each server have its ones as pending
 * ones, and no claim?
 */
static bool threads_all_turned(const struct threads_run *run)
{
	int made = 0, i;

	for (i = 0; i < run->pool->nr; i++) {
		u64 arrivals = threads_arrivals(run, i);
		int got = atomic_read(&run->got[i]);

		if (wlch_claims(arrivals, run->begin) ||
		    wlch_claims(arrivals, run->begin + 1) ||
		    wlch_pending(arrivals) != run->held[i] + got)
			return false;
		made += got;
	}
	return made == run->result.cpus;
}

static void threads_judge_round(struct threads_run *run)
{
	struct threads_result *result = &run->result;
	unsigned int spread = threads_spread(run);
	int i;

	result->rounds++;
	result->uneven += spread > 1;
	result->spread = max(result->spread, spread);
	result->lost += run->wlch && !threads_all_turned(run);
	result->overlapped += run->overlapped;
	for (i = 0; run->keep && i < run->pool->nr; i++)
		run->held[i] += atomic_read(&run->got[i]);
}

static void threads_end_round(struct threads_run *run)
{
	struct threads_result *result = &run->result;

	if (jiffies - run->begin <= 1)
		threads_judge_round(run);
	else
		result->repeated++;
	run->over = result->rounds == run->rounds ||
		    result->repeated > THREADS_MAX_REPEATED * run->rounds ||
		    READ_ONCE(run->interrupted);
	if (!run->over)
		threads_begin_round(run);
}

/* Who slept in threads_meet() wakes up when the others have gone on: give it a
 * chance to pick with them.
 */
static void threads_line_up(struct threads_run *run)
{
	int i;

	atomic_inc(&run->ready);
	for (i = 0; i < THREADS_LINE_UP &&
	     atomic_read(&run->ready) < run->result.cpus; i++)
		cpu_relax();
}

static int threads_pick(struct threads_run *run)
{
	int picked;

	threads_line_up(run);
	if (atomic_inc_return(&run->picking) > 1)
		WRITE_ONCE(run->overlapped, true);
	picked = run->wlch ? pool_claim(run->pool) : pool_wlc(run->pool);
	atomic_dec(&run->picking);
	return picked;
}

/* What app_conn_bind() does; the service keeps the server. */
static void threads_bind(struct threads_run *run, int picked)
{
	struct wlch_server *server;

	rcu_read_lock();
	server = wlch_claim_turn(&run->pool->dest[picked]);
	if (server)
		wlch_server_put(server);
	rcu_read_unlock();
}

static int threads_thread(void *data)
{
	struct threads_run *run = data;
	int picked;

	threads_meet(run, threads_begin_round);
	while (!run->over) {
		picked = threads_pick(run);
		if (picked >= 0)
			atomic_inc(&run->got[picked]);
		threads_meet(run, threads_count_conns);
		if (picked >= 0 && run->wlch)
			threads_bind(run, picked);
		threads_meet(run, threads_end_round);
	}
	if (atomic_dec_and_test(&run->working))
		wake_up_all(&run->wait);
	/* the module stays until kthread_stop() has seen the end */
	set_current_state(TASK_IDLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_IDLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* One on each CPU; none of them runs yet. Returns their number or an error. */
static int threads_create(struct threads_run *run, struct task_struct **task)
{
	int nr = 0, cpu;

	for_each_online_cpu(cpu) {
		task[nr] = kthread_create_on_cpu(threads_thread, run, cpu,
						 "wlch/%u");
		if (IS_ERR(task[nr]))
			return PTR_ERR(task[nr]);
		nr++;
	}
	return nr;
}

/* Under cpus_read_lock(). @task has room for all CPUs, and is all NULL. */
static int threads_make_run(struct threads_run *run, struct task_struct **task)
{
	int nr = threads_create(run, task), err = 0, i;

	if (nr > 0) {
		run->result.cpus = nr;
		atomic_set(&run->missing, nr);
		atomic_set(&run->working, nr);
		for (i = 0; i < nr; i++)
			wake_up_process(task[i]);
		err = wait_event_interruptible(run->wait,
					       !atomic_read(&run->working));
		WRITE_ONCE(run->interrupted, true);
		wait_event_idle(run->wait, !atomic_read(&run->working));
	}
	for (i = 0; !IS_ERR_OR_NULL(task[i]); i++)
		kthread_stop(task[i]);
	return nr < 0 ? nr : err;
}

static int threads_make_pool(struct threads_run *run, int servers)
{
	int i;

	run->pool = pool_alloc();
	if (!run->pool)
		return -ENOMEM;
	for (i = 0; i < servers; i++) {
		pool_add(run->pool, 0, 0, 1);
		if (!pool_join(run->pool, i))
			return -ENOMEM;
	}
	run->result.indexed = pool_index(run->pool);
	run->result.servers = servers;
	return 0;
}

/* Of the last run; under the lock of the module's parameters. */
static struct threads_result threads_last;

static int threads_run_and_tell(struct threads_run *run, int servers)
{
	struct wlch_totals totals;
	struct task_struct **task;
	int err;

	task = kcalloc(nr_cpu_ids + 1, sizeof(*task), GFP_KERNEL);
	if (!task)
		return -ENOMEM;
	init_waitqueue_head(&run->wait);
	err = threads_make_pool(run, servers);
	if (!err) {
		cpus_read_lock();
		err = threads_make_run(run, task);
		cpus_read_unlock();
		wlch_read_stats(&run->pool->ws, &totals);
		run->result.retries = totals.retries;
		threads_last = run->result;
	}
	pool_free(run->pool);
	kfree(task);
	return err;
}

static int threads_set(const char *val, const struct kernel_param *kp)
{
	char rule[8], keep[8];
	unsigned int servers, rounds;
	struct threads_run *run;
	int err;

	if (sscanf(val, "%7s %7s %u %u", rule, keep, &servers, &rounds) != 4 ||
	    (strcmp(rule, "wlch") && strcmp(rule, "wlc")) ||
	    (strcmp(keep, "held") && strcmp(keep, "idle")) ||
	    !servers || servers > POOL_MAX_SERVERS ||
	    !rounds || rounds > THREADS_MAX_ROUNDS) {
		pr_err("parameter threads takes: wlch|wlc held|idle servers rounds\n");
		return -EINVAL;
	}
	if (THIS_MODULE->state != MODULE_STATE_LIVE)
		return -EAGAIN;
	run = kzalloc(sizeof(*run), GFP_KERNEL);
	if (!run)
		return -ENOMEM;
	run->wlch = !strcmp(rule, "wlch");
	run->keep = !strcmp(keep, "held");
	run->rounds = rounds;
	err = threads_run_and_tell(run, servers);
	kfree(run);
	return err;
}

static int threads_get(char *buffer, const struct kernel_param *kp)
{
	const struct threads_result *r = &threads_last;

	return scnprintf(buffer, PAGE_SIZE,
			 "cpus=%u servers=%u indexed=%u rounds=%u uneven=%u spread=%u lost=%u overlapped=%u repeated=%u retries=%llu\n",
			 r->cpus, r->servers, r->indexed, r->rounds, r->uneven, r->spread,
			 r->lost, r->overlapped, r->repeated, r->retries);
}

static const struct kernel_param_ops threads_ops = {
	.set = threads_set,
	.get = threads_get,
};

module_param_cb(threads, &threads_ops, NULL, 0600);
MODULE_PARM_DESC(threads, "test: wlch|wlc held|idle SERVERS ROUNDS");
