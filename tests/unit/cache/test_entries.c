/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include <telemetry/hash.h>

#include "cache/memory/entries.h"

static int setup(void **state)
{
    struct entries *entries = malloc(sizeof(*entries));
    *state = entries;
    return entries_init(entries);
}

static int teardown(void **state)
{
    entries_fini(*state);
    free(*state);
    return 0;
}

/* An entry whose hash is the caller's choice. */
static struct entry *add_hashed(struct entries *entries, const char *key, uint64_t hash)
{
    struct entry *entry = calloc(1, sizeof(*entry) + strlen(key));
    struct entry *added = entry;
    entry->hash = hash;
    entry->key_bytes = strlen(key);
    memcpy(entry->text, key, strlen(key));
    entries_add(entries, &entry);
    assert_null(entry);
    return added;
}

static struct entry *add(struct entries *entries, const char *key)
{
    return add_hashed(entries, key, hash_seeded(slice_of(key)));
}

static struct entry *find(const struct entries *entries, const char *key)
{
    return entries_find(entries, hash_seeded(slice_of(key)), slice_of(key));
}

static void entries_find_returns_null_in_an_empty_table(void **state)
{
    assert_null(find(*state, "key"));
}

static void entries_find_compares_the_whole_key(void **state)
{
    struct entries *entries = *state;
    struct entry *one = add_hashed(entries, "one", 7);
    struct entry *two = add_hashed(entries, "two", 7);
    assert_ptr_equal(entries_find(entries, 7, SLICE("one")), one);
    assert_ptr_equal(entries_find(entries, 7, SLICE("two")), two);
    assert_null(entries_find(entries, 7, SLICE("on")));
    assert_null(entries_find(entries, 7, SLICE("ones")));
}

/* Every entry is found at every size of the table, also while it grows past powers of two. */
static void entries_add_keeps_all_within_reach(void **state)
{
    enum { N = 3000 };
    struct entries *entries = *state;
    char key[16];
    for (unsigned n = 0; n < N; n++) {
        snprintf(key, sizeof(key), "key %u", n);
        add(entries, key);
        snprintf(key, sizeof(key), "key %u", n / 2);
        assert_non_null(find(entries, key));
    }
    for (unsigned n = 0; n < N; n++) {
        snprintf(key, sizeof(key), "key %u", n);
        assert_non_null(find(entries, key));
    }
    assert_int_equal(entries->n, N);
    assert_int_equal(entries->n_buckets, N);
}

static void entries_drop_gives_back_what_add_took(void **state)
{
    struct entries *entries = *state;
    size_t before = entries->bytes;
    struct entry *entry = add(entries, "key");
    assert_int_equal(entries->bytes, before + entry_bytes(3));
    entries_drop(entries, &entry);
    assert_null(entry);
    assert_int_equal(entries->bytes, before);
    assert_int_equal(entries->n, 0);
    assert_null(find(entries, "key"));
    assert_null(entries->newest);
    assert_null(entries->oldest);
}

static void entries_bytes_count_the_buckets(void **state)
{
    struct entries *entries = *state;
    size_t bytes = 0;
    char key[16];
    for (unsigned n = 0; n < 1000; n++) {
        snprintf(key, sizeof(key), "%04u", n);
        add(entries, key);
        bytes += entry_bytes(4);
    }
    assert_int_equal(entries->bytes, bytes + entries->capacity * sizeof(entries->buckets[0]));
}

static void entries_touch_makes_the_newest(void **state)
{
    struct entries *entries = *state;
    struct entry *a = add(entries, "a");
    struct entry *b = add(entries, "b");
    struct entry *c = add(entries, "c");
    assert_ptr_equal(entries->newest, c);
    entries_touch(entries, c);
    entries_touch(entries, b); /* from the middle */
    assert_ptr_equal(entries->newest, b);
    assert_ptr_equal(entries->oldest, a);
    entries_touch(entries, a); /* from the end */
    assert_ptr_equal(entries->newest, a);
    assert_ptr_equal(entries->oldest, c);
    entries_drop(entries, &b); /* between them */
    assert_ptr_equal(a->older, c);
    assert_ptr_equal(c->newer, a);
}

int main(void)
{
#define ENTRIES_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        ENTRIES_TEST(entries_find_returns_null_in_an_empty_table),
        ENTRIES_TEST(entries_find_compares_the_whole_key),
        ENTRIES_TEST(entries_add_keeps_all_within_reach),
        ENTRIES_TEST(entries_drop_gives_back_what_add_took),
        ENTRIES_TEST(entries_bytes_count_the_buckets),
        ENTRIES_TEST(entries_touch_makes_the_newest),
    };
    return cmocka_run_group_tests_name("entries", tests, NULL, NULL);
}
