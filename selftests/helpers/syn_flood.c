// SPDX-License-Identifier: GPL-2.0
/*
 * syn_flood - SYNs from spoofed addresses, as many as possible
 *
 *	syn_flood DEVICE HARDWARE-ADDRESS ADDRESS PORT
 *
 * For each line "FIRST COUNT" on standard input sends SYNs of the clients FIRST to
 * FIRST + COUNT - 1 through the device to whom has the hardware address, all CPUs a part,
 * and says
 *	ns=N
 * the time that took, until the last had been handed to the device. Client N has an
 * address of 198.18.0.0/15 and, if N is above 131071, not its first port. So a SYN
 * of each client is a new connection. IPv4 only.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "segment.h"

#define BATCH 64
#define ADDRESSES 131072	/* of 198.18.0.0/15 */
#define FIRST_ADDRESS 0xc6120000
#define FIRST_PORT 1024

struct target {
	struct sockaddr_ll link;
	struct sockaddr_in to;
};

static void die(const char *what)
{
	fprintf(stderr, "syn_flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static void fill(struct segment *seg, const struct sockaddr_in *to, long client)
{
	const struct sockaddr_in from = {
		.sin_addr.s_addr = htonl(FIRST_ADDRESS + client % ADDRESSES),
		.sin_port = htons(FIRST_PORT + client / ADDRESSES),
	};

	segment_fill(seg, &from, to);
	seg->tcp.syn = 1;
	segment_checksums(seg);
}

static int packet_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)))
		die("packet socket");
	return fd;
}

static void send_all(struct target *target, long first, long count)
{
	struct mmsghdr messages[BATCH] = {};
	struct segment segs[BATCH];
	struct iovec iov[BATCH];
	int fd = packet_socket(), i, sent;

	for (i = 0; i < BATCH; i++) {
		iov[i].iov_base = &segs[i];
		iov[i].iov_len = sizeof(segs[i]);
		messages[i].msg_hdr.msg_name = &target->link;
		messages[i].msg_hdr.msg_namelen = sizeof(target->link);
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (count > 0) {
		for (i = 0; i < BATCH && i < count; i++)
			fill(&segs[i], &target->to, first + i);
		sent = sendmmsg(fd, messages, i, 0);
		if (sent < 0 && errno != ENOBUFS)
			die("sendmmsg");
		if (sent > 0) {
			first += sent;
			count -= sent;
		}
	}
	close(fd);
}

/* A device like veth keeps a packet on the CPU of its sender. */
static void send_from_cpu(struct target *target, int cpu, long first, long count)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	send_all(target, first, count);
}

/* Returns what wait() says of the children together: 0 if all is well */
static int send_from_all(struct target *target, long first, long count)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), cpu, end, begin = 0;
	int status, failed = 0;
	pid_t pid;

	for (cpu = 0; cpu < cpus; cpu++, begin = end) {
		end = count * (cpu + 1) / cpus;
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			send_from_cpu(target, cpu, first + begin, end - begin);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed;
}

int main(int argc, char **argv)
{
	struct target target = { .link = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_halen = ETH_ALEN,
	} };
	struct sockaddr_storage to;
	struct ether_addr *mac;
	long first, count;

	if (argc != 5) {
		fprintf(stderr, "usage: syn_flood DEVICE HARDWARE-ADDRESS ADDRESS PORT\n");
		return 2;
	}
	target.link.sll_ifindex = if_nametoindex(argv[1]);
	mac = ether_aton(argv[2]);
	if (!target.link.sll_ifindex || !mac ||
	    parse_address(argv[3], argv[4], &to) != sizeof(target.to)) {
		fprintf(stderr, "syn_flood: no device, hardware address or IPv4 address\n");
		return 2;
	}
	memcpy(target.link.sll_addr, mac, ETH_ALEN);
	memcpy(&target.to, &to, sizeof(target.to));
	while (scanf("%ld %ld", &first, &count) == 2) {
		long begin = now_ns();

		if (send_from_all(&target, first, count))
			return 1;
		printf("ns=%ld\n", now_ns() - begin);
		fflush(stdout);
	}
	return 0;
}
