// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: generic netlink family ipvs_wlch
 *
 * See include/uapi/linux/ip_vs_wlch.h for the interface.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/completion.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_nl.h"
#include "ip_vs_wlch_trace.h"

/**
 * wlch_find() - find the service that a request names
 * @wn: the namespace
 * @attrs: attributes, as wlch_key_policy validated them
 * @extack: gets the reason of a refusal
 *
 * Context: process, under @wn's lock.
 * Return: the service, or a negative error as a pointer.
 */
struct wlch_service *wlch_find(struct wlch_net *wn, struct nlattr **attrs,
			       struct netlink_ext_ack *extack)
{
	struct wlch_service *ws;
	struct wlch_key key;
	int err;

	lockdep_assert_held(&wn->lock);
	err = wlch_parse_key(&key, attrs, extack);
	if (err)
		return ERR_PTR(err);
	list_for_each_entry(ws, &wn->services, list) {
		if (wlch_key_matches(&key, ws->svc))
			return ws;
	}
	NL_SET_ERR_MSG(extack,
		       "there is no such service, or it does not use the scheduler wlch");
	return ERR_PTR(-ENOENT);
}

/**
 * wlch_message() - a message about a service, or about the defaults
 * @wn: the namespace
 * @ws: the service, or NULL for the defaults
 * @info: the request that it answers; NULL for an event
 * @cmd: its command
 *
 * Context: process, under @wn's lock.
 * Return: the message, or a negative error as a pointer.
 */
struct sk_buff *wlch_message(const struct wlch_net *wn,
			     const struct wlch_service *ws,
			     const struct genl_info *info, u8 cmd)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	struct wlch_params defaults;
	void *hdr;
	int err;

	if (!skb)
		return ERR_PTR(-ENOMEM);
	hdr = genlmsg_put(skb, info ? info->snd_portid : 0,
			  info ? info->snd_seq : 0, &wlch_family, 0, cmd);
	if (!hdr) {
		err = -EMSGSIZE;
	} else if (ws) {
		err = wlch_put_service(skb, ws, wlch_params_held(wn, ws));
	} else {
		wlch_default_params(wn, &defaults);
		err = wlch_put_params(skb, &defaults);
	}
	if (err) {
		nlmsg_free(skb);
		return ERR_PTR(err);
	}
	genlmsg_end(skb, hdr);
	return skb;
}

static int wlch_get_service_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct wlch_net *wn = wlch_net(genl_info_net(info));
	struct wlch_service *ws;
	struct sk_buff *reply;

	mutex_lock(&wn->lock);
	ws = wlch_find(wn, info->attrs, info->extack);
	reply = IS_ERR(ws) ? ERR_CAST(ws) :
		wlch_message(wn, ws, info, IPVS_WLCH_CMD_GET_SERVICE);
	mutex_unlock(&wn->lock);
	return IS_ERR(reply) ? PTR_ERR(reply) : genlmsg_reply(reply, info);
}

static int wlch_get_defaults_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct wlch_net *wn = wlch_net(genl_info_net(info));
	struct sk_buff *reply;

	mutex_lock(&wn->lock);
	reply = wlch_message(wn, NULL, info, IPVS_WLCH_CMD_GET_DEFAULTS);
	mutex_unlock(&wn->lock);
	return IS_ERR(reply) ? PTR_ERR(reply) : genlmsg_reply(reply, info);
}

/* Bits of the parameters that a request gives. */
static u32 wlch_given(struct nlattr **attrs)
{
	u32 given = 0;
	int i;

	for (i = 0; i < WLCH_NR_PARAMS; i++) {
		if (attrs[i + 1])
			given |= BIT(i);
	}
	return given;
}

/* Publish changed parameters, or change nothing. Under wn->lock. */
static int wlch_set_params(struct wlch_net *wn, struct wlch_service *ws,
			   struct nlattr **attrs,
			   struct netlink_ext_ack *extack)
{
	const struct wlch_params *old = wlch_params_held(wn, ws);
	struct wlch_params *params;
	int err = 0;

	params = kmalloc(sizeof(*params), GFP_KERNEL);
	if (!params)
		return -ENOMEM;
	memcpy(params->value, old->value, sizeof(params->value));
	wlch_overlay_params(params->value, attrs);
	if (!memcmp(params->value, old->value, sizeof(params->value)))
		goto free;
	if (!wlch_params_usable(ws->svc, params)) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[IPVS_WLCH_A_PARAMS_INACTIVE],
				    "inactive: at least 1 for a UDP service, where every connection is inactive");
		err = -EINVAL;
		goto free;
	}
	err = wlch_service_set_params(wn, ws, params);
	if (err)
		goto free;
	wlch_notify_service(wn, ws, IPVS_WLCH_CMD_SERVICE_CHANGE_NTF);
	return 0;

free:
	kfree(params);
	return err;
}

/* The parameters that a request gives, each in its range. */
static int wlch_parse_params(struct nlattr **attrs, struct genl_info *info)
{
	struct nlattr *nest = info->attrs[IPVS_WLCH_A_SERVICE_PARAMS];
	int err;

	if (!nest) {
		NL_SET_ERR_MSG(info->extack, "params: what to set is missing");
		return -EINVAL;
	}
	err = nla_parse_nested(attrs, IPVS_WLCH_A_PARAMS_MAX, nest,
			       wlch_params_policy, info->extack);
	return err ?: wlch_check_params(attrs, info->extack);
}

static int wlch_set_service_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct wlch_net *wn = wlch_net(genl_info_net(info));
	struct nlattr *attrs[IPVS_WLCH_A_PARAMS_MAX + 1];
	struct wlch_service *ws;
	int err;

	err = wlch_parse_params(attrs, info);
	if (err)
		return err;
	mutex_lock(&wn->lock);
	ws = wlch_find(wn, info->attrs, info->extack);
	err = IS_ERR(ws) ? PTR_ERR(ws) :
			   wlch_set_params(wn, ws, attrs, info->extack);
	if (!err)
		wlch_trace_service(ws, wlch_params_held(wn, ws),
				   WLCH_CONFIG_SERVICE, wlch_given(attrs));
	mutex_unlock(&wn->lock);
	return err;
}

static int wlch_set_defaults_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct wlch_net *wn = wlch_net(genl_info_net(info));
	struct nlattr *attrs[IPVS_WLCH_A_PARAMS_MAX + 1];
	struct wlch_params old, new;
	int err;

	err = wlch_parse_params(attrs, info);
	if (err)
		return err;
	mutex_lock(&wn->lock);
	wlch_default_params(wn, &old);
	wlch_overlay_params(wn->defaults, attrs);
	wn->defaults_set |= wlch_given(attrs);
	wlch_default_params(wn, &new);
	if (memcmp(old.value, new.value, sizeof(old.value)))
		wlch_notify_defaults(genl_info_net(info), wn);
	wlch_trace_defaults(WLCH_CONFIG_DEFAULTS,
			    genl_info_net(info)->ns.inum, wlch_given(attrs),
			    new.value);
	mutex_unlock(&wn->lock);
	return 0;
}

static bool wlch_has_key(struct nlattr **attrs)
{
	int i;

	for (i = 1; i <= IPVS_WLCH_A_SERVICE_FWMARK; i++) {
		if (attrs[i])
			return true;
	}
	return false;
}

static int wlch_zero_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct wlch_net *wn = wlch_net(genl_info_net(info));
	struct wlch_service *ws;
	int err = 0;

	mutex_lock(&wn->lock);
	if (wlch_has_key(info->attrs)) {
		ws = wlch_find(wn, info->attrs, info->extack);
		err = PTR_ERR_OR_ZERO(ws);
		if (!err)
			wlch_service_zero(wn, ws);
	} else {
		list_for_each_entry(ws, &wn->services, list)
			wlch_service_zero(wn, ws);
	}
	mutex_unlock(&wn->lock);
	return err;
}

/* Without a policy any attribute would be accepted. */
static const struct nla_policy wlch_none_policy[] = {
	[1] = { .type = NLA_REJECT, .reject_message = "no attribute is known here" },
};

static const struct genl_ops wlch_ops[] = {
	{
		.cmd		= IPVS_WLCH_CMD_GET_SERVICE,
		.flags		= GENL_UNS_ADMIN_PERM,
		.doit		= wlch_get_service_doit,
		.dumpit		= wlch_get_service_dumpit,
		.policy		= wlch_key_policy,
		.maxattr	= IPVS_WLCH_A_SERVICE_FWMARK,
	},
	{
		.cmd		= IPVS_WLCH_CMD_SET_SERVICE,
		.flags		= GENL_UNS_ADMIN_PERM,
		.doit		= wlch_set_service_doit,
		.policy		= wlch_set_policy,
		.maxattr	= IPVS_WLCH_A_SERVICE_PARAMS,
	},
	{
		.cmd		= IPVS_WLCH_CMD_GET_SERVER,
		.flags		= GENL_UNS_ADMIN_PERM,
		.dumpit		= wlch_get_server_dumpit,
		.policy		= wlch_server_policy,
		.maxattr	= IPVS_WLCH_A_SERVER_SERVICE,
	},
	{
		.cmd		= IPVS_WLCH_CMD_GET_DEFAULTS,
		.flags		= GENL_UNS_ADMIN_PERM,
		.doit		= wlch_get_defaults_doit,
		.policy		= wlch_none_policy,
		.maxattr	= ARRAY_SIZE(wlch_none_policy) - 1,
	},
	{
		.cmd		= IPVS_WLCH_CMD_SET_DEFAULTS,
		.flags		= GENL_UNS_ADMIN_PERM,
		.doit		= wlch_set_defaults_doit,
		.policy		= wlch_defaults_policy,
		.maxattr	= IPVS_WLCH_A_SERVICE_PARAMS,
	},
	{
		.cmd		= IPVS_WLCH_CMD_ZERO,
		.flags		= GENL_UNS_ADMIN_PERM,
		.doit		= wlch_zero_doit,
		.policy		= wlch_key_policy,
		.maxattr	= IPVS_WLCH_A_SERVICE_FWMARK,
	},
};

struct genl_family wlch_family = {
	.name		= IPVS_WLCH_FAMILY_NAME,
	.version	= IPVS_WLCH_FAMILY_VERSION,
	.module		= THIS_MODULE,
	.netnsok	= true,
	.ops		= wlch_ops,
	.n_ops		= ARRAY_SIZE(wlch_ops),
	.mcgrps		= wlch_groups,
	.n_mcgrps	= ARRAY_SIZE(wlch_groups),
};

/* The core loads a scheduler by name from inside a generic netlink request,
 * and that request holds the lock which registering a family needs. To
 * register from module_init() would wait for ever: the request waits for the
 * module, the module for the request. So a work registers the family, and
 * module_init() waits for it only so long. So the family is there when insmod
 * returns. After a request that loaded the module the work gets the lock when
 * that request is over; who asks for the family by name in this moment and
 * does not find it makes the core look for a module, without the lock, and
 * look again.
 */
#define WLCH_REGISTER_WAIT	(HZ / 2)

static DECLARE_COMPLETION(wlch_registered);
static int wlch_register_err;
static bool wlch_family_registered;

/**
 * wlch_netlink_ready() - can messages be sent to the family's groups?
 *
 * Context: any.
 * Return: true if so.
 */
bool wlch_netlink_ready(void)
{
	/* pairs with the store in wlch_register_work() */
	return smp_load_acquire(&wlch_family_registered);
}

static void wlch_register_work(struct work_struct *work)
{
	wlch_register_err = genl_register_family(&wlch_family);
	/* the number of the group is valid for who finds this set */
	smp_store_release(&wlch_family_registered, !wlch_register_err);
	if (wlch_register_err)
		pr_err("cannot register the netlink family %s: error %d; services keep the module's defaults\n",
		       wlch_family.name, wlch_register_err);
	complete_all(&wlch_registered);
}

static DECLARE_WORK(wlch_register, wlch_register_work);

/**
 * wlch_netlink_register() - register the netlink family, soon
 *
 * The scheduler does its work without the family, so a failure is reported
 * and no more. This is the last step of loading: nothing is left that could
 * fail and would have to wait for the work while a request waits for us.
 *
 * Context: process.
 */
void wlch_netlink_register(void)
{
	queue_work(system_unbound_wq, &wlch_register);
	wait_for_completion_timeout(&wlch_registered, WLCH_REGISTER_WAIT);
}

/**
 * wlch_netlink_unregister() - undo wlch_netlink_register()
 *
 * Context: process, outside of any netlink request.
 */
void wlch_netlink_unregister(void)
{
	flush_work(&wlch_register);
	if (!wlch_register_err)
		genl_unregister_family(&wlch_family);
}

MODULE_ALIAS_GENL_FAMILY(IPVS_WLCH_FAMILY_NAME);
