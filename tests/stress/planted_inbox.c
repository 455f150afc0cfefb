/* SPDX-License-Identifier: MIT */
/* planted_inbox: the inbox without the fence in inbox_wake(), for test_ring_planted.c. What ck itself does with fences
 * stands in headers that are read before the name means nothing. */
#include <ck_ec.h>
#include <ck_pr.h>
#include <ck_ring.h>

#define ck_pr_fence_memory() ((void)0)

#include "flow/inbox.c" /* NOLINT(bugprone-suspicious-include) */
