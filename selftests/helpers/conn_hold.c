// SPDX-License-Identifier: GPL-2.0
/*
 * conn_hold - open many connections at a given pace and hold them
 *
 *	conn_hold [OPTIONS] ADDRESS PORT COUNT
 *
 * Prints one line once every connection is decided or the time is over:
 *	connected=N refused=N timeout=N failed=N pending=N opening_ms=N
 * where opening_ms is the time from the first connect to the last,
 * then holds all of them until SIGTERM, SIGINT or the end of --hold; those that
 * the server ends are not held any longer with --follow.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "address.h"

#define SIGNALLED UINT32_MAX	/* instead of the number of a connection */

enum outcome { PENDING, CONNECTED, REFUSED, TIMEOUT, FAILED, OUTCOMES };

struct settings {
	struct sockaddr_storage to, from;
	socklen_t to_len, from_len;
	int count;			/* of all ports together */
	int ports;
	long interval_us;
	double wait_s, hold_s;		/* hold_s < 0: until a signal */
	int in_turn;
	int reset;
	int follow;
	int greeting;
	int request;			/* 0: none; n: all but each nth */
	int protocol;
	int first_port;			/* 0: the kernel chooses */
};

struct conn {
	int fd;				/* -1: ended */
	int decided;
};

struct state {
	const struct settings *set;
	struct conn *conns;
	int opened;
	int tally[OUTCOMES];
	double opening_s;
	int epfd, sigfd;
};

static const char usage[] =
	"usage: conn_hold [OPTIONS] ADDRESS PORT COUNT\n"
	"  --interval US   microseconds between two connects (500)\n"
	"  --in-turn       each is decided before the next begins\n"
	"  --ports N       COUNT to each of N ports, PORT is the first\n"
	"  --bind ADDRESS  source address\n"
	"  --sport PORT    source port of the first connection; the next have the next\n"
	"  --wait SECONDS  report at the latest then (30)\n"
	"  --hold SECONDS  end by itself that long after the report\n"
	"  --rst           end the connections with a reset (SCTP: an abort)\n"
	"  --follow        end a connection when the server does\n"
	"  --greeting      a connection is there when the server has greeted; it has\n"
	"                  failed if the server ends it instead\n"
	"  --request N     all but each Nth connection send a byte\n"
	"  --sctp          SCTP associations instead\n"
	"  --udp           UDP flows instead: each sends one datagram and is\n"
	"                  connected when an answer comes\n";

static void die(const char *what)
{
	fprintf(stderr, "conn_hold: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static double parse_number(const char *text, double least)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || value < least) {
		fprintf(stderr, "conn_hold: '%s' is not a number of at least %g\n",
			text, least);
		exit(2);
	}
	return value;
}

static void parse_option(struct settings *set, int option)
{
	switch (option) {
	case 'i':
		set->interval_us = parse_number(optarg, 0);
		break;
	case 't':
		set->in_turn = 1;
		break;
	case 'n':
		set->ports = parse_number(optarg, 1);
		break;
	case 'b':
		set->from_len = parse_address(optarg, "0", &set->from);
		break;
	case 'p':
		set->first_port = parse_number(optarg, 1);
		break;
	case 'w':
		set->wait_s = parse_number(optarg, 0);
		break;
	case 'h':
		set->hold_s = parse_number(optarg, 0);
		break;
	case 'r':
		set->reset = 1;
		break;
	case 'f':
		set->follow = 1;
		break;
	case 'g':
		set->greeting = 1;
		break;
	case 'q':
		set->request = parse_number(optarg, 1);
		break;
	case 's':
		set->protocol = IPPROTO_SCTP;
		break;
	case 'u':
		set->protocol = IPPROTO_UDP;
		break;
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

static void parse_options(struct settings *set, int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "in-turn",  no_argument,       NULL, 't' },
		{ "ports",    required_argument, NULL, 'n' },
		{ "bind",     required_argument, NULL, 'b' },
		{ "sport",    required_argument, NULL, 'p' },
		{ "wait",     required_argument, NULL, 'w' },
		{ "hold",     required_argument, NULL, 'h' },
		{ "rst",      no_argument,       NULL, 'r' },
		{ "follow",   no_argument,       NULL, 'f' },
		{ "greeting", no_argument,       NULL, 'g' },
		{ "request",  required_argument, NULL, 'q' },
		{ "sctp",     no_argument,       NULL, 's' },
		{ "udp",      no_argument,       NULL, 'u' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		parse_option(set, c);
	if (argc - optind != 3) {
		fputs(usage, stderr);
		exit(2);
	}
	set->to_len = parse_address(argv[optind], argv[optind + 1], &set->to);
	set->count = set->ports * parse_number(argv[optind + 2], 1);
}

static void raise_file_limit(int count)
{
	struct rlimit limit;
	rlim_t need = count + 64;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= need)
		return;
	limit.rlim_cur = need;
	if (limit.rlim_max < need)
		limit.rlim_max = need;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("cannot open that many files");
}

static enum outcome outcome_of(int error)
{
	switch (error) {
	case 0:			return CONNECTED;
	case EINPROGRESS:	return PENDING;
	case ECONNREFUSED:
	case ECONNRESET:	return REFUSED;
	case ETIMEDOUT:		return TIMEOUT;
	default:		return FAILED;
	}
}

/* The error of a connect, 0 when it is done; UDP has to wait for an answer */
static int start(const struct settings *set, int fd, int nr)
{
	struct sockaddr_storage to = set->to;

	set_port(&to, get_port(&to) + nr / (set->count / set->ports));
	if (connect(fd, (struct sockaddr *)&to, set->to_len))
		return errno;
	if (set->protocol != IPPROTO_UDP)
		return 0;
	return send(fd, "?", 1, 0) < 0 ? errno : EINPROGRESS;
}

/* Is it the server that says that a connection is there? */
static int speaks_first(const struct settings *set)
{
	return set->protocol == IPPROTO_UDP || set->greeting;
}

/* What became of it, once epoll says that something did */
static int result(const struct settings *set, int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;
	char answer;

	if (speaks_first(set))
		switch (recv(fd, &answer, 1, 0)) {
		case -1:
			return errno;
		case 0:
			return ECONNABORTED;
		default:
			return 0;
		}
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

/* A port may still be in TIME_WAIT from a connection before. */
static void bind_source(const struct state *st, int nr)
{
	const struct settings *set = st->set;
	struct sockaddr_storage from = set->from;
	int fd = st->conns[nr].fd;
	const int on = 1;

	if (!set->from_len && !set->first_port)
		return;
	if (!set->from_len)
		from.ss_family = set->to.ss_family;
	if (set->first_port) {
		set_port(&from, set->first_port + nr);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	}
	if (bind(fd, (struct sockaddr *)&from, set->to_len))
		die("bind");
}

/* A connection that is there: asks for what it wants, and waits for its end */
static void connected(struct state *st, int nr)
{
	struct epoll_event ev = { .events = EPOLLRDHUP, .data.u32 = nr };
	const struct settings *set = st->set;
	int fd = st->conns[nr].fd;

	if (set->request && (nr + 1) % set->request && send(fd, "?", 1, MSG_NOSIGNAL) < 0)
		die("send");
	if (set->follow && epoll_ctl(st->epfd, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

static void end(struct conn *conn)
{
	close(conn->fd);
	conn->fd = -1;
}

static void note_outcome(struct state *st, int nr, enum outcome outcome)
{
	st->tally[outcome]++;
	st->conns[nr].decided = outcome != PENDING;
	if (outcome == CONNECTED)
		connected(st, nr);
	else if (outcome == FAILED)
		end(&st->conns[nr]);
}

static void open_one(struct state *st)
{
	const struct settings *set = st->set;
	int datagrams = set->protocol == IPPROTO_UDP;
	struct epoll_event ev = { .events = speaks_first(set) ? EPOLLIN : EPOLLOUT };
	int fd, nr = st->opened++;
	enum outcome outcome;

	fd = socket(set->to.ss_family,
		    (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    set->protocol);
	if (fd < 0)
		die("socket");
	st->conns[nr].fd = fd;
	bind_source(st, nr);
	outcome = outcome_of(start(set, fd, nr));
	note_outcome(st, nr, outcome);
	ev.data.u32 = nr;
	if (outcome == PENDING && epoll_ctl(st->epfd, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

static void on_event(struct state *st, int nr)
{
	struct conn *conn = &st->conns[nr];

	if (conn->decided) {		/* the server has ended it */
		end(conn);
		return;
	}
	epoll_ctl(st->epfd, EPOLL_CTL_DEL, conn->fd, NULL);
	st->tally[PENDING]--;
	note_outcome(st, nr, outcome_of(result(st->set, conn->fd)));
}

/* Handles what happens until @until; true when a signal says to end */
static int poll_until(struct state *st, double until, int stop_when_decided)
{
	struct epoll_event events[256];
	int i, n;

	for (;;) {
		double left = until - now();
		struct timespec ts = { .tv_sec = 0 };

		if (stop_when_decided && !st->tally[PENDING])
			return 0;
		if (left > 0) {
			ts.tv_sec = left;
			ts.tv_nsec = (left - ts.tv_sec) * 1e9;
		}
		n = epoll_pwait2(st->epfd, events, 256, &ts, NULL);
		if (n < 0 && errno != EINTR)
			die("epoll_pwait2");
		for (i = 0; i < n; i++) {
			if (events[i].data.u32 == SIGNALLED)
				return 1;
			on_event(st, events[i].data.u32);
		}
		if (n <= 0 && left <= 0)
			return 0;
	}
}

/* A late connect is made up for, so that the pace holds on average */
static int open_all(struct state *st)
{
	double start = now();
	int ended;

	while (st->opened < st->set->count) {
		st->opening_s = now() - start;
		open_one(st);
		if (st->set->in_turn)
			ended = poll_until(st, now() + st->set->wait_s, 1);
		else
			ended = poll_until(st, start + st->opened *
					   st->set->interval_us / 1e6, 0);
		if (ended)
			return 1;
	}
	return 0;
}

static void report(const struct state *st)
{
	printf("connected=%d refused=%d timeout=%d failed=%d pending=%d opening_ms=%.0f\n",
	       st->tally[CONNECTED], st->tally[REFUSED], st->tally[TIMEOUT],
	       st->tally[FAILED], st->tally[PENDING], st->opening_s * 1e3);
	fflush(stdout);
}

static void close_all(const struct state *st)
{
	const struct linger at_once = { .l_onoff = 1 };
	int i;

	for (i = 0; i < st->opened; i++) {
		if (st->conns[i].fd < 0)
			continue;
		if (st->set->reset)
			setsockopt(st->conns[i].fd, SOL_SOCKET, SO_LINGER, &at_once,
				   sizeof(at_once));
		close(st->conns[i].fd);
	}
}

static void watch_signals(struct state *st)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = SIGNALLED };
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	st->sigfd = signalfd(-1, &mask, SFD_CLOEXEC);
	if (st->sigfd < 0 || epoll_ctl(st->epfd, EPOLL_CTL_ADD, st->sigfd, &ev))
		die("signalfd");
}

int main(int argc, char **argv)
{
	struct settings set = { .interval_us = 500, .wait_s = 30, .hold_s = -1,
				.ports = 1, .protocol = IPPROTO_TCP };
	struct state st = { .set = &set };
	int ended;

	parse_options(&set, argc, argv);
	raise_file_limit(set.count);
	st.conns = calloc(set.count, sizeof(*st.conns));
	st.epfd = epoll_create1(EPOLL_CLOEXEC);
	if (!st.conns || st.epfd < 0)
		die("cannot start");
	watch_signals(&st);

	ended = open_all(&st) || poll_until(&st, now() + set.wait_s, 1);
	report(&st);
	if (!ended)
		poll_until(&st, set.hold_s < 0 ? 1e9 : now() + set.hold_s, 0);
	close_all(&st);
	return 0;
}
