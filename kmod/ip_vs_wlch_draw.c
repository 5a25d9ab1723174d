// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS scheduler wlch: the lots of a service's servers
 */

#define pr_fmt(fmt) "IPVS: wlch: " fmt

#include <linux/err.h>
#include <linux/slab.h>

#include "ip_vs_wlch.h"
#include "ip_vs_wlch_draw.h"

/**
 * wlch_draw_make() - make lots of the servers of a service
 * @table: the servers
 *
 * Weights may change meanwhile: then the core calls upd_dest() and lots are
 * made again.
 *
 * Context: process.
 * Return: the lots, none if no server has a weight, or -ENOMEM.
 */
struct wlch_draw *wlch_draw_make(const struct wlch_table *table)
{
	struct wlch_share *share;
	struct wlch_draw *draw;
	u32 i;

	draw = kvzalloc(struct_size(draw, lot, table->nr), GFP_KERNEL);
	share = kvcalloc(table->nr, sizeof(*share), GFP_KERNEL);
	if (!draw || !share) {
		kvfree(share);
		kvfree(draw);
		return ERR_PTR(-ENOMEM);
	}
	for (i = 0; i < table->nr; i++) {
		struct wlch_server *server = table->server[i];
		int weight = atomic_read(&server->dest->weight);

		if (weight <= 0)
			continue;
		draw->lot[draw->nr].first = server;
		share[draw->nr++].rest = weight;
	}
	wlch_share_out(draw, share);
	kvfree(share);
	return draw;
}
