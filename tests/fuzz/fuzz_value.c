/* SPDX-License-Identifier: MIT */
/* What Redis gives back as an answer: it is read as exactly what value_write() writes, or not at all. The first byte is
 * the length of the key that was asked for, which follows it. Nothing random has a right checksum, so that each input
 * is tried as it is, and with its checksum put right. */
#include <telemetry/hash.h>

#include "cache/redis/value.h"
#include "fuzz.h"

enum { CHECKSUM_AT = 4, COVERED_AT = 12 };

static void check(struct slice bytes, struct slice key)
{
    struct value value = { .http = 1 };
    if (!value_read(bytes, key, &value)) {
        assert(value.http == 1);
        return;
    }
    assert(slice_equal(value.key, key) && value_bytes(&value) == bytes.len);
    assert(lies_in(value.body, bytes.data, bytes.len) && lies_in(value.next_cursor, bytes.data, bytes.len));
    struct exact again = exact_new(bytes.data, bytes.len);
    value_write(&value, again.bytes);
    assert(memcmp(again.bytes, bytes.data, bytes.len) == 0);
    exact_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t key_len = take_byte(&data, &size);
    key_len = key_len < size ? key_len : size;
    struct exact key = exact_new(data, key_len), bytes = exact_new(data + key_len, size - key_len);
    check(exact_slice(&bytes), exact_slice(&key));
    if (bytes.len > COVERED_AT) {
        uint64_t sum = hash_stable((struct slice){ bytes.bytes + COVERED_AT, bytes.len - COVERED_AT });
        for (unsigned i = 0; i < 8; i++)
            bytes.bytes[CHECKSUM_AT + i] = (char)(unsigned char)(sum >> (8 * i));
        check(exact_slice(&bytes), exact_slice(&key));
    }
    exact_free(&key);
    exact_free(&bytes);
    return 0;
}
