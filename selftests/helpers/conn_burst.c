// SPDX-License-Identifier: GPL-2.0
/*
 * conn_burst - open connections on all CPUs at the same moment, in rounds
 *
 *	conn_burst [--one-port] [--stats FD] ADDRESS PORT COUNT ROUNDS
 *
 * A round opens COUNT TCP connections to one port, the next round to the next
 * port, or with --one-port to the same. There is a thread for each CPU that this
 * process may run on. At the beginning of a round all of them wait for each other,
 * then each opens its part, and the round is over when all connections are decided.
 *
 * Prints for each round how long it took from the first thread's begin until the
 * last one had sent all of its SYNs, and one line at the end:
 *	round=N opening_us=N
 *	connected=N failed=N
 * then holds all connections until a signal ends it.
 *
 * FD is the director's /proc/net/ip_vs_stats_percpu, where nothing but these
 * connections is counted. A round's line then also has ticks=N: how often the kernel's
 * clock ticked from before the first SYN until the director had an entry for each.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "address.h"

#define MOST_CPUS 64
#define DECIDED_MS 60000

static struct sockaddr_storage to;
static socklen_t to_len;
static int one_port, count, rounds, cpus;
static int stats = -1;
static long long entries_before;
static int *ticks;	/* of all rounds */
static pthread_barrier_t round_begins;
static atomic_int waiting;
static atomic_int connected;

struct span {
	double begin, end;
};

struct worker {
	pthread_t thread;
	struct span *spans;	/* of all rounds */
	int cpu;	/* to run on */
	int nr;		/* of all workers */
};

static void die(const char *what)
{
	fprintf(stderr, "conn_burst: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

/* How often the clock has ticked: it is what the kernel reads once in each jiffy. */
static long long clock_ticks(void)
{
	struct timespec now, tick;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	return (now.tv_sec * 1000000000LL + now.tv_nsec) / tick.tv_nsec;
}

/* The number of connections that the director has made entries for: of each CPU in
 * the second column, below a head of two lines. The line "~" ends them: a sum that is
 * two seconds old, and rates, are below.
 */
static long long entries(void)
{
	static char text[64 * 1024];
	ssize_t len = pread(stats, text, sizeof(text) - 1, 0);
	long long sum = 0;
	char *line = text;

	if (len <= 0)
		die("cannot read the director's counters");
	text[len] = 0;
	while ((line = strchr(line, '\n'))) {
		unsigned int cpu;
		unsigned long long conns;

		line += 1 + strspn(line + 1, " ");
		if (*line == '~')
			break;
		if (sscanf(line, "%x %llx", &cpu, &conns) == 2)
			sum += conns;
	}
	return sum;
}

static void wait_for_entries(long long nr)
{
	double deadline = now_us() + DECIDED_MS * 1e3;

	while (entries() - entries_before < nr && now_us() < deadline)
		;
}

/*
 * To be woken up takes a while, and not all are at once. So they meet a second
 * time, without sleeping; each has a CPU of its own.
 */
static void meet(int round, int first)
{
	pthread_barrier_wait(&round_begins);
	if (first)
		ticks[round] = -clock_ticks();
	atomic_fetch_add(&waiting, 1);
	while (atomic_load(&waiting) < (round + 1) * cpus)
		;
}

/* When all are closed at once they would be too many to wait for the server. */
static int open_socket(void)
{
	const struct linger reset = { .l_onoff = 1 };
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
		die("socket");
	return fd;
}

static int is_connected(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = 0;

	if (poll(&wait, 1, DECIDED_MS) != 1)
		return 0;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return !error;
}

/* The sockets stay open. */
static void run_round(int round, int mine, int first, int *fds, struct span *span)
{
	struct sockaddr_storage ss = to;
	int i;

	if (!one_port)
		set_port(&ss, get_port(&ss) + round);
	for (i = 0; i < mine; i++)
		fds[i] = open_socket();
	meet(round, first);
	span->begin = now_us();
	for (i = 0; i < mine; i++)
		if (connect(fds[i], (struct sockaddr *)&ss, to_len) &&
		    errno != EINPROGRESS)
			die("connect");
	span->end = now_us();
	if (first && stats >= 0) {
		wait_for_entries((round + 1LL) * count);
		ticks[round] += clock_ticks();
	}
	for (i = 0; i < mine; i++)
		connected += is_connected(fds[i]);
}

static void *work(void *arg)
{
	const struct worker *worker = arg;
	int mine = count / cpus + (worker->nr < count % cpus);
	int *fds = calloc(mine + 1, sizeof(*fds));
	cpu_set_t set;
	int round;

	CPU_ZERO(&set);
	CPU_SET(worker->cpu, &set);
	if (!fds || sched_setaffinity(0, sizeof(set), &set))
		die("cannot start on a CPU");
	for (round = 0; round < rounds; round++)
		run_round(round, mine, !worker->nr, fds, &worker->spans[round]);
	free(fds);
	return NULL;
}

static void run_workers(struct worker *workers)
{
	cpu_set_t set;
	int i;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity");
	for (i = 0; i < CPU_SETSIZE && cpus < MOST_CPUS; i++)
		if (CPU_ISSET(i, &set))
			workers[cpus++].cpu = i;
	pthread_barrier_init(&round_begins, NULL, cpus);
	for (i = 0; i < cpus; i++) {
		workers[i].nr = i;
		workers[i].spans = calloc(rounds, sizeof(struct span));
		if (!workers[i].spans)
			die("no memory");
		errno = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (errno)
			die("pthread_create");
	}
	for (i = 0; i < cpus; i++)
		pthread_join(workers[i].thread, NULL);
}

static void report(const struct worker *workers)
{
	int round, i;

	for (round = 0; round < rounds; round++) {
		struct span all = workers[0].spans[round];

		for (i = 1; i < cpus; i++) {
			const struct span *one = &workers[i].spans[round];

			if (one->begin < all.begin)
				all.begin = one->begin;
			if (one->end > all.end)
				all.end = one->end;
		}
		printf("round=%d opening_us=%.0f", round, all.end - all.begin);
		if (stats >= 0)
			printf(" ticks=%d", ticks[round]);
		putchar('\n');
	}
	printf("connected=%d failed=%d\n", connected, count * rounds - connected);
	fflush(stdout);
}

static void raise_file_limit(rlim_t need)
{
	struct rlimit limit = { .rlim_cur = need + 64, .rlim_max = need + 64 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("cannot open that many files");
}

static void parse_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "one-port", no_argument, &one_port, 1 },
		{ "stats", required_argument, NULL, 's' },
		{}
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			stats = atoi(optarg);
		else if (option)
			optind = argc;
	}
	argv += optind;
	if (argc - optind == 4) {
		count = atoi(argv[2]);
		rounds = atoi(argv[3]);
	}
	if (count < 1 || rounds < 1) {
		fputs("usage: conn_burst [--one-port] [--stats FD] ADDRESS PORT COUNT ROUNDS\n",
		      stderr);
		exit(2);
	}
	to_len = parse_address(argv[0], argv[1], &to);
}

int main(int argc, char **argv)
{
	static struct worker workers[MOST_CPUS];

	parse_arguments(argc, argv);
	raise_file_limit((rlim_t)count * rounds);
	ticks = calloc(rounds, sizeof(*ticks));
	if (!ticks)
		die("no memory");
	if (stats >= 0)
		entries_before = entries();
	run_workers(workers);
	report(workers);
	pause();
	return 1;
}
