/* SPDX-License-Identifier: MIT */
#include "cache/redis/keys.h"

#include <telemetry/hash.h>

static const char digits[] = "0123456789abcdef";

static char *append(char *place, struct slice text)
{
    memcpy(place, text.data, text.len);
    return place + text.len;
}

static char *append_hex(char *place, uint64_t number, unsigned n_digits)
{
    while (n_digits-- > 0)
        *place++ = digits[number >> (4 * n_digits) & 15];
    return place;
}

static struct slice key(const char *room, const char *end)
{
    return (struct slice){ room, (size_t)(end - room) };
}

struct slice key_of_epoch(struct slice prefix, char room[KEY_BYTES])
{
    return key(room, append(append(room, prefix), SLICE("e")));
}

struct slice key_of_slot(struct slice prefix, unsigned slot, char room[KEY_BYTES])
{
    char *place = append(append(room, prefix), SLICE("g:"));
    return key(room, slot == SLOT_ALL ? append(place, SLICE("all")) : append_hex(place, slot, 4));
}

struct slice key_of_value(struct slice prefix, struct slice question, char room[KEY_BYTES])
{
    struct hash128 hash = hash_stable128(question);
    char *place = append(append(room, prefix), SLICE("v:"));
    return key(room, append_hex(append_hex(place, hash.high, 16), hash.low, 16));
}

struct slice key_of_rates(struct slice prefix, char room[KEY_BYTES])
{
    return key(room, append(append(room, prefix), SLICE("rates")));
}
