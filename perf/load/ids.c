/* SPDX-License-Identifier: MIT */
#include "ids.h"

#include <stdlib.h>

#include "buffer.h"

void ids_init(struct ids *ids, uint64_t seed)
{
    *ids = (struct ids){ .all = zeroed(IDS_MAX, sizeof(*ids->all)), .random = { seed } };
}

void ids_free(struct ids *ids)
{
    free(ids->all);
    *ids = (struct ids){ 0 };
}

void ids_put(struct ids *ids, const struct id *id)
{
    unsigned place = ids->n < IDS_MAX ? ids->n++ : random_below(&ids->random, IDS_MAX);
    ids->all[place] = *id;
}

bool ids_take(struct ids *ids, struct id *ret_id)
{
    if (ids->n == 0)
        return false;
    unsigned place = random_below(&ids->random, ids->n);
    *ret_id = ids->all[place];
    ids->all[place] = ids->all[--ids->n];
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

void id_scan_feed(struct id_scan *scan, struct slice bytes, struct ids *into)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.data[i];
        if (c == '"') {
            if (scan->open && scan->len == ID_BYTES)
                ids_put(into, &scan->id);
            scan->open = true;
            scan->len = 0;
        } else if (scan->open && is_hex(c) && scan->len < ID_BYTES) {
            scan->id.text[scan->len++] = c;
        } else {
            scan->open = false;
        }
    }
}
