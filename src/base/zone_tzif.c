/* SPDX-License-Identifier: MIT */
/* zone_tzif: a TZif file (RFC 9636) is a block with times of 32 bits, which is passed over, one with times of 64
 * bits, and a TZ string between line feeds. Each step takes bytes off the front of what is left, and a file that
 * has too few, or numbers that do not fit together, is no zone. */
#include <stdlib.h>

#include "zone_own.h"

enum { HEADER_BYTES = 44, VERSION_AT = 4, COUNTS_AT = 20, TYPE_BYTES = 6, TIME_BYTES = 8, CHANGES_MAX = 4096 };

struct counts {
    uint32_t n_utc, n_standard, n_leaps, n_times, n_types, n_letters;
};

static uint32_t get_u32(const char *place)
{
    uint32_t number = 0;
    for (unsigned i = 0; i < 4; i++)
        number = number << 8 | (unsigned char)place[i];
    return number;
}

static int64_t get_i64(const char *place)
{
    return (int64_t)((uint64_t)get_u32(place) << 32 | get_u32(place + 4));
}

/* Takes n bytes off the front of *rest; NULL when there are fewer. */
static const char *take(struct slice *rest, uint64_t n)
{
    const char *data = rest->data;
    if (n > rest->len)
        return NULL;
    *rest = (struct slice){ data + n, rest->len - (size_t)n };
    return data;
}

static bool take_header(struct slice *rest, struct counts *ret_counts)
{
    const char *header = take(rest, HEADER_BYTES);
    if (header == NULL || memcmp(header, "TZif", 4) != 0 || header[VERSION_AT] < '2')
        return false;
    const char *counts = header + COUNTS_AT;
    *ret_counts = (struct counts){ .n_utc = get_u32(counts),
                                   .n_standard = get_u32(counts + 4),
                                   .n_leaps = get_u32(counts + 8),
                                   .n_times = get_u32(counts + 12),
                                   .n_types = get_u32(counts + 16),
                                   .n_letters = get_u32(counts + 20) };
    return true;
}

/* Bytes of what stands in a block behind times and their types. */
static uint64_t tail_bytes(const struct counts *counts, unsigned time_bytes)
{
    return (uint64_t)counts->n_letters + (uint64_t)counts->n_leaps * (time_bytes + 4) + counts->n_standard +
           counts->n_utc;
}

static bool skip_old_block(struct slice *rest)
{
    struct counts counts;
    return take_header(rest, &counts) &&
           take(rest, (uint64_t)counts.n_times * 5 + (uint64_t)counts.n_types * TYPE_BYTES + tail_bytes(&counts, 4)) !=
               NULL;
}

/* False when the type does not exist or its offset is none. */
static bool offset_of(const char *types, const struct counts *counts, unsigned type, int32_t *ret_offset)
{
    if (type >= counts->n_types)
        return false;
    *ret_offset = (int32_t)get_u32(types + type * TYPE_BYTES);
    return *ret_offset >= ZONE_OFFSET_MIN && *ret_offset <= ZONE_OFFSET_MAX;
}

/* Reads the block of 64-bit times into zone, which has room for the changes. */
static bool take_changes(struct slice *rest, const struct counts *counts, struct zone *zone)
{
    const char *times = take(rest, (uint64_t)counts->n_times * TIME_BYTES);
    const char *indices = times == NULL ? NULL : take(rest, counts->n_times);
    const char *types = indices == NULL ? NULL : take(rest, (uint64_t)counts->n_types * TYPE_BYTES);
    if (types == NULL || !offset_of(types, counts, 0, &zone->first_s))
        return false;
    for (uint32_t i = 0; i < counts->n_times; i++) {
        struct zone_change *change = &zone->changes[i];
        change->at_s = get_i64(times + (size_t)i * TIME_BYTES);
        if (i > 0 && change->at_s <= change[-1].at_s)
            return false;
        if (!offset_of(types, counts, (unsigned char)indices[i], &change->offset_s))
            return false;
    }
    zone->n_changes = counts->n_times;
    return take(rest, tail_bytes(counts, TIME_BYTES)) != NULL;
}

/* The TZ string between two line feeds; an empty one says nothing of what comes. */
static bool take_footer(struct slice rest, struct zone_rule *ret_rule)
{
    if (rest.len < 2 || rest.data[0] != '\n')
        return false;
    const char *end = memchr(rest.data + 1, '\n', rest.len - 1);
    if (end == NULL)
        return false;
    struct slice text = { rest.data + 1, (size_t)(end - rest.data - 1) };
    return text.len == 0 || zone_rule_parse(text, ret_rule);
}

struct zone *zone_tzif_read(struct slice file)
{
    struct counts counts;
    if (!skip_old_block(&file) || !take_header(&file, &counts) || counts.n_leaps > 0 || counts.n_times > CHANGES_MAX)
        return NULL;
    struct zone *zone = calloc(1, sizeof(*zone) + counts.n_times * sizeof(zone->changes[0]));
    if (zone == NULL)
        return NULL;
    zone->changes = (struct zone_change *)(zone + 1);
    if (take_changes(&file, &counts, zone) && take_footer(file, &zone->rule))
        return zone;
    free(zone);
    return NULL;
}
