// SPDX-License-Identifier: GPL-2.0
/*
 * tcp_serve - accept TCP connections and hold each until its peer ends it
 *
 *	tcp_serve [--sctp] ADDRESS PORT [ADDRESS PORT]...
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
#include <unistd.h>

#include "address.h"

#define BACKLOG 65535

/* What an epoll event is about: in the upper half of its data */
enum kind { LISTENER = 1, PEER };

static void die(const char *what)
{
	fprintf(stderr, "tcp_serve: %s: %s\n", what, strerror(errno));
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
	struct sockaddr_storage ss;
	socklen_t len = parse_address(host, port, &ss);
	const int on = 1;
	int fd;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, len))
		die(host);
	if (listen(fd, BACKLOG))
		die("listen");
	return fd;
}

static void accept_all(int epfd, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(epfd, fd, PEER);
	if (errno == EMFILE || errno == ENFILE)
		die("accept");		/* or this would spin */
}

/* Throws away what came, and closes when the peer has */
static void drain(int fd)
{
	char buf[4096];
	ssize_t n;

	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close(fd);
}

int main(int argc, char **argv)
{
	struct epoll_event events[256];
	int protocol = IPPROTO_TCP;
	int epfd, i, n;

	if (argc > 1 && !strcmp(argv[1], "--sctp")) {
		protocol = IPPROTO_SCTP;
		argv++;
		argc--;
	}
	if (argc < 3 || argc % 2 == 0) {
		fprintf(stderr, "usage: tcp_serve [--sctp] ADDRESS PORT [ADDRESS PORT]...\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0)
		die("epoll_create1");
	for (i = 1; i < argc; i += 2)
		watch(epfd, listen_on(argv[i], argv[i + 1], protocol), LISTENER);
	puts("listening");
	fflush(stdout);

	for (;;) {
		n = epoll_wait(epfd, events, 256, -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (i = 0; i < n; i++) {
			int fd = (int)events[i].data.u64;

			if (events[i].data.u64 >> 32 == LISTENER)
				accept_all(epfd, fd);
			else
				drain(fd);
		}
	}
}
