// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: netlink messages to who listens for changes
 *
 * A message that cannot be made, or be delivered to all, is lost: netlink tells
 * the listener of an overflow (ENOBUFS), who then asks for the state.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <net/genetlink.h>
#include <net/ip_vs.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_nl.h"

enum wlch_group {
	WLCH_GROUP_CONFIG,
};

const struct genl_multicast_group wlch_groups[WLCH_NR_GROUPS] = {
	[WLCH_GROUP_CONFIG] = {
		.name	= IPVS_WLCH_MCGRP_CONFIG,
		/* who may not ask may not listen either */
		.flags	= WLCH_MCAST_CAP_NET_ADMIN,
	},
};

static void wlch_notify(struct net *net, const struct wlch_net *wn,
			const struct wlch_service *ws, u8 event)
{
	struct sk_buff *skb;

	if (!wlch_netlink_ready() ||
	    !genl_has_listeners(&wlch_family, net, WLCH_GROUP_CONFIG))
		return;
	skb = wlch_message(wn, ws, NULL, event);
	if (IS_ERR(skb)) {
		genl_set_err(&wlch_family, net, 0,
			     WLCH_GROUP_CONFIG, -ENOBUFS);
		return;
	}
	genlmsg_multicast_netns(&wlch_family, net, skb, 0,
				WLCH_GROUP_CONFIG, GFP_KERNEL);
}

/**
 * wlch_notify_service() - say that a service has changed
 * @wn: its namespace
 * @ws: the service
 * @event: IPVS_WLCH_CMD_SERVICE_*_NTF
 *
 * Context: process, under @wn's lock.
 */
void wlch_notify_service(const struct wlch_net *wn,
			 const struct wlch_service *ws, u8 event)
{
	wlch_notify(ws->svc->ipvs->net, wn, ws, event);
}

/**
 * wlch_notify_defaults() - say that the defaults of a namespace have changed
 * @net: the namespace
 * @wn: what we keep for it
 *
 * Context: process, under @wn's lock.
 */
void wlch_notify_defaults(struct net *net, const struct wlch_net *wn)
{
	wlch_notify(net, wn, NULL, IPVS_WLCH_CMD_DEFAULTS_CHANGE_NTF);
}
