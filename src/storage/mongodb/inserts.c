/* SPDX-License-Identifier: MIT */
#include "inserts.h"

#include <stdlib.h>
#include <string.h>

#include <telemetry/hash.h>
#include <telemetry/job.h>

enum { KEEP_ITEMS = 64 * 1024, SLOTS_MIN = 64 };

void inserts_fini(struct inserts *inserts)
{
    free(inserts->items);
    free(inserts->jobs);
    free(inserts->slots);
    *inserts = (struct inserts){ .n = 0 };
}

void inserts_clear(struct inserts *inserts)
{
    if (inserts->capacity > KEEP_ITEMS) {
        inserts_fini(inserts);
        return;
    }
    inserts->n = inserts->n_jobs = 0;
    if (inserts->n_ids > 0)
        memset(inserts->slots, 0, inserts->n_slots * sizeof(inserts->slots[0]));
    inserts->n_ids = 0;
}

/* Ids ------------------------------------------------------------------------ */

/* The slot of the id, or the free one where it belongs. */
static uint32_t *slot_of(const struct inserts *inserts, const struct metric_id *id)
{
    uint64_t hash = hash_seeded((struct slice){ (const char *)id->bytes, METRIC_ID_BYTES });
    uint32_t mask = inserts->n_slots - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        uint32_t number = inserts->slots[i];
        if (number == 0 || memcmp(inserts->items[number - 1].metric->id.bytes, id->bytes, METRIC_ID_BYTES) == 0)
            return &inserts->slots[i];
    }
}

struct insert *inserts_find(const struct inserts *inserts, const struct metric_id *id)
{
    if (inserts->n_ids == 0)
        return NULL;
    uint32_t number = *slot_of(inserts, id);
    return number == 0 ? NULL : &inserts->items[number - 1];
}

bool inserts_meet(const struct inserts *inserts, const struct job *job)
{
    for (uint32_t i = 0; i < job->n_metrics; i++)
        if (job->metrics[i].client_id && inserts_find(inserts, &job->metrics[i].id) != NULL)
            return true;
    return false;
}

/* Makes room for n more ids, at most half of the slots being used. */
static bool reserve_ids(struct inserts *inserts, uint32_t n)
{
    uint32_t n_slots = inserts->n_slots < SLOTS_MIN ? SLOTS_MIN : inserts->n_slots;
    while (n_slots / 2 < inserts->n_ids + n)
        n_slots *= 2;
    if (n_slots == inserts->n_slots)
        return true;
    uint32_t *old = inserts->slots, n_old = inserts->n_slots;
    uint32_t *slots = calloc(n_slots, sizeof(slots[0]));
    if (slots == NULL)
        return false;
    inserts->slots = slots;
    inserts->n_slots = n_slots;
    for (uint32_t i = 0; i < n_old; i++)
        if (old[i] != 0)
            *slot_of(inserts, &inserts->items[old[i] - 1].metric->id) = old[i];
    free(old);
    return true;
}

/* Adding --------------------------------------------------------------------- */

/* An array with room for n elements, twice as large as it was if it must grow. */
static void *grown(void *array, size_t element_bytes, uint32_t n, uint32_t *capacity)
{
    if (n <= *capacity)
        return array;
    uint32_t larger = n > 2 * *capacity ? n : 2 * *capacity;
    void *moved = realloc(array, larger * element_bytes);
    if (moved != NULL)
        *capacity = larger;
    return moved;
}

static bool reserve(struct inserts *inserts, const struct job *job)
{
    uint32_t n_ids = 0;
    struct insert *items = grown(inserts->items, sizeof(items[0]), inserts->n + job->n_metrics, &inserts->capacity);
    if (items != NULL)
        inserts->items = items;
    struct insert_job *jobs = grown(inserts->jobs, sizeof(jobs[0]), inserts->n_jobs + 1, &inserts->jobs_capacity);
    if (jobs != NULL)
        inserts->jobs = jobs;
    for (uint32_t i = 0; i < job->n_metrics; i++)
        n_ids += job->metrics[i].client_id;
    return items != NULL && jobs != NULL && (n_ids == 0 || reserve_ids(inserts, n_ids));
}

/* Files the newest item under the id that its client gave. */
static void file_id(struct inserts *inserts, struct insert *item)
{
    uint32_t *slot = slot_of(inserts, &item->metric->id);
    if (*slot == 0) {
        *slot = inserts->n;
        inserts->n_ids++;
    } else {
        const struct insert *first = &inserts->items[*slot - 1];
        item->state = metric_equal(first->metric, item->metric) ? INSERT_TWIN : INSERT_CONFLICT;
    }
}

bool inserts_add(struct inserts *inserts, struct job *job)
{
    if (!reserve(inserts, job))
        return false;
    inserts->jobs[inserts->n_jobs] = (struct insert_job){ .job = job, .first = inserts->n, .n = job->n_metrics };
    for (uint32_t i = 0; i < job->n_metrics; i++) {
        struct insert *item = &inserts->items[inserts->n++];
        *item = (struct insert){ .metric = &job->metrics[i], .job = inserts->n_jobs };
        if (item->metric->client_id)
            file_id(inserts, item);
    }
    inserts->n_jobs++;
    return true;
}
