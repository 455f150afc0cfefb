/* SPDX-License-Identifier: MIT */
/* value: one answer as the bytes that Redis keeps.
 *
 * Version, checksum, generation, entity tag, its age and its time to live when it was put, status, media,
 * lengths; then the key itself, the body and the cursor. Numbers are little-endian. Pure: no I/O. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/slice.h>

/* The version counts up whenever the layout or the meaning of a body changes. */
enum { VALUE_VERSION = 1, VALUE_HEAD_BYTES = 56 };

struct value {
    uint64_t generation;
    uint64_t etag;    /* 0 without has_etag */
    uint32_t age_ms;  /* of the answer when it was put, rounded up */
    uint32_t life_ms; /* what it was given to live from then on */
    uint16_t http;    /* 200 */
    uint8_t media;    /* enum reply_media */
    bool has_etag;
    struct slice key, body, next_cursor;
};

/* Bytes of the value; 0 when a length is beyond what the head can hold. */
size_t value_bytes(const struct value *value);

/* Writes value_bytes() bytes. Borrows value. */
void value_write(const struct value *value, char *bytes);

/* Reads exactly these bytes as a value of `key`; its slices lie in `bytes`. False when anything is not as
 * value_write() writes it: another version, length or key, a wrong checksum, a field out of its range. */
bool value_read(struct slice bytes, struct slice key, struct value *ret_value);
