/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracepoints ip_vs_wlch:pick, :half_open and :config. Their fields are an
 * interface, which Documentation/tracing.rst describes: new ones may come, in the
 * end, but these keep their names, types and meaning.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ip_vs_wlch

#if !defined(_IP_VS_WLCH_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _IP_VS_WLCH_EVENTS_H

#include <linux/in.h>
#include <linux/tracepoint.h>

#include "ip_vs_wlch_event_types.h"

TRACE_DEFINE_ENUM(WLCH_HALF_OPEN_BEGIN);
TRACE_DEFINE_ENUM(WLCH_HALF_OPEN_ESTABLISHED);
TRACE_DEFINE_ENUM(WLCH_HALF_OPEN_REFUSED);
TRACE_DEFINE_ENUM(WLCH_HALF_OPEN_CLOSED);
TRACE_DEFINE_ENUM(WLCH_HALF_OPEN_EXPIRED);
TRACE_DEFINE_ENUM(WLCH_CONFIG_START);
TRACE_DEFINE_ENUM(WLCH_CONFIG_STOP);
TRACE_DEFINE_ENUM(WLCH_CONFIG_SERVICE);
TRACE_DEFINE_ENUM(WLCH_CONFIG_DEFAULTS);
TRACE_DEFINE_ENUM(WLCH_CONFIG_MODULE);

#define wlch_show_protocol(protocol)				\
	__print_symbolic(protocol,				\
			 { 0, "any" },				\
			 { 6, "TCP" },				\
			 { 17, "UDP" },				\
			 { 132, "SCTP" })

#define wlch_show_half_open(what)				\
	__print_symbolic(what,					\
			 { WLCH_HALF_OPEN_BEGIN, "begin" },	\
			 { WLCH_HALF_OPEN_ESTABLISHED, "established" },	\
			 { WLCH_HALF_OPEN_REFUSED, "refused" },	\
			 { WLCH_HALF_OPEN_CLOSED, "closed" },	\
			 { WLCH_HALF_OPEN_EXPIRED, "expired" })

#define wlch_show_request(request)				\
	__print_symbolic(request,				\
			 { WLCH_CONFIG_START, "start" },	\
			 { WLCH_CONFIG_STOP, "stop" },		\
			 { WLCH_CONFIG_SERVICE, "set-service" },	\
			 { WLCH_CONFIG_DEFAULTS, "set-defaults" },	\
			 { WLCH_CONFIG_MODULE, "set-module" })

/* By enum wlch_param. */
#define wlch_show_params(set)					\
	__print_flags(set, ",",					\
		      { 1, "active" },				\
		      { 2, "halfopen" },			\
		      { 4, "refused" },				\
		      { 8, "inactive" },			\
		      { 16, "slowstart" },			\
		      { 32, "choices" })

/**
 * trace_pick() - a server was chosen, or there was none to choose
 * @event: what is known of it
 *
 * Context: under rcu_read_lock(); softirq, or process for local clients.
 */
TRACE_EVENT(pick,

	TP_PROTO(const struct wlch_event_pick *event),

	TP_ARGS(event),

	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, fwmark)
		__field(u16, protocol)
		__array(char, service, WLCH_EVENT_TEXT)
		__array(char, client, WLCH_EVENT_TEXT)
		__array(char, server, WLCH_EVENT_TEXT)
		__field(u64, load)
		__field(u32, weight)
		__field(u32, effective_weight)
		__field(u32, candidates)
		__field(u32, ties)
		__field(u32, retries)
	),

	TP_fast_assign(
		__entry->netns = event->service.netns;
		__entry->fwmark = event->service.fwmark;
		__entry->protocol = event->service.protocol;
		memcpy(__entry->service, event->service.text, WLCH_EVENT_TEXT);
		memcpy(__entry->client, event->client, WLCH_EVENT_TEXT);
		memcpy(__entry->server, event->server, WLCH_EVENT_TEXT);
		__entry->load = event->load;
		__entry->weight = event->weight;
		__entry->effective_weight = event->effective_weight;
		__entry->candidates = event->candidates;
		__entry->ties = event->ties;
		__entry->retries = event->retries;
	),

	TP_printk("netns=%u protocol=%s service=%s client=%s server=%s load=%llu weight=%u effective_weight=%u candidates=%u ties=%u retries=%u",
		  __entry->netns, wlch_show_protocol(__entry->protocol),
		  __entry->service, __entry->client, __entry->server,
		  __entry->load, __entry->weight, __entry->effective_weight,
		  __entry->candidates, __entry->ties, __entry->retries)
);

/**
 * trace_half_open() - the handshake of a connection begins or ends
 * @event: what is known of it
 *
 * Context: any but hard interrupt, mostly softirq and under the connection's lock.
 */
TRACE_EVENT(half_open,

	TP_PROTO(const struct wlch_event_half_open *event),

	TP_ARGS(event),

	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, fwmark)
		__field(const void *, conn)
		__field(u16, protocol)
		__field(u8, what)
		__array(char, service, WLCH_EVENT_TEXT)
		__array(char, client, WLCH_EVENT_TEXT)
		__array(char, server, WLCH_EVENT_TEXT)
	),

	TP_fast_assign(
		__entry->netns = event->service.netns;
		__entry->fwmark = event->service.fwmark;
		__entry->conn = event->conn;
		__entry->protocol = event->service.protocol;
		__entry->what = event->what;
		memcpy(__entry->service, event->service.text, WLCH_EVENT_TEXT);
		memcpy(__entry->client, event->client, WLCH_EVENT_TEXT);
		memcpy(__entry->server, event->server, WLCH_EVENT_TEXT);
	),

	TP_printk("netns=%u protocol=%s service=%s client=%s server=%s what=%s conn=%p",
		  __entry->netns, wlch_show_protocol(__entry->protocol),
		  __entry->service, __entry->client, __entry->server,
		  wlch_show_half_open(__entry->what), __entry->conn)
);

/**
 * trace_config() - parameters were set, or a service comes or goes with them
 * @service: the service, or the namespace whose defaults they are
 * @request: what did it
 * @set: bits of the parameters that the request gave
 * @value: the parameters after it, by enum wlch_param
 *
 * Context: process; its task is who asked for it.
 */
TRACE_EVENT(config,

	TP_PROTO(const struct wlch_event_service *service, u8 request, u32 set,
		 const u32 *value),

	TP_ARGS(service, request, set, value),

	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, fwmark)
		__field(u16, protocol)
		__field(u8, request)
		__array(char, service, WLCH_EVENT_TEXT)
		__field(u32, set)
		__field(u32, active)
		__field(u32, halfopen)
		__field(u32, refused)
		__field(u32, inactive)
		__field(u32, slowstart)
		__field(u32, choices)
	),

	TP_fast_assign(
		__entry->netns = service->netns;
		__entry->fwmark = service->fwmark;
		__entry->protocol = service->protocol;
		__entry->request = request;
		memcpy(__entry->service, service->text, WLCH_EVENT_TEXT);
		__entry->set = set;
		__entry->active = value[WLCH_ACTIVE];
		__entry->halfopen = value[WLCH_HALFOPEN];
		__entry->refused = value[WLCH_REFUSED];
		__entry->inactive = value[WLCH_INACTIVE];
		__entry->slowstart = value[WLCH_SLOWSTART];
		__entry->choices = value[WLCH_CHOICES];
	),

	TP_printk("netns=%u protocol=%s service=%s request=%s set=%s active=%u halfopen=%u refused=%u inactive=%u slowstart=%u choices=%u",
		  __entry->netns, wlch_show_protocol(__entry->protocol),
		  __entry->service, wlch_show_request(__entry->request),
		  wlch_show_params(__entry->set), __entry->active,
		  __entry->halfopen, __entry->refused, __entry->inactive,
		  __entry->slowstart, __entry->choices)
);

#endif /* _IP_VS_WLCH_EVENTS_H */

/* Not in include/trace: Kbuild has this folder searched. */
#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE ip_vs_wlch_events
#include <trace/define_trace.h>
