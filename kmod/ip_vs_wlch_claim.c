// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: claims, from the choice to the connection
 *
 * A claim is made by schedule() and ends when app_conn_bind() is called for
 * the connection. Nothing that the two are given tells that they belong
 * together, but they run one after the other on the same CPU, so a note is
 * left there. In process context (clients on the director itself) a softirq
 * may come between them and replace the note, or the task may move to another
 * CPU: then the note is not found and the claim runs out by itself, or a note
 * of the same server is found and ends that claim instead. Nothing but the
 * balance of a few milliseconds depends on it.
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/jiffies.h>
#include <linux/percpu.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_index.h"

/**
 * struct wlch_note - the claim that this CPU made last
 * @dest: the server, or NULL; never followed: it may be gone
 * @when: jiffies then
 */
struct wlch_note {
	const struct ip_vs_dest	*dest;
	u32			when;
};

static DEFINE_PER_CPU(struct wlch_note, wlch_notes);

/* In jiffies. The claim is void long before, but the connection may still be made: a
 * hypervisor has taken the CPU away in between. Far below what a stamp can tell.
 */
#define WLCH_NOTE_AGE	(HZ / 4)

/**
 * wlch_claim() - make a choice visible to the picks on other CPUs
 * @server: the chosen server
 * @seen: its arrivals before its load was read
 * @anyway: also if somebody else has claimed it since
 *
 * Context: any but hard interrupt, BH disabled.
 * Return: true if it is claimed; false if the choice has to be made again,
 * because it rests on a load that did not include somebody else's claim.
 */
bool wlch_claim(struct wlch_server *server, u64 seen, bool anyway)
{
	struct wlch_note *note = this_cpu_ptr(&wlch_notes);
	s64 old = seen;
	u32 now;

	do {
		if (wlch_claimed_between(seen, old) && !anyway)
			return false;
		smp_rmb();	/* jiffies after old, if that is of a failed exchange */
		now = jiffies;
	} while (!atomic64_try_cmpxchg(&server->arrivals, &old,
				       wlch_claim_add(old, now)));
	note->dest = server->dest;
	note->when = now;
	return true;
}

/* Has this CPU's last pick claimed @dest, not long ago? The note is taken away. */
static bool wlch_note_take(const struct ip_vs_dest *dest, u32 *stamp)
{
	struct wlch_note *note;
	bool found;

	local_bh_disable();
	note = this_cpu_ptr(&wlch_notes);
	found = note->dest == dest && (u32)jiffies - note->when <= WLCH_NOTE_AGE;
	if (found) {
		*stamp = note->when & WLCH_STAMP_MASK;
		note->dest = NULL;
	}
	local_bh_enable();
	return found;
}

static void wlch_claim_replace(struct wlch_server *server, u32 stamp,
			       s64 pending)
{
	s64 old = atomic64_read(&server->arrivals);

	while (!atomic64_try_cmpxchg(&server->arrivals, &old,
				     wlch_claim_drop(old, stamp) + pending))
		;
}

/**
 * wlch_claim_end() - the connection is made, and not followed
 * @dest: its server
 *
 * Context: under rcu_read_lock(); softirq or process.
 */
void wlch_claim_end(const struct ip_vs_dest *dest)
{
	struct wlch_server *server;
	u32 stamp;

	if (!wlch_note_take(dest, &stamp))
		return;
	server = wlch_server_find(dest);
	if (!server)
		return;
	wlch_claim_replace(server, stamp, 0);
	wlch_index_update(server);
}

/**
 * wlch_claim_turn() - the claim becomes a pending connection, in one step
 * @dest: its server
 *
 * Context: under rcu_read_lock(); softirq or process.
 * Return: the server's private counters with a reference for the connection;
 * NULL if the connection was not claimed here, or its server is in no service that runs
 * wlch any more and has no other followed connection.
 */
struct wlch_server *wlch_claim_turn(const struct ip_vs_dest *dest)
{
	struct wlch_server *server;
	u32 stamp;

	if (!wlch_note_take(dest, &stamp))
		return NULL;
	server = wlch_server_hold(dest);
	if (!server)
		return NULL;
	wlch_claim_replace(server, stamp, WLCH_ONE_PENDING);
	wlch_index_update(server);
	return server;
}
