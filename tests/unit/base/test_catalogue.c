/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <telemetry/catalogue.h>
#include <telemetry/clock.h>

static void assert_texts(const struct slice slices[], uint32_t n, const char *expected)
{
    char text[256];
    size_t len = 0;
    for (uint32_t i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s ", (int)slices[i].len, slices[i].data);
    text[len] = '\0';
    assert_string_equal(text, expected);
}

static void catalogue_new_sorts_and_copies(void **state)
{
    char bytes[] = "memcpucpu.xdisk";
    struct slice names[] = { { bytes, 3 }, { bytes + 3, 3 },  { bytes + 6, 5 },
                             { bytes, 3 }, { bytes + 11, 4 }, { bytes + 6, 3 } };
    struct slice tags[] = { SLICE("b"), SLICE("a"), SLICE("b") };
    uint64_t before_ns = clock_ns();
    struct catalogue *catalogue = catalogue_new(names, N_CASES(names), tags, N_CASES(tags), true, 7);
    memset(bytes, 'x', sizeof(bytes));
    assert_texts(catalogue->names, catalogue->n_names, "cpu cpu.x disk mem ");
    assert_texts(catalogue->tags, catalogue->n_tags, "a b ");
    assert_true(catalogue->complete);
    assert_int_equal(catalogue->version, 7);
    assert_true(catalogue->made_ns >= before_ns && catalogue->made_ns <= clock_ns());
    catalogue_release(&catalogue);
    assert_null(catalogue);
}

static void catalogue_new_of_nothing_is_empty(void **state)
{
    struct catalogue *catalogue = catalogue_new(NULL, 0, NULL, 0, false, 0);
    assert_int_equal(catalogue->n_names, 0);
    assert_int_equal(catalogue->n_tags, 0);
    assert_false(catalogue->complete);
    assert_false(catalogue_has_name(catalogue, SLICE("")));
    catalogue_release(&catalogue);
    catalogue_release(&catalogue);
}

static void catalogue_has_finds_each_and_no_other(void **state)
{
    enum { N = 1000 };
    static char texts[N][8];
    static struct slice names[N];
    struct slice tags[] = { SLICE("host:a"), SLICE("host:c") };
    for (unsigned i = 0; i < N; i++) { /* every second number, in an order of its own */
        unsigned number = i * 7 % N * 2;
        snprintf(texts[i], sizeof(texts[i]), "n%u", number);
        names[i] = slice_of(texts[i]);
    }
    struct catalogue *catalogue = catalogue_new(names, N, tags, 2, true, 0);
    assert_int_equal(catalogue->n_names, N);
    for (unsigned number = 0; number < 2 * N; number++) {
        char text[8];
        snprintf(text, sizeof(text), "n%u", number);
        assert_int_equal(catalogue_has_name(catalogue, slice_of(text)), number % 2 == 0);
    }
    assert_true(catalogue_has_tag(catalogue, SLICE("host:a")));
    assert_true(catalogue_has_tag(catalogue, SLICE("host:c")));
    assert_false(catalogue_has_tag(catalogue, SLICE("host:b")));
    assert_false(catalogue_has_tag(catalogue, SLICE("host:")));
    assert_false(catalogue_has_tag(catalogue, SLICE("n0")));
    assert_false(catalogue_has_name(catalogue, SLICE("host:a")));
    catalogue_release(&catalogue);
}

/* Texts of `len` bytes that differ in their first ones; freed by free() of the first one's bytes. */
static struct slice *texts_of(uint32_t n, size_t len)
{
    char *bytes = malloc(n * len);
    struct slice *slices = malloc(n * sizeof(*slices));
    memset(bytes, 'x', n * len);
    for (uint32_t i = 0; i < n; i++) {
        char digits[11];
        snprintf(digits, sizeof(digits), "%08u", i);
        memcpy(bytes + i * len, digits, 8);
        slices[i] = (struct slice){ bytes + i * len, len };
    }
    return slices;
}

static void texts_free(struct slice *slices)
{
    free((char *)(uintptr_t)slices[0].data);
    free(slices);
}

static void catalogue_new_leaves_out_what_is_too_many(void **state)
{
    enum { N = CATALOGUE_TEXTS_MAX + 1 };
    struct slice *names = texts_of(N, 8), *tags = texts_of(N, 8);
    struct catalogue *catalogue = catalogue_new(names, N, tags, N - 1, true, 0);
    assert_int_equal(catalogue->n_names, CATALOGUE_TEXTS_MAX);
    assert_int_equal(catalogue->n_tags, CATALOGUE_TEXTS_MAX);
    assert_false(catalogue->complete);
    catalogue_release(&catalogue);
    catalogue = catalogue_new(names, N - 1, tags, N - 1, true, 0);
    assert_true(catalogue->complete);
    catalogue_release(&catalogue);
    texts_free(names);
    texts_free(tags);
}

static void catalogue_new_leaves_out_what_is_too_long(void **state)
{
    enum { LEN = 256, N = CATALOGUE_BYTES_MAX / LEN };
    struct slice *texts = texts_of(N, LEN);
    struct slice tags[] = { SLICE("b"), SLICE("a") };
    struct catalogue *catalogue = catalogue_new(texts, N, NULL, 0, true, 0);
    assert_int_equal(catalogue->n_names, N);
    assert_true(catalogue->complete);
    catalogue_release(&catalogue);
    catalogue = catalogue_new(texts, N, tags, 2, true, 0);
    assert_int_equal(catalogue->n_names, N);
    assert_int_equal(catalogue->n_tags, 0);
    assert_false(catalogue->complete);
    catalogue_release(&catalogue);
    texts[0].len--; /* makes room for one of one byte */
    catalogue = catalogue_new(texts, N, tags, 2, true, 0);
    assert_texts(catalogue->tags, catalogue->n_tags, "a ");
    assert_false(catalogue->complete);
    catalogue_release(&catalogue);
    texts_free(texts);
}

/* Returns NULL when all was well. */
static void *share_and_release(void *catalogue)
{
    struct catalogue *mine = catalogue;
    bool ok = true;
    for (unsigned i = 0; i < 10000; i++) {
        struct catalogue *reference = catalogue_share(mine);
        ok = catalogue_has_name(reference, SLICE("a")) && ok;
        catalogue_release(&reference);
    }
    catalogue_release(&mine);
    return ok ? NULL : catalogue;
}

/* A sanitizer tells when the last reference does not free it, or an earlier one does. */
static void catalogue_release_frees_the_last_reference(void **state)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    struct slice names[] = { SLICE("a") };
    struct catalogue *catalogue = catalogue_new(names, 1, NULL, 0, true, 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, share_and_release, catalogue_share(catalogue)), 0);
    catalogue_release(&catalogue);
    for (unsigned i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalogue_new_sorts_and_copies),
        cmocka_unit_test(catalogue_new_of_nothing_is_empty),
        cmocka_unit_test(catalogue_has_finds_each_and_no_other),
        cmocka_unit_test(catalogue_new_leaves_out_what_is_too_many),
        cmocka_unit_test(catalogue_new_leaves_out_what_is_too_long),
        cmocka_unit_test(catalogue_release_frees_the_last_reference),
    };
    return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
