/* SPDX-License-Identifier: MIT */
#include "http/waits.h"

#include <stddef.h>

static void unlink_wait(struct waits *waits, struct wait *wait)
{
    if (wait->earlier != NULL)
        wait->earlier->later = wait->later;
    else
        waits->first[wait->kind] = wait->later;
    if (wait->later != NULL)
        wait->later->earlier = wait->earlier;
    else
        waits->last[wait->kind] = wait->earlier;
}

static void append_wait(struct waits *waits, struct wait *wait)
{
    wait->later = NULL;
    wait->earlier = waits->last[wait->kind];
    if (wait->earlier != NULL)
        wait->earlier->later = wait;
    else
        waits->first[wait->kind] = wait;
    waits->last[wait->kind] = wait;
}

void waits_set(struct waits *waits, struct wait *wait, enum wait_kind kind, uint64_t now_ns)
{
    if (wait->kind != WAIT_NONE)
        unlink_wait(waits, wait);
    wait->kind = kind;
    if (kind == WAIT_NONE)
        return;
    wait->deadline_ns = now_ns + waits->duration_ns[kind];
    append_wait(waits, wait);
}

struct wait *waits_due(const struct waits *waits, uint64_t now_ns)
{
    for (unsigned kind = WAIT_NONE + 1; kind < WAIT_KINDS; kind++)
        if (waits->first[kind] != NULL && waits->first[kind]->deadline_ns <= now_ns)
            return waits->first[kind];
    return NULL;
}

uint64_t waits_next_ns(const struct waits *waits)
{
    uint64_t next_ns = UINT64_MAX;
    for (unsigned kind = WAIT_NONE + 1; kind < WAIT_KINDS; kind++)
        if (waits->first[kind] != NULL && waits->first[kind]->deadline_ns < next_ns)
            next_ns = waits->first[kind]->deadline_ns;
    return next_ns;
}
