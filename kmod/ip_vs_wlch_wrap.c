// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: the operations of the protocols, and how they are wrapped
 *
 * Each namespace reaches the operations of a protocol through pd->pp. In a
 * namespace with a wlch service it points to a copy of them in which
 * app_conn_bind() and state_transition() are ours: they call the core's, and
 * then look at the connection. What they do with it is in ip_vs_wlch_track.c.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/module.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_track.h"

static struct wlch_protocol wlch_tcp, wlch_sctp, wlch_udp;

static int wlch_tcp_app_conn_bind(struct ip_vs_conn *cp)
{
	int ret = wlch_tcp.core->app_conn_bind(cp);

	wlch_bind_conn(cp);
	return ret;
}

static int wlch_sctp_app_conn_bind(struct ip_vs_conn *cp)
{
	int ret = wlch_sctp.core->app_conn_bind(cp);

	wlch_bind_conn(cp);
	return ret;
}

/* A connection of one packet is gone when the packet is, and leaves no load.
 * So its claim stays until it is void: of packets that come one after the
 * other each server gets its share.
 */
static int wlch_udp_app_conn_bind(struct ip_vs_conn *cp)
{
	int ret = wlch_udp.core->app_conn_bind(cp);

	if (wlch_may_be_claimed(cp) && !(cp->flags & IP_VS_CONN_F_ONE_PACKET))
		wlch_claim_end(cp->dest);
	return ret;
}

static void wlch_tcp_transition(struct ip_vs_conn *cp, int direction,
				const struct sk_buff *skb,
				struct ip_vs_proto_data *pd,
				unsigned int iph_len)
{
	u32 flags = READ_ONCE(cp->flags);

	wlch_core_transition(wlch_tcp.core, cp, direction, skb, pd, iph_len);
	wlch_look_at_conn(cp, &wlch_tcp, flags);
}

WLCH_STATE_TRANSITION(wlch_tcp_state_transition, wlch_tcp_transition)

static void wlch_sctp_transition(struct ip_vs_conn *cp, int direction,
				 const struct sk_buff *skb,
				 struct ip_vs_proto_data *pd,
				 unsigned int iph_len)
{
	u32 flags = READ_ONCE(cp->flags);

	wlch_core_transition(wlch_sctp.core, cp, direction, skb, pd, iph_len);
	wlch_look_at_conn(cp, &wlch_sctp, flags);
}

WLCH_STATE_TRANSITION(wlch_sctp_state_transition, wlch_sctp_transition)

static struct wlch_protocol wlch_tcp = {
	.number		= IPPROTO_TCP,
	.name		= "TCP",
	.handshake	= BIT(IP_VS_TCP_S_NONE) | BIT(IP_VS_TCP_S_SYN_SENT) |
			  BIT(IP_VS_TCP_S_SYN_RECV) | BIT(IP_VS_TCP_S_SYNACK),
	.established	= BIT(IP_VS_TCP_S_ESTABLISHED),
	.refused	= BIT(IP_VS_TCP_S_CLOSE),
	.opens_active	= true,
	.wrapped	= {
		.app_conn_bind		= wlch_tcp_app_conn_bind,
		.state_transition	= wlch_tcp_state_transition,
	},
};

/* To the core all of the handshake is inactive. */
static struct wlch_protocol wlch_sctp = {
	.number		= IPPROTO_SCTP,
	.name		= "SCTP",
	.handshake	= BIT(IP_VS_SCTP_S_NONE) | BIT(IP_VS_SCTP_S_INIT1) |
			  BIT(IP_VS_SCTP_S_INIT) |
			  BIT(IP_VS_SCTP_S_COOKIE_SENT) |
			  BIT(IP_VS_SCTP_S_COOKIE_REPLIED) |
			  BIT(IP_VS_SCTP_S_COOKIE_WAIT) |
			  BIT(IP_VS_SCTP_S_COOKIE) |
			  BIT(IP_VS_SCTP_S_COOKIE_ECHOED),
	.established	= BIT(IP_VS_SCTP_S_ESTABLISHED),
	.refused	= BIT(IP_VS_SCTP_S_REJECTED) |
			  BIT(IP_VS_SCTP_S_CLOSED),
	.wrapped	= {
		.app_conn_bind		= wlch_sctp_app_conn_bind,
		.state_transition	= wlch_sctp_state_transition,
	},
};

static struct wlch_protocol wlch_udp = {
	.number		= IPPROTO_UDP,
	.name		= "UDP",
	.wrapped	= {
		.app_conn_bind		= wlch_udp_app_conn_bind,
	},
};

static struct wlch_protocol *const wlch_protocols[] = {
	&wlch_tcp,
	&wlch_sctp,
	&wlch_udp,
};

/* Does the namespace have the core's own operations of the protocol? */
static bool wlch_is_genuine(const struct netns_ipvs *ipvs,
			    const struct ip_vs_proto_data *pd,
			    const struct wlch_protocol *proto)
{
	if (READ_ONCE(pd->pp) == proto->core)
		return true;
	pr_err("the operations of protocol %s in network namespace %u are not the core's own: another module has replaced them\n",
	       proto->name, ipvs->net->ns.inum);
	return false;
}

/* Has anybody been here before us? That would be in the way of services in that
 * namespace only, but who loads the module is told, and not who adds a service.
 *
 * net_rwsem keeps the namespaces in the list, where they are from after the
 * core's init to before its exit, and nothing is locked below it. One that is
 * made meanwhile, or wrapped later, is found by wlch_track_start(). A pernet
 * init would be the wrong place: the namespace itself would not be made.
 */
static int wlch_check_namespaces(const struct wlch_protocol *proto)
{
	struct ip_vs_proto_data *pd;
	struct netns_ipvs *ipvs;
	struct net *net;
	int err = 0;

	down_read(&net_rwsem);
	for_each_net(net) {
		ipvs = net_ipvs(net);
		pd = ip_vs_proto_data_get(ipvs, proto->number);
		if (pd && !wlch_is_genuine(ipvs, pd, proto)) {
			err = -EBUSY;
			break;
		}
	}
	up_read(&net_rwsem);
	return err;
}

/* Without a protocol there is nothing to follow, and nothing to refuse. */
static int wlch_wrap(struct wlch_protocol *proto)
{
	struct ip_vs_protocol ours = proto->wrapped;

	proto->core = ip_vs_proto_get(proto->number);
	if (!proto->core) {
		pr_notice("this kernel's IPVS has no protocol %s: it goes without half-open accounting\n",
			  proto->name);
		return 0;
	}
	if (!proto->core->app_conn_bind ||
	    (ours.state_transition && !proto->core->state_transition)) {
		pr_err("protocol %s of this kernel has no operation %s: it is not supported yet\n",
		       proto->name, proto->core->app_conn_bind ?
		       "state_transition" : "app_conn_bind");
		return -EOPNOTSUPP;
	}
	proto->wrapped = *proto->core;
	proto->wrapped.app_conn_bind = ours.app_conn_bind;
	if (ours.state_transition)
		proto->wrapped.state_transition = ours.state_transition;
	return wlch_check_namespaces(proto);
}

/**
 * wlch_track_init() - prepare trackers and wrapped operations for their use
 *
 * Context: process, once.
 * Return: 0, -EBUSY if somebody else has replaced a protocol's operations in
 * some namespace, or -EOPNOTSUPP if the core's lack one that is to be wrapped.
 */
int wlch_track_init(void)
{
	int i, err = 0;

	wlch_trackers_init();
	for (i = 0; !err && i < ARRAY_SIZE(wlch_protocols); i++)
		err = wlch_wrap(wlch_protocols[i]);
	return err;
}

/**
 * wlch_track_stop() - give a namespace the core's operations back
 * @ipvs: IPVS of the namespace
 * @wn: ours
 *
 * Connections that are followed now still end in unbind_conn().
 *
 * Context: process, under @wn->lock.
 */
void wlch_track_stop(struct netns_ipvs *ipvs, struct wlch_net *wn)
{
	int i;

	lockdep_assert_held(&wn->lock);
	if (!wn->tracking)
		return;
	for (i = 0; i < ARRAY_SIZE(wlch_protocols); i++) {
		struct wlch_protocol *proto = wlch_protocols[i];
		struct ip_vs_proto_data *pd;

		pd = ip_vs_proto_data_get(ipvs, proto->number);
		if (!pd || pd->pp != &proto->wrapped)
			continue;
		atomic_dec(&pd->appcnt);
		WRITE_ONCE(pd->pp, proto->core);
	}
	wn->tracking = false;
}

/**
 * wlch_track_start() - follow the connections of a namespace from now on
 * @ipvs: IPVS of the namespace
 * @wn: ours
 *
 * Readers of pd->pp are packets on all CPUs, under RCU, and the core's
 * configuration in process context, under nothing. Both the core's operations
 * and ours are valid as long as this module is loaded, and its exit waits for
 * both kinds of readers, so either will do for them.
 *
 * Context: process, under @wn->lock.
 * Return: 0, or -EBUSY if somebody else has replaced a protocol's operations.
 */
int wlch_track_start(struct netns_ipvs *ipvs, struct wlch_net *wn)
{
	int i;

	lockdep_assert_held(&wn->lock);
	if (wn->tracking)
		return 0;
	wn->tracking = true;
	for (i = 0; i < ARRAY_SIZE(wlch_protocols); i++) {
		struct wlch_protocol *proto = wlch_protocols[i];
		struct ip_vs_proto_data *pd;

		pd = ip_vs_proto_data_get(ipvs, proto->number);
		if (!pd || !proto->core)
			continue;
		if (!wlch_is_genuine(ipvs, pd, proto)) {
			wlch_track_stop(ipvs, wn);
			return -EBUSY;
		}
		/* the copy was complete before the first reader can see it */
		smp_store_release(&pd->pp, &proto->wrapped);
		atomic_inc(&pd->appcnt);
	}
	return 0;
}
