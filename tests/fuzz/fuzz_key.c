/* SPDX-License-Identifier: MIT */
/* A line of API_KEYS_FILE: a key that is taken is written out anew as it was read, and what it may touch is what the
 * line says, no more. */
#include <stdio.h>

#include "access/access.h"
#include "fuzz.h"

enum { INPUT_MAX = 1024 };

static bool is_same(const struct access_key *a, const struct access_key *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->prefix, b->prefix) == 0 &&
           memcmp(a->digest, b->digest, sizeof(a->digest)) == 0 && a->role == b->role && a->rate == b->rate;
}

static void check_written_anew(const struct access_key *key)
{
    char line[2 * INPUT_MAX];
    struct access_key again;
    bool empty;
    int n = sprintf(line, "%s %s ", key->name, role_name(key->role));
    for (unsigned i = 0; i < ACCESS_DIGEST_BYTES; i++)
        n += sprintf(line + n, "%02X", key->digest[i]);
    if (key->prefix[0] != '\0')
        n += sprintf(line + n, " prefix=%s", key->prefix);
    if (key->rate != 0)
        n += sprintf(line + n, "\trate=%u", key->rate);
    const char *fault = key_line_parse((struct slice){ line, (size_t)n }, &again, &empty);
    assert(fault == NULL && !empty && is_same(key, &again));
}

/* A prefix of the key stands in the line, whole: behind `prefix=` and before a blank or the end. */
static void check_prefix(const struct access_key *key, struct slice line)
{
    char word[ACCESS_PREFIX_MAX + 16];
    size_t len = (size_t)sprintf(word, "prefix=%s", key->prefix);
    bool wanted = memmem(line.data, line.len, " prefix=", 8) != NULL && memchr(line.data, '#', line.len) == NULL;
    assert(key->prefix[0] != '\0' || !wanted);
    const char *place = key->prefix[0] == '\0' ? NULL : memmem(line.data, line.len, word, len);
    if (key->prefix[0] == '\0')
        return;
    assert(place != NULL);
    const char *behind = place + len;
    assert(behind == line.data + line.len || *behind == ' ' || *behind == '\t' || *behind == '\r');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct access_key key = { .rate = 7 };
    bool empty = false;
    if (size > INPUT_MAX)
        return 0;
    struct exact line = exact_new(data, size);
    const char *fault = key_line_parse(exact_slice(&line), &key, &empty);
    if (fault != NULL || empty) {
        assert(key.rate == 7 && key.name[0] == '\0');
    } else {
        assert(access_name_is_good(slice_of(key.name)) && key.role != ROLE_NONE);
        check_prefix(&key, exact_slice(&line));
        check_written_anew(&key);
    }
    exact_free(&line);
    return 0;
}
