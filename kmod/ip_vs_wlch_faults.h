/* SPDX-License-Identifier: GPL-2.0 */
/*
 * With CONFIG_IP_VS_WLCH_FAULTS=y, which is for tests, each call of a module that may
 * find no memory, or fail otherwise, can be made to. See ip_vs_wlch_faults.c for how.
 *
 * The kernel's own fault injection cannot be limited to the calls of a module on x86-64,
 * and does not reach memory per CPU.
 */
#ifndef _IP_VS_WLCH_FAULTS_H
#define _IP_VS_WLCH_FAULTS_H

#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/ip_vs.h>
#include <net/net_namespace.h>

bool wlch_fault_here(const char *site);

#define WLCH_FAULT_SITE		KBUILD_BASENAME ":" __stringify(__LINE__)

/* "modinfo -F fault" tells all sites. */
#define WLCH_FAULT(call, failure) ({					\
	static const char _info[] __used __aligned(1)			\
		__section(".modinfo") = "fault=" WLCH_FAULT_SITE;	\
									\
	wlch_fault_here(WLCH_FAULT_SITE) ? (failure) : (call);		\
})

/* What is to be called where nothing fails. Some are macros, some are not, and which
 * depends on the kernel.
 */
static inline void *wlch_real_kmalloc(size_t size, gfp_t flags)
{
	return kmalloc(size, flags);
}

static inline void *wlch_real_kzalloc(size_t size, gfp_t flags)
{
	return kzalloc(size, flags);
}

static inline void *wlch_real_kvzalloc(size_t size, gfp_t flags)
{
	return kvzalloc(size, flags);
}

static inline void *wlch_real_kvcalloc(size_t n, size_t size, gfp_t flags)
{
	return kvcalloc(n, size, flags);
}

static inline int wlch_real_rhashtable_init(struct rhashtable *table,
					    const struct rhashtable_params *params)
{
	return rhashtable_init(table, params);
}

#undef kmalloc
#undef kzalloc
#undef kvzalloc
#undef kvcalloc
#undef netdev_alloc_pcpu_stats
#undef rhashtable_init

#define kmalloc(...)	WLCH_FAULT(wlch_real_kmalloc(__VA_ARGS__), NULL)
#define kzalloc(...)	WLCH_FAULT(wlch_real_kzalloc(__VA_ARGS__), NULL)
#define kvzalloc(...)	WLCH_FAULT(wlch_real_kvzalloc(__VA_ARGS__), NULL)
#define kvcalloc(...)	WLCH_FAULT(wlch_real_kvcalloc(__VA_ARGS__), NULL)
#define netdev_alloc_pcpu_stats(type)					\
	WLCH_FAULT(__netdev_alloc_pcpu_stats(type, GFP_KERNEL), NULL)
#define genlmsg_new(...)	WLCH_FAULT(genlmsg_new(__VA_ARGS__), NULL)
#define rhashtable_init(...)						\
	WLCH_FAULT(wlch_real_rhashtable_init(__VA_ARGS__), -ENOMEM)
#define rhashtable_insert_fast(...)					\
	WLCH_FAULT(rhashtable_insert_fast(__VA_ARGS__), -ENOMEM)
#define register_pernet_subsys(...)					\
	WLCH_FAULT(register_pernet_subsys(__VA_ARGS__), -ENOMEM)
#define register_ip_vs_scheduler(...)					\
	WLCH_FAULT(register_ip_vs_scheduler(__VA_ARGS__), -EINVAL)
#define genl_register_family(...)					\
	WLCH_FAULT(genl_register_family(__VA_ARGS__), -ENOMEM)

#endif /* _IP_VS_WLCH_FAULTS_H */
