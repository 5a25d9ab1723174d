// SPDX-License-Identifier: GPL-2.0
/*
 * ipvs_sockopt - ask IPVS by the socket options that are older than its netlink
 * family, and that let others in
 *
 *	ipvs_sockopt info		read what IPVS is set up with
 *	ipvs_sockopt add MARK SCHEDULER	add a service
 *
 * Prints "error=N", the kernel's error or 0.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int info(int fd)
{
	struct ip_vs_getinfo got;
	socklen_t len = sizeof(got);

	return getsockopt(fd, IPPROTO_IP, IP_VS_SO_GET_INFO, &got, &len);
}

static int add(int fd, const char *mark, const char *scheduler)
{
	struct ip_vs_service_user service = {
		.protocol	= IPPROTO_TCP,	/* is asked for, though a mark has none */
		.fwmark		= atoi(mark),
		.netmask	= htonl(INADDR_BROADCAST),
	};

	snprintf(service.sched_name, sizeof(service.sched_name), "%s", scheduler);
	return setsockopt(fd, IPPROTO_IP, IP_VS_SO_SET_ADD, &service, sizeof(service));
}

int main(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), error;

	/* who may not even have such a socket has his answer */
	if (fd < 0)
		error = -1;
	else if (argc == 2 && !strcmp(argv[1], "info"))
		error = info(fd);
	else if (argc == 4 && !strcmp(argv[1], "add"))
		error = add(fd, argv[2], argv[3]);
	else
		return 2;
	printf("error=%d\n", error ? errno : 0);
	return 0;
}
