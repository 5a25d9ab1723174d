// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: what tracepoints tell
 *
 * Addresses are text in the events, so that filters, histograms and every tool can
 * use them. They are made here, and only while somebody listens. What is read is
 * never written after others know the service, the server or the connection.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/in6.h>
#include <linux/kernel.h>
#include <linux/skbuff.h>

#include "ip_vs_wlch_trace.h"

#define CREATE_TRACE_POINTS
#include "ip_vs_wlch_events.h"

/* No rest of something else behind the text: tools compare all of the field. */
static void wlch_event_address(char text[WLCH_EVENT_TEXT], int af,
			       const union nf_inet_addr *addr, __be16 port)
{
	memset(text, 0, WLCH_EVENT_TEXT);
	if (af == AF_INET6)
		snprintf(text, WLCH_EVENT_TEXT, "[%pI6c]:%u", &addr->in6,
			 ntohs(port));
	else
		snprintf(text, WLCH_EVENT_TEXT, "%pI4:%u", &addr->ip, ntohs(port));
}

static void wlch_event_mark(char text[WLCH_EVENT_TEXT], u32 fwmark)
{
	memset(text, 0, WLCH_EVENT_TEXT);
	snprintf(text, WLCH_EVENT_TEXT, "fwmark:%u", fwmark);
}

/**
 * wlch_event_service() - which service is it?
 * @event: the result
 * @svc: the service
 * @protocol: of the connection, or of the service
 */
void wlch_event_service(struct wlch_event_service *event,
			const struct ip_vs_service *svc, u16 protocol)
{
	event->netns = svc->ipvs->net->ns.inum;
	event->protocol = protocol;
	event->fwmark = svc->fwmark;
	if (svc->fwmark)
		wlch_event_mark(event->text, svc->fwmark);
	else
		wlch_event_address(event->text, svc->af, &svc->addr, svc->port);
}

/**
 * wlch_event_server() - which server is it?
 * @text: the result
 * @dest: the server, or NULL if there is none
 */
void wlch_event_server(char text[WLCH_EVENT_TEXT], const struct ip_vs_dest *dest)
{
	if (dest) {
		wlch_event_address(text, READ_ONCE(dest->af), &dest->addr,
				   dest->port);
		return;
	}
	memset(text, 0, WLCH_EVENT_TEXT);
	strscpy(text, "none", WLCH_EVENT_TEXT);
}

/**
 * wlch_event_client() - whose packet is it?
 * @text: the result
 * @skb: the packet; NULL in tests
 * @iph: its header
 * @af: the family of its addresses
 *
 * The core chooses for the answer of a server, too, that begins a connection, and for
 * what an ICMP message quotes: there the client is the destination.
 */
void wlch_event_client(char text[WLCH_EVENT_TEXT], const struct sk_buff *skb,
		       const struct ip_vs_iphdr *iph, int af)
{
	bool inverse = ip_vs_iph_inverse(iph);
	__be16 ports[2], *pptr = NULL;

	/* as the core finds them; these protocols have them in the same place */
	if (skb)
		pptr = frag_safe_skb_hp(skb, iph->len, sizeof(ports), ports);
	wlch_event_address(text, af, inverse ? &iph->daddr : &iph->saddr,
			   pptr ? pptr[inverse] : 0);
}

/**
 * wlch_do_trace_half_open() - what wlch_trace_half_open() does when it is on
 * @cp: the connection
 * @dest: its server
 * @what: what happens
 *
 * The service may be gone; what the server was added to is known from itself.
 */
void wlch_do_trace_half_open(const struct ip_vs_conn *cp,
			     const struct ip_vs_dest *dest,
			     enum wlch_half_open_event what)
{
	struct wlch_event_half_open event;

	event.conn = cp;
	event.what = what;
	event.service.netns = cp->ipvs->net->ns.inum;
	event.service.protocol = cp->protocol;
	event.service.fwmark = dest->vfwmark;
	if (dest->vfwmark)
		wlch_event_mark(event.service.text, dest->vfwmark);
	else
		wlch_event_address(event.service.text, cp->af, &dest->vaddr,
				   dest->vport);
	wlch_event_address(event.client, cp->af, &cp->caddr, cp->cport);
	wlch_event_server(event.server, dest);
	trace_half_open(&event);
}

/**
 * wlch_do_trace_config() - what wlch_trace_service() and wlch_trace_defaults() do
 *	when it is on
 * @svc: the service, or NULL for the defaults
 * @request: what did it
 * @netns: number of the namespace, or 0 for all
 * @set: bits of the parameters that the request gives
 * @value: the parameters after it
 */
void wlch_do_trace_config(const struct ip_vs_service *svc,
			  enum wlch_config_event request, u32 netns, u32 set,
			  const u32 *value)
{
	struct wlch_event_service service = { .netns = netns };

	if (svc)
		wlch_event_service(&service, svc, svc->fwmark ? 0 : svc->protocol);
	else
		strscpy(service.text, "defaults", sizeof(service.text));
	trace_config(&service, request, set, value);
}
