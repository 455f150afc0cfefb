/* SPDX-License-Identifier: MIT */
/* dictionary: open addressing, at most half full; keys lie end to end in one block of bytes. */
#include "dictionary.h"

#include <stdlib.h>
#include <string.h>

#include <telemetry/hash.h>

#include "database.h"

enum { SLOTS = 1 << 16, SLOTS_USED_MAX = SLOTS / 2, KEY_BYTES_MAX = 4 * 1024 * 1024 };

static const char *const texts[DICTIONARY_STATEMENTS] = {
    [DICTIONARY_FIND] = "SELECT id FROM series WHERE key=?1",
    [DICTIONARY_ADD] = "INSERT INTO series(key) VALUES(?1)",
    [DICTIONARY_TAG] = "INSERT INTO series_tag(tag, series) VALUES(?1, ?2)",
};

int dictionary_init(struct dictionary *dictionary, sqlite3 *handle)
{
    *dictionary = (struct dictionary){ .handle = handle };
    dictionary->slots = calloc(SLOTS, sizeof(dictionary->slots[0]));
    dictionary->keys = malloc(KEY_BYTES_MAX);
    if (dictionary->slots == NULL || dictionary->keys == NULL)
        return SQLITE_NOMEM;
    return database_prepare(handle, texts, dictionary->statements, DICTIONARY_STATEMENTS);
}

void dictionary_fini(struct dictionary *dictionary)
{
    free(dictionary->slots);
    free(dictionary->keys);
    *dictionary = (struct dictionary){ 0 };
}

static void start_anew(struct dictionary *dictionary)
{
    memset(dictionary->slots, 0, SLOTS * sizeof(dictionary->slots[0]));
    dictionary->n_slots_used = 0;
    dictionary->key_bytes_used = 0;
}

void dictionary_commit(struct dictionary *dictionary)
{
    dictionary->has_new = false;
}

void dictionary_rollback(struct dictionary *dictionary)
{
    if (dictionary->has_new)
        start_anew(dictionary);
}

/* The slot of the key, or the free one where it belongs. */
static struct dictionary_slot *slot_of(struct dictionary *dictionary, struct slice key, uint64_t hash)
{
    for (uint64_t at = hash;; at++) {
        struct dictionary_slot *slot = &dictionary->slots[at % SLOTS];
        if (slot->series == 0)
            return slot;
        struct slice slot_key = { dictionary->keys + slot->key_at, slot->key_bytes };
        if (slot->hash == hash && slice_equal(slot_key, key))
            return slot;
    }
}

static void remember(struct dictionary *dictionary, struct slice key, uint64_t hash, uint32_t series)
{
    if (dictionary->n_slots_used >= SLOTS_USED_MAX || key.len > KEY_BYTES_MAX - dictionary->key_bytes_used)
        start_anew(dictionary);
    struct dictionary_slot *slot = slot_of(dictionary, key, hash);
    *slot = (struct dictionary_slot){
        .hash = hash, .series = series, .key_at = dictionary->key_bytes_used, .key_bytes = (uint32_t)key.len
    };
    memcpy(dictionary->keys + slot->key_at, key.data, key.len);
    dictionary->key_bytes_used += (uint32_t)key.len;
    dictionary->n_slots_used++;
}

static int add_tags(struct dictionary *dictionary, const struct metric *metric, int64_t series)
{
    sqlite3_stmt *statement = dictionary->statements[DICTIONARY_TAG];
    size_t cursor = 0;
    struct slice tag;
    int code = SQLITE_OK;
    while (code == SQLITE_OK && metric_next_tag(metric, &cursor, &tag)) {
        statement_bind(statement, 1, tag);
        sqlite3_bind_int64(statement, 2, series);
        code = statement_run(statement);
    }
    return code;
}

static int add(struct dictionary *dictionary, const struct metric *metric, int64_t *ret_series)
{
    sqlite3_stmt *statement = dictionary->statements[DICTIONARY_ADD];
    statement_bind(statement, 1, metric->series);
    int code = statement_run(statement);
    if (code != SQLITE_OK)
        return code;
    dictionary->has_new = true;
    *ret_series = sqlite3_last_insert_rowid(dictionary->handle);
    if (*ret_series > UINT32_MAX)
        return SQLITE_FULL;
    return add_tags(dictionary, metric, *ret_series);
}

int dictionary_number(struct dictionary *dictionary, const struct metric *metric, uint32_t *ret_series)
{
    uint64_t hash = hash_seeded(metric->series);
    const struct dictionary_slot *slot = slot_of(dictionary, metric->series, hash);
    if (slot->series != 0) {
        *ret_series = slot->series;
        return SQLITE_OK;
    }
    sqlite3_stmt *statement = dictionary->statements[DICTIONARY_FIND];
    int64_t series;
    statement_bind(statement, 1, metric->series);
    int code = statement_number(statement, &series);
    if (code == SQLITE_DONE)
        code = add(dictionary, metric, &series);
    if (code != SQLITE_OK && code != SQLITE_ROW)
        return code;
    remember(dictionary, metric->series, hash, (uint32_t)series);
    *ret_series = (uint32_t)series;
    return SQLITE_OK;
}
