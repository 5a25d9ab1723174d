// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: half-open connections of each real server
 *
 * The core shows a scheduler two counters of a server and none of them tells
 * how many connections are in the handshake. They are counted here with
 * IPVS's own per-connection callbacks, without a kernel patch, without
 * probes, and without a walk of the connection table:
 *
 * - Each namespace reaches the operations of a protocol through pd->pp. In a
 *   namespace with a wlch service it points to a copy of them in which two
 *   are wrapped.
 * - app_conn_bind() is called for each new connection, before anybody can
 *   find it, as long as the protocol has applications in the namespace; we
 *   count as one. A connection whose server schedule() has claimed, and that no
 *   application took, is bound to an application of ours, which has no packet
 *   handlers. The core treats the packets as those of any application: with
 *   NAT it verifies their checksum, and with conntrack it prepares for
 *   sequence adjustment.
 * - state_transition() is called for each packet. Once the handshake is over
 *   the connection is unbound, and from then on it costs two comparisons. One
 *   that is found in the handshake and not bound is bound then: it was made
 *   without schedule() (persistence), before its service ran wlch, or it is
 *   an old entry that is opened again.
 * - A connection that dies bound is unbound by the core (unbind_conn).
 *
 * There is one application for each gauge, so that cp->app alone says whether
 * and where a connection is counted: it is counted once and released once.
 * cp->app and cp->app_data change under cp->lock, or while nobody else can
 * reach the connection: before it is hashed, and when its last user expires
 * it. The applications are static and the servers freed by RCU, so whoever
 * reads cp->app without the lock finds something valid.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/module.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_index.h"
#include "ip_vs_wlch_trace.h"

/* By gauge. */
static struct ip_vs_app wlch_trackers[WLCH_NR_GAUGES];

/**
 * struct wlch_protocol - a protocol whose connections are followed, or, if
 *	it has no states, whose claims are ended
 * @number: IPPROTO_*
 * @name: what the core calls it
 * @handshake: mask of the states of the handshake
 * @established: mask of the state that a handshake comes to when it is complete
 * @refused: mask of the states that a handshake comes to when it is reset
 * @opens_active: with the first packet of the handshake the core counts the
 *	connection as active, so one that is still pending has not begun it
 * @core: the core's operations; NULL if the core lacks the protocol
 * @wrapped: copy of @core, in which app_conn_bind() and state_transition()
 *	are ours; the second only if it has states
 */
struct wlch_protocol {
	u16			number;
	const char		*name;
	unsigned long		handshake;
	unsigned long		established;
	unsigned long		refused;
	bool			opens_active;
	struct ip_vs_protocol	*core;
	struct ip_vs_protocol	wrapped;
};

static bool wlch_is_tracker(const struct ip_vs_app *app)
{
	return app >= wlch_trackers && app < wlch_trackers + WLCH_NR_GAUGES;
}

static void wlch_gauge_add(struct wlch_server *server, enum wlch_gauge gauge,
			   int n)
{
	if (gauge == WLCH_PENDING)
		atomic64_add(n * WLCH_ONE_PENDING, &server->arrivals);
	else
		atomic_add(n, &server->gauge[gauge]);
}

/* Can a claim have been made for this connection? Not for a template: it is
 * made before the connection that the server was chosen for. Not for a synced
 * one: nothing was chosen here. Nor for one that others know already, as what
 * ip_vs_ftp expects: it gets its server late (ip_vs_try_bind_dest()), and
 * its packets may be binding it at this moment.
 */
static bool wlch_may_be_claimed(const struct ip_vs_conn *cp)
{
	return READ_ONCE(cp->dest) &&
	       !(READ_ONCE(cp->flags) & (IP_VS_CONN_F_TEMPLATE |
					 IP_VS_CONN_F_SYNC |
					 IP_VS_CONN_F_HASHED));
}

/* The connection is new: the caller is the only one who knows it. */
static void wlch_bind_conn(struct ip_vs_conn *cp)
{
	struct wlch_server *server;

	if (!wlch_may_be_claimed(cp))
		return;
	if (cp->app || !wlch_may_bind(cp)) {
		wlch_claim_end(cp->dest);
		return;
	}
	server = wlch_claim_turn(cp->dest);
	if (!server)
		return;
	cp->app_data = server;
	cp->app = &wlch_trackers[WLCH_PENDING];
	wlch_trace_half_open(cp, server->dest, WLCH_HALF_OPEN_BEGIN);
}

static bool wlch_is_half_open(enum wlch_gauge gauge)
{
	return gauge == WLCH_HANDSHAKE || gauge == WLCH_PENDING;
}

/* Called by the core when a bound connection ends, from the timer's softirq
 * or, when a table is flushed, from process context. Then the core takes one
 * from app->usecnt and one from the module's references. The reference that
 * counts is the server's on the module; these two are lent here, so that
 * connections need not write to anything that all CPUs share.
 */
static void wlch_unbind_conn(struct ip_vs_app *app, struct ip_vs_conn *cp)
{
	struct wlch_server *server = cp->app_data;

	__module_get(THIS_MODULE);
	atomic_inc(&app->usecnt);
	wlch_gauge_add(server, app - wlch_trackers, -1);
	if (wlch_is_half_open(app - wlch_trackers))
		wlch_trace_half_open(cp, server->dest, WLCH_HALF_OPEN_EXPIRED);
	cp->app_data = NULL;
	wlch_server_put(server);
}

/* Bind a connection that others may know, in the handshake. Under cp->lock. */
static void wlch_bind_late(struct ip_vs_conn *cp, enum wlch_gauge gauge)
{
	struct wlch_server *server = wlch_server_get(cp->dest);

	if (!server)
		return;
	wlch_gauge_add(server, gauge, 1);
	cp->app_data = server;
	WRITE_ONCE(cp->app, &wlch_trackers[gauge]);
}

/* Count a bound connection elsewhere. Under cp->lock.
 *
 * A reader in between misses it: it then sees an established one for what is
 * in the handshake, and not one connection twice.
 *
 * Return: the server to put if it is not bound any more, or NULL.
 */
static struct wlch_server *wlch_move_conn(struct ip_vs_conn *cp,
					  enum wlch_gauge gauge,
					  enum wlch_gauge next)
{
	struct wlch_server *server = cp->app_data;

	wlch_gauge_add(server, gauge, -1);
	smp_mb__after_atomic();	/* pairs with acquire in wlch_server_count() */
	if (next != WLCH_UNTRACKED) {
		wlch_gauge_add(server, next, 1);
		WRITE_ONCE(cp->app, &wlch_trackers[next]);
		return NULL;
	}
	WRITE_ONCE(cp->app, NULL);
	cp->app_data = NULL;
	return server;
}

/* A connection with this server is now counted in @next. The pending and the others in
 * the handshake are the same to who traces.
 */
static noinline void wlch_trace_follow(const struct ip_vs_conn *cp,
				       const struct ip_vs_dest *dest,
				       enum wlch_gauge gauge, enum wlch_gauge next,
				       bool established)
{
	enum wlch_half_open_event what = WLCH_HALF_OPEN_CLOSED;

	if (wlch_is_half_open(gauge) == wlch_is_half_open(next))
		return;
	if (wlch_is_half_open(next))
		what = WLCH_HALF_OPEN_BEGIN;
	else if (next == WLCH_REFUSED_GAUGE)
		what = WLCH_HALF_OPEN_REFUSED;
	else if (established)
		what = WLCH_HALF_OPEN_ESTABLISHED;
	wlch_trace_half_open(cp, dest, what);
}

/* Count a connection where its state wants it.
 *
 * Two CPUs may be here for packets of the same connection. The lock makes
 * each see a state and a flag that belong together, and the last one settles.
 *
 * What is closed and still pending, though the handshake would be active, has
 * not been refused: it is the end of a connection that another director knew
 * (sloppy_tcp).
 */
static void wlch_follow_conn(struct ip_vs_conn *cp,
			     const struct wlch_protocol *proto)
{
	struct wlch_server *done = NULL, *server;
	enum wlch_gauge gauge = WLCH_UNTRACKED, next;
	unsigned long state;
	bool refused;

	spin_lock_bh(&cp->lock);
	/* once, as a message of the sync daemon sets it without the lock */
	state = BIT(READ_ONCE(cp->state));
	if (wlch_is_tracker(cp->app))
		gauge = cp->app - wlch_trackers;
	else if (cp->app)
		goto unlock;
	refused = state & proto->refused &&
		  gauge != WLCH_UNTRACKED &&
		  !(gauge == WLCH_PENDING && proto->opens_active);
	next = wlch_next_gauge(state & proto->handshake, refused,
			       !(cp->flags & IP_VS_CONN_F_INACTIVE));
	if (next == gauge)
		goto unlock;
	if (gauge == WLCH_UNTRACKED)
		wlch_bind_late(cp, next);
	else
		done = wlch_move_conn(cp, gauge, next);
	server = done ?: cp->app_data;
	if (server) {
		wlch_index_update(server);
		if (trace_half_open_enabled())
			wlch_trace_follow(cp, server->dest, gauge, next,
					  state & proto->established);
	}
unlock:
	spin_unlock_bh(&cp->lock);
	if (done)
		wlch_server_put(done);
}

/* What a message of the sync daemon has made is not bound: its states come by
 * messages, too, and its server and applications after it can be found. The
 * test is lockless: the server of a connection comes once and stays to its end.
 */
static bool wlch_may_bind_late(const struct ip_vs_conn *cp)
{
	return READ_ONCE(cp->dest) &&
	       !(READ_ONCE(cp->flags) & IP_VS_CONN_F_SYNC) &&
	       wlch_may_bind(cp);
}

/* A connection that is not followed is active no more, or is it again. */
static void wlch_conn_turned(const struct ip_vs_conn *cp)
{
	/* it may be given a server late, but loses none before its end */
	const struct ip_vs_dest *dest = READ_ONCE(cp->dest);
	struct wlch_server *server;

	if (!dest)
		return;
	server = wlch_server_find(dest);
	if (server)
		wlch_index_update(server);
}

/* After the core has set the state that a packet leads to; @flags are those before.
 *
 * The test is lockless. Who brings a connection into the handshake, or out of
 * it, comes here after that with what it has set itself, so a change is
 * missed by nobody but who is followed by another. Two changes of the core do
 * not lead here: a message of the sync daemon, and ip_vs_tcp_conn_listen().
 */
static void wlch_look_at_conn(struct ip_vs_conn *cp,
			      const struct wlch_protocol *proto, u32 flags)
{
	const struct ip_vs_app *app = READ_ONCE(cp->app);

	if (unlikely(wlch_is_tracker(app) ||
		     (!app && BIT(READ_ONCE(cp->state)) & proto->handshake &&
		      wlch_may_bind_late(cp))))
		wlch_follow_conn(cp, proto);
	else if (unlikely((READ_ONCE(cp->flags) ^ flags) &
			  IP_VS_CONN_F_INACTIVE))
		wlch_conn_turned(cp);
}

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

	for (i = 0; i < WLCH_NR_GAUGES; i++) {
		wlch_trackers[i].name = "wlch";
		wlch_trackers[i].module = THIS_MODULE;
		wlch_trackers[i].app = &wlch_trackers[i];
		wlch_trackers[i].unbind_conn = wlch_unbind_conn;
	}
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
