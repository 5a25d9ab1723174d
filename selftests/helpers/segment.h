/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A TCP segment without data, made by hand. IPv4.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>

struct segment {
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

/* The flags and numbers are the caller's, and so are the checksums after that. */
static inline void segment_fill(struct segment *seg, const struct sockaddr_in *from,
				const struct sockaddr_in *to)
{
	memset(seg, 0, sizeof(*seg));
	seg->ip.version = 4;
	seg->ip.ihl = 5;
	seg->ip.tot_len = htons(sizeof(*seg));
	seg->ip.ttl = 64;
	seg->ip.protocol = IPPROTO_TCP;
	seg->ip.saddr = from->sin_addr.s_addr;
	seg->ip.daddr = to->sin_addr.s_addr;
	seg->tcp.source = from->sin_port;
	seg->tcp.dest = to->sin_port;
	seg->tcp.seq = htonl(1);
	seg->tcp.doff = 5;
	seg->tcp.window = htons(1000);
}

static inline unsigned int segment_add_up(const void *data, size_t len, unsigned int sum)
{
	const unsigned char *byte = data;
	unsigned short word;

	for (; len > 1; len -= 2, byte += 2) {
		memcpy(&word, byte, 2);
		sum += word;
	}
	return sum;
}

static inline unsigned short segment_fold(unsigned int sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static inline void segment_checksums(struct segment *seg)
{
	unsigned int pseudo;

	seg->ip.check = 0;
	seg->ip.check = segment_fold(segment_add_up(&seg->ip, sizeof(seg->ip), 0));
	seg->tcp.check = 0;
	pseudo = segment_add_up((const char *)seg + offsetof(struct segment, ip.saddr), 8,
				htons(IPPROTO_TCP) + htons(sizeof(seg->tcp)));
	seg->tcp.check = segment_fold(segment_add_up(&seg->tcp, sizeof(seg->tcp), pseudo));
}

#endif
