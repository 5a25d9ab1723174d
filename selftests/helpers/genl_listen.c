// SPDX-License-Identifier: GPL-2.0
/*
 * genl_listen - print the events of the family ipvs_wlch as they come
 *
 *	genl_listen [--deaf | --all-namespaces]
 *
 * Prints "listening", then a line an event, until it is ended by a signal:
 *	service-add af=2 protocol=6 address=0a010064 port=80 params=8,8,8,1,0,0
 * or "error: ..." where the kernel says that events were lost. With --deaf it
 * has a small buffer, and does not read before SIGUSR1. --all-namespaces hears
 * of all namespaces that have a number in this one (ip netns set).
 */
#include <errno.h>
#include <linux/ip_vs_wlch.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char *const event_name[IPVS_WLCH_CMD_MAX + 1] = {
	[IPVS_WLCH_CMD_SERVICE_ADD_NTF]		= "service-add",
	[IPVS_WLCH_CMD_SERVICE_DEL_NTF]		= "service-del",
	[IPVS_WLCH_CMD_SERVICE_CHANGE_NTF]	= "service-change",
	[IPVS_WLCH_CMD_DEFAULTS_CHANGE_NTF]	= "defaults-change",
};

static void die(const char *what, int error)
{
	printf("%s: %s\n", what, nl_geterror(error));
	exit(1);
}

static void print_address(struct nlattr *attr)
{
	unsigned char *byte = nla_data(attr);
	int i;

	printf(" address=");
	for (i = 0; i < nla_len(attr); i++)
		printf("%02x", byte[i]);
}

static void print_params(struct nlattr *nest)
{
	struct nlattr *attr;
	int left;

	printf(" params");
	nla_for_each_nested(attr, nest, left)
		printf("%c%u", nla_type(attr) == 1 ? '=' : ',', nla_get_u32(attr));
}

static void print_attr(struct nlattr *attr)
{
	switch (nla_type(attr)) {
	case IPVS_WLCH_A_SERVICE_AF:
		printf(" af=%u", nla_get_u16(attr));
		break;
	case IPVS_WLCH_A_SERVICE_PROTOCOL:
		printf(" protocol=%u", nla_get_u16(attr));
		break;
	case IPVS_WLCH_A_SERVICE_ADDRESS:
		print_address(attr);
		break;
	case IPVS_WLCH_A_SERVICE_PORT:
		printf(" port=%u", ntohs(nla_get_u16(attr)));
		break;
	case IPVS_WLCH_A_SERVICE_FWMARK:
		printf(" fwmark=%u", nla_get_u32(attr));
		break;
	case IPVS_WLCH_A_SERVICE_PARAMS:
		print_params(attr);
		break;
	case IPVS_WLCH_A_SERVICE_PICKS:
	case IPVS_WLCH_A_SERVICE_NO_SERVER:
	case IPVS_WLCH_A_SERVICE_RETRIES:
	case IPVS_WLCH_A_SERVICE_PAD:
		break;
	default:
		printf(" unknown=%d", nla_type(attr));
	}
}

static void print_event(struct nlmsghdr *hdr)
{
	struct genlmsghdr *genl = nlmsg_data(hdr);
	struct nlattr *attr;
	int left;

	if (genl->cmd <= IPVS_WLCH_CMD_MAX && event_name[genl->cmd])
		printf("%s", event_name[genl->cmd]);
	else
		printf("command=%u", genl->cmd);
	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0), genlmsg_attrlen(genl, 0), left)
		print_attr(attr);
	printf("\n");
}

static void listen_for_ever(int fd)
{
	static char buffer[65536];
	struct nlmsghdr *hdr;
	int len;

	for (;;) {
		len = recv(fd, buffer, sizeof(buffer), 0);
		if (len < 0)
			printf("error: %s\n", strerror(errno));
		for (hdr = (struct nlmsghdr *)buffer; nlmsg_ok(hdr, len);
		     hdr = nlmsg_next(hdr, &len))
			print_event(hdr);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	int deaf = argc > 1 && !strcmp(argv[1], "--deaf");
	int all = argc > 1 && !strcmp(argv[1], "--all-namespaces");
	struct nl_sock *sock = nl_socket_alloc();
	int error, fd, group, one = 1, sig;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	error = genl_connect(sock);
	if (error)
		die("cannot connect", error);
	fd = nl_socket_get_fd(sock);
	group = genl_ctrl_resolve_grp(sock, IPVS_WLCH_FAMILY_NAME, IPVS_WLCH_MCGRP_CONFIG);
	if (group < 0)
		die("no such group", group);
	if (deaf)
		nl_socket_set_buffer_size(sock, 8192, 0);
	if (all)
		setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &one, sizeof(one));
	error = nl_socket_add_membership(sock, group);
	if (error)
		die("cannot listen", error);
	printf("listening\n");
	fflush(stdout);
	if (deaf)
		sigwait(&set, &sig);
	listen_for_ever(fd);
	return 0;
}
