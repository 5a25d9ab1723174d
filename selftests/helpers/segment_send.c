// SPDX-License-Identifier: GPL-2.0
/*
 * segment_send - one TCP segment, made by hand
 *
 *	segment_send FLAGS ADDRESS PORT ADDRESS PORT
 *
 * Sends a segment with these flags, which are letters of SAFR, from the first address and
 * port, where 0 will do as well, to the second, past the TCP of this machine. The first
 * address is one of this machine. IPv4 only.
 */
#include <errno.h>
#include <unistd.h>

#include "address.h"
#include "segment.h"

static void die(const char *what)
{
	fprintf(stderr, "segment_send: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void parse(const char *host, const char *port, struct sockaddr_in *to)
{
	struct sockaddr_storage ss;

	if (parse_address(host, port, &ss) != sizeof(*to)) {
		fprintf(stderr, "segment_send: not an IPv4 address: %s\n", host);
		exit(2);
	}
	memcpy(to, &ss, sizeof(*to));
}

int main(int argc, char **argv)
{
	struct sockaddr_in from, to;
	struct segment seg;
	int raw;

	if (argc != 6 || argv[1][strspn(argv[1], "SAFR")]) {
		fprintf(stderr, "usage: segment_send FLAGS ADDRESS PORT ADDRESS PORT\n");
		return 2;
	}
	parse(argv[2], argv[3], &from);
	parse(argv[4], argv[5], &to);
	segment_fill(&seg, &from, &to);
	seg.tcp.syn = !!strchr(argv[1], 'S');
	seg.tcp.ack = !!strchr(argv[1], 'A');
	seg.tcp.fin = !!strchr(argv[1], 'F');
	seg.tcp.rst = !!strchr(argv[1], 'R');
	segment_checksums(&seg);
	raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	/* bound, as the way may depend on the address that it comes from */
	if (raw < 0 || bind(raw, (void *)&from, sizeof(from)))
		die("raw socket");
	if (sendto(raw, &seg, sizeof(seg), 0, (void *)&to, sizeof(to)) != sizeof(seg))
		die("sendto");
	return 0;
}
