/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that wlch is built for, and nothing else.
 * Each WLCH_HAVE_ symbol comes from a look into the kernel's headers (Kbuild).
 */
#ifndef _IP_VS_WLCH_COMPAT_H
#define _IP_VS_WLCH_COMPAT_H

#include <net/genetlink.h>
#include <net/ip_vs.h>

/**
 * wlch_dest_inactconns() - connections of a server that are not active
 * @dest: the server
 * @active: its active connections, read before
 *
 * Kernels count either these, or all connections.
 *
 * Context: any.
 * Return: the count; never negative where it is a difference.
 */
static inline int wlch_dest_inactconns(const struct ip_vs_dest *dest,
				       int active)
{
#ifdef WLCH_HAVE_DEST_TOTALCONNS
	return max(atomic_read(&dest->totalconns) - active, 0);
#else
	return atomic_read(&dest->inactconns);
#endif
}

/**
 * wlch_may_bind() - can this kernel bear that a connection has an application?
 * @cp: the connection
 *
 * With NAT the core verifies the checksum of the packets of such connections.
 * Before it had ip_vs_checksum_common_check() it took valid packets for wrong
 * ones and dropped them: IPv6 when the network card had summed them up
 * (CHECKSUM_COMPLETE) or when they had extension headers, and SCTP when a card
 * was still to compute the checksum (CHECKSUM_PARTIAL).
 *
 * Return: true if so.
 */
static inline bool wlch_may_bind(const struct ip_vs_conn *cp)
{
#ifdef WLCH_HAVE_CHECKSUM_COMMON_CHECK
	return true;
#else
	return (cp->af != AF_INET6 && cp->protocol != IPPROTO_SCTP) ||
	       IP_VS_FWD_METHOD(cp) != IP_VS_CONN_F_MASQ;
#endif
}

/* What is not followed on this kernel, for "modinfo -F untracked". */
#ifdef WLCH_HAVE_CHECKSUM_COMMON_CHECK
#define WLCH_UNTRACKED_INFO ""
#else
#define WLCH_UNTRACKED_INFO "IPv6 with NAT, SCTP with NAT"
#endif

/**
 * wlch_dest_set_conns() - set a server's counters, for KUnit
 * @dest: a server that the core does not know
 * @active: its active connections
 * @total: all its connections
 */
static inline void wlch_dest_set_conns(struct ip_vs_dest *dest, int active,
				       int total)
{
	atomic_set(&dest->activeconns, active);
#ifdef WLCH_HAVE_DEST_TOTALCONNS
	atomic_set(&dest->totalconns, total);
#else
	atomic_set(&dest->inactconns, total - active);
#endif
}

/**
 * wlch_dump_attrs() - attributes of the request that a dump answers
 * @cb: the dump
 *
 * Return: the array of attributes, as the operation's policy parsed it.
 */
static inline struct nlattr **wlch_dump_attrs(struct netlink_callback *cb)
{
#ifdef WLCH_HAVE_GENL_INFO_DUMP
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/* For who joins a multicast group. Older kernels take the flag of operations. */
#ifdef WLCH_HAVE_MCAST_CAP_NET_ADMIN
#define WLCH_MCAST_CAP_NET_ADMIN	GENL_MCAST_CAP_NET_ADMIN
#else
#define WLCH_MCAST_CAP_NET_ADMIN	GENL_UNS_ADMIN_PERM
#endif

/* What is relied on has the type that it is used with. That it is there at all
 * is seen before, by Kbuild.
 */
#define WLCH_TYPE(structure, member, type)				\
	static_assert(__same_type(typeof_member(structure, member), type), \
		      "ip_vs_wlch: " #member " of " #structure		\
		      " has another type in this kernel: it is not supported yet")

WLCH_TYPE(struct ip_vs_protocol, app_conn_bind, int (*)(struct ip_vs_conn *));
#ifdef WLCH_HAVE_TRANSITION_IPH_LEN
WLCH_TYPE(struct ip_vs_protocol, state_transition,
	  void (*)(struct ip_vs_conn *, int, const struct sk_buff *,
		   struct ip_vs_proto_data *, unsigned int));
#else
WLCH_TYPE(struct ip_vs_protocol, state_transition,
	  void (*)(struct ip_vs_conn *, int, const struct sk_buff *,
		   struct ip_vs_proto_data *));
#endif
WLCH_TYPE(struct ip_vs_proto_data, pp, struct ip_vs_protocol *);
WLCH_TYPE(struct ip_vs_proto_data, appcnt, atomic_t);
WLCH_TYPE(struct ip_vs_app, app, struct ip_vs_app *);
WLCH_TYPE(struct ip_vs_app, usecnt, atomic_t);
WLCH_TYPE(struct ip_vs_app, unbind_conn,
	  void (*)(struct ip_vs_app *, struct ip_vs_conn *));
WLCH_TYPE(struct ip_vs_conn, app, struct ip_vs_app *);
WLCH_TYPE(struct ip_vs_conn, app_data, void *);
WLCH_TYPE(struct ip_vs_conn, dest, struct ip_vs_dest *);
WLCH_TYPE(struct ip_vs_conn, lock, spinlock_t);
WLCH_TYPE(struct ip_vs_dest, activeconns, atomic_t);
WLCH_TYPE(struct ip_vs_dest, weight, atomic_t);
WLCH_TYPE(struct ip_vs_service, sched_data, void *);

/**
 * wlch_core_transition() - call the core's state_transition()
 * @core: the core's operations of the connection's protocol
 * @cp: the connection
 * @direction: of the packet
 * @skb: the packet
 * @pd: the protocol's data of the namespace
 * @iph_len: length of the IP header; not all kernels want it
 */
static inline void wlch_core_transition(const struct ip_vs_protocol *core,
					struct ip_vs_conn *cp, int direction,
					const struct sk_buff *skb,
					struct ip_vs_proto_data *pd,
					unsigned int iph_len)
{
#ifdef WLCH_HAVE_TRANSITION_IPH_LEN
	core->state_transition(cp, direction, skb, pd, iph_len);
#else
	core->state_transition(cp, direction, skb, pd);
#endif
}

/**
 * WLCH_STATE_TRANSITION() - define a state_transition() of this kernel's type
 * @name: its name
 * @handler: what it calls, with the arguments of wlch_core_transition() but
 *	the first
 */
#ifdef WLCH_HAVE_TRANSITION_IPH_LEN
#define WLCH_STATE_TRANSITION(name, handler)				\
static void name(struct ip_vs_conn *cp, int direction,			\
		 const struct sk_buff *skb,				\
		 struct ip_vs_proto_data *pd, unsigned int iph_len)	\
{									\
	handler(cp, direction, skb, pd, iph_len);			\
}
#else
#define WLCH_STATE_TRANSITION(name, handler)				\
static void name(struct ip_vs_conn *cp, int direction,			\
		 const struct sk_buff *skb, struct ip_vs_proto_data *pd)	\
{									\
	handler(cp, direction, skb, pd, 0);				\
}
#endif

#endif /* _IP_VS_WLCH_COMPAT_H */
