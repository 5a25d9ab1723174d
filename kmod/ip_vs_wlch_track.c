// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: half-open connections of each real server
 *
 * The core shows a scheduler two counters of a server and none of them tells
 * how many connections are in the handshake. They are counted here with
 * IPVS's own per-connection callbacks, without a kernel patch, without
 * probes, and without a walk of the connection table:
 *
 * - In a namespace with a wlch service two operations of each protocol are
 *   wrapped: see ip_vs_wlch_wrap.c.
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

#include <linux/module.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_compat.h"
#include "ip_vs_wlch_index.h"
#include "ip_vs_wlch_trace.h"
#include "ip_vs_wlch_track.h"

/* By gauge. */
struct ip_vs_app wlch_trackers[WLCH_NR_GAUGES];

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
bool wlch_may_be_claimed(const struct ip_vs_conn *cp)
{
	return READ_ONCE(cp->dest) &&
	       !(READ_ONCE(cp->flags) & (IP_VS_CONN_F_TEMPLATE |
					 IP_VS_CONN_F_SYNC |
					 IP_VS_CONN_F_HASHED));
}

/* The connection is new: the caller is the only one who knows it. */
void wlch_bind_conn(struct ip_vs_conn *cp)
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

/* Bind a connection that others may know, in the handshake. Under cp->lock.
 *
 * Return: the server, or NULL if it is in no service that runs wlch: then
 * cp->app_data is what an application may have left there.
 */
static struct wlch_server *wlch_bind_late(struct ip_vs_conn *cp,
					  enum wlch_gauge gauge)
{
	struct wlch_server *server = wlch_server_get(cp->dest);

	if (!server)
		return NULL;
	wlch_gauge_add(server, gauge, 1);
	cp->app_data = server;
	WRITE_ONCE(cp->app, &wlch_trackers[gauge]);
	return server;
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

/* Count a connection where its state wants it. Returns whether its server's place in an
 * index was found out anew.
 *
 * Two CPUs may be here for packets of the same connection. The lock makes
 * each see a state and a flag that belong together, and the last one settles.
 *
 * What is closed and still pending, though the handshake would be active, has
 * not been refused: it is the end of a connection that another director knew
 * (sloppy_tcp).
 */
bool wlch_follow_conn(struct ip_vs_conn *cp, const struct wlch_protocol *proto)
{
	struct wlch_server *done = NULL, *server = NULL;
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
	if (gauge == WLCH_UNTRACKED) {
		server = wlch_bind_late(cp, next);
	} else {
		done = wlch_move_conn(cp, gauge, next);
		server = done ?: cp->app_data;
	}
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
	return server;
}

/* What a message of the sync daemon has made is not bound: its states come by
 * messages, too, and its server and applications after it can be found. Nor is a
 * template: it is in no handshake, but with NAT the core takes it for the
 * connection of the client's port 0. The test is lockless: the server of a
 * connection comes once and stays to its end.
 */
bool wlch_may_bind_late(const struct ip_vs_conn *cp)
{
	return READ_ONCE(cp->dest) &&
	       !(READ_ONCE(cp->flags) & (IP_VS_CONN_F_TEMPLATE |
					 IP_VS_CONN_F_SYNC)) &&
	       wlch_may_bind(cp);
}

/* A connection that is not followed is active no more, or is it again. */
void wlch_conn_turned(const struct ip_vs_conn *cp)
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

/* Prepare the applications that connections are bound to. */
void wlch_trackers_init(void)
{
	int i;

	for (i = 0; i < WLCH_NR_GAUGES; i++) {
		wlch_trackers[i].name = "wlch";
		wlch_trackers[i].module = THIS_MODULE;
		wlch_trackers[i].app = &wlch_trackers[i];
		wlch_trackers[i].unbind_conn = wlch_unbind_conn;
	}
}
