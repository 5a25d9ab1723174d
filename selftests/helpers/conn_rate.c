// SPDX-License-Identifier: GPL-2.0
/*
 * conn_rate - open TCP connections, one after the other, and end each at once
 *
 *	conn_rate ADDRESS PORT FIRST COUNT
 *
 * They come from the ports FIRST to FIRST + COUNT - 1, and end with a reset, so that
 * neither side waits for anything afterwards. Prints
 *	ns=N
 * the time of all. Fails if one of them cannot be opened.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "address.h"

static void die(const char *what)
{
	fprintf(stderr, "conn_rate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static void open_and_end(const struct sockaddr_storage *to, socklen_t len, int port)
{
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_storage from = { .ss_family = to->ss_family };
	const int on = 1;
	int fd;

	fd = socket(to->ss_family, SOCK_STREAM, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
		die("socket");
	set_port(&from, port);
	if (bind(fd, (void *)&from, len))
		die("bind");
	if (connect(fd, (const void *)to, len))
		die("connect");
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_storage to;
	int first, count, i;
	socklen_t len;
	long begin;

	if (argc != 5) {
		fprintf(stderr, "usage: conn_rate ADDRESS PORT FIRST COUNT\n");
		return 2;
	}
	len = parse_address(argv[1], argv[2], &to);
	first = atoi(argv[3]);
	count = atoi(argv[4]);
	if (first < 1 || count < 1 || first + count > 65536) {
		fprintf(stderr, "conn_rate: there are no %d ports from %d\n", count, first);
		return 2;
	}
	begin = now_ns();
	for (i = 0; i < count; i++)
		open_and_end(&to, len, first + i);
	printf("ns=%ld\n", now_ns() - begin);
	return 0;
}
