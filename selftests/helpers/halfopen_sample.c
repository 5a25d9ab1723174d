// SPDX-License-Identifier: GPL-2.0
/*
 * halfopen_sample - compare the counts of wlch with the connection table, again
 * and again while connections come and go
 *
 *	halfopen_sample COUNT
 *
 * Prints "sampling" when it begins and "enough" after COUNT samples, goes on until
 * SIGTERM, and prints samples that are not explained, up to ten. At the end:
 *	samples=N changing=N slack=N violations=N difference=N half_open=N
 *	entries=N begun=N
 * on one line: samples taken, those in which a connection changed, those that
 * needed the slack, those not explained; the largest difference between the
 * reported half-open and the table, the most half-open and the most entries
 * that the table had, and the connections that began.
 *
 * Neither the table nor all counters can be read at one moment. So a sample is
 *	a steady reading, a reading, the table, a steady reading
 * where a reading is one dump of get-server, and a steady one is two in a row
 * that are equal: nothing was on its way between two counters. What changed from
 * one steady reading to the other is known from their counters:
 *	begun	picks
 *	ended	left the handshake: begun, less the growth of half-open
 *	left	neither half-open nor established any more: begun, less the
 *		growth of both
 *	gone	left the table: begun, less the growth of all
 * and only so much may what is read in between differ from the first one.
 *
 * A packet that another CPU is working on at a steady reading may have moved
 * one counter and not yet the next: one connection for each other CPU and
 * each of the two readings. This slack matters only when a (virtual) CPU is
 * held up there for longer than two dumps take.
 *
 * Reading the table takes many calls, each of which counts entries from the
 * beginning. New entries shift old ones, which are then seen twice: the second
 * time does not count. Those that go make the reader miss as many others.
 *
 * Servers are told apart by address and port, IPv4 only: let no two services
 * share one.
 */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include <linux/ip_vs_wlch.h>

#define MAX_SERVERS	16
#define SEEN_SIZE	(1 << 17)	/* several times the entries of a table */
#define SHOWN		10

struct server {
	uint32_t addr, port;
	long picks, established, half_open, all;
	long entries, handshakes, active;	/* filled from the table */
};

struct reading {
	int nr;
	struct server server[MAX_SERVERS];
};

/* What changed between two readings */
struct change {
	long begun, ended, left, gone;
};

struct tally {
	long samples, changing, slack, violations, difference, half_open, entries, begun;
};

static struct nl_sock *sock;
static int family;
static FILE *conns;
static long slack;
static volatile sig_atomic_t ending;

static void on_signal(int number)
{
	(void)number;
	ending = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "halfopen_sample: %s\n", what);
	exit(1);
}

static long number(struct nlattr **attrs, int type)
{
	if (!attrs[type])
		die("the kernel's answer lacks an attribute");
	return nla_get_u32(attrs[type]);
}

static int on_server(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[IPVS_WLCH_A_SERVER_MAX + 1];
	struct reading *r = arg;
	struct server *s = &r->server[r->nr];

	if (r->nr == MAX_SERVERS ||
	    genlmsg_parse(nlmsg_hdr(msg), 0, attrs, IPVS_WLCH_A_SERVER_MAX, NULL) < 0 ||
	    !attrs[IPVS_WLCH_A_SERVER_ADDRESS] || !attrs[IPVS_WLCH_A_SERVER_PICKS])
		die("cannot read the kernel's answer");
	memset(s, 0, sizeof(*s));
	memcpy(&s->addr, nla_data(attrs[IPVS_WLCH_A_SERVER_ADDRESS]), sizeof(s->addr));
	s->addr = ntohl(s->addr);
	s->port = ntohs(nla_get_u16(attrs[IPVS_WLCH_A_SERVER_PORT]));
	s->picks = nla_get_u64(attrs[IPVS_WLCH_A_SERVER_PICKS]);
	s->established = number(attrs, IPVS_WLCH_A_SERVER_ESTABLISHED);
	s->half_open = number(attrs, IPVS_WLCH_A_SERVER_HALF_OPEN);
	s->all = s->established + s->half_open + number(attrs, IPVS_WLCH_A_SERVER_REFUSED) +
		 number(attrs, IPVS_WLCH_A_SERVER_INACTIVE);
	r->nr++;
	return NL_OK;
}

static void read_counts(struct reading *r)
{
	r->nr = 0;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_server, r);
	if (genl_send_simple(sock, family, IPVS_WLCH_CMD_GET_SERVER, IPVS_WLCH_FAMILY_VERSION,
			     NLM_F_DUMP) < 0 || nl_recvmsgs_default(sock) < 0)
		die("get-server failed");
}

static int same(const struct reading *a, const struct reading *b)
{
	return a->nr == b->nr && !memcmp(a->server, b->server, a->nr * sizeof(a->server[0]));
}

static void read_steady(struct reading *r)
{
	struct reading before;

	read_counts(r);
	do {
		before = *r;
		read_counts(r);
	} while (!same(&before, r) && !ending);
}

/* FNV-1a of protocol, client and virtual service, which name an entry */
static uint64_t name_of(const char *line)
{
	uint64_t hash = 0xcbf29ce484222325;
	int i;

	for (i = 0; i < 30 && line[i]; i++)
		hash = (hash ^ (unsigned char)line[i]) * 0x100000001b3;
	return hash ? hash : 1;
}

static int seen_before(uint64_t *seen, uint64_t name)
{
	uint64_t i = name % SEEN_SIZE;

	while (seen[i] && seen[i] != name)
		i = (i + 1) % SEEN_SIZE;
	if (seen[i])
		return 1;
	seen[i] = name;
	return 0;
}

static int is_handshake(const char *state)
{
	return !strcmp(state, "NONE") || !strcmp(state, "SYN_SENT") ||
	       !strcmp(state, "SYN_RECV") || !strcmp(state, "SYNACK");
}

static void read_table(struct reading *r)
{
	static uint64_t seen[SEEN_SIZE];
	unsigned int addr, port;
	char line[256], state[16];
	int i;

	memset(seen, 0, sizeof(seen));
	rewind(conns);
	while (fgets(line, sizeof(line), conns)) {
		if (sscanf(line, "TCP %*8x %*x %*8x %*x %8x %x %15s", &addr, &port, state) != 3 ||
		    seen_before(seen, name_of(line)))
			continue;
		for (i = 0; i < r->nr; i++) {
			struct server *s = &r->server[i];

			if (s->addr != addr || s->port != port)
				continue;
			s->entries++;
			s->handshakes += is_handshake(state);
			s->active += !strcmp(state, "ESTABLISHED");
		}
	}
}

static struct change change_of(const struct server *a, const struct server *b)
{
	struct change c;

	c.begun = b->picks - a->picks;
	c.ended = c.begun - (b->half_open - a->half_open);
	c.left = c.begun - (b->half_open + b->established - a->half_open - a->established);
	c.gone = c.begun - (b->all - a->all);
	return c;
}

/* How far a value is outside of what can be */
static long outside(long value, long low, long high)
{
	if (value < low)
		return low - value;
	return value > high ? value - high : 0;
}

/* The largest of all that cannot be explained by what changed; so many entries
 * may have been missed in the table.
 *
 * A reading that is not steady takes a connection that begins, or is refused,
 * while it reads as established or as not.
 */
static long unexplained(const struct server *a, const struct server *m, const struct change *c,
			long missed)
{
	const long excess[] = {
		outside(m->half_open, a->half_open - c->ended, a->half_open + c->begun),
		outside(m->handshakes, a->half_open - c->ended - missed, a->half_open + c->begun),
		outside(m->half_open - m->handshakes, -c->begun - c->ended,
			c->begun + c->ended + missed),
		outside(m->established, a->established - c->left,
			a->established + c->ended + c->begun),
		outside(m->active, a->established - c->left - missed, a->established + c->ended),
		outside(m->all, a->all - c->gone - c->begun, a->all + c->begun + c->left),
		outside(m->entries, a->all - c->gone - missed, a->all + c->begun),
	};
	long most = 0;
	size_t i;

	for (i = 0; i < sizeof(excess) / sizeof(excess[0]); i++)
		if (excess[i] > most)
			most = excess[i];
	return most;
}

static void show(long sample, const struct server *a, const struct server *m,
		 const struct change *c)
{
	struct in_addr addr = { .s_addr = htonl(a->addr) };

	printf("sample %ld, server %s: before: half-open %ld established %ld all %ld; then: %ld %ld %ld; table: %ld %ld %ld; begun %ld ended %ld left %ld gone %ld\n",
	       sample, inet_ntoa(addr), a->half_open, a->established, a->all, m->half_open,
	       m->established, m->all, m->handshakes, m->active, m->entries, c->begun, c->ended,
	       c->left, c->gone);
}

static void note_most(long *most, long value)
{
	if (value > *most)
		*most = value;
}

static void judge(struct tally *t, const struct reading *a, const struct reading *m,
		  const struct reading *b)
{
	long entries = 0, half_open = 0, worst = 0, changes = 0, missed = 0;
	int i;

	for (i = 0; i < a->nr; i++)
		missed += change_of(&a->server[i], &b->server[i]).gone;
	for (i = 0; i < a->nr; i++) {
		const struct server *s = &m->server[i];
		struct change c = change_of(&a->server[i], &b->server[i]);
		long excess = unexplained(&a->server[i], s, &c, missed);

		note_most(&worst, excess);
		note_most(&t->difference, labs(s->half_open - s->handshakes));
		changes += labs(c.begun) + labs(c.ended) + labs(c.left) + labs(c.gone);
		entries += s->entries;
		half_open += s->handshakes;
		t->begun += c.begun;
		if (excess > slack && t->violations < SHOWN)
			show(t->samples, &a->server[i], s, &c);
	}
	note_most(&t->entries, entries);
	note_most(&t->half_open, half_open);
	t->samples++;
	t->changing += changes > 0;
	t->violations += worst > slack;
	t->slack += worst && worst <= slack;
}

static void say(const char *what)
{
	puts(what);
	fflush(stdout);
}

static void start(void)
{
	sock = nl_socket_alloc();
	if (!sock || genl_connect(sock))
		die("cannot connect");
	family = genl_ctrl_resolve(sock, IPVS_WLCH_FAMILY_NAME);
	if (family < 0)
		die("there is no netlink family " IPVS_WLCH_FAMILY_NAME);
	conns = fopen("/proc/net/ip_vs_conn", "r");
	if (!conns)
		die("cannot open /proc/net/ip_vs_conn");
	slack = 2 * (get_nprocs() - 1);
	signal(SIGTERM, on_signal);
}

int main(int argc, char **argv)
{
	struct tally t = { .samples = 0 };
	struct reading before, middle, after;

	if (argc != 2) {
		fputs("usage: halfopen_sample COUNT\n", stderr);
		return 2;
	}
	start();
	read_steady(&before);
	say("sampling");
	for (;;) {
		read_counts(&middle);
		read_table(&middle);
		read_steady(&after);
		if (ending)
			break;
		if (before.nr != after.nr || before.nr != middle.nr)
			die("the servers changed");
		judge(&t, &before, &middle, &after);
		before = after;
		if (t.samples == atol(argv[1]))
			say("enough");
	}
	printf("samples=%ld changing=%ld slack=%ld violations=%ld difference=%ld half_open=%ld entries=%ld begun=%ld\n",
	       t.samples, t.changing, t.slack, t.violations, t.difference, t.half_open, t.entries,
	       t.begun);
	return 0;
}
