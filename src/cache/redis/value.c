/* SPDX-License-Identifier: MIT */
#include "cache/redis/value.h"

#include <string.h>

#include <telemetry/hash.h>
#include <telemetry/reply.h>

/* Where each field of the head begins. The checksum covers all that follows it. */
enum {
    VERSION_AT = 0,
    CHECKSUM_AT = 4,
    GENERATION_AT = 12,
    ETAG_AT = 20,
    AGE_AT = 28,
    LIFE_AT = 32,
    HTTP_AT = 36,
    MEDIA_AT = 38,
    FLAGS_AT = 39,
    KEY_BYTES_AT = 40,
    BODY_BYTES_AT = 44,
    CURSOR_BYTES_AT = 48,
    SPARE_AT = 52,
    COVERED_AT = GENERATION_AT
};

enum { FLAG_ETAG = 1, LENGTH_MAX = 1 << 30 };

static const char magic[3] = { 'T', 'S', 'V' };

static void put(char *place, uint64_t number, unsigned n_bytes)
{
    for (unsigned i = 0; i < n_bytes; i++)
        place[i] = (char)(unsigned char)(number >> (8 * i));
}

static uint64_t get(const char *place, unsigned n_bytes)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < n_bytes; i++)
        number |= (uint64_t)(unsigned char)place[i] << (8 * i);
    return number;
}

size_t value_bytes(const struct value *value)
{
    if (value->key.len > LENGTH_MAX || value->body.len > LENGTH_MAX || value->next_cursor.len > LENGTH_MAX)
        return 0;
    return VALUE_HEAD_BYTES + value->key.len + value->body.len + value->next_cursor.len;
}

static char *append(char *place, struct slice text)
{
    if (text.len > 0)
        memcpy(place, text.data, text.len);
    return place + text.len;
}

static uint64_t checksum(const char *bytes, size_t len)
{
    return hash_stable((struct slice){ bytes + COVERED_AT, len - COVERED_AT });
}

void value_write(const struct value *value, char *bytes)
{
    memcpy(bytes + VERSION_AT, magic, sizeof(magic));
    put(bytes + VERSION_AT + sizeof(magic), VALUE_VERSION, 1);
    put(bytes + GENERATION_AT, value->generation, 8);
    put(bytes + ETAG_AT, value->has_etag ? value->etag : 0, 8);
    put(bytes + AGE_AT, value->age_ms, 4);
    put(bytes + LIFE_AT, value->life_ms, 4);
    put(bytes + HTTP_AT, value->http, 2);
    put(bytes + MEDIA_AT, value->media, 1);
    put(bytes + FLAGS_AT, value->has_etag ? FLAG_ETAG : 0, 1);
    put(bytes + KEY_BYTES_AT, value->key.len, 4);
    put(bytes + BODY_BYTES_AT, value->body.len, 4);
    put(bytes + CURSOR_BYTES_AT, value->next_cursor.len, 4);
    put(bytes + SPARE_AT, 0, 4);
    append(append(append(bytes + VALUE_HEAD_BYTES, value->key), value->body), value->next_cursor);
    put(bytes + CHECKSUM_AT, checksum(bytes, value_bytes(value)), 8);
}

static void read_head(const char *bytes, struct value *value)
{
    const char *key = bytes + VALUE_HEAD_BYTES;
    *value = (struct value){
        .generation = get(bytes + GENERATION_AT, 8),
        .etag = get(bytes + ETAG_AT, 8),
        .age_ms = (uint32_t)get(bytes + AGE_AT, 4),
        .life_ms = (uint32_t)get(bytes + LIFE_AT, 4),
        .http = (uint16_t)get(bytes + HTTP_AT, 2),
        .media = (uint8_t)get(bytes + MEDIA_AT, 1),
        .has_etag = (get(bytes + FLAGS_AT, 1) & FLAG_ETAG) != 0,
        .key = { key, get(bytes + KEY_BYTES_AT, 4) },
    };
    value->body = (struct slice){ key + value->key.len, get(bytes + BODY_BYTES_AT, 4) };
    value->next_cursor = (struct slice){ value->body.data + value->body.len, get(bytes + CURSOR_BYTES_AT, 4) };
}

/* Whether the text is long enough for a head and begins as one. */
static bool has_head(struct slice bytes)
{
    return bytes.len >= VALUE_HEAD_BYTES && memcmp(bytes.data, magic, sizeof(magic)) == 0 &&
           get(bytes.data + VERSION_AT + sizeof(magic), 1) == VALUE_VERSION;
}

/* Whether the lengths of the head add up to the whole. */
static bool lengths_fit(struct slice bytes)
{
    uint64_t sum = VALUE_HEAD_BYTES + get(bytes.data + KEY_BYTES_AT, 4) + get(bytes.data + BODY_BYTES_AT, 4) +
                   get(bytes.data + CURSOR_BYTES_AT, 4);
    return sum == bytes.len;
}

static bool is_in_range(const struct value *value, const char *bytes)
{
    return value->generation != 0 && value->http == 200 && value->media <= MEDIA_TEXT && value->life_ms > 0 &&
           get(bytes + FLAGS_AT, 1) <= FLAG_ETAG && get(bytes + SPARE_AT, 4) == 0 &&
           (value->has_etag || value->etag == 0);
}

bool value_read(struct slice bytes, struct slice key, struct value *ret_value)
{
    struct value value;
    if (!has_head(bytes) || !lengths_fit(bytes) || get(bytes.data + CHECKSUM_AT, 8) != checksum(bytes.data, bytes.len))
        return false;
    read_head(bytes.data, &value);
    if (!is_in_range(&value, bytes.data) || !slice_equal(value.key, key))
        return false;
    *ret_value = value;
    return true;
}
