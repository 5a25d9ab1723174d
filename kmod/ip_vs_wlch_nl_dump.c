// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: netlink dumps of services and servers
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <net/genetlink.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_nl.h"

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

/* A dump of services is of all of them: refuse a request for one. */
static int wlch_dump_no_key(struct netlink_callback *cb)
{
	struct nlattr **attrs = wlch_dump_attrs(cb);
	int i;

	for (i = 1; i <= IPVS_WLCH_A_SERVICE_FWMARK; i++) {
		if (!attrs[i])
			continue;
		NL_SET_ERR_MSG_ATTR(cb->extack, attrs[i],
				    "a dump is of all services: do not name one");
		return -EINVAL;
	}
	return 0;
}

/**
 * wlch_get_service_dumpit() - dump all services of the namespace
 * @skb: the message buffer
 * @cb: the dump; args[0]: number of services that were dumped
 *
 * Context: process.
 * Return: the length of @skb, 0 when all is dumped, or a negative error.
 */
int wlch_get_service_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct wlch_net *wn = wlch_net(sock_net(skb->sk));
	struct wlch_service *ws;
	int err, nr = 0;

	err = wlch_dump_no_key(cb);
	if (err)
		return err;

	mutex_lock(&wn->lock);
	cb->seq = wn->generation;
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

/**
 * wlch_get_server_dumpit() - dump the servers of one service, or of all
 * @skb: the message buffer
 * @cb: the dump; see &struct wlch_server_dump for its args
 *
 * Context: process.
 * Return: the length of @skb, 0 when all is dumped, or a negative error.
 */
int wlch_get_server_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct wlch_net *wn = wlch_net(sock_net(skb->sk));
	int ret;

	mutex_lock(&wn->lock);
	cb->seq = wn->generation;
	ret = wlch_dump_servers(skb, cb, wn);
	mutex_unlock(&wn->lock);
	return ret;
}
