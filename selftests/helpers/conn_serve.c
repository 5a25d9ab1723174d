// SPDX-License-Identifier: GPL-2.0
/*
 * conn_serve - accept connections and hold each until its peer ends it
 *
 *	conn_serve [OPTION] ADDRESS PORT [ADDRESS PORT]...
 *
 * With --sctp or --udp it speaks that. With --udp it sends every datagram back.
 * With --answer=MS a peer that sends something is a client with a request: its
 * connection is ended MS milliseconds later. With --greet it sends a byte to
 * everyone who comes. With --drop every connection is ended as soon as it is
 * there, as by a broken application.
 *
 * Prints "listening" once all addresses do; runs until SIGTERM or SIGINT.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "address.h"

#define BACKLOG 65535
#define MAX_REQUESTS 65536

/* What an epoll event is about: in the upper half of its data */
enum kind { LISTENER = 1, PEER, ECHO };

struct settings {
	int protocol;
	int answer_ms;			/* < 0: hold those with a request, too */
	int greet;
	int drop;
};

/* Connections that will be ended, in the order in which they will be */
static struct request {
	int fd;
	long long end_ms;
} requests[MAX_REQUESTS];
static unsigned int requests_begin, requests_end;

static void die(const char *what)
{
	fprintf(stderr, "conn_serve: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < 65536) {	/* works for root; else what there is */
		limit.rlim_cur = limit.rlim_max = 65536;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void watch(int epfd, int fd, enum kind kind)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLRDHUP,
		.data.u64 = (unsigned long long)kind << 32 | (unsigned int)fd,
	};

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

static int listen_on(const char *host, const char *port, int protocol)
{
	int datagrams = protocol == IPPROTO_UDP;
	struct sockaddr_storage ss;
	socklen_t len = parse_address(host, port, &ss);
	const int on = 1;
	int fd;

	fd = socket(ss.ss_family,
		    (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    protocol);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, len))
		die(host);
	if (!datagrams && listen(fd, BACKLOG))
		die("listen");
	if (datagrams && ss.ss_family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	if (datagrams && ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	return fd;
}

static void accept_all(const struct settings *set, int epfd, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (set->drop) {
			close(fd);
			continue;
		}
		if (set->greet)
			send(fd, "!", 1, MSG_NOSIGNAL);
		watch(epfd, fd, PEER);
	}
	if (errno == EMFILE || errno == ENFILE)
		die("accept");		/* or this would spin */
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* From now on nobody but end_requests() closes it. */
static void begin_request(const struct settings *set, int epfd, int fd)
{
	struct request *request = &requests[requests_end % MAX_REQUESTS];

	if (requests_end - requests_begin == MAX_REQUESTS) {
		fputs("conn_serve: too many requests\n", stderr);
		exit(1);
	}
	epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL);
	request->fd = fd;
	request->end_ms = now_ms() + set->answer_ms;
	requests_end++;
}

/* Returns the milliseconds until the next one ends, -1 if there is none */
static int end_requests(void)
{
	while (requests_begin != requests_end) {
		struct request *request = &requests[requests_begin % MAX_REQUESTS];
		long long left = request->end_ms - now_ms();

		if (left > 0)
			return left;
		close(request->fd);
		requests_begin++;
	}
	return -1;
}

/* Throws away what came, unless it is a request, and closes when the peer has */
static void drain(const struct settings *set, int epfd, int fd)
{
	char buf[4096];
	ssize_t n;

	do {
		n = read(fd, buf, sizeof(buf));
		if (n > 0 && set->answer_ms >= 0) {
			begin_request(set, epfd, fd);
			return;
		}
	} while (n > 0);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close(fd);
}

/* The answer comes from the address that was asked, but by whatever way */
static void forget_interface(struct msghdr *msg)
{
	struct cmsghdr *info = CMSG_FIRSTHDR(msg);

	if (info && info->cmsg_type == IP_PKTINFO)
		((struct in_pktinfo *)CMSG_DATA(info))->ipi_ifindex = 0;
	if (info && info->cmsg_type == IPV6_PKTINFO)
		((struct in6_pktinfo *)CMSG_DATA(info))->ipi6_ifindex = 0;
}

static void echo_all(int fd)
{
	char data[2048];
	char control[256] __attribute__((aligned(__alignof__(struct cmsghdr))));
	struct sockaddr_storage from;
	struct iovec part = { .iov_base = data };
	struct msghdr msg = { .msg_name = &from, .msg_iov = &part, .msg_iovlen = 1,
			      .msg_control = control };
	ssize_t n;

	for (;;) {
		part.iov_len = sizeof(data);
		msg.msg_namelen = sizeof(from);
		msg.msg_controllen = sizeof(control);
		n = recvmsg(fd, &msg, 0);
		if (n < 0)
			return;
		part.iov_len = n;
		forget_interface(&msg);
		sendmsg(fd, &msg, 0);
	}
}

static void serve(const struct settings *set, int epfd)
{
	struct epoll_event events[256];
	int i, n;

	for (;;) {
		n = epoll_wait(epfd, events, 256, end_requests());
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (i = 0; i < n; i++) {
			int fd = (int)events[i].data.u64;

			switch (events[i].data.u64 >> 32) {
			case LISTENER:
				accept_all(set, epfd, fd);
				break;
			case ECHO:
				echo_all(fd);
				break;
			default:
				drain(set, epfd, fd);
			}
		}
	}
}

/* False when there is no such option */
static int parse_option(struct settings *set, const char *option)
{
	if (!strcmp(option, "--sctp"))
		set->protocol = IPPROTO_SCTP;
	else if (!strcmp(option, "--udp"))
		set->protocol = IPPROTO_UDP;
	else if (!strcmp(option, "--greet"))
		set->greet = 1;
	else if (!strcmp(option, "--drop"))
		set->drop = 1;
	else if (sscanf(option, "--answer=%d", &set->answer_ms) != 1)
		return 0;
	return 1;
}

int main(int argc, char **argv)
{
	struct settings set = { .protocol = IPPROTO_TCP, .answer_ms = -1 };
	enum kind kind;
	int epfd, i;

	if (argc > 1 && parse_option(&set, argv[1])) {
		argv++;
		argc--;
	}
	if (argc < 3 || argc % 2 == 0) {
		fputs("usage: conn_serve [--sctp | --udp | --answer=MS | --greet | --drop] ADDRESS PORT [ADDRESS PORT]...\n",
		      stderr);
		return 2;
	}
	kind = set.protocol == IPPROTO_UDP ? ECHO : LISTENER;
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0)
		die("epoll_create1");
	for (i = 1; i < argc; i += 2)
		watch(epfd, listen_on(argv[i], argv[i + 1], set.protocol), kind);
	puts("listening");
	fflush(stdout);

	serve(&set, epfd);
}
