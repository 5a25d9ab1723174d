// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: KUnit tests of a service that begins and ends, as the core has it
 */

#include <kunit/test.h>
#include <linux/module.h>

#include "ip_vs_wlch_kunit.h"

#define SERVERS	3	/* so many that there is an index */

/* A service gets the scheduler when it has servers. */
static struct pool *running_pool(struct kunit *test)
{
	struct pool *pool = pool_make(test);
	int i;

	for (i = 0; i < SERVERS; i++)
		pool_add(pool, 0, 0, 1);
	rcu_assign_pointer(pool->svc.scheduler, &wlch_scheduler);
	KUNIT_ASSERT_EQ(test, 0, wlch_scheduler.init_service(&pool->svc));
	return pool;
}

/* No packet that comes now may find data that is about to go: neither by the service, nor by
 * a connection that is still in the handshake.
 */
static void service_hidden_when_done(struct kunit *test)
{
	struct pool *pool = running_pool(test);
	struct wlch_server *server;

	rcu_read_lock();
	server = wlch_server_get(&pool->dest[1]);
	rcu_read_unlock();
	KUNIT_EXPECT_NOT_NULL(test, server);
	if (server)
		KUNIT_EXPECT_NOT_NULL(test, rcu_access_pointer(server->index));
	wlch_scheduler.done_service(&pool->svc);
	pool->svc.sched_data = &pool->ws;
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(pool->svc.scheduler));
	if (!server)
		return;
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(server->index));
	rcu_read_lock();
	wlch_server_put(server);
	KUNIT_EXPECT_NULL(test, wlch_server_find(&pool->dest[1]));
	rcu_read_unlock();
}

static struct kunit_case wlch_service_cases[] = {
	KUNIT_CASE(service_hidden_when_done),
	{}
};

static struct kunit_suite wlch_service_suite = {
	.name		= "wlch-service",
	.suite_init	= pool_suite_init_nets,
	.suite_exit	= pool_suite_exit_nets,
	.exit		= pool_exit,
	.test_cases	= wlch_service_cases,
};

kunit_test_suite(wlch_service_suite);
