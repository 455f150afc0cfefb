/* SPDX-License-Identifier: MIT */
/* key_file: one line of API_KEYS_FILE. */
#include "access.h"

#include <string.h>

enum { RATE_MAX = 1000000 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the next word off the front of *line; empty when there is none. */
static struct slice take_word(struct slice *line)
{
    size_t start = 0;
    while (start < line->len && is_blank(line->data[start]))
        start++;
    size_t end = start;
    while (end < line->len && !is_blank(line->data[end]))
        end++;
    struct slice word = { line->data + start, end - start };
    *line = (struct slice){ line->data + end, line->len - end };
    return word;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_digest(struct slice hex, uint8_t ret_digest[ACCESS_DIGEST_BYTES])
{
    if (hex.len != (size_t)2 * ACCESS_DIGEST_BYTES)
        return false;
    for (unsigned i = 0; i < ACCESS_DIGEST_BYTES; i++) {
        int high = digit_of(hex.data[(size_t)2 * i]), low = digit_of(hex.data[(size_t)2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret_digest[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool parse_rate(struct slice digits, uint32_t *ret_rate)
{
    uint32_t rate = 0;
    if (digits.len == 0 || digits.len > 7)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        rate = rate * 10 + (uint32_t)(digits.data[i] - '0');
    }
    *ret_rate = rate;
    return rate >= 1 && rate <= RATE_MAX;
}

static struct slice behind(struct slice word, struct slice start)
{
    return (struct slice){ word.data + start.len, word.len - start.len };
}

static const char *take_rate(struct slice digits, struct access_key *key)
{
    if (key->rate != 0)
        return "a rate is given once";
    return parse_rate(digits, &key->rate) ? NULL : "a rate is 1 to 1000000 requests a second";
}

static const char *take_prefix(struct slice prefix, struct access_key *key)
{
    if (key->prefix[0] != '\0')
        return "a prefix is given once";
    if (prefix.len == 0 || prefix.len > ACCESS_PREFIX_MAX || memchr(prefix.data, '\0', prefix.len) != NULL)
        return "a prefix has 1 to 256 bytes, none of them NUL";
    memcpy(key->prefix, prefix.data, prefix.len);
    return NULL;
}

static const char *take_option(struct slice word, struct access_key *key)
{
    if (slice_starts_with(word, SLICE("rate=")))
        return take_rate(behind(word, SLICE("rate=")), key);
    if (slice_starts_with(word, SLICE("prefix=")))
        return take_prefix(behind(word, SLICE("prefix=")), key);
    return "behind the digest there may be prefix=TEXT and rate=N";
}

const char *key_line_parse(struct slice line, struct access_key *ret_key, bool *ret_empty)
{
    struct access_key key = { .rate = 0 };
    struct slice name = take_word(&line);
    *ret_empty = name.len == 0 || name.data[0] == '#';
    if (*ret_empty)
        return NULL;
    if (!access_name_is_good(name))
        return "a line is NAME ROLE SHA256 [prefix=TEXT] [rate=N]; the name has letters, digits and - _ .";
    memcpy(key.name, name.data, name.len);
    key.role = (uint8_t)role_parse(take_word(&line));
    if (key.role == ROLE_NONE)
        return "behind the name comes reader, writer or admin";
    if (!parse_digest(take_word(&line), key.digest))
        return "behind the role come the 64 hex digits of the key's SHA-256";
    for (struct slice word = take_word(&line); word.len > 0 && word.data[0] != '#'; word = take_word(&line)) {
        const char *fault = take_option(word, &key);
        if (fault != NULL)
            return fault;
    }
    *ret_key = key;
    return NULL;
}
