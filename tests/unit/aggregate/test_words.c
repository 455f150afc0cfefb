/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "aggregate/pool.h"
#include "aggregate/words.h"
#include "suite.h"

static struct slice text_of(unsigned i, char ret_text[16])
{
    return (struct slice){ ret_text, (size_t)snprintf(ret_text, 16, "%u", i * i) };
}

static void put_numbers_texts_in_order(void **state)
{
    struct pool pool;
    struct words words;
    char text[16];
    uint32_t number;
    pool_init(&pool, 4 * 1024 * 1024);
    words_init(&words, &pool);
    assert_false(words_find(&words, SLICE("0"), &number));
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 5000; i++) {
            assert_true(words_put(&words, text_of(i, text), &number));
            assert_int_equal(number, i);
        }
    }
    assert_int_equal(words.n, 5000);
    for (unsigned i = 0; i < 5000; i++) {
        assert_true(words_find(&words, text_of(i, text), &number));
        assert_int_equal(number, i);
        assert_true(slice_equal(words.words[i].text, text_of(i, text)));
    }
    assert_false(words_find(&words, SLICE("nothing"), &number));
    words_clear(&words);
    assert_int_equal(pool.used_bytes, 0);
    pool_fini(&pool);
}

static void put_takes_any_bytes(void **state)
{
    static char large[100000];
    struct pool pool;
    struct words words;
    uint32_t number;
    pool_init(&pool, 1024 * 1024);
    words_init(&words, &pool);
    assert_true(words_put(&words, (struct slice){ NULL, 0 }, &number));
    assert_true(words_put(&words, SLICE("a\0b"), &number));
    assert_true(words_put(&words, SLICE("a\0c"), &number));
    assert_int_equal(number, 2);
    assert_true(words_put(&words, (struct slice){ large, sizeof(large) }, &number));
    assert_true(words_find(&words, (struct slice){ large, sizeof(large) }, &number));
    assert_int_equal(number, 3);
    assert_true(words_put(&words, SLICE(""), &number));
    assert_int_equal(number, 0);
    pool_fini(&pool);
}

static void put_past_the_budget_fails_and_keeps_the_rest(void **state)
{
    struct pool pool;
    struct words words;
    char text[16];
    uint32_t number;
    unsigned n = 0;
    pool_init(&pool, 64 * 1024);
    words_init(&words, &pool);
    while (words_put(&words, text_of(n, text), &number))
        n++;
    assert_true(n > 500);
    for (unsigned i = 0; i < n; i++)
        assert_true(words_find(&words, text_of(i, text), &number) && number == i);
    pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_numbers_texts_in_order),
        cmocka_unit_test(put_takes_any_bytes),
        cmocka_unit_test(put_past_the_budget_fails_and_keeps_the_rest),
    };
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
