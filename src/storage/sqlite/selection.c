/* SPDX-License-Identifier: MIT */
/* selection: a name is a range of series keys: no byte of a name is below a space, so the keys of name
 * n lie from n to before n 0x01; those of a prefix p lie from p to before the next text of its length.
 * Of any_tags, each series is taken along the first one that it has. */
#include "selection.h"

#include <stdlib.h>
#include <string.h>

#include "database.h"

enum { COUNT_MAX = 1024 };

static const char *const texts[SELECT_STATEMENTS] = {
    [SELECT_RANGE] = "SELECT id, key FROM series WHERE key >= ?1 AND key < ?2",
    [SELECT_TAG] = "SELECT id, key FROM series_tag CROSS JOIN series ON id = series WHERE tag = ?1",
    [SELECT_ALL] = "SELECT id, key FROM series",
    [SELECT_ONE] = "SELECT id, key FROM series WHERE id = ?1",
    [SELECT_RANGE_COUNT] = "SELECT count(*) FROM (SELECT 1 FROM series WHERE key >= ?1 AND key < ?2 LIMIT 1024)",
    [SELECT_TAG_COUNT] = "SELECT count(*) FROM (SELECT 1 FROM series_tag WHERE tag = ?1 LIMIT 1024)",
};

int selector_open(struct selector *selector, sqlite3 *handle)
{
    return database_prepare(handle, texts, selector->statements, SELECT_STATEMENTS);
}

/* What a series must be --------------------------------------------------- */

static struct slice name_of(struct slice key)
{
    const char *end = memchr(key.data, '\0', key.len);
    return (struct slice){ key.data, end == NULL ? key.len : (size_t)(end - key.data) };
}

static bool has_tag(struct slice key, struct slice tag)
{
    size_t at = name_of(key).len;
    while (at < key.len) {
        const char *start = key.data + at + 1;
        const char *end = memchr(start, '\0', key.len - at - 1);
        size_t len = end == NULL ? key.len - at - 1 : (size_t)(end - start);
        if (slice_equal((struct slice){ start, len }, tag))
            return true;
        at += 1 + len;
    }
    return false;
}

/* The index of the first of the tags that the series has, or n. */
static unsigned first_tag(struct slice key, const struct slice tags[], unsigned n)
{
    unsigned i = 0;
    while (i < n && !has_tag(key, tags[i]))
        i++;
    return i;
}

static bool name_matches(const struct filter *filter, struct slice key)
{
    if (filter->name_is_prefix)
        return slice_starts_with(key, filter->name);
    return filter->name.len == 0 || slice_equal(name_of(key), filter->name);
}

static bool key_matches(const struct filter *filter, struct slice key)
{
    if (!name_matches(filter, key))
        return false;
    for (unsigned i = 0; i < filter->n_tags; i++)
        if (!has_tag(key, filter->tags[i]))
            return false;
    if (filter->n_any_tags > 0 && first_tag(key, filter->any_tags, filter->n_any_tags) == filter->n_any_tags)
        return false;
    return first_tag(key, filter->not_tags, filter->n_not_tags) == filter->n_not_tags;
}

/* Which series to look at ------------------------------------------------- */

/* A walk along one condition. any_tag: its index in any_tags, or -1. */
struct walk {
    unsigned statement;
    struct slice low, high;
    int any_tag;
};

static bool add_series(struct selection *selection, uint32_t series)
{
    if (selection->n_series == selection->capacity) {
        uint32_t capacity = selection->capacity == 0 ? 256 : 4 * selection->capacity;
        uint32_t *grown = arena_alloc(selection->arena, capacity * sizeof(grown[0]));
        if (grown == NULL)
            return false;
        if (selection->n_series > 0)
            memcpy(grown, selection->series, selection->n_series * sizeof(grown[0]));
        selection->series = grown;
        selection->capacity = capacity;
    }
    selection->series[selection->n_series++] = series;
    selection->bits[series % (1 << SELECTION_BITS) / 64] |= UINT64_C(1) << series % 64;
    return true;
}

static sqlite3_stmt *bind_walk(struct selector *selector, unsigned which, const struct walk *walk)
{
    sqlite3_stmt *statement = selector->statements[which];
    if (walk->statement != SELECT_ALL)
        statement_bind(statement, 1, walk->low);
    if (walk->statement == SELECT_RANGE)
        statement_bind(statement, 2, walk->high);
    return statement;
}

static struct slice key_of_row(sqlite3_stmt *statement)
{
    return (struct slice){ sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1) };
}

/* Takes what matches along the walk; stops, incomplete, when there is more than can be held. */
static int walk_series(struct selection *selection, const struct walk *walk)
{
    const struct filter *filter = selection->filter;
    sqlite3_stmt *statement = bind_walk(selection->selector, walk->statement, walk);
    int code = SQLITE_OK;
    while (selection->complete && code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        struct slice key = key_of_row(statement);
        if (!key_matches(filter, key))
            continue;
        if (walk->any_tag >= 0 && first_tag(key, filter->any_tags, filter->n_any_tags) != (unsigned)walk->any_tag)
            continue;
        if (selection->n_series == SELECTION_MAX)
            selection->complete = false;
        else if (!add_series(selection, (uint32_t)sqlite3_column_int64(statement, 0)))
            code = SQLITE_NOMEM;
    }
    int failure = sqlite3_reset(statement);
    return failure != SQLITE_OK ? failure : code;
}

/* The keys of a name or a prefix, which is not empty. The high end lies in the arena. */
static bool range_of_name(const struct selection *selection, struct walk *ret_walk)
{
    const struct filter *filter = selection->filter;
    struct slice name = filter->name;
    char *high = arena_alloc(selection->arena, name.len + 1);
    if (high == NULL)
        return false;
    memcpy(high, name.data, name.len);
    high[name.len] = 1;
    size_t high_bytes = name.len + 1;
    if (filter->name_is_prefix) { /* valid UTF-8 has no 0xff, so the last byte can be raised */
        high_bytes = name.len;
        high[name.len - 1]++;
    }
    *ret_walk = (struct walk){ .statement = SELECT_RANGE, .low = name, .high = { high, high_bytes }, .any_tag = -1 };
    return true;
}

static int count_along(struct selection *selection, const struct walk *walk, int64_t *ret_count)
{
    unsigned which = walk->statement == SELECT_RANGE ? SELECT_RANGE_COUNT : SELECT_TAG_COUNT;
    int code = statement_number(bind_walk(selection->selector, which, walk), ret_count);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* The walk with the fewest series among the name and the tags, of which there is at least one. */
static int cheapest_walk(struct selection *selection, struct walk *ret_walk)
{
    const struct filter *filter = selection->filter;
    int64_t fewest = INT64_MAX;
    if (filter->name.len > 0) {
        if (!range_of_name(selection, ret_walk))
            return SQLITE_NOMEM;
        if (filter->n_tags == 0)
            return SQLITE_OK;
        int code = count_along(selection, ret_walk, &fewest);
        if (code != SQLITE_OK)
            return code;
    }
    for (unsigned i = 0; i < filter->n_tags; i++) {
        struct walk walk = { .statement = SELECT_TAG, .low = filter->tags[i], .any_tag = -1 };
        int64_t count = 0;
        int code = count_along(selection, &walk, &count);
        if (code != SQLITE_OK)
            return code;
        if (count < fewest)
            *ret_walk = walk;
        fewest = count < fewest ? count : fewest;
    }
    return SQLITE_OK;
}

static int compare_numbers(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static int walk_conditions(struct selection *selection)
{
    const struct filter *filter = selection->filter;
    struct walk walk = { .statement = SELECT_ALL, .any_tag = -1 };
    int code = SQLITE_OK;
    if (filter->name.len > 0 || filter->n_tags > 0)
        code = cheapest_walk(selection, &walk);
    else if (filter->n_any_tags > 0)
        walk.statement = SELECT_TAG;
    if (code != SQLITE_OK)
        return code;
    if (walk.statement != SELECT_TAG || filter->n_tags > 0)
        return walk_series(selection, &walk);
    for (walk.any_tag = 0; code == SQLITE_OK && walk.any_tag < filter->n_any_tags; walk.any_tag++) {
        walk.low = filter->any_tags[walk.any_tag];
        code = walk_series(selection, &walk);
    }
    return code;
}

int selection_list(struct selection *selection)
{
    selection->complete = true;
    int code = walk_conditions(selection);
    if (code == SQLITE_OK && selection->n_series > 0)
        qsort(selection->series, selection->n_series, sizeof(selection->series[0]), compare_numbers);
    return code;
}

int selection_make(struct selection *selection, struct selector *selector, const struct filter *filter,
                   struct arena *arena)
{
    *selection = (struct selection){ .selector = selector, .filter = filter, .arena = arena };
    selection->everything =
        filter->name.len == 0 && filter->n_tags == 0 && filter->n_any_tags == 0 && filter->n_not_tags == 0;
    return selection->everything ? SQLITE_OK : selection_list(selection);
}

/* Whether a series is selected -------------------------------------------- */

bool selection_has(const struct selection *selection, uint32_t series)
{
    if (selection->everything)
        return true;
    if ((selection->bits[series % (1 << SELECTION_BITS) / 64] >> series % 64 & 1) == 0)
        return false;
    return bsearch(&series, selection->series, selection->n_series, sizeof(series), compare_numbers) != NULL;
}

static int judge_anew(struct selection *selection, uint32_t series, bool *ret_selected)
{
    sqlite3_stmt *statement = selection->selector->statements[SELECT_ONE];
    sqlite3_bind_int64(statement, 1, series);
    *ret_selected = sqlite3_step(statement) == SQLITE_ROW && key_matches(selection->filter, key_of_row(statement));
    return sqlite3_reset(statement);
}

/* Remembers verdicts in a table that keeps one for each value of the low bits. */
int selection_judge(struct selection *selection, uint32_t series)
{
    if (selection->everything || selection->complete)
        return selection_has(selection, series) ? SQLITE_ROW : SQLITE_DONE;
    if (selection->verdicts == NULL) {
        size_t bytes = (1 << SELECTION_BITS) * sizeof(selection->verdicts[0]);
        selection->verdicts = arena_alloc(selection->arena, bytes);
        if (selection->verdicts == NULL)
            return SQLITE_NOMEM;
        memset(selection->verdicts, 0, bytes);
    }
    uint32_t *verdict = &selection->verdicts[series % (1 << SELECTION_BITS)];
    if (*verdict >> 1 != series) {
        bool selected = false;
        int code = judge_anew(selection, series, &selected);
        if (code != SQLITE_OK)
            return code;
        *verdict = series << 1 | selected;
    }
    return (*verdict & 1) != 0 ? SQLITE_ROW : SQLITE_DONE;
}
