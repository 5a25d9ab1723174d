// SPDX-License-Identifier: GPL-2.0
/*
 * packet_send - packets of one established TCP connection, as many as possible
 *
 *	packet_send ADDRESS PORT
 *
 * Connects, says "connected", and then for each line "COUNT" on standard input
 * sends that many segments of the connection, which are empty and acknowledge nothing
 * new, past the TCP of this machine, and says
 *	ns=N
 * the time that took, until the last had been handed to the device. With queues on
 * the way that is not until it had arrived; on veth devices of one CPU it is. Who
 * receives them had better drop them. IPv4 only.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "segment.h"

#define BATCH 64

static void die(const char *what)
{
	fprintf(stderr, "packet_send: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static void fill(struct segment *seg, const struct sockaddr_in *from,
		 const struct sockaddr_in *to)
{
	segment_fill(seg, from, to);
	seg->tcp.ack = 1;
	seg->tcp.ack_seq = htonl(1);
	segment_checksums(seg);
}

static void send_all(int raw, struct mmsghdr *messages, long count)
{
	while (count > 0) {
		int sent = sendmmsg(raw, messages, count < BATCH ? count : BATCH, 0);

		if (sent < 0 && errno != ENOBUFS)
			die("sendmmsg");
		if (sent > 0)
			count -= sent;
	}
}

int main(int argc, char **argv)
{
	struct mmsghdr messages[BATCH] = {};
	struct sockaddr_storage to, from;
	socklen_t from_len = sizeof(from);
	struct segment seg;
	struct iovec iov = { &seg, sizeof(seg) };
	int fd, raw, i;
	long count;

	if (argc != 3) {
		fprintf(stderr, "usage: packet_send ADDRESS PORT\n");
		return 2;
	}
	if (parse_address(argv[1], argv[2], &to) != sizeof(struct sockaddr_in)) {
		fprintf(stderr, "packet_send: not an IPv4 address: %s\n", argv[1]);
		return 2;
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (void *)&to, sizeof(struct sockaddr_in)) ||
	    getsockname(fd, (void *)&from, &from_len))
		die("connect");
	raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (raw < 0)
		die("raw socket");
	fill(&seg, (void *)&from, (void *)&to);
	for (i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_name = &to;
		messages[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
		messages[i].msg_hdr.msg_iov = &iov;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	setlinebuf(stdout);
	puts("connected");
	while (scanf("%ld", &count) == 1) {
		long begin = now_ns();

		send_all(raw, messages, count);
		printf("ns=%ld\n", now_ns() - begin);
	}
	return 0;
}
