// SPDX-License-Identifier: GPL-2.0
/*
 * ftp_serve - answer PASV as an FTP server does, and nothing else
 *
 *	ftp_serve ADDRESS PORT DATA_PORT
 *
 * Prints "listening" once it does; runs until it is killed. Whatever a client
 * says after it was greeted, it is told the address and the data port; who
 * listens there is none of its business.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* An IPv4 address and a port as the reply 227 has it: h,h,h,h,p,p */
static void format_reply(char *reply, size_t size, const char *address, int port)
{
	char host[INET_ADDRSTRLEN];
	char *dot;

	snprintf(host, sizeof(host), "%s", address);
	for (dot = host; *dot; dot++)
		if (*dot == '.')
			*dot = ',';
	snprintf(reply, size, "227 Entering Passive Mode (%s,%d,%d)\r\n", host, port >> 8,
		 port & 255);
}

static void talk(int fd, const char *reply)
{
	static const char greeting[] = "220 ready\r\n";
	char heard[256];

	if (write(fd, greeting, strlen(greeting)) < 0)
		return;
	while (read(fd, heard, sizeof(heard)) > 0)
		if (write(fd, reply, strlen(reply)) < 0)
			return;
}

int main(int argc, char **argv)
{
	struct sockaddr_storage ss;
	const int on = 1;
	char reply[80];
	socklen_t len;
	int listener, fd;

	if (argc != 4) {
		fputs("usage: ftp_serve ADDRESS PORT DATA_PORT\n", stderr);
		return 2;
	}
	format_reply(reply, sizeof(reply), argv[1], atoi(argv[3]));
	len = parse_address(argv[1], argv[2], &ss);
	listener = socket(ss.ss_family, SOCK_STREAM, 0);
	if (listener < 0)
		die("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&ss, len) || listen(listener, 128))
		die(argv[1]);
	puts("listening");
	fflush(stdout);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		talk(fd, reply);
		close(fd);
	}
	die("accept");
}
