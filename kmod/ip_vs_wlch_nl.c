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

static struct genl_family wlch_family;

/* Parse a key and find its service. Under wn->lock. */
static struct wlch_service *wlch_find(struct wlch_net *wn,
				      struct nlattr **attrs,
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

static const struct wlch_params *wlch_params_held(struct wlch_net *wn,
						  const struct wlch_service *ws)
{
	return rcu_dereference_protected(ws->params,
					 lockdep_is_held(&wn->lock));
}

static int wlch_get_service_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct wlch_net *wn = wlch_net(genl_info_net(info));
	struct wlch_service *ws;
	struct sk_buff *reply;
	void *hdr;
	int err;

	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&wn->lock);
	ws = wlch_find(wn, info->attrs, info->extack);
	err = PTR_ERR_OR_ZERO(ws);
	if (err)
		goto unlock;
	hdr = genlmsg_put_reply(reply, info, &wlch_family, 0,
				IPVS_WLCH_CMD_GET_SERVICE);
	err = hdr ? wlch_put_service(reply, ws, wlch_params_held(wn, ws)) :
		    -EMSGSIZE;
unlock:
	mutex_unlock(&wn->lock);
	if (err) {
		nlmsg_free(reply);
		return err;
	}
	genlmsg_end(reply, hdr);
	return genlmsg_reply(reply, info);
}

/* Begin one message of a dump, which says if the table changed since the
 * last one.
 */
static void *wlch_dump_begin(struct sk_buff *skb, struct netlink_callback *cb,
			     u8 cmd)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, &wlch_family, NLM_F_MULTI,
				cmd);

	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

static int wlch_dump_end(struct sk_buff *skb, void *hdr, int err)
{
	if (err)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return err;
}

/* The core's convention: a generation of 0 would mean "cannot tell". */
static unsigned int wlch_dump_seq(const struct wlch_net *wn)
{
	return wn->generation ?: 1;
}

/* cb->args[0]: number of services that were dumped. */
static int wlch_get_service_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb)
{
	struct wlch_net *wn = wlch_net(sock_net(skb->sk));
	struct wlch_service *ws;
	int nr = 0;

	mutex_lock(&wn->lock);
	cb->seq = wlch_dump_seq(wn);
	list_for_each_entry(ws, &wn->services, list) {
		void *hdr;

		if (nr++ < cb->args[0])
			continue;
		hdr = wlch_dump_begin(skb, cb, IPVS_WLCH_CMD_GET_SERVICE);
		if (!hdr ||
		    wlch_dump_end(skb, hdr,
				  wlch_put_service(skb, ws,
						   wlch_params_held(wn, ws))))
			break;
		cb->args[0] = nr;
	}
	mutex_unlock(&wn->lock);
	return skb->len;
}

/* Publish changed parameters, or change nothing. Under wn->lock. */
static int wlch_set_params(struct wlch_net *wn, struct wlch_service *ws,
			   struct nlattr **attrs,
			   struct netlink_ext_ack *extack)
{
	struct wlch_params *params;
	int err;

	params = kmalloc(sizeof(*params), GFP_KERNEL);
	if (!params)
		return -ENOMEM;
	memcpy(params->value, wlch_params_held(wn, ws)->value,
	       sizeof(params->value));
	wlch_overlay_params(params, attrs);
	if (!wlch_params_usable(ws->svc, params)) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[IPVS_WLCH_A_PARAMS_INACTIVE],
				    "inactive: at least 1 for a UDP service, where every connection is inactive");
		err = -EINVAL;
	} else {
		err = wlch_service_set_params(wn, ws, params);
	}
	if (err)
		kfree(params);
	return err;
}

static int wlch_set_service_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct wlch_net *wn = wlch_net(genl_info_net(info));
	struct nlattr *nest = info->attrs[IPVS_WLCH_A_SERVICE_PARAMS];
	struct nlattr *attrs[IPVS_WLCH_A_PARAMS_MAX + 1];
	struct wlch_service *ws;
	int err;

	if (!nest) {
		NL_SET_ERR_MSG(info->extack, "params: what to set is missing");
		return -EINVAL;
	}
	err = nla_parse_nested(attrs, IPVS_WLCH_A_PARAMS_MAX, nest,
			       wlch_params_policy, info->extack);
	if (!err)
		err = wlch_check_params(attrs, info->extack);
	if (err)
		return err;
	mutex_lock(&wn->lock);
	ws = wlch_find(wn, info->attrs, info->extack);
	err = IS_ERR(ws) ? PTR_ERR(ws) :
			   wlch_set_params(wn, ws, attrs, info->extack);
	mutex_unlock(&wn->lock);
	return err;
}

/**
 * struct wlch_server_dump - where a dump of servers stands
 * @skb: the message buffer that is being filled
 * @cb: the dump; args[0]: services done, args[1]: servers done of the next
 * @ws: the service at hand
 * @params: its parameters
 * @nr: servers of it that were passed
 */
struct wlch_server_dump {
	struct sk_buff			*skb;
	struct netlink_callback		*cb;
	const struct wlch_service	*ws;
	const struct wlch_params	*params;
	long				nr;
};

static int wlch_dump_server(struct wlch_server_dump *dump,
			    const struct ip_vs_dest *dest,
			    const struct wlch_server *server)
{
	void *hdr;
	int err;

	if (dump->nr++ < dump->cb->args[1])
		return 0;
	hdr = wlch_dump_begin(dump->skb, dump->cb, IPVS_WLCH_CMD_GET_SERVER);
	if (!hdr)
		return -EMSGSIZE;
	err = wlch_dump_end(dump->skb, hdr,
			    wlch_put_server(dump->skb, dump->ws, dest, server,
					    dump->params));
	if (!err)
		dump->cb->args[1] = dump->nr;
	return err;
}

/* The servers of one service. Under wn->lock: the table does not change, and
 * no server in it goes to the core's trash before it has left the table.
 */
static int wlch_dump_service_servers(struct wlch_server_dump *dump,
				     struct wlch_net *wn)
{
	struct wlch_table *table;
	struct ip_vs_dest *dest;
	int err = 0;
	u32 i;

	table = rcu_dereference_protected(dump->ws->table,
					  lockdep_is_held(&wn->lock));
	for (i = 0; table && !err && i < table->nr; i++)
		err = wlch_dump_server(dump, table->server[i]->dest,
				       table->server[i]);
	if (table)
		return err;
	rcu_read_lock();
	list_for_each_entry_rcu(dest, &dump->ws->svc->destinations, n_list) {
		err = wlch_dump_server(dump, dest, wlch_server_find(dest));
		if (err)
			break;
	}
	rcu_read_unlock();
	return err;
}

/* The service a dump of servers is limited to; NULL for all. */
static const struct wlch_service *wlch_dump_only(struct netlink_callback *cb,
						 struct wlch_net *wn)
{
	struct nlattr *nest = wlch_dump_attrs(cb)[IPVS_WLCH_A_SERVER_SERVICE];
	struct nlattr *attrs[IPVS_WLCH_A_SERVICE_FWMARK + 1];
	int err;

	if (!nest)
		return NULL;
	err = nla_parse_nested(attrs, IPVS_WLCH_A_SERVICE_FWMARK, nest,
			       wlch_key_policy, cb->extack);
	if (err)
		return ERR_PTR(err);
	return wlch_find(wn, attrs, cb->extack);
}

static int wlch_dump_servers(struct sk_buff *skb, struct netlink_callback *cb,
			     struct wlch_net *wn)
{
	struct wlch_server_dump dump = { .skb = skb, .cb = cb };
	const struct wlch_service *only = wlch_dump_only(cb, wn);
	struct wlch_service *ws;
	long nr = 0;

	if (IS_ERR(only))
		return PTR_ERR(only);
	list_for_each_entry(ws, &wn->services, list) {
		if (nr++ < cb->args[0] || (only && ws != only))
			continue;
		dump.ws = ws;
		dump.params = wlch_params_held(wn, ws);
		dump.nr = 0;
		if (wlch_dump_service_servers(&dump, wn))
			break;
		cb->args[0] = nr;
		cb->args[1] = 0;
	}
	return skb->len;
}

static int wlch_get_server_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb)
{
	struct wlch_net *wn = wlch_net(sock_net(skb->sk));
	int ret;

	mutex_lock(&wn->lock);
	cb->seq = wlch_dump_seq(wn);
	ret = wlch_dump_servers(skb, cb, wn);
	mutex_unlock(&wn->lock);
	return ret;
}

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
};

static struct genl_family wlch_family = {
	.name		= IPVS_WLCH_FAMILY_NAME,
	.version	= IPVS_WLCH_FAMILY_VERSION,
	.module		= THIS_MODULE,
	.netnsok	= true,
	.ops		= wlch_ops,
	.n_ops		= ARRAY_SIZE(wlch_ops),
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

static void wlch_register_work(struct work_struct *work)
{
	wlch_register_err = genl_register_family(&wlch_family);
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
