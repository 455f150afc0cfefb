/* SPDX-License-Identifier: MIT */
#include "moments.h"

#include <string.h>

#include "document.h"

static bool read_group(const bson_iter_t *iter, const struct plan *plan, struct moments_row *row)
{
    uint32_t len;
    row->is_of_all = BSON_ITER_HOLDS_NULL(iter) && plan->group_by == GROUP_TAG;
    if (!BSON_ITER_HOLDS_UTF8(iter))
        return row->is_of_all;
    const char *data = bson_iter_utf8(iter, &len);
    row->group = (struct slice){ data, len };
    return document_is_text(row->group, plan->group_by == GROUP_TAG ? METRIC_TAG_MAX : METRIC_NAME_MAX);
}

static bool read_bucket(const bson_iter_t *iter, struct moments_row *row)
{
    int64_t bucket = bson_iter_as_int64(iter);
    row->bucket = (uint32_t)bucket;
    return BSON_ITER_HOLDS_NUMBER(iter) && bucket >= 0 && bucket < PLAN_BUCKETS_MAX;
}

/* { g, b }, one of them, or null. */
static bool read_key(const bson_iter_t *iter, const struct plan *plan, struct moments_row *row)
{
    bson_iter_t member;
    bool ok = true, has_group = false;
    if (BSON_ITER_HOLDS_NULL(iter))
        return plan->group_by == GROUP_NONE;
    if (!BSON_ITER_HOLDS_DOCUMENT(iter) || !bson_iter_recurse(iter, &member))
        return false;
    while (ok && bson_iter_next(&member)) {
        bool is_group = strcmp(bson_iter_key(&member), "g") == 0;
        has_group = has_group || is_group;
        ok = is_group ? read_group(&member, plan, row) : read_bucket(&member, row);
    }
    return ok && has_group == (plan->group_by != GROUP_NONE);
}

static void read_member(const bson_iter_t *iter, struct moments_row *row, double *deviation)
{
    const char *key = bson_iter_key(iter);
    if (strcmp(key, "n") == 0)
        row->moments.count = (uint64_t)bson_iter_as_int64(iter);
    else if (strcmp(key, "f") == 0)
        row->first_ms = bson_iter_date_time(iter);
    else if (strcmp(key, "l") == 0)
        row->last_ms = bson_iter_date_time(iter);
    else if (strcmp(key, "s") == 0)
        row->moments.sum = bson_iter_as_double(iter);
    else if (strcmp(key, "lo") == 0)
        row->moments.min = bson_iter_as_double(iter);
    else if (strcmp(key, "hi") == 0)
        row->moments.max = bson_iter_as_double(iter);
    else if (strcmp(key, "m") == 0)
        row->moments.mean = bson_iter_as_double(iter);
    else if (strcmp(key, "d") == 0)
        *deviation = bson_iter_as_double(iter);
}

bool moments_read(const bson_t *document, const struct plan *plan, struct moments_row *ret_row)
{
    bson_iter_t iter;
    double deviation = 0;
    bool ok = false;
    *ret_row = (struct moments_row){ .bucket = 0 };
    if (!bson_iter_init(&iter, document))
        return false;
    while (bson_iter_next(&iter))
        if (strcmp(bson_iter_key(&iter), "_id") == 0)
            ok = read_key(&iter, plan, ret_row);
        else
            read_member(&iter, ret_row, &deviation);
    ret_row->moments.m2 = deviation * deviation * (double)ret_row->moments.count;
    return ok && ret_row->moments.count > 0;
}
