/* SPDX-License-Identifier: MIT */
#include "prompt_golden.h"

#include <stdio.h>

enum { PROMPTS_MIN = 500 };

static _Alignas(16) char block[1 << 18];
static struct arena arena;

/* Says which line is wrong, and fails. */
static void fail_at(const struct golden *golden, const char *what, struct slice got)
{
    print_error("line %u, %.*s\n  %s\n  expected %.*s\n  got      %.*s\n", golden->line, (int)golden->prompt.len,
                golden->prompt.data, what, (int)golden->expected.len, golden->expected.data, (int)got.len, got.data);
    fail();
}

static struct slice json_of(const struct plan *plan)
{
    struct text text = text_in(&arena, 512);
    plan_json(plan, &text);
    assert_false(text.failed);
    return text_slice(&text);
}

static bool holds(struct slice text, struct slice part)
{
    return memmem(text.data, text.len, part.data, part.len) != NULL;
}

static void check(const struct golden *golden, const struct prompt_reading *reading)
{
    if (golden->understood && !reading->understood)
        fail_at(golden, "is not understood", reading->detail);
    if (!golden->understood && reading->understood)
        fail_at(golden, "is understood", json_of(&reading->plan));
    if (golden->understood && !slice_equal(json_of(&reading->plan), golden->expected))
        fail_at(golden, "is another plan", json_of(&reading->plan));
    if (!golden->understood && !holds(reading->detail, golden->expected))
        fail_at(golden, "is refused for another reason", reading->detail);
}

static void prompt_read_gives_each_golden_plan(void **state)
{
    struct golden_file file;
    struct golden golden;
    struct prompt_reading reading;
    unsigned n = 0;
    golden_open(&file);
    for (; golden_next(&file, &golden); n++) {
        arena_init(&arena, block, sizeof(block));
        assert_true(prompt_read(golden.prompt, &golden.setting, &arena, &reading));
        check(&golden, &reading);
        arena_reset(&arena);
    }
    assert_true(n >= PROMPTS_MIN);
    golden_close(&file);
}

/* What one group says is one question: one key of the cache. */
static void prompt_read_gives_paraphrases_the_same_bytes(void **state)
{
    struct golden_file file;
    struct golden golden;
    struct prompt_reading reading;
    static char first[1024];
    size_t first_len = 0;
    golden_open(&file);
    while (golden_next(&file, &golden)) {
        if (!golden.understood)
            continue;
        arena_init(&arena, block, sizeof(block));
        assert_true(prompt_read(golden.prompt, &golden.setting, &arena, &reading));
        struct slice bytes = plan_canonical(&reading.plan, &arena);
        assert_true(bytes.len > 0 && bytes.len <= sizeof(first));
        if (golden.opens_group) {
            memcpy(first, bytes.data, bytes.len);
            first_len = bytes.len;
        }
        if (!slice_equal(bytes, (struct slice){ first, first_len }))
            fail_at(&golden, "has other bytes than the first of its group", json_of(&reading.plan));
        arena_reset(&arena);
    }
    golden_close(&file);
}

/* Who is not understood is told what would be. */
static void prompt_read_suggests_what_it_understands(void **state)
{
    struct golden_file file;
    struct golden golden;
    struct prompt_reading reading, again;
    golden_open(&file);
    while (golden_next(&file, &golden)) {
        if (golden.understood)
            continue;
        arena_init(&arena, block, sizeof(block));
        assert_true(prompt_read(golden.prompt, &golden.setting, &arena, &reading));
        assert_int_equal(reading.n_suggestions, PROMPT_SUGGESTIONS);
        for (unsigned i = 0; i < reading.n_suggestions; i++) {
            assert_true(prompt_read(reading.suggestions[i], &golden.setting, &arena, &again));
            if (!again.understood)
                fail_at(&golden, "is offered a prompt that is not understood", reading.suggestions[i]);
        }
        arena_reset(&arena);
    }
    golden_close(&file);
}

/* A plan that came of words is in its one normal form. */
static void prompt_read_settles(void **state)
{
    struct golden_file file;
    struct golden golden;
    struct prompt_reading reading;
    golden_open(&file);
    while (golden_next(&file, &golden)) {
        if (!golden.understood)
            continue;
        arena_init(&arena, block, sizeof(block));
        assert_true(prompt_read(golden.prompt, &golden.setting, &arena, &reading));
        struct slice before = plan_canonical(&reading.plan, &arena);
        assert_null(plan_settle(&reading.plan, &arena));
        assert_true(slice_equal(before, plan_canonical(&reading.plan, &arena)));
        arena_reset(&arena);
    }
    golden_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompt_read_gives_each_golden_plan),
        cmocka_unit_test(prompt_read_gives_paraphrases_the_same_bytes),
        cmocka_unit_test(prompt_read_suggests_what_it_understands),
        cmocka_unit_test(prompt_read_settles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
