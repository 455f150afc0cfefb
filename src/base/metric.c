/* SPDX-License-Identifier: MIT */
#include <telemetry/metric.h>

#include <telemetry/hash.h>

bool metric_next_tag(const struct metric *metric, size_t *cursor, struct slice *ret_tag)
{
    size_t start = *cursor == 0 ? metric->name_bytes : *cursor;
    if (start >= metric->series.len)
        return false;
    const char *tag = metric->series.data + start + 1; /* behind the NUL */
    size_t left = metric->series.len - start - 1;
    const char *end = memchr(tag, '\0', left);
    ret_tag->data = tag;
    ret_tag->len = end == NULL ? left : (size_t)(end - tag);
    *cursor = start + 1 + ret_tag->len;
    return true;
}

bool metric_set_series(struct metric *metric, struct arena *arena, struct slice name, struct slice tags[],
                       unsigned n_tags)
{
    n_tags = slices_sort_distinct(tags, n_tags);
    size_t bytes = name.len;
    for (unsigned i = 0; i < n_tags; i++)
        bytes += 1 + tags[i].len;
    char *series = arena_alloc(arena, bytes);
    if (series == NULL)
        return false;
    metric->series = (struct slice){ series, bytes };
    metric->name_bytes = (uint16_t)name.len;
    metric->n_tags = (uint8_t)n_tags;
    if (name.len > 0)
        memcpy(series, name.data, name.len);
    series += name.len;
    for (unsigned i = 0; i < n_tags; i++) {
        *series++ = '\0';
        memcpy(series, tags[i].data, tags[i].len);
        series += tags[i].len;
    }
    return true;
}

/* The bits of a value, with one zero. */
static uint64_t value_bits(double value)
{
    uint64_t bits;
    value = value == 0.0 ? 0.0 : value;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static bool equal_but_for_time(const struct metric *a, const struct metric *b)
{
    return memcmp(a->id.bytes, b->id.bytes, METRIC_ID_BYTES) == 0 && a->name_bytes == b->name_bytes &&
           value_bits(a->value) == value_bits(b->value) && slice_equal(a->series, b->series);
}

bool metric_equal(const struct metric *a, const struct metric *b)
{
    return a->timestamp_ms == b->timestamp_ms && equal_but_for_time(a, b);
}

bool metric_resent(const struct metric *stored, struct metric *sent)
{
    if (!equal_but_for_time(stored, sent) || (stored->timestamp_ms != sent->timestamp_ms && !sent->arrival_time))
        return false;
    sent->timestamp_ms = stored->timestamp_ms;
    return true;
}

uint64_t metric_etag(const struct metric *metric)
{
    struct {
        uint64_t series;
        uint64_t value;
        int64_t timestamp_ms;
        uint64_t name_bytes;
        uint8_t id[METRIC_ID_BYTES + 4];
    } parts = { .series = hash_stable(metric->series),
                .value = value_bits(metric->value),
                .timestamp_ms = metric->timestamp_ms,
                .name_bytes = metric->name_bytes };
    memcpy(parts.id, metric->id.bytes, METRIC_ID_BYTES);
    return hash_stable((struct slice){ (const char *)&parts, sizeof(parts) });
}

void metric_id_hex(const struct metric_id *id, char ret_hex[METRIC_ID_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < METRIC_ID_BYTES; i++) {
        ret_hex[2 * i] = digits[id->bytes[i] >> 4];
        ret_hex[2 * i + 1] = digits[id->bytes[i] & 15];
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool metric_id_parse(struct slice hex, struct metric_id *ret_id)
{
    struct metric_id id;
    if (hex.len != METRIC_ID_HEX)
        return false;
    for (unsigned i = 0; i < METRIC_ID_BYTES; i++) {
        int high = hex_digit(hex.data[2 * i]);
        int low = hex_digit(hex.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        id.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret_id = id;
    return true;
}
