// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS: does to the core what another module or an unknown kernel might do, to
 * test that wlch sees it. Built with CONFIG_IP_VS_WLCH_INTRUDER=m. Each parameter
 * is the number of a protocol, and undone when the module goes:
 *
 *	wrap	its operations in the network namespace of who loads the module
 *		are replaced by a copy that does the same
 *	hide	the core does not have it any more, as if built without
 *	blank	it has no operation app_conn_bind any more
 *
 * Hidden and blank is a protocol in all namespaces. It must have no connections.
 */

#define pr_fmt(fmt) "IPVS: intruder: " fmt

#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <net/net_namespace.h>

#include "ip_vs_wlch_compat.h"

/* More than any protocol's number, and nothing to the core's hash. */
#define INTRUDER_NO_PROTOCOL	0x100

static ushort wrap, hide, blank;
module_param(wrap, ushort, 0444);
module_param(hide, ushort, 0444);
module_param(blank, ushort, 0444);

static struct net *intruder_net;
static struct ip_vs_proto_data *wrapped;
static struct ip_vs_protocol *wrapped_core, *hidden, *blanked;
static struct ip_vs_protocol wrapper;
static int (*blanked_bind)(struct ip_vs_conn *cp);

static void intruder_undo(void)
{
	if (wrapped)
		WRITE_ONCE(wrapped->pp, wrapped_core);
	if (hidden)
		hidden->protocol = hide;
	if (blanked)
		blanked->app_conn_bind = blanked_bind;
	synchronize_rcu();
	put_net(intruder_net);
}

static int intruder_do(void)
{
	if (wrap) {
		wrapped = ip_vs_proto_data_get(net_ipvs(intruder_net), wrap);
		if (!wrapped)
			return -ENOENT;
		wrapped_core = wrapped->pp;
		wrapper = *wrapped_core;
		/* the copy is complete before it can be seen */
		smp_store_release(&wrapped->pp, &wrapper);
	}
	if (hide) {
		hidden = ip_vs_proto_get(hide);
		if (!hidden)
			return -ENOENT;
		hidden->protocol |= INTRUDER_NO_PROTOCOL;
	}
	if (blank) {
		blanked = ip_vs_proto_get(blank);
		if (!blanked)
			return -ENOENT;
		blanked_bind = blanked->app_conn_bind;
		blanked->app_conn_bind = NULL;
	}
	return 0;
}

static int __init intruder_init(void)
{
	int err;

	intruder_net = get_net(current->nsproxy->net_ns);
	err = intruder_do();
	if (err)
		intruder_undo();
	return err;
}

static void __exit intruder_exit(void)
{
	intruder_undo();
}

module_init(intruder_init);
module_exit(intruder_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("IPVS test: gets in the way of the scheduler wlch");
