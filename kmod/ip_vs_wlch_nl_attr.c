// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: attributes of the netlink family ipvs_wlch
 *
 * What goes into a message and what is accepted in one; no command, no lock.
 */

#include <net/netlink.h>

#include "ip_vs_wlch_judge.h"
#include "ip_vs_wlch_nl.h"

/* The parameters have their attributes in the same order, from 1. */
static_assert(WLCH_ACTIVE + 1 == IPVS_WLCH_A_PARAMS_ACTIVE);
static_assert(WLCH_HALFOPEN + 1 == IPVS_WLCH_A_PARAMS_HALFOPEN);
static_assert(WLCH_REFUSED + 1 == IPVS_WLCH_A_PARAMS_REFUSED);
static_assert(WLCH_INACTIVE + 1 == IPVS_WLCH_A_PARAMS_INACTIVE);
static_assert((int)WLCH_SLOWSTART + 1 == IPVS_WLCH_A_PARAMS_SLOWSTART);
static_assert((int)WLCH_CHOICES + 1 == IPVS_WLCH_A_PARAMS_CHOICES);
static_assert((int)WLCH_NR_PARAMS == IPVS_WLCH_A_PARAMS_MAX);

/* Ranges are checked by wlch_check_params(), with a message that says what is
 * allowed. Not by a validation function of the policy: where it is written
 * into an acknowledgment the kernel takes the function for a range, and warns.
 */
const struct nla_policy
wlch_params_policy[IPVS_WLCH_A_PARAMS_MAX + 1] = {
	[IPVS_WLCH_A_PARAMS_ACTIVE]	= { .type = NLA_U32 },
	[IPVS_WLCH_A_PARAMS_HALFOPEN]	= { .type = NLA_U32 },
	[IPVS_WLCH_A_PARAMS_REFUSED]	= { .type = NLA_U32 },
	[IPVS_WLCH_A_PARAMS_INACTIVE]	= { .type = NLA_U32 },
	[IPVS_WLCH_A_PARAMS_SLOWSTART]	= { .type = NLA_U32 },
	[IPVS_WLCH_A_PARAMS_CHOICES]	= { .type = NLA_U32 },
};

#define WLCH_KEY_POLICY							\
	[IPVS_WLCH_A_SERVICE_AF]	= { .type = NLA_U16 },		\
	[IPVS_WLCH_A_SERVICE_PROTOCOL]	= { .type = NLA_U16 },		\
	[IPVS_WLCH_A_SERVICE_ADDRESS]	= { .type = NLA_BINARY,		\
					    .len = sizeof(struct in6_addr) }, \
	[IPVS_WLCH_A_SERVICE_PORT]	= { .type = NLA_U16 },		\
	[IPVS_WLCH_A_SERVICE_FWMARK]	= { .type = NLA_U32 }

const struct nla_policy
wlch_key_policy[IPVS_WLCH_A_SERVICE_FWMARK + 1] = {
	WLCH_KEY_POLICY,
};

const struct nla_policy
wlch_set_policy[IPVS_WLCH_A_SERVICE_PARAMS + 1] = {
	WLCH_KEY_POLICY,
	[IPVS_WLCH_A_SERVICE_PARAMS] = NLA_POLICY_NESTED(wlch_params_policy),
};

const struct nla_policy
wlch_defaults_policy[IPVS_WLCH_A_SERVICE_PARAMS + 1] = {
	[IPVS_WLCH_A_SERVICE_PARAMS] = NLA_POLICY_NESTED(wlch_params_policy),
};

const struct nla_policy
wlch_server_policy[IPVS_WLCH_A_SERVER_SERVICE + 1] = {
	[IPVS_WLCH_A_SERVER_SERVICE] = NLA_POLICY_NESTED(wlch_key_policy),
};

static int wlch_address_len(u16 af)
{
	return af == AF_INET6 ? sizeof(struct in6_addr) :
				sizeof(struct in_addr);
}

static int wlch_parse_address(struct wlch_key *key, struct nlattr **attrs,
			      struct netlink_ext_ack *extack)
{
	struct nlattr *address = attrs[IPVS_WLCH_A_SERVICE_ADDRESS];

	if (!address || !attrs[IPVS_WLCH_A_SERVICE_PROTOCOL] ||
	    !attrs[IPVS_WLCH_A_SERVICE_PORT]) {
		NL_SET_ERR_MSG(extack,
			       "a service is named by protocol, address and port, or by fwmark");
		return -EINVAL;
	}
	if (nla_len(address) != wlch_address_len(key->af)) {
		NL_SET_ERR_MSG_ATTR(extack, address,
				    "address: 4 bytes for AF_INET, 16 for AF_INET6");
		return -EINVAL;
	}
	key->protocol = nla_get_u16(attrs[IPVS_WLCH_A_SERVICE_PROTOCOL]);
	key->port = nla_get_be16(attrs[IPVS_WLCH_A_SERVICE_PORT]);
	memcpy(&key->addr, nla_data(address), nla_len(address));
	return 0;
}

/**
 * wlch_parse_key() - read the name of a service
 * @key: the result
 * @attrs: attributes, as wlch_key_policy validated them
 * @extack: gets the reason of a refusal
 *
 * Return: 0 or a negative error.
 */
int wlch_parse_key(struct wlch_key *key, struct nlattr **attrs,
		   struct netlink_ext_ack *extack)
{
	struct nlattr *fwmark = attrs[IPVS_WLCH_A_SERVICE_FWMARK];
	struct nlattr *af = attrs[IPVS_WLCH_A_SERVICE_AF];

	memset(key, 0, sizeof(*key));
	if (af)
		key->af = nla_get_u16(af);
	if (key->af != AF_INET && key->af != AF_INET6) {
		NL_SET_ERR_MSG_ATTR(extack, af, "af: AF_INET or AF_INET6 is needed");
		return -EAFNOSUPPORT;
	}
	if (!fwmark)
		return wlch_parse_address(key, attrs, extack);
	key->fwmark = nla_get_u32(fwmark);
	if (!key->fwmark || attrs[IPVS_WLCH_A_SERVICE_PROTOCOL] ||
	    attrs[IPVS_WLCH_A_SERVICE_ADDRESS] ||
	    attrs[IPVS_WLCH_A_SERVICE_PORT]) {
		NL_SET_ERR_MSG_ATTR(extack, fwmark,
				    "fwmark: not 0, and without protocol, address and port");
		return -EINVAL;
	}
	return 0;
}

/**
 * wlch_key_matches() - does a key name this service?
 * @key: the key
 * @svc: the service
 *
 * Return: true if so.
 */
bool wlch_key_matches(const struct wlch_key *key,
		      const struct ip_vs_service *svc)
{
	if (svc->af != key->af || svc->fwmark != key->fwmark)
		return false;
	return key->fwmark || (svc->protocol == key->protocol &&
			       svc->port == key->port &&
			       ip_vs_addr_equal(svc->af, &svc->addr,
						&key->addr));
}

/* A message has to be a constant: hence one line for each. */
static void wlch_refuse_param(int param, const struct nlattr *attr,
			      struct netlink_ext_ack *extack)
{
	switch (param) {
	case WLCH_ACTIVE:
		NL_SET_ERR_MSG_ATTR(extack, attr, "active: allowed is 1..4096");
		break;
	case WLCH_HALFOPEN:
		NL_SET_ERR_MSG_ATTR(extack, attr, "halfopen: allowed is 0..4096");
		break;
	case WLCH_REFUSED:
		NL_SET_ERR_MSG_ATTR(extack, attr, "refused: allowed is 0..4096");
		break;
	case WLCH_INACTIVE:
		NL_SET_ERR_MSG_ATTR(extack, attr, "inactive: allowed is 0..4096");
		break;
	case WLCH_SLOWSTART:
		NL_SET_ERR_MSG_ATTR(extack, attr, "slowstart: allowed is 0..3600");
		break;
	case WLCH_CHOICES:
		NL_SET_ERR_MSG_ATTR(extack, attr, "choices: allowed is 0..64");
		break;
	}
}

/**
 * wlch_check_params() - are the parameters that a request gives in range?
 * @attrs: attributes, as wlch_params_policy validated them
 * @extack: gets the reason of a refusal
 *
 * Return: 0, or -ERANGE if one is not.
 */
int wlch_check_params(struct nlattr **attrs, struct netlink_ext_ack *extack)
{
	int i;

	for (i = 0; i < WLCH_NR_PARAMS; i++) {
		if (attrs[i + 1] &&
		    !wlch_param_in_range(i, nla_get_u32(attrs[i + 1]))) {
			wlch_refuse_param(i, attrs[i + 1], extack);
			return -ERANGE;
		}
	}
	return 0;
}

/**
 * wlch_overlay_params() - take over the parameters that a request gives
 * @value: the parameters by enum wlch_param; those that are not given stay
 * @attrs: attributes, as wlch_check_params() accepted them
 */
void wlch_overlay_params(u32 *value, struct nlattr **attrs)
{
	int i;

	for (i = 0; i < WLCH_NR_PARAMS; i++) {
		if (attrs[i + 1])
			value[i] = nla_get_u32(attrs[i + 1]);
	}
}

static int wlch_put_key(struct sk_buff *skb, const struct ip_vs_service *svc)
{
	if (nla_put_u16(skb, IPVS_WLCH_A_SERVICE_AF, svc->af))
		return -EMSGSIZE;
	if (svc->fwmark)
		return nla_put_u32(skb, IPVS_WLCH_A_SERVICE_FWMARK,
				   svc->fwmark);
	if (nla_put_u16(skb, IPVS_WLCH_A_SERVICE_PROTOCOL, svc->protocol) ||
	    nla_put(skb, IPVS_WLCH_A_SERVICE_ADDRESS,
		    wlch_address_len(svc->af), &svc->addr) ||
	    nla_put_be16(skb, IPVS_WLCH_A_SERVICE_PORT, svc->port))
		return -EMSGSIZE;
	return 0;
}

/**
 * wlch_put_params() - put parameters into a message
 * @skb: the message
 * @params: the parameters
 *
 * Return: 0, or -EMSGSIZE if there is no room.
 */
int wlch_put_params(struct sk_buff *skb, const struct wlch_params *params)
{
	struct nlattr *nest = nla_nest_start(skb, IPVS_WLCH_A_SERVICE_PARAMS);
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < WLCH_NR_PARAMS; i++) {
		if (nla_put_u32(skb, i + 1, params->value[i]))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * wlch_put_service() - put a service into a message
 * @skb: the message
 * @ws: the service
 * @params: its parameters
 *
 * Context: process, under the lock of the service's namespace.
 * Return: 0, or -EMSGSIZE if there is no room.
 */
int wlch_put_service(struct sk_buff *skb, const struct wlch_service *ws,
		     const struct wlch_params *params)
{
	struct wlch_totals totals;

	wlch_read_stats(ws, &totals);
	if (wlch_put_key(skb, ws->svc) || wlch_put_params(skb, params) ||
	    nla_put_u64_64bit(skb, IPVS_WLCH_A_SERVICE_PICKS, totals.picks,
			      IPVS_WLCH_A_SERVICE_PAD) ||
	    nla_put_u64_64bit(skb, IPVS_WLCH_A_SERVICE_NO_SERVER,
			      totals.no_server, IPVS_WLCH_A_SERVICE_PAD) ||
	    nla_put_u64_64bit(skb, IPVS_WLCH_A_SERVICE_RETRIES, totals.retries,
			      IPVS_WLCH_A_SERVICE_PAD))
		return -EMSGSIZE;
	return 0;
}

static int wlch_put_server_counts(struct sk_buff *skb,
				  const struct ip_vs_dest *dest,
				  const struct wlch_server *server,
				  const struct wlch_params *params)
{
	u64 picks = server ? atomic64_read(&server->picks) - server->zero : 0;
	struct wlch_counts counts;

	wlch_server_count(&counts, dest, server);
	if (nla_put_u32(skb, IPVS_WLCH_A_SERVER_ESTABLISHED,
			counts.class[WLCH_ACTIVE]) ||
	    nla_put_u32(skb, IPVS_WLCH_A_SERVER_HALF_OPEN,
			counts.class[WLCH_HALFOPEN]) ||
	    nla_put_u32(skb, IPVS_WLCH_A_SERVER_REFUSED,
			counts.class[WLCH_REFUSED]) ||
	    nla_put_u32(skb, IPVS_WLCH_A_SERVER_INACTIVE,
			counts.class[WLCH_INACTIVE]) ||
	    nla_put_u64_64bit(skb, IPVS_WLCH_A_SERVER_LOAD,
			      wlch_load(&counts, params->value),
			      IPVS_WLCH_A_SERVER_PAD) ||
	    nla_put_u64_64bit(skb, IPVS_WLCH_A_SERVER_PICKS, picks,
			      IPVS_WLCH_A_SERVER_PAD))
		return -EMSGSIZE;
	return 0;
}

/**
 * wlch_put_server() - put a server into a message
 * @skb: the message
 * @ws: the service it belongs to
 * @dest: the server
 * @server: its private counters, or NULL
 * @params: the parameters of the service
 *
 * Context: process, under the lock of the service's namespace.
 * Return: 0, or -EMSGSIZE if there is no room.
 */
int wlch_put_server(struct sk_buff *skb, const struct wlch_service *ws,
		    const struct ip_vs_dest *dest,
		    const struct wlch_server *server,
		    const struct wlch_params *params)
{
	struct nlattr *nest = nla_nest_start(skb, IPVS_WLCH_A_SERVER_SERVICE);
	/* the core writes it with each change, but never another value */
	u16 af = READ_ONCE(dest->af);

	if (!nest || wlch_put_key(skb, ws->svc))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	if (nla_put_u16(skb, IPVS_WLCH_A_SERVER_AF, af) ||
	    nla_put(skb, IPVS_WLCH_A_SERVER_ADDRESS, wlch_address_len(af),
		    &dest->addr) ||
	    nla_put_be16(skb, IPVS_WLCH_A_SERVER_PORT, dest->port) ||
	    nla_put_u32(skb, IPVS_WLCH_A_SERVER_WEIGHT,
			atomic_read(&dest->weight)) ||
	    nla_put_u32(skb, IPVS_WLCH_A_SERVER_EFFECTIVE_WEIGHT,
			wlch_effective_weight(dest, server, params)))
		return -EMSGSIZE;
	return wlch_put_server_counts(skb, dest, server, params);
}
