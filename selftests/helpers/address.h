/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An IPv4 or IPv6 address and a port as text. Not getaddrinfo(): that needs
 * glibc's shared libraries even in a static program.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Fills @ss; ends the program when the text is no address. Returns its length. */
static inline socklen_t parse_address(const char *host, const char *port,
				      struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;
	char *end;
	unsigned long number = strtoul(port, &end, 10);

	if (end == port || *end || number > 65535) {
		fprintf(stderr, "'%s' is not a port\n", port);
		exit(2);
	}
	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(number);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(number);
		return sizeof(*v6);
	}
	fprintf(stderr, "'%s' is neither an IPv4 nor an IPv6 address\n", host);
	exit(2);
}

/* In both families the port is in the same place. */
#define PORT_OFFSET offsetof(struct sockaddr_in, sin_port)

static inline int get_port(const struct sockaddr_storage *ss)
{
	in_port_t port;

	memcpy(&port, (const char *)ss + PORT_OFFSET, sizeof(port));
	return ntohs(port);
}

static inline void set_port(struct sockaddr_storage *ss, int number)
{
	in_port_t port = htons(number);

	memcpy((char *)ss + PORT_OFFSET, &port, sizeof(port));
}

#endif
