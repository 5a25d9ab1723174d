/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the KUnit suites of wlch share.
 */
#ifndef _IP_VS_WLCH_KUNIT_H
#define _IP_VS_WLCH_KUNIT_H

#include "ip_vs_wlch_pool.h"

struct kunit;
struct kunit_suite;

struct pool *pool_make(struct kunit *test);
void pool_exit(struct kunit *test);
int pool_suite_init(struct kunit_suite *suite);
void pool_suite_exit(struct kunit_suite *suite);
int pool_suite_init_nets(struct kunit_suite *suite);
void pool_suite_exit_nets(struct kunit_suite *suite);

#endif /* _IP_VS_WLCH_KUNIT_H */
