/* SPDX-License-Identifier: MIT */
/* The chunked coding: the same body and the same end however the bytes are cut, and a body that was put into chunks
 * comes out as it went in. */
#include <stdio.h>

#include "fuzz.h"
#include "http/chunks.h"

enum { INPUT_MAX = 4096 };

struct outcome {
    bool refused;
    bool ended;
    size_t taken;
    size_t n_body;
    char body[INPUT_MAX];
};

/* Feeds pieces of 1 to `step` bytes, each in a block of its own. */
static void feed(const char *bytes, size_t len, size_t step, struct outcome *ret)
{
    struct chunks chunks = { 0 };
    ret->refused = false;
    ret->taken = ret->n_body = 0;
    while (ret->taken < len && chunks.state != CHUNKS_END && !ret->refused) {
        size_t n = len - ret->taken < step ? len - ret->taken : step;
        struct exact piece = exact_new(bytes + ret->taken, n);
        struct slice data;
        ptrdiff_t taken = chunks_read(&chunks, piece.bytes, piece.len, &data);
        ret->refused = taken < 0;
        if (taken >= 0) {
            assert((size_t)taken <= n && taken > 0 && lies_in(data, piece.bytes, piece.len));
            if (data.len > 0)
                memcpy(ret->body + ret->n_body, data.data, data.len);
            ret->n_body += data.len;
            ret->taken += (size_t)taken;
        }
        exact_free(&piece);
    }
    ret->ended = !ret->refused && chunks.state == CHUNKS_END;
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    assert(a->refused == b->refused && a->ended == b->ended);
    assert(a->n_body == b->n_body && memcmp(a->body, b->body, a->n_body) == 0);
    assert(a->refused || a->taken == b->taken);
}

/* Each chunk is as long as its first byte says. */
static size_t encode(const uint8_t *data, size_t size, char *out)
{
    size_t n = 0;
    for (size_t at = 0; at < size;) {
        size_t len = 1 + data[at] % 32;
        len = len < size - at ? len : size - at;
        n += (size_t)sprintf(out + n, "%zx%s\r\n", len, data[at] % 5 == 0 ? ";a=\"b\"" : "");
        memcpy(out + n, data + at, len);
        n += len;
        n += (size_t)sprintf(out + n, "\r\n");
        at += len;
    }
    return n + (size_t)sprintf(out + n, "0\r\n%s\r\n", size % 3 == 0 ? "X-A: b\r\n" : "");
}

static void check_round(const uint8_t *data, size_t size)
{
    static char coded[16 * INPUT_MAX];
    static struct outcome whole, cut;
    size_t len = encode(data, size, coded);
    feed(coded, len, len, &whole);
    feed(coded, len, 3, &cut);
    check_same(&whole, &cut);
    assert(whole.ended && whole.taken == len);
    assert(whole.n_body == size && memcmp(whole.body, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, bytewise, cut;
    if (size == 0 || size > INPUT_MAX)
        return 0;
    feed((const char *)data, size, size, &whole);
    feed((const char *)data, size, 1, &bytewise);
    feed((const char *)data, size, 7, &cut);
    check_same(&whole, &bytewise);
    check_same(&whole, &cut);
    check_round(data, size);
    return 0;
}
