/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IPVS scheduler wlch: what half-open accounting and the wrapped operations of
 * the protocols share
 */
#ifndef _IP_VS_WLCH_TRACK_H
#define _IP_VS_WLCH_TRACK_H

#include "ip_vs_wlch.h"

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

/* By gauge. */
extern struct ip_vs_app wlch_trackers[WLCH_NR_GAUGES];

bool wlch_may_be_claimed(const struct ip_vs_conn *cp);
void wlch_bind_conn(struct ip_vs_conn *cp);
bool wlch_may_bind_late(const struct ip_vs_conn *cp);
bool wlch_follow_conn(struct ip_vs_conn *cp, const struct wlch_protocol *proto);
void wlch_conn_turned(const struct ip_vs_conn *cp);
void wlch_trackers_init(void);

static inline bool wlch_is_tracker(const struct ip_vs_app *app)
{
	return app >= wlch_trackers && app < wlch_trackers + WLCH_NR_GAUGES;
}

/* After the core has set the state that a packet leads to; @flags are those before.
 *
 * The test is lockless. Who brings a connection into the handshake, or out of
 * it, comes here after that with what it has set itself, so a change is
 * missed by nobody but who is followed by another. Two changes of the core do
 * not lead here: a message of the sync daemon, and ip_vs_tcp_conn_listen().
 *
 * Where another CPU has moved the state on before the connection could be bound, the
 * one here has still made it active.
 */
static inline void wlch_look_at_conn(struct ip_vs_conn *cp,
				     const struct wlch_protocol *proto,
				     u32 flags)
{
	const struct ip_vs_app *app = READ_ONCE(cp->app);

	if (unlikely(wlch_is_tracker(app) ||
		     (!app && BIT(READ_ONCE(cp->state)) & proto->handshake &&
		      wlch_may_bind_late(cp))) &&
	    wlch_follow_conn(cp, proto))
		return;
	if (unlikely((READ_ONCE(cp->flags) ^ flags) & IP_VS_CONN_F_INACTIVE))
		wlch_conn_turned(cp);
}

#endif /* _IP_VS_WLCH_TRACK_H */
