/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is handed to the tracepoints. The numbers are part of the events' format, as
 * filters and bpftrace have them.
 */
#ifndef _IP_VS_WLCH_EVENT_TYPES_H
#define _IP_VS_WLCH_EVENT_TYPES_H

#include <linux/types.h>

#include "ip_vs_wlch_load.h"

/* The longest is an IPv6 address that ends like an IPv4 one, and a port. */
#define WLCH_EVENT_TEXT	56

/**
 * enum wlch_half_open_event - what happens to a handshake
 * @WLCH_HALF_OPEN_BEGIN: it begins
 * @WLCH_HALF_OPEN_ESTABLISHED: it is complete
 * @WLCH_HALF_OPEN_REFUSED: it ends in a reset
 * @WLCH_HALF_OPEN_CLOSED: the connection is closed before
 * @WLCH_HALF_OPEN_EXPIRED: the connection's entry is removed before
 */
enum wlch_half_open_event {
	WLCH_HALF_OPEN_BEGIN,
	WLCH_HALF_OPEN_ESTABLISHED,
	WLCH_HALF_OPEN_REFUSED,
	WLCH_HALF_OPEN_CLOSED,
	WLCH_HALF_OPEN_EXPIRED,
};

/**
 * enum wlch_config_event - what sets parameters
 * @WLCH_CONFIG_START: a service starts to use wlch, with the defaults
 * @WLCH_CONFIG_STOP: a service is deleted, or gets another scheduler
 * @WLCH_CONFIG_SERVICE: netlink, for a service
 * @WLCH_CONFIG_DEFAULTS: netlink, for the defaults of a namespace
 * @WLCH_CONFIG_MODULE: a parameter of the module is written
 */
enum wlch_config_event {
	WLCH_CONFIG_START,
	WLCH_CONFIG_STOP,
	WLCH_CONFIG_SERVICE,
	WLCH_CONFIG_DEFAULTS,
	WLCH_CONFIG_MODULE,
};

/**
 * struct wlch_event_service - the service of an event
 * @netns: number of its network namespace
 * @fwmark: its mark, or 0
 * @protocol: of the connection, or of the service; 0 if that has a mark
 * @text: its address and port, or its mark
 */
struct wlch_event_service {
	u32	netns;
	u32	fwmark;
	u16	protocol;
	char	text[WLCH_EVENT_TEXT];
};

/**
 * struct wlch_event_pick - a choice
 * @service: the service
 * @client: who connects
 * @server: the server, or "none"
 * @load: its load, when it was chosen
 * @weight: its weight
 * @effective_weight: less what slow start takes
 * @candidates: how many servers could have been chosen
 * @ties: how many of them were as good
 * @retries: how often the choice was made again
 */
struct wlch_event_pick {
	struct wlch_event_service	service;
	char				client[WLCH_EVENT_TEXT];
	char				server[WLCH_EVENT_TEXT];
	u64				load;
	u32				weight;
	u32				effective_weight;
	u32				candidates;
	u32				ties;
	u32				retries;
};

/**
 * struct wlch_event_half_open - a handshake begins or ends
 * @service: the service
 * @conn: the connection, as long as it lives
 * @what: what happens
 * @client: who connects
 * @server: the server
 */
struct wlch_event_half_open {
	struct wlch_event_service	service;
	const void			*conn;
	enum wlch_half_open_event	what;
	char				client[WLCH_EVENT_TEXT];
	char				server[WLCH_EVENT_TEXT];
};

#endif /* _IP_VS_WLCH_EVENT_TYPES_H */
