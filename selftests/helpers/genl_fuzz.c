// SPDX-License-Identifier: GPL-2.0
/*
 * genl_fuzz - send damaged requests of the family ipvs_wlch
 *
 *	genl_fuzz COUNT [SEED [DAMAGES]]
 *
 * Each of COUNT messages is a valid request for one of the services below, with
 * up to DAMAGES (4) random damages. The same seed sends the same messages; without one
 * a random seed is chosen. Prints
 *	seed=N sent=N accepted=N refused=N errors=N messages=N
 * where errors is the number of different errors among those that were refused,
 * and messages the number of messages in answer that were not acknowledgments.
 *
 * The services: 10.1.0.100:8800 TCP, 10.1.0.100:8801 UDP, fwmark 88 IPv6.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs_wlch.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#define MOST		2048	/* bytes in a message */
#define MAX_ERRNO	4095

struct message {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	unsigned char attrs[MOST];
	unsigned int len;	/* of the attributes */
};

struct tally {
	unsigned long sent, accepted, refused, messages;
	unsigned char error[MAX_ERRNO + 1];
};

static uint64_t state;

/* xorshift64 */
static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 32) % below;
}

static void die(const char *what)
{
	fprintf(stderr, "genl_fuzz: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Valid requests */

static void put(struct message *msg, uint16_t type, const void *data, uint16_t len)
{
	struct nlattr attr = { .nla_len = NLA_HDRLEN + len, .nla_type = type };
	unsigned int room = NLA_HDRLEN + NLA_ALIGN(len);

	if (msg->len + room > MOST)
		return;
	memset(msg->attrs + msg->len, 0, room);
	memcpy(msg->attrs + msg->len, &attr, NLA_HDRLEN);
	memcpy(msg->attrs + msg->len + NLA_HDRLEN, data, len);
	msg->len += room;
}

static void put_u16(struct message *msg, uint16_t type, uint16_t value)
{
	put(msg, type, &value, sizeof(value));
}

static void put_u32(struct message *msg, uint16_t type, uint32_t value)
{
	put(msg, type, &value, sizeof(value));
}

static void put_nest(struct message *msg, uint16_t type, const struct message *nest)
{
	put(msg, type | NLA_F_NESTED, nest->attrs, nest->len);
}

static void put_key(struct message *msg)
{
	uint32_t address = htonl(0x0a010064);
	int which = draw(3);

	if (which == 2) {
		put_u16(msg, IPVS_WLCH_A_SERVICE_AF, AF_INET6);
		put_u32(msg, IPVS_WLCH_A_SERVICE_FWMARK, 88);
		return;
	}
	put_u16(msg, IPVS_WLCH_A_SERVICE_AF, AF_INET);
	put_u16(msg, IPVS_WLCH_A_SERVICE_PROTOCOL, which ? IPPROTO_UDP : IPPROTO_TCP);
	put(msg, IPVS_WLCH_A_SERVICE_ADDRESS, &address, sizeof(address));
	put_u16(msg, IPVS_WLCH_A_SERVICE_PORT, htons(8800 + which));
}

static void put_params(struct message *msg)
{
	static const uint32_t most[] = { 4096, 4096, 4096, 4096, 3600, 64 };
	struct message nest = { .len = 0 };
	int i;

	/* often the limits, so that often nothing changes */
	for (i = 0; i < 6; i++) {
		uint32_t value[] = { 0, most[i], draw(most[i] + 2) };

		if (!draw(3))
			put_u32(&nest, i + 1, value[draw(3)]);
	}
	put_nest(msg, IPVS_WLCH_A_SERVICE_PARAMS, &nest);
}

static void put_request(struct message *msg)
{
	struct message key = { .len = 0 };
	int dump = 0;

	msg->genl.cmd = 1 + draw(IPVS_WLCH_CMD_ZERO);
	switch (msg->genl.cmd) {
	case IPVS_WLCH_CMD_GET_SERVICE:
		dump = !draw(3);
		if (!dump)
			put_key(msg);
		break;
	case IPVS_WLCH_CMD_SET_SERVICE:
		put_key(msg);
		put_params(msg);
		break;
	case IPVS_WLCH_CMD_GET_SERVER:
		dump = 1;
		put_key(&key);
		if (draw(2))
			put_nest(msg, IPVS_WLCH_A_SERVER_SERVICE, &key);
		break;
	case IPVS_WLCH_CMD_SET_DEFAULTS:
		put_params(msg);
		break;
	case IPVS_WLCH_CMD_ZERO:
		if (draw(2))
			put_key(msg);
		break;
	}
	if (dump)
		msg->nl.nlmsg_flags |= NLM_F_DUMP;
}

/* Damages */

/* Somewhere in the message an attribute begins: its offset, in bytes. */
static unsigned int some_attr(const struct message *msg)
{
	unsigned int offset = 0, steps = draw(8);
	struct nlattr attr;

	while (steps-- && offset + NLA_HDRLEN <= msg->len) {
		memcpy(&attr, msg->attrs + offset, NLA_HDRLEN);
		if (attr.nla_type & NLA_F_NESTED && draw(2))
			offset += NLA_HDRLEN;
		else
			offset += NLA_ALIGN(attr.nla_len < NLA_HDRLEN ? NLA_HDRLEN : attr.nla_len);
	}
	return offset + NLA_HDRLEN <= msg->len ? offset : 0;
}

static void set_u16(struct message *msg, unsigned int offset, uint16_t value)
{
	if (offset + sizeof(value) <= msg->len)
		memcpy(msg->attrs + offset, &value, sizeof(value));
}

static void append(struct message *msg)
{
	unsigned char junk[64];
	unsigned int i, len = draw(sizeof(junk));

	for (i = 0; i < len; i++)
		junk[i] = draw(256);
	put(msg, draw(16) | (draw(4) ? 0 : NLA_F_NESTED), junk, len);
}

/* A copy of some bytes to somewhere else */
static void copy(struct message *msg)
{
	unsigned int from = some_attr(msg), to = some_attr(msg), len = draw(64);

	if (from + len <= msg->len && to + len <= msg->len)
		memmove(msg->attrs + to, msg->attrs + from, len);
}

/* All of it into a nest, many times over */
static void bury(struct message *msg)
{
	struct message nest;
	int depth = 1 + draw(40);

	while (depth-- && msg->len + NLA_HDRLEN <= MOST) {
		nest = *msg;
		msg->len = 0;
		put_nest(msg, 1 + draw(7), &nest);
	}
}

static void damage_header(struct message *msg)
{
	switch (draw(5)) {
	case 0:
		msg->genl.cmd = draw(16);
		break;
	case 1:
		msg->genl.cmd = draw(256);
		break;
	case 2:
		msg->genl.version = draw(256);
		break;
	case 3:
		msg->genl.reserved = draw(65536);
		break;
	case 4:
		msg->nl.nlmsg_flags ^= 1 << draw(16);
		msg->nl.nlmsg_flags |= NLM_F_REQUEST;
		break;
	}
}

static void damage(struct message *msg)
{
	unsigned int at = some_attr(msg);

	switch (draw(10)) {
	case 0:
		damage_header(msg);
		break;
	case 1:		/* length of an attribute */
		set_u16(msg, at, draw(2) ? draw(32) : draw(65536));
		break;
	case 2:		/* its type */
		set_u16(msg, at + 2, draw(2) ? draw(24) : draw(65536));
		break;
	case 3:		/* its value */
		set_u16(msg, at + 4, draw(2) ? 0 : draw(65536));
		set_u16(msg, at + 6, draw(2) ? 0 : draw(65536));
		break;
	case 4:
		if (msg->len)
			msg->attrs[draw(msg->len)] ^= 1 << draw(8);
		break;
	case 5:
		msg->len = msg->len ? draw(msg->len) : 0;
		break;
	case 6:
		append(msg);
		break;
	case 7:
		copy(msg);
		break;
	case 8:
		bury(msg);
		break;
	case 9:		/* says that it is longer than it is */
		msg->nl.nlmsg_len += 1 + draw(64);
		break;
	}
}

/* Talking to the kernel */

static void count_answer(struct tally *tally, const struct nlmsghdr *hdr)
{
	int error = 0;

	if (hdr->nlmsg_type != NLMSG_ERROR && hdr->nlmsg_type != NLMSG_DONE) {
		tally->messages++;
		return;
	}
	if (hdr->nlmsg_len >= NLMSG_HDRLEN + sizeof(error))
		memcpy(&error, (const char *)hdr + NLMSG_HDRLEN, sizeof(error));
	if (error >= 0) {
		tally->accepted++;
	} else {
		tally->refused++;
		tally->error[-error & MAX_ERRNO] = 1;
	}
}

/* The kernel has answered when sending returns; a dump goes on with reading. */
static void take_answers(int fd, struct tally *tally)
{
	static char buffer[65536];
	struct nlmsghdr *hdr;
	int len;

	for (;;) {
		len = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (len < 0 && errno != ENOBUFS)
			die("cannot receive");
		for (hdr = (struct nlmsghdr *)buffer; nlmsg_ok(hdr, len);
		     hdr = nlmsg_next(hdr, &len))
			count_answer(tally, hdr);
	}
}

static void send_one(int fd, int family, unsigned int most, struct tally *tally)
{
	struct message msg = {
		.nl = { .nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.genl = { .version = IPVS_WLCH_FAMILY_VERSION },
	};
	unsigned int i, len, damages = draw(most + 1);

	put_request(&msg);
	for (i = 0; i < damages; i++)
		damage(&msg);
	len = NLMSG_HDRLEN + GENL_HDRLEN + msg.len;
	msg.nl.nlmsg_len += len;
	msg.nl.nlmsg_seq = tally->sent++;
	if (send(fd, &msg, len, 0) < 0 && errno != ENOBUFS)
		die("cannot send");
	take_answers(fd, tally);
}

int main(int argc, char **argv)
{
	struct nl_sock *sock = nl_socket_alloc();
	int family, fd, one = 1, errors = 0, i;
	struct tally tally = { .sent = 0 };
	unsigned long count;
	uint64_t seed;

	if (argc < 2) {
		fputs("usage: genl_fuzz COUNT [SEED [DAMAGES]]\n", stderr);
		return 2;
	}
	count = strtoul(argv[1], NULL, 0);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	else if (getrandom(&seed, sizeof(seed), 0) < 0)
		die("no random seed");
	state = seed ?: 1;
	printf("seed=%llu ", (unsigned long long)seed);
	fflush(stdout);
	if (genl_connect(sock))
		die("cannot connect");
	family = genl_ctrl_resolve(sock, IPVS_WLCH_FAMILY_NAME);
	if (family < 0)
		die("no family " IPVS_WLCH_FAMILY_NAME);
	fd = nl_socket_get_fd(sock);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	while (tally.sent < count)
		send_one(fd, family, argc > 3 ? atoi(argv[3]) : 4, &tally);
	for (i = 0; i <= MAX_ERRNO; i++)
		errors += tally.error[i];
	printf("sent=%lu accepted=%lu refused=%lu errors=%d messages=%lu\n", tally.sent,
	       tally.accepted, tally.refused, errors, tally.messages);
	return 0;
}
