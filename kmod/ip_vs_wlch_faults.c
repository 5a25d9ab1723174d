// SPDX-License-Identifier: GPL-2.0
/*
 * IPVS schedulers wlch and swrr: calls that fail, for tests
 *
 * The parameter "fault" takes "SITE NUMBER": from then on the NUMBER-th time that SITE is
 * come to the call fails, once; with 0 each time. SITE is one of those that "modinfo -F
 * fault" tells, "*" is any of them. To read it tells how often something has failed
 * since it was written, how often SITE was come to, and which of "*" failed last.
 */

#ifndef WLCH_FAULTS_OF
#define WLCH_FAULTS_OF	"wlch"
#endif

#define pr_fmt(fmt) "IPVS: " WLCH_FAULTS_OF ": " fmt

#include <linux/module.h>
#include <linux/spinlock.h>

#include "ip_vs_wlch_faults.h"

static DEFINE_SPINLOCK(wlch_fault_lock);
static char wlch_fault_site[48];
static const char *wlch_fault_last = "-";
static u32 wlch_fault_number, wlch_fault_visits, wlch_fault_hits;

/**
 * wlch_fault_here() - is the call that comes now to fail?
 * @site: where that is
 *
 * Context: any.
 * Return: true if so.
 */
bool wlch_fault_here(const char *site)
{
	unsigned long flags;
	bool fails = false;

	spin_lock_irqsave(&wlch_fault_lock, flags);
	if (!strcmp(wlch_fault_site, "*") || !strcmp(wlch_fault_site, site)) {
		wlch_fault_visits++;
		fails = !wlch_fault_number ||
			wlch_fault_visits == wlch_fault_number;
		if (fails) {
			wlch_fault_hits++;
			wlch_fault_last = site;
		}
	}
	spin_unlock_irqrestore(&wlch_fault_lock, flags);
	/* where the module is not loaded then, nothing else tells */
	if (fails)
		pr_info("let fail: %s\n", site);
	return fails;
}

static int wlch_fault_set(const char *val, const struct kernel_param *kp)
{
	char site[sizeof(wlch_fault_site)] = "";
	unsigned long flags;
	u32 number = 0;

	/* what is empty ends it */
	if (*skip_spaces(val) && sscanf(val, "%47s %u", site, &number) != 2)
		return -EINVAL;
	spin_lock_irqsave(&wlch_fault_lock, flags);
	strscpy(wlch_fault_site, site, sizeof(wlch_fault_site));
	wlch_fault_number = number;
	wlch_fault_visits = 0;
	wlch_fault_hits = 0;
	wlch_fault_last = "-";
	spin_unlock_irqrestore(&wlch_fault_lock, flags);
	return 0;
}

static int wlch_fault_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%u %u %s\n", READ_ONCE(wlch_fault_hits),
			  READ_ONCE(wlch_fault_visits),
			  READ_ONCE(wlch_fault_last));
}

static const struct kernel_param_ops wlch_fault_ops = {
	.set = wlch_fault_set,
	.get = wlch_fault_get,
};

module_param_cb(fault, &wlch_fault_ops, NULL, 0600);
MODULE_PARM_DESC(fault, "SITE NUMBER: let a call fail, for tests");
