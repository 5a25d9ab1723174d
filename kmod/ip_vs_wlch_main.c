// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: the module, its parameters and its namespaces
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/module.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_trace.h"
#include <linux/ip_vs_wlch.h>

static unsigned int wlch_net_id __read_mostly;

/* An established connection is always worth something. */
const struct wlch_param_desc wlch_param_desc[WLCH_NR_PARAMS] = {
	[WLCH_ACTIVE]		= { "active", 1, IPVS_WLCH_FACTOR_MAX },
	[WLCH_HALFOPEN]		= { "halfopen", 0, IPVS_WLCH_FACTOR_MAX },
	[WLCH_REFUSED]		= { "refused", 0, IPVS_WLCH_FACTOR_MAX },
	[WLCH_INACTIVE]		= { "inactive", 0, IPVS_WLCH_FACTOR_MAX },
	[WLCH_SLOWSTART]	= { "slowstart", 0, IPVS_WLCH_SLOWSTART_MAX },
	[WLCH_CHOICES]		= { "choices", 0, IPVS_WLCH_CHOICES_MAX },
};

/* What a new service starts with: module parameters, writable at any time. */
static u32 wlch_default[WLCH_NR_PARAMS] = {
	[WLCH_ACTIVE]		= 8,
	[WLCH_HALFOPEN]		= 8,
	[WLCH_REFUSED]		= 8,
	[WLCH_INACTIVE]		= 1,
	[WLCH_SLOWSTART]	= 0,
	[WLCH_CHOICES]		= 0,
};

/**
 * wlch_param_in_range() - may a parameter have this value?
 * @param: the parameter
 * @value: the value
 *
 * Return: true if so.
 */
bool wlch_param_in_range(enum wlch_param param, u32 value)
{
	return value >= wlch_param_desc[param].min &&
	       value <= wlch_param_desc[param].max;
}

/**
 * wlch_default_params() - fill in what a new service starts with
 * @wn: its namespace; what was set there goes before the module parameters
 * @params: parameters that are not published yet
 *
 * Context: under the namespace's lock. The module parameters may change
 * meanwhile: each is one word.
 */
void wlch_default_params(const struct wlch_net *wn, struct wlch_params *params)
{
	int i;

	for (i = 0; i < WLCH_NR_PARAMS; i++)
		params->value[i] = wn->defaults_set & BIT(i) ?
				   wn->defaults[i] : READ_ONCE(wlch_default[i]);
}

static int wlch_set_default(const char *val, const struct kernel_param *kp)
{
	u32 *param = kp->arg;
	const struct wlch_param_desc *desc =
		&wlch_param_desc[param - wlch_default];
	u32 value;

	if (kstrtou32(val, 10, &value) ||
	    !wlch_param_in_range(param - wlch_default, value)) {
		pr_err("parameter %s takes a number from %u to %u\n",
		       desc->name, desc->min, desc->max);
		return -EINVAL;
	}
	WRITE_ONCE(*param, value);
	wlch_trace_defaults(WLCH_CONFIG_MODULE, 0, BIT(param - wlch_default),
			    wlch_default);
	return 0;
}

static const struct kernel_param_ops wlch_default_ops = {
	.set = wlch_set_default,
	.get = param_get_uint,
};

module_param_cb(active, &wlch_default_ops,
		&wlch_default[WLCH_ACTIVE], 0644);
MODULE_PARM_DESC(active, "worth of an established connection, 1..4096 (default 8)");
module_param_cb(halfopen, &wlch_default_ops,
		&wlch_default[WLCH_HALFOPEN], 0644);
MODULE_PARM_DESC(halfopen, "worth of a connection in the handshake, 0..4096 (default 8)");
module_param_cb(refused, &wlch_default_ops,
		&wlch_default[WLCH_REFUSED], 0644);
MODULE_PARM_DESC(refused, "worth of a connection whose handshake ended in a reset, 0..4096 (default 8)");
module_param_cb(inactive, &wlch_default_ops,
		&wlch_default[WLCH_INACTIVE], 0644);
MODULE_PARM_DESC(inactive, "worth of a closing or UDP connection, 0..4096 (default 1)");
module_param_cb(slowstart, &wlch_default_ops,
		&wlch_default[WLCH_SLOWSTART], 0644);
MODULE_PARM_DESC(slowstart, "seconds in which the weight of a new server ramps up, 0..3600 (default 0: off)");
module_param_cb(choices, &wlch_default_ops,
		&wlch_default[WLCH_CHOICES], 0644);
MODULE_PARM_DESC(choices, "servers drawn for the best of them to be chosen, 0..64 (default 0: the best of all)");

/**
 * wlch_net() - what the module keeps for a network namespace
 * @net: the namespace
 *
 * Return: never NULL. It lives until after the core's own exit from the
 * namespace, which calls done_service() after ours has run.
 */
struct wlch_net *wlch_net(const struct net *net)
{
	return net_generic(net, wlch_net_id);
}

static int __net_init wlch_net_init(struct net *net)
{
	struct wlch_net *wn = wlch_net(net);

	mutex_init(&wn->lock);
	INIT_LIST_HEAD(&wn->services);
	wn->generation = 1;
	return 0;
}

/* Two ways lead here. The namespace goes: the core still has services and
 * connections and will flush them after us, so that done_service() and
 * unbind_conn() are yet to come and nothing they need is freed here. Or the
 * module goes: then pd->pp is the last that refers to it in the namespace.
 */
static void __net_exit wlch_net_exit(struct net *net)
{
	struct wlch_net *wn = wlch_net(net);

	mutex_lock(&wn->lock);
	if (wn->tracking)
		wlch_track_stop(net_ipvs(net), wn);
	mutex_unlock(&wn->lock);
}

static struct pernet_operations wlch_net_ops = {
	.init	= wlch_net_init,
	.exit	= wlch_net_exit,
	.id	= &wlch_net_id,
	.size	= sizeof(struct wlch_net),
};

/**
 * wlch_nets_init() - keep something for each network namespace, see wlch_net()
 *
 * Context: process, before any service runs wlch.
 * Return: 0, or the error of register_pernet_subsys().
 */
int wlch_nets_init(void)
{
	return register_pernet_subsys(&wlch_net_ops);
}

/**
 * wlch_nets_exit() - and no longer
 *
 * Context: process, when no service runs wlch any more.
 */
void wlch_nets_exit(void)
{
	unregister_pernet_subsys(&wlch_net_ops);
}

/* The exit has to wait for tasks that were preempted outside of RCU, see wlch_exit(). A
 * kernel that preempts but cannot wait for them has to keep the module. Whatever
 * traces functions or has BPF can.
 */
static void __init wlch_stay_if_unsafe(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPTION) || IS_ENABLED(CONFIG_TASKS_RCU))
		return;
	__module_get(THIS_MODULE);
	pr_notice("this kernel cannot tell when the module may go (CONFIG_TASKS_RCU): it stays until the machine boots again\n");
}

static int __init wlch_init(void)
{
	int err;

	err = wlch_servers_init();
	if (err)
		return err;
	wlch_random_init();
	err = wlch_track_init();
	if (err)
		goto err_track;
	err = wlch_nets_init();
	if (err)
		goto err_track;
	err = register_ip_vs_scheduler(&wlch_scheduler);
	if (err)
		goto err_scheduler;
	wlch_netlink_register();
	wlch_stay_if_unsafe();
	return 0;

err_scheduler:
	wlch_nets_exit();
err_track:
	wlch_servers_exit();
	return err;
}

/* No service uses the scheduler and no connection is bound to us: each of
 * them holds the module. What is left are calls in flight. Packets in our
 * wrappers are under RCU. Some of the core's configuration reads pd->pp in
 * process context without it (ip_vs_proto_data_get()) and may be preempted
 * between that and its use: a task that holds our pointer has to be scheduled
 * off by itself before the module may go. And services and servers are on
 * their way through RCU.
 */
static void __exit wlch_exit(void)
{
	unregister_ip_vs_scheduler(&wlch_scheduler);
	wlch_netlink_unregister();
	wlch_nets_exit();
	synchronize_rcu_tasks();
	synchronize_rcu();
	rcu_barrier();
	wlch_servers_exit();
}

module_init(wlch_init);
module_exit(wlch_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(untracked, WLCH_UNTRACKED_INFO);
MODULE_DESCRIPTION("IPVS weighted least-connection scheduler, half-open aware, with tunable factors");
