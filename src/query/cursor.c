/* SPDX-License-Identifier: MIT */
/* cursor: timestamp and tie of the last metric of a page, then a hash over them and the question, as
 * 38 letters of base64url without padding (RFC 4648, 5). The hash guards against mistakes, not
 * against forgers, who can reach no more with a cursor than with a filter. */
#include "query/filters.h"

#include <telemetry/hash.h>

enum {
    POSITION_BYTES = 8 + METRIC_ID_BYTES,
    CURSOR_BYTES = POSITION_BYTES + 8,
    CURSOR_LETTERS = (CURSOR_BYTES * 8 + 5) / 6
};

static void put_u64(uint8_t *place, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        place[i] = (uint8_t)(number >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t *place)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++)
        number = number << 8 | place[i];
    return number;
}

/* Puts the hash of question and position behind the position. False without memory. */
static bool cursor_seal(uint8_t bytes[CURSOR_BYTES], const struct filter *filter, struct arena *arena)
{
    struct slice question = filter_canonical(filter, false, arena);
    char *sealed = question.data == NULL ? NULL : arena_alloc(arena, question.len + 1 + POSITION_BYTES);
    if (sealed == NULL)
        return false;
    memcpy(sealed, question.data, question.len);
    sealed[question.len] = filter->ascending ? 'a' : 'd';
    memcpy(sealed + question.len + 1, bytes, POSITION_BYTES);
    put_u64(bytes + POSITION_BYTES, hash_stable((struct slice){ sealed, question.len + 1 + POSITION_BYTES }));
    return true;
}

/* Six bits from bit `first` on; behind the last byte there are zeros. */
static unsigned bits_at(const uint8_t bytes[CURSOR_BYTES], unsigned first)
{
    unsigned high = bytes[first / 8];
    unsigned low = first / 8 + 1 < CURSOR_BYTES ? bytes[first / 8 + 1] : 0;
    return (high << 8 | low) >> (10 - first % 8) & 63;
}

struct slice cursor_format(const struct list_position *position, const struct filter *filter, struct arena *arena)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t bytes[CURSOR_BYTES];
    put_u64(bytes, (uint64_t)position->timestamp_ms);
    memcpy(bytes + 8, position->tie, sizeof(position->tie));
    char *text = cursor_seal(bytes, filter, arena) ? arena_alloc(arena, CURSOR_LETTERS) : NULL;
    if (text == NULL)
        return (struct slice){ NULL, 0 };
    for (unsigned i = 0; i < CURSOR_LETTERS; i++)
        text[i] = letters[bits_at(bytes, 6 * i)];
    return (struct slice){ text, CURSOR_LETTERS };
}

static int letter_value(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    return letter == '-' ? 62 : letter == '_' ? 63 : -1;
}

/* Exactly the letters of a cursor, with zeros in the bits that are left over. */
static bool letters_decode(struct slice text, uint8_t ret_bytes[CURSOR_BYTES])
{
    unsigned window = 0, n_bits = 0, n_bytes = 0;
    if (text.len != CURSOR_LETTERS)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = letter_value(text.data[i]);
        if (value < 0)
            return false;
        window = (window << 6 | (unsigned)value) & 0xffff;
        n_bits += 6;
        if (n_bits < 8)
            continue;
        n_bits -= 8;
        ret_bytes[n_bytes++] = (uint8_t)(window >> n_bits);
    }
    return (window & ((1U << n_bits) - 1)) == 0;
}

bool cursor_parse(struct slice text, const struct filter *filter, struct arena *scratch,
                  struct list_position *ret_position)
{
    uint8_t bytes[CURSOR_BYTES], sealed[CURSOR_BYTES];
    if (!letters_decode(text, bytes))
        return false;
    memcpy(sealed, bytes, sizeof(sealed));
    int64_t timestamp_ms = (int64_t)get_u64(bytes);
    if (timestamp_ms < METRIC_TIMESTAMP_MIN || timestamp_ms > METRIC_TIMESTAMP_MAX ||
        !cursor_seal(sealed, filter, scratch) || memcmp(bytes, sealed, sizeof(bytes)) != 0)
        return false;
    ret_position->timestamp_ms = timestamp_ms;
    memcpy(ret_position->tie, bytes + 8, sizeof(ret_position->tie));
    return true;
}
