// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: a service for each KUnit test that wants one
 */

#include <kunit/test.h>
#include <linux/module.h>

#include "ip_vs_wlch_kunit.h"

/* It lives until pool_exit(). */
struct pool *pool_make(struct kunit *test)
{
	struct pool *pool = pool_alloc();

	KUNIT_ASSERT_NOT_NULL(test, pool);
	test->priv = pool;
	return pool;
}

void pool_exit(struct kunit *test)
{
	pool_free(test->priv);
	test->priv = NULL;	/* the next parameter has the same test */
}

/* KUnit of some kernels runs a module's suites before the module's init: then
 * what init prepares is not there yet.
 */
static bool before_init(void)
{
	return THIS_MODULE->state == MODULE_STATE_COMING;
}

int pool_suite_init(struct kunit_suite *suite)
{
	if (!before_init())
		return 0;
	wlch_random_init();
	return wlch_servers_init();
}

void pool_suite_exit(struct kunit_suite *suite)
{
	if (before_init())
		wlch_servers_exit();
}

/* The same for suites whose services are the core's, as far as ours can tell. */
int pool_suite_init_nets(struct kunit_suite *suite)
{
	int err = pool_suite_init(suite);

	if (err || !before_init())
		return err;
	err = wlch_nets_init();
	if (err)
		pool_suite_exit(suite);
	return err;
}

void pool_suite_exit_nets(struct kunit_suite *suite)
{
	if (before_init())
		wlch_nets_exit();
	pool_suite_exit(suite);
}
