// SPDX-License-Identifier: GPL-2.0
/*
 * genl_send - send one generic netlink request and print what becomes of it
 *
 *	genl_send [--dump | --slow-dump | --fail N | --flags N] FAMILY COMMAND [ATTRIBUTES]
 *
 * ATTRIBUTES are the bytes after the generic netlink header, in hexadecimal
 * digits, and go out as they are, right or wrong. Prints one line:
 *	error=N messages=N text=...
 * the kernel's error (0 or positive), the number of messages in answer, and the
 * text of the extended acknowledgment. The line ends with "interrupted" if the
 * kernel says that what is dumped changed meanwhile. A slow dump prints "paused"
 * when it has the first message, and goes on at the end of its input. With
 * --fail the kernel's Nth allocation while it takes the request fails, if it makes
 * so many: then the line ends with "failed". Needs a kernel with FAILSLAB. An
 * answer that was lost that way is error 105. --flags adds flags (NLM_F_*).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct answer {
	int error;
	int messages;
	int done;
	int slow;
	int interrupted;
	int fail;
	char text[256];
};

static void die(const char *what, int error)
{
	fprintf(stderr, "genl_send: %s: %s\n", what, nl_geterror(error));
	exit(1);
}

static int on_message(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	(void)msg;
	if (!answer->messages++ && answer->slow) {
		printf("paused\n");
		fflush(stdout);
		while (getchar() != EOF)
			;
	}
	return NL_OK;
}

static int on_interruption(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	(void)msg;
	answer->interrupted = 1;
	return NL_OK;
}

/* offset: where the attributes of an acknowledgment begin */
static void keep_text(struct answer *answer, struct nlmsghdr *hdr, int offset)
{
	struct nlattr *text = NULL;

	if (hdr->nlmsg_flags & NLM_F_ACK_TLVS)
		text = nlmsg_find_attr(hdr, offset, NLMSGERR_ATTR_MSG);
	if (text)
		nla_strlcpy(answer->text, text, sizeof(answer->text));
}

/* What ends a dump says if it failed. */
static int on_end(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	if (hdr->nlmsg_type == NLMSG_DONE && nlmsg_datalen(hdr) >= (int)sizeof(int)) {
		answer->error = -*(int *)nlmsg_data(hdr);
		keep_text(answer, hdr, sizeof(int));
	}
	answer->done = 1;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct answer *answer = arg;
	struct nlmsghdr *hdr = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	int offset = sizeof(*err);

	(void)from;
	answer->error = -err->error;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))	/* behind a copy of the request */
		offset += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	keep_text(answer, hdr, offset);
	answer->done = 1;
	return NL_STOP;
}

static void put_attributes(struct nl_msg *msg, const char *hex)
{
	size_t i, len = strlen(hex) / 2;
	unsigned char *to = nlmsg_reserve(msg, len, 1);

	if (!to)
		die("attributes", -NLE_NOMEM);
	for (i = 0; i < len; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &to[i]) != 1)
			die("attributes are not hexadecimal", -NLE_INVAL);
}

/* Some allocation of those in this system call fails, and none in a later one.
 * Returns whether there was one so far.
 */
static int send_failing(struct nl_sock *sock, struct nl_msg *msg, int nth, int *error)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR);
	char number[16], left[16] = "";

	if (fd < 0 || snprintf(number, sizeof(number), "%d", nth) < 0)
		die("this kernel cannot fail an allocation", -NLE_OPNOTSUPP);
	nl_complete_msg(sock, msg);
	if (write(fd, number, strlen(number)) < 0)
		die("fail-nth", -NLE_INVAL);
	*error = nl_send(sock, msg);
	if (pread(fd, left, sizeof(left) - 1, 0) < 0 || pwrite(fd, "0", 1, 0) < 0)
		die("fail-nth", -NLE_INVAL);
	close(fd);
	return atoi(left) == 0;
}

static int send_request(struct nl_sock *sock, struct nl_msg *msg, struct answer *answer)
{
	int error;

	if (!answer->fail)
		return nl_send_auto(sock, msg);
	answer->fail = send_failing(sock, msg, answer->fail, &error);
	return error;
}

static void receive(struct nl_sock *sock, struct answer *answer)
{
	int error;

	while (!answer->done) {
		error = nl_recvmsgs_default(sock);
		if (error >= 0 || answer->done)
			continue;
		if (!answer->fail)
			die("no answer", error);
		answer->error = ENOBUFS;
		answer->done = 1;
	}
}

int main(int argc, char **argv)
{
	int slow = argc > 1 && !strcmp(argv[1], "--slow-dump");
	int dump = slow || (argc > 1 && !strcmp(argv[1], "--dump"));
	int fail = argc > 2 && !strcmp(argv[1], "--fail") ? atoi(argv[2]) : 0;
	int flags = argc > 2 && !strcmp(argv[1], "--flags") ? strtol(argv[2], NULL, 0) : 0;
	struct answer answer = { .slow = slow, .fail = fail };
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_msg *msg;
	int family, error, one = 1;

	argv += fail || flags ? 2 : dump;
	argc -= fail || flags ? 2 : dump;
	if (argc < 3) {
		fputs("usage: genl_send [--dump | --slow-dump | --fail N | --flags N] FAMILY COMMAND [ATTRIBUTES]\n",
		      stderr);
		return 2;
	}
	error = genl_connect(sock);
	if (error)
		die("cannot connect", error);
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	family = genl_ctrl_resolve(sock, argv[1]);
	if (family < 0)
		die(argv[1], family);

	msg = nlmsg_alloc_size(4096 + (argc > 3 ? strlen(argv[3]) : 0));
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0,
		    NLM_F_ACK | flags | (dump ? NLM_F_DUMP : 0), atoi(argv[2]), 1);
	if (argc > 3)
		put_attributes(msg, argv[3]);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, &answer);
	nl_socket_modify_cb(sock, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interruption, &answer);
	nl_socket_modify_cb(sock, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &answer);
	nl_socket_modify_cb(sock, NL_CB_ACK, NL_CB_CUSTOM, on_end, &answer);
	nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, on_error, &answer);
	error = send_request(sock, msg, &answer);
	if (error >= 0)
		receive(sock, &answer);
	else if (answer.fail)
		answer.error = ENOBUFS;
	else
		die("cannot send", error);
	printf("error=%d messages=%d text=%s%s%s\n", answer.error, answer.messages, answer.text,
	       answer.interrupted ? " interrupted" : "", answer.fail ? " failed" : "");
	return 0;
}
