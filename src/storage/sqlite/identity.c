/* SPDX-License-Identifier: MIT */
#include "identity.h"

enum { SECONDS_AT = 0, TAG_AT = 4, ROW_AT = 7, SECONDS_BYTES = 4, TAG_BYTES = 3, ROW_BYTES = 5 };

static void put_big_endian(uint8_t *bytes, unsigned n, uint64_t number)
{
    while (n-- > 0) {
        bytes[n] = (uint8_t)number;
        number >>= 8;
    }
}

static uint64_t get_big_endian(const uint8_t *bytes, unsigned n)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < n; i++)
        number = number << 8 | bytes[i];
    return number;
}

struct metric_id identity_mint(uint32_t tag, uint32_t seconds, uint64_t row)
{
    struct metric_id id;
    put_big_endian(id.bytes + SECONDS_AT, SECONDS_BYTES, seconds);
    put_big_endian(id.bytes + TAG_AT, TAG_BYTES, tag);
    put_big_endian(id.bytes + ROW_AT, ROW_BYTES, row);
    return id;
}

bool identity_read(const struct metric_id *id, uint32_t tag, uint32_t *ret_seconds, uint64_t *ret_row)
{
    if (get_big_endian(id->bytes + TAG_AT, TAG_BYTES) != tag)
        return false;
    *ret_seconds = (uint32_t)get_big_endian(id->bytes + SECONDS_AT, SECONDS_BYTES);
    *ret_row = get_big_endian(id->bytes + ROW_AT, ROW_BYTES);
    return true;
}

/* Division that rounds down: timestamps may lie before 1970. */
static int64_t whole_seconds(int64_t timestamp_ms)
{
    return timestamp_ms / 1000 - (timestamp_ms % 1000 < 0);
}

int64_t identity_age(uint32_t seconds, int64_t timestamp_ms)
{
    return (int64_t)seconds - whole_seconds(timestamp_ms);
}

uint32_t identity_seconds(int64_t age, int64_t timestamp_ms)
{
    return (uint32_t)(age + whole_seconds(timestamp_ms));
}
