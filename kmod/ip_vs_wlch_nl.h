/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the two halves of the netlink family: commands and attributes.
 */
#ifndef _IP_VS_WLCH_NL_H
#define _IP_VS_WLCH_NL_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <linux/ip_vs_wlch.h>

struct ip_vs_dest;
struct ip_vs_service;
struct wlch_net;
struct wlch_params;
struct wlch_server;
struct wlch_service;

/**
 * struct wlch_key - names a service within its namespace
 * @af: AF_INET or AF_INET6
 * @protocol: IPPROTO_*, if @fwmark is 0
 * @addr: virtual address, if @fwmark is 0
 * @port: virtual port, if @fwmark is 0
 * @fwmark: mark of a fwmark service, or 0
 */
struct wlch_key {
	u16			af;
	u16			protocol;
	union nf_inet_addr	addr;
	__be16			port;
	u32			fwmark;
};

extern const struct nla_policy
wlch_params_policy[IPVS_WLCH_A_PARAMS_MAX + 1];
extern const struct nla_policy
wlch_key_policy[IPVS_WLCH_A_SERVICE_FWMARK + 1];
extern const struct nla_policy
wlch_set_policy[IPVS_WLCH_A_SERVICE_PARAMS + 1];
extern const struct nla_policy
wlch_defaults_policy[IPVS_WLCH_A_SERVICE_PARAMS + 1];
extern const struct nla_policy
wlch_server_policy[IPVS_WLCH_A_SERVER_SERVICE + 1];

int wlch_parse_key(struct wlch_key *key, struct nlattr **attrs,
		   struct netlink_ext_ack *extack);
bool wlch_key_matches(const struct wlch_key *key,
		      const struct ip_vs_service *svc);
int wlch_check_params(struct nlattr **attrs, struct netlink_ext_ack *extack);
void wlch_overlay_params(u32 *value, struct nlattr **attrs);
int wlch_put_params(struct sk_buff *skb, const struct wlch_params *params);
int wlch_put_service(struct sk_buff *skb, const struct wlch_service *ws,
		     const struct wlch_params *params);
int wlch_put_server(struct sk_buff *skb, const struct wlch_service *ws,
		    const struct ip_vs_dest *dest,
		    const struct wlch_server *server,
		    const struct wlch_params *params);

/* ip_vs_wlch_nl.c */
extern struct genl_family wlch_family;
struct wlch_service *wlch_find(struct wlch_net *wn, struct nlattr **attrs,
			       struct netlink_ext_ack *extack);
bool wlch_netlink_ready(void);
struct sk_buff *wlch_message(const struct wlch_net *wn,
			     const struct wlch_service *ws,
			     const struct genl_info *info, u8 cmd);

/* ip_vs_wlch_nl_dump.c */
int wlch_get_service_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int wlch_get_server_dumpit(struct sk_buff *skb, struct netlink_callback *cb);

/* ip_vs_wlch_nl_event.c */
#define WLCH_NR_GROUPS	1
extern const struct genl_multicast_group wlch_groups[WLCH_NR_GROUPS];
void wlch_notify_defaults(struct net *net, const struct wlch_net *wn);

#endif /* _IP_VS_WLCH_NL_H */
