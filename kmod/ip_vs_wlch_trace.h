/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the rest of the module calls to be traced, see Documentation/tracing.rst. As
 * long as nobody listens this is a jump that is not taken (a static key): whoever has
 * to find out more for an event than he knows asks trace_pick_enabled() and its likes
 * before.
 */
#ifndef _IP_VS_WLCH_TRACE_H
#define _IP_VS_WLCH_TRACE_H

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_events.h"

/* ip_vs_wlch_trace.c */
void wlch_event_service(struct wlch_event_service *event,
			const struct ip_vs_service *svc, u16 protocol);
void wlch_event_server(char text[WLCH_EVENT_TEXT], const struct ip_vs_dest *dest);
void wlch_event_client(char text[WLCH_EVENT_TEXT], const struct sk_buff *skb,
		       const struct ip_vs_iphdr *iph, int af);
void wlch_do_trace_half_open(const struct ip_vs_conn *cp,
			     const struct ip_vs_dest *dest,
			     enum wlch_half_open_event what);
void wlch_do_trace_config(const struct ip_vs_service *svc,
			  enum wlch_config_event request, u32 netns, u32 set,
			  const u32 *value);

/**
 * wlch_trace_half_open() - a handshake begins or ends
 * @cp: the connection
 * @dest: its server
 * @what: what happens
 *
 * Context: any but hard interrupt; @cp and @dest are kept alive by the caller.
 */
static inline void wlch_trace_half_open(const struct ip_vs_conn *cp,
					const struct ip_vs_dest *dest,
					enum wlch_half_open_event what)
{
	if (trace_half_open_enabled())
		wlch_do_trace_half_open(cp, dest, what);
}

/**
 * wlch_trace_service() - the parameters of a service are set, or come or go with it
 * @ws: the service
 * @params: its parameters
 * @request: what did it
 * @set: bits of the parameters that the request gives
 *
 * Context: process, under the lock of the service's namespace.
 */
static inline void wlch_trace_service(const struct wlch_service *ws,
				      const struct wlch_params *params,
				      enum wlch_config_event request, u32 set)
{
	if (trace_config_enabled())
		wlch_do_trace_config(ws->svc, request,
				     ws->svc->ipvs->net->ns.inum, set,
				     params->value);
}

/**
 * wlch_trace_defaults() - what services begin with is set
 * @request: what did it
 * @netns: number of the namespace, or 0 for all
 * @set: bits of the parameters that the request gives
 * @value: the defaults, by enum wlch_param
 *
 * Context: process.
 */
static inline void wlch_trace_defaults(enum wlch_config_event request, u32 netns,
				       u32 set, const u32 *value)
{
	if (trace_config_enabled())
		wlch_do_trace_config(NULL, request, netns, set, value);
}

#endif /* _IP_VS_WLCH_TRACE_H */
