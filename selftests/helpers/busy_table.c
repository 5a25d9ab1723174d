// SPDX-License-Identifier: GPL-2.0
/*
 * busy_table: no program, but a library for LD_PRELOAD. Each time that a program is about
 * to receive with recvmsg(), as libnl does, IPVS has had a service of the scheduler wlch
 * more for a moment. So whatever is dumped in more than one message changes meanwhile.
 */
#include <arpa/inet.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void come_and_go(void)
{
	struct ip_vs_service_user service = {
		.protocol	= IPPROTO_TCP,	/* is asked for, though a mark has none */
		.fwmark		= 90003,
		.sched_name	= "wlch",
		.netmask	= htonl(INADDR_BROADCAST),
	};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	/* who uses this sees whether it does what it is for */
	setsockopt(fd, IPPROTO_IP, IP_VS_SO_SET_ADD, &service, sizeof(service));
	setsockopt(fd, IPPROTO_IP, IP_VS_SO_SET_DEL, &service, sizeof(service));
	close(fd);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	come_and_go();
	return syscall(SYS_recvmsg, fd, msg, flags);
}
