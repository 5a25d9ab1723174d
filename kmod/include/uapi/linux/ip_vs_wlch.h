/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Generic netlink interface of the IPVS scheduler wlch
 * (weighted least-connection, half-open aware).
 *
 * The family lives in each network namespace. Every command needs
 * CAP_NET_ADMIN in the user namespace that owns the network namespace, as
 * IPVS's socket options do. Refusals carry an extended-ack message.
 */
#ifndef _UAPI_LINUX_IP_VS_WLCH_H
#define _UAPI_LINUX_IP_VS_WLCH_H

#define IPVS_WLCH_FAMILY_NAME		"ipvs_wlch"
#define IPVS_WLCH_FAMILY_VERSION	1

/* The multicast group for changes of the configuration. */
#define IPVS_WLCH_MCGRP_CONFIG		"config"

/* A factor is worth 0..4096; "active" is at least 1. */
#define IPVS_WLCH_FACTOR_MAX		4096

/* Seconds. */
#define IPVS_WLCH_SLOWSTART_MAX		3600

/* Servers. */
#define IPVS_WLCH_CHOICES_MAX		64

/**
 * enum ipvs_wlch_cmd - commands of the family
 * @IPVS_WLCH_CMD_GET_SERVICE: do: the service named by its key; dump: every
 *	service of the namespace that uses wlch. Attributes: service.
 * @IPVS_WLCH_CMD_SET_SERVICE: change the parameters given in
 *	IPVS_WLCH_A_SERVICE_PARAMS, all or none; the others keep their value.
 *	Attributes: service.
 * @IPVS_WLCH_CMD_GET_SERVER: dump only: every server of every service, or of
 *	the one service named by IPVS_WLCH_A_SERVER_SERVICE in the request.
 *	Attributes: server.
 * @IPVS_WLCH_CMD_GET_DEFAULTS: the parameters that a service of this namespace
 *	starts with, as IPVS_WLCH_A_SERVICE_PARAMS. Attributes: service.
 * @IPVS_WLCH_CMD_SET_DEFAULTS: change those that are given in
 *	IPVS_WLCH_A_SERVICE_PARAMS, all or none. The others stay what the module
 *	parameters say. No service that exists is changed. Attributes: service.
 * @IPVS_WLCH_CMD_ZERO: set the counters (picks, no server, retries) of the
 *	service named by its key and of its servers to 0; without a key those of
 *	all services. Attributes: service.
 * @IPVS_WLCH_CMD_SERVICE_ADD_NTF: a service starts to use wlch. The messages to
 *	the multicast group have the attributes of GET_SERVICE or GET_DEFAULTS.
 * @IPVS_WLCH_CMD_SERVICE_DEL_NTF: a service is deleted, or gets another
 *	scheduler
 * @IPVS_WLCH_CMD_SERVICE_CHANGE_NTF: the parameters of a service were changed
 * @IPVS_WLCH_CMD_DEFAULTS_CHANGE_NTF: the defaults of this namespace were
 *	changed
 */
enum ipvs_wlch_cmd {
	IPVS_WLCH_CMD_GET_SERVICE = 1,
	IPVS_WLCH_CMD_SET_SERVICE,
	IPVS_WLCH_CMD_GET_SERVER,
	IPVS_WLCH_CMD_GET_DEFAULTS,
	IPVS_WLCH_CMD_SET_DEFAULTS,
	IPVS_WLCH_CMD_ZERO,
	IPVS_WLCH_CMD_SERVICE_ADD_NTF,
	IPVS_WLCH_CMD_SERVICE_DEL_NTF,
	IPVS_WLCH_CMD_SERVICE_CHANGE_NTF,
	IPVS_WLCH_CMD_DEFAULTS_CHANGE_NTF,

	/* private: */
	__IPVS_WLCH_CMD_MAX,
	IPVS_WLCH_CMD_MAX = __IPVS_WLCH_CMD_MAX - 1
};

/**
 * enum ipvs_wlch_params - parameters of a service: what one connection is
 *	worth in a server's load, how a new server begins, and how many servers
 *	are looked at
 * @IPVS_WLCH_A_PARAMS_ACTIVE: u32, 1..4096: an established connection
 * @IPVS_WLCH_A_PARAMS_HALFOPEN: u32, 0..4096: one in the handshake
 * @IPVS_WLCH_A_PARAMS_REFUSED: u32, 0..4096: one whose handshake ended in a
 *	reset, until its entry expires
 * @IPVS_WLCH_A_PARAMS_INACTIVE: u32, 0..4096: a closing one, or one of a
 *	protocol without states (UDP)
 * @IPVS_WLCH_A_PARAMS_SLOWSTART: u32, 0..3600: seconds in which the weight of
 *	a new server ramps up; 0: it has all of it at once
 * @IPVS_WLCH_A_PARAMS_CHOICES: u32, 0..64: how many servers are drawn, with
 *	probability in proportion to their weight, for the best of them to be
 *	chosen; 0: the best of all is
 */
enum ipvs_wlch_params {
	IPVS_WLCH_A_PARAMS_ACTIVE = 1,
	IPVS_WLCH_A_PARAMS_HALFOPEN,
	IPVS_WLCH_A_PARAMS_REFUSED,
	IPVS_WLCH_A_PARAMS_INACTIVE,
	IPVS_WLCH_A_PARAMS_SLOWSTART,
	IPVS_WLCH_A_PARAMS_CHOICES,

	/* private: */
	__IPVS_WLCH_A_PARAMS_MAX,
	IPVS_WLCH_A_PARAMS_MAX = __IPVS_WLCH_A_PARAMS_MAX - 1
};

/**
 * enum ipvs_wlch_service - a virtual service
 * @IPVS_WLCH_A_SERVICE_AF: u16, AF_INET or AF_INET6; key
 * @IPVS_WLCH_A_SERVICE_PROTOCOL: u16, IPPROTO_TCP, _UDP or _SCTP; key
 * @IPVS_WLCH_A_SERVICE_ADDRESS: binary, 4 or 16 bytes as the family says; key
 * @IPVS_WLCH_A_SERVICE_PORT: u16, network byte order; key
 * @IPVS_WLCH_A_SERVICE_FWMARK: u32, not 0; key, instead of protocol, address
 *	and port
 * @IPVS_WLCH_A_SERVICE_PARAMS: nest of enum ipvs_wlch_params
 * @IPVS_WLCH_A_SERVICE_PICKS: u64, how often the scheduler chose a server
 * @IPVS_WLCH_A_SERVICE_NO_SERVER: u64, how often it found none to choose
 * @IPVS_WLCH_A_SERVICE_PAD: padding
 * @IPVS_WLCH_A_SERVICE_RETRIES: u64, how often a choice was made again because
 *	another CPU had chosen the same server at the same moment
 */
enum ipvs_wlch_service {
	IPVS_WLCH_A_SERVICE_AF = 1,
	IPVS_WLCH_A_SERVICE_PROTOCOL,
	IPVS_WLCH_A_SERVICE_ADDRESS,
	IPVS_WLCH_A_SERVICE_PORT,
	IPVS_WLCH_A_SERVICE_FWMARK,
	IPVS_WLCH_A_SERVICE_PARAMS,
	IPVS_WLCH_A_SERVICE_PICKS,
	IPVS_WLCH_A_SERVICE_NO_SERVER,
	IPVS_WLCH_A_SERVICE_PAD,
	IPVS_WLCH_A_SERVICE_RETRIES,

	/* private: */
	__IPVS_WLCH_A_SERVICE_MAX,
	IPVS_WLCH_A_SERVICE_MAX = __IPVS_WLCH_A_SERVICE_MAX - 1
};

/**
 * enum ipvs_wlch_server - a real server of a virtual service
 * @IPVS_WLCH_A_SERVER_SERVICE: nest of enum ipvs_wlch_service, the key only
 * @IPVS_WLCH_A_SERVER_AF: u16, AF_INET or AF_INET6
 * @IPVS_WLCH_A_SERVER_ADDRESS: binary, 4 or 16 bytes as the family says
 * @IPVS_WLCH_A_SERVER_PORT: u16, network byte order
 * @IPVS_WLCH_A_SERVER_WEIGHT: u32, the configured weight, 0..INT_MAX
 * @IPVS_WLCH_A_SERVER_ESTABLISHED: u32, connections that IPVS counts as
 *	active and that are not in the handshake
 * @IPVS_WLCH_A_SERVER_HALF_OPEN: u32, connections in the handshake
 * @IPVS_WLCH_A_SERVER_REFUSED: u32, connections whose handshake ended in a
 *	reset and whose entry has not expired
 * @IPVS_WLCH_A_SERVER_INACTIVE: u32, all other connections
 * @IPVS_WLCH_A_SERVER_LOAD: u64, sum of the four counts, each times its
 *	factor; not divided by the weight
 * @IPVS_WLCH_A_SERVER_PICKS: u64, how often the scheduler chose this server
 * @IPVS_WLCH_A_SERVER_PAD: padding
 * @IPVS_WLCH_A_SERVER_EFFECTIVE_WEIGHT: u32, the share of the weight that the
 *	server has reached with slow start, rounded up; otherwise the weight
 */
enum ipvs_wlch_server {
	IPVS_WLCH_A_SERVER_SERVICE = 1,
	IPVS_WLCH_A_SERVER_AF,
	IPVS_WLCH_A_SERVER_ADDRESS,
	IPVS_WLCH_A_SERVER_PORT,
	IPVS_WLCH_A_SERVER_WEIGHT,
	IPVS_WLCH_A_SERVER_ESTABLISHED,
	IPVS_WLCH_A_SERVER_HALF_OPEN,
	IPVS_WLCH_A_SERVER_REFUSED,
	IPVS_WLCH_A_SERVER_INACTIVE,
	IPVS_WLCH_A_SERVER_LOAD,
	IPVS_WLCH_A_SERVER_PICKS,
	IPVS_WLCH_A_SERVER_PAD,
	IPVS_WLCH_A_SERVER_EFFECTIVE_WEIGHT,

	/* private: */
	__IPVS_WLCH_A_SERVER_MAX,
	IPVS_WLCH_A_SERVER_MAX = __IPVS_WLCH_A_SERVER_MAX - 1
};

#endif /* _UAPI_LINUX_IP_VS_WLCH_H */
