/* SPDX-License-Identifier: MIT */
/* catalogue: a name's keys end before the name with a 0x01 behind (selection.c), so the next name is at the first
 * key from there on. */
#include "catalogue.h"

#include <telemetry/arena.h>
#include <telemetry/clock.h>
#include <telemetry/metric.h>

#include "database.h"

enum { TEXTS_FIRST = 256, BLOCK_BYTES = 4096 };

static const char *const texts[CATALOGUE_STATEMENTS] = {
    [CATALOGUE_NEXT_NAME] = "SELECT key FROM series WHERE key >= ?1 ORDER BY key LIMIT 1",
    [CATALOGUE_NEXT_TAG] = "SELECT tag FROM series_tag WHERE tag > ?1 ORDER BY tag LIMIT 1",
};

/* Names or tags while they are read. */
struct listing {
    struct arena *arena;
    sqlite3_stmt *statement;
    struct slice *texts;
    uint32_t n, capacity;
    size_t bytes;
    bool complete;
};

int cataloguer_open(struct cataloguer *cataloguer, sqlite3 *handle)
{
    return database_prepare(handle, texts, cataloguer->statements, CATALOGUE_STATEMENTS);
}

void cataloguer_close(struct cataloguer *cataloguer)
{
    catalogue_release(&cataloguer->newest);
}

/* Adds a copy of a text, which is lent. */
static int add(struct listing *listing, struct slice text, struct slice *ret_copy)
{
    if (listing->n == listing->capacity) {
        uint32_t capacity = listing->capacity == 0 ? TEXTS_FIRST : 2 * listing->capacity;
        struct slice *grown = arena_alloc(listing->arena, capacity * sizeof(grown[0]));
        if (grown == NULL)
            return SQLITE_NOMEM;
        if (listing->n > 0)
            memcpy(grown, listing->texts, listing->n * sizeof(grown[0]));
        listing->texts = grown;
        listing->capacity = capacity;
    }
    text = arena_copy(listing->arena, text);
    if (text.data == NULL)
        return SQLITE_NOMEM;
    listing->texts[listing->n++] = text;
    listing->bytes += text.len;
    *ret_copy = text;
    return SQLITE_OK;
}

/* Adds what the statement finds from a text on: a tag, or of a key the name. SQLITE_DONE when there is nothing. */
static int add_next(struct listing *listing, struct slice from, struct slice *ret_text)
{
    statement_bind(listing->statement, 1, from);
    int code = sqlite3_step(listing->statement);
    if (code == SQLITE_ROW) {
        struct slice found = { sqlite3_column_blob(listing->statement, 0),
                               (size_t)sqlite3_column_bytes(listing->statement, 0) };
        const char *end = found.len == 0 ? NULL : memchr(found.data, '\0', found.len);
        found.len = end == NULL ? found.len : (size_t)(end - found.data);
        code = add(listing, found, ret_text);
    }
    int failure = sqlite3_reset(listing->statement);
    return failure != SQLITE_OK ? failure : code;
}

/* All there are, as far as a catalogue takes them. `last` is put behind each text to get past its keys. */
static int list(struct listing *listing, struct slice last)
{
    char from[METRIC_NAME_MAX + 1];
    size_t len = 0;
    int code = SQLITE_OK;
    while (code == SQLITE_OK && listing->n < CATALOGUE_TEXTS_MAX && listing->bytes < CATALOGUE_BYTES_MAX) {
        struct slice text = SLICE("");
        code = add_next(listing, (struct slice){ from, len }, &text);
        if (code != SQLITE_OK)
            break;
        memcpy(from, text.data, text.len);
        memcpy(from + text.len, last.data, last.len);
        len = text.len + last.len;
    }
    listing->complete = code == SQLITE_DONE;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int make(struct cataloguer *cataloguer, uint64_t version, struct arena *arena)
{
    struct listing names = { .arena = arena, .statement = cataloguer->statements[CATALOGUE_NEXT_NAME] };
    struct listing tags = { .arena = arena, .statement = cataloguer->statements[CATALOGUE_NEXT_TAG] };
    int code = list(&names, SLICE("\x01"));
    if (code == SQLITE_OK)
        code = list(&tags, SLICE(""));
    if (code != SQLITE_OK)
        return code;
    struct catalogue *catalogue =
        catalogue_new(names.texts, names.n, tags.texts, tags.n, names.complete && tags.complete, version);
    if (catalogue == NULL)
        return SQLITE_NOMEM;
    catalogue_release(&cataloguer->newest);
    cataloguer->newest = catalogue;
    return SQLITE_OK;
}

static bool stands(const struct catalogue *newest, uint64_t version)
{
    if (newest == NULL || newest->version == version)
        return newest != NULL;
    uint64_t n_texts = (uint64_t)newest->n_names + newest->n_tags;
    return n_texts > CATALOGUE_EXACT_MAX && clock_ns() - newest->made_ns < n_texts * CATALOGUE_REST_NS;
}

int cataloguer_read(struct cataloguer *cataloguer, uint64_t version, struct catalogue **ret_catalogue)
{
    if (!stands(cataloguer->newest, version)) {
        _Alignas(16) char block[BLOCK_BYTES];
        struct arena arena;
        arena_init(&arena, block, sizeof(block));
        int code = make(cataloguer, version, &arena);
        arena_reset(&arena);
        if (code != SQLITE_OK)
            return code;
    }
    *ret_catalogue = catalogue_share(cataloguer->newest);
    return SQLITE_OK;
}
