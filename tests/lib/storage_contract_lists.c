/* SPDX-License-Identifier: MIT */
#include "storage_contract.h"

#include <stdio.h>
#include <string.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "suite.h"

static const struct storage_ops *suite_ops;
static unsigned suite_run_rows;

/* The value of each metric is its own number. */
static const struct spec stock[] = {
    { "cpu", "host:a", 100, 1, NULL },
    { "cpu", "host:b", 200, 2, NULL },
    { "cpu.user", "host:a core:0", 300, 3, NULL },
    { "cpu.user", "host:b core:0", 400, 4, NULL },
    { "cpu.user", "host:a core:1", 150, 5, NULL },
    { "mem", "", 250, 6, NULL },
    { "mem", "host:a", 200, 7, NULL },
    { "cpu", "host:a", 500, 8, NULL },
    { "cpuz", "zone:1", 50, 9, NULL },
    { "cp", "", 0, 10, NULL },
    { "\xc3\xa9t\xc3\xa9", "\xc3\xa9", -5, 11, NULL },
    { "cpu", "host:a", 200, 12, NULL },
};

static int set_up_empty(void **state)
{
    *state = hands_new(suite_ops, suite_run_rows);
    return 0;
}

static int set_up(void **state)
{
    set_up_empty(state);
    hands_insert(*state, stock, N_CASES(stock), NULL);
    return 0;
}

static int tear_down(void **state)
{
    hands_free((struct hands **)state);
    return 0;
}

/* What a test asks for; times and values count when they are not both 0. */
struct question {
    const char *name, *tags, *any_tags, *not_tags;
    int64_t from_ms, to_ms;
    double min, max;
    const char *values; /* newest first */
};

static struct job *question_job(const struct question *question)
{
    struct job *job = hands_job(OP_FIND);
    struct filter *filter = &job->filter;
    filter->name = slice_of(question->name == NULL ? "" : question->name);
    filter->name_is_prefix = filter->name.len > 0 && filter->name.data[filter->name.len - 1] == '*';
    filter->name.len -= filter->name_is_prefix;
    filter->n_tags = hands_words(question->tags, &job->arena, &filter->tags);
    filter->n_any_tags = hands_words(question->any_tags, &job->arena, &filter->any_tags);
    filter->n_not_tags = hands_words(question->not_tags, &job->arena, &filter->not_tags);
    if (question->from_ms != 0 || question->to_ms != 0) {
        filter->from_ms = question->from_ms;
        filter->to_ms = question->to_ms;
    }
    if (question->min != 0 || question->max != 0) {
        filter->min = question->min;
        filter->max = question->max;
    }
    return job;
}

static const struct question questions[] = {
    { .values = "8 4 3 6 12 7 2 5 1 9 10 11" },
    { .name = "*", .values = "8 4 3 6 12 7 2 5 1 9 10 11" },
    { .name = "cpu", .values = "8 12 2 1" },
    { .name = "cpu*", .values = "8 4 3 12 2 5 1 9" },
    { .name = "cpu.*", .values = "4 3 5" },
    { .name = "cp*", .values = "8 4 3 12 2 5 1 9 10" },
    { .name = "cp", .values = "10" },
    { .name = "CPU", .values = "" },
    { .name = "\xc3\xa9t*", .values = "11" },
    { .name = "\xc3\xa9*", .tags = "\xc3\xa9", .values = "11" },
    { .tags = "host:a", .values = "8 3 12 7 5 1" },
    { .tags = "core:0 host:a", .values = "3" },
    { .name = "cpu.user", .tags = "host:a", .values = "3 5" },
    { .tags = "host", .values = "" },
    { .any_tags = "core:0 host:b", .values = "4 3 2" },
    { .any_tags = "host:a host:b", .values = "8 4 3 12 7 2 5 1" },
    { .name = "cpu", .any_tags = "host:b zone:1", .values = "2" },
    { .not_tags = "host:a", .values = "4 6 2 9 10 11" },
    { .not_tags = "host:a host:b", .values = "6 9 10 11" },
    { .name = "cpu*", .not_tags = "core:0", .values = "8 12 2 5 1 9" },
    { .tags = "host:a", .any_tags = "core:0 core:1", .not_tags = "core:1", .values = "3" },
    { .from_ms = 200, .to_ms = 300, .values = "6 12 7 2" },
    { .from_ms = 300, .to_ms = 301, .values = "3" },
    { .from_ms = -5, .to_ms = 1, .values = "10 11" },
    { .from_ms = 600, .to_ms = 700, .values = "" },
    { .name = "cpu", .from_ms = 200, .to_ms = INT64_MAX, .values = "8 12 2" },
    { .name = "cpu", .from_ms = INT64_MIN, .to_ms = 200, .values = "1" },
    { .min = 6, .max = 8, .values = "8 6 7" },
    { .tags = "host:a", .min = 4.5, .max = 7, .values = "7 5" },
    { .name = "cpu", .min = 2, .max = 2, .values = "2" },
};

/* "1 2 3" from "3 2 1". */
static void reverse_words(const char *text, char *ret_text)
{
    size_t len = strlen(text);
    char *out = ret_text;
    while (len > 0) {
        size_t start = len;
        while (start > 0 && text[start - 1] != ' ')
            start--;
        memcpy(out, text + start, len - start);
        out += len - start;
        *out++ = ' ';
        len = start == 0 ? 0 : start - 1;
    }
    *(out == ret_text ? out : out - 1) = '\0';
}

static void ask_all(struct hands *hands)
{
    char text[256], expected[256];
    for (unsigned i = 0; i < N_CASES(questions); i++) {
        assert_string_equal(hands_values(hands, question_job(&questions[i]), text, sizeof(text)), questions[i].values);
        struct job *job = question_job(&questions[i]);
        job->filter.ascending = true;
        reverse_words(questions[i].values, expected);
        assert_string_equal(hands_values(hands, job, text, sizeof(text)), expected);
    }
}

static void find_answers_every_kind_of_filter(void **state)
{
    ask_all(*state);
}

static void find_answers_the_same_after_reopening(void **state)
{
    hands_reopen(*state);
    ask_all(*state);
}

/* Appends the values of all pages of the question, `limit` to a page. */
static void read_pages(struct hands *hands, const struct question *question, uint32_t limit, bool ascending,
                       char *ret_text)
{
    struct list_position after = { 0 };
    size_t len = 0;
    ret_text[0] = '\0';
    for (bool more = true, first = true; more; first = false) {
        struct job *job = question_job(question);
        job->filter.limit = limit;
        job->filter.ascending = ascending;
        job->filter.has_after = !first;
        job->filter.after = after;
        assert_int_equal(hands_run(hands, job), STATUS_OK);
        for (uint32_t i = 0; i < job->n_metrics; i++)
            len += (size_t)sprintf(ret_text + len, "%s%g", len == 0 ? "" : " ", job->metrics[i].value);
        more = job->has_next;
        assert_true(!more || job->n_metrics == limit);
        after = job->next;
        job_fixture_free(&job);
    }
}

static void pages_are_the_list_cut(void **state)
{
    char text[256], expected[256];
    for (unsigned i = 0; i < N_CASES(questions); i++) {
        for (uint32_t limit = 1; limit < 5; limit++) {
            read_pages(*state, &questions[i], limit, false, text);
            assert_string_equal(text, questions[i].values);
            read_pages(*state, &questions[i], limit, true, text);
            reverse_words(questions[i].values, expected);
            assert_string_equal(text, expected);
        }
    }
}

static void pages_go_through_equal_timestamps(void **state)
{
    struct hands *hands = *state;
    struct spec specs[40];
    char text[256], expected[256] = "";
    size_t len = 0;
    for (unsigned i = 0; i < 40; i++) {
        specs[i] = (struct spec){ i % 2 == 0 ? "tie.a" : "tie.b", "", 77, i + 1, NULL };
        len += (size_t)sprintf(expected + len, "%s%u", i == 0 ? "" : " ", i + 1);
    }
    hands_insert(hands, specs, 40, NULL);
    static const struct question ties = { .name = "tie.*" };
    read_pages(hands, &ties, 7, true, text);
    assert_string_equal(text, expected);
    read_pages(hands, &ties, 7, false, text);
    char reversed[256];
    reverse_words(expected, reversed);
    assert_string_equal(text, reversed);
}

/* Between two pages metrics come in before, at and behind the place; those that were there before all
 * stand on exactly one page. */
static void pages_stand_still_while_metrics_come_in(void **state)
{
    struct hands *hands = *state;
    static const struct spec late[] = { { "cpu", "late", 600, 100, NULL }, { "cpu", "late", 200, 101, NULL } };
    struct job *job = question_job(&questions[0]);
    char text[256];
    job->filter.limit = 5;
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    assert_true(job->has_next);
    struct list_position after = job->next;
    job_fixture_free(&job);
    hands_insert(hands, late, N_CASES(late), NULL);
    job = question_job(&questions[0]);
    job->filter.has_after = true;
    job->filter.after = after;
    assert_string_equal(hands_values(hands, job, text, sizeof(text)), "7 2 5 1 9 10 11");
}

static void last_page_has_no_next(void **state)
{
    char text[64];
    struct job *job = question_job(&questions[2]);
    job->filter.limit = 4;
    assert_string_equal(hands_values(*state, job, text, sizeof(text)), "8 12 2 1");
    job = question_job(&questions[2]);
    job->filter.limit = 3;
    assert_string_equal(hands_values(*state, job, text, sizeof(text)), "8 12 2+");
}

static void find_in_empty_store_is_empty(void **state)
{
    char text[64];
    assert_string_equal(hands_values(*state, question_job(&questions[0]), text, sizeof(text)), "");
    assert_string_equal(hands_values(*state, question_job(&questions[2]), text, sizeof(text)), "");
}

static void find_gives_whole_metrics(void **state)
{
    struct job *job = question_job(&questions[11]);
    assert_int_equal(hands_run(*state, job), STATUS_OK);
    assert_int_equal(job->n_metrics, 1);
    struct metric expected = hands_metric(&stock[2], &job->arena);
    expected.id = job->metrics[0].id;
    assert_true(metric_equal(&job->metrics[0], &expected));
    assert_int_equal(job->metrics[0].n_tags, 2);
    struct job *found = hands_get(*state, job->metrics[0].id);
    assert_int_equal(found->status, STATUS_OK);
    assert_true(metric_equal(&found->metrics[0], &expected));
    job_fixture_free(&found);
    job_fixture_free(&job);
}

/* Lists of many series over many rows, which came in an order that is not that of their time. */
static void find_among_many_series(void **state)
{
    struct hands *hands = *state;
    enum { N = 24000, SERIES = 300, CHUNK = 500 };
    static struct spec specs[CHUNK];
    static char names[SERIES][16];
    for (unsigned i = 0; i < SERIES; i++)
        snprintf(names[i], sizeof(names[i]), "many.%u", i);
    for (unsigned n = 0; n < N; n += CHUNK) {
        for (unsigned i = 0; i < CHUNK; i++)
            specs[i] = (struct spec){ names[(n + i) % SERIES], "", (n + i) * 7919 % N, (n + i) * 7919 % N, NULL };
        hands_insert(hands, specs, CHUNK, NULL);
    }
    for (unsigned ascending = 0; ascending < 2; ascending++) {
        for (unsigned prefix = 0; prefix < 2; prefix++) {
            struct job *job = hands_job(OP_FIND);
            job->filter.name = SLICE("many.");
            job->filter.name.len *= prefix;
            job->filter.name_is_prefix = prefix;
            job->filter.ascending = ascending;
            job->filter.limit = 1000;
            job->filter.from_ms = 1000;
            job->filter.to_ms = 5000;
            assert_int_equal(hands_run(hands, job), STATUS_OK);
            assert_int_equal(job->n_metrics, 1000);
            assert_true(job->has_next);
            for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(job->metrics[i].timestamp_ms, ascending ? 1000 + i : 4999 - i);
            job_fixture_free(&job);
        }
    }
}

/* A metric that moves far from where its neighbours in order of arrival are. */
static void find_follows_an_update_in_time(void **state)
{
    struct hands *hands = *state;
    enum { N = 3000, MOVED = 700 };
    static struct spec specs[N];
    static struct metric_id ids[N];
    char text[64];
    for (unsigned i = 0; i < N; i++)
        specs[i] = (struct spec){ "a", "", i, i, NULL };
    hands_insert(hands, specs, N, ids);
    for (int64_t to = -1000000; to <= 1000000; to += 2000000) {
        specs[MOVED].timestamp_ms = to;
        assert_int_equal(hands_update(hands, ids[MOVED], &specs[MOVED]), STATUS_OK);
        struct job *job = hands_job(OP_FIND);
        job->filter.from_ms = to;
        job->filter.to_ms = to + 1;
        assert_string_equal(hands_values(hands, job, text, sizeof(text)), "700");
        job = hands_job(OP_FIND);
        job->filter.limit = 1;
        job->filter.ascending = to < 0;
        assert_string_equal(hands_values(hands, job, text, sizeof(text)), "700+");
    }
}

/* A list of which nothing passes, so that all of it is looked at. */
static enum status look_at_all(struct hands *hands, uint64_t deadline_ns)
{
    struct job *job = hands_job(OP_FIND);
    job->filter.name = SLICE("slow");
    job->filter.min = 2;
    job->deadline_ns = deadline_ns;
    enum status status = hands_run(hands, job);
    assert_int_equal(job->n_metrics, 0);
    job_fixture_free(&job);
    return status;
}

static void find_past_its_limit_is_too_slow(void **state)
{
    struct hands *hands = *state;
    enum { N = 20000 };
    static struct spec specs[N];
    for (unsigned i = 0; i < N; i++)
        specs[i] = (struct spec){ "slow", "", i, 1, NULL };
    hands_insert(hands, specs, N, NULL);
    uint64_t limit_ns = hands->settings.query_limit_ns;
    hands->settings.query_limit_ns = 1000;
    hands_reopen(hands);
    assert_int_equal(look_at_all(hands, UINT64_MAX), STATUS_QUERY_TOO_SLOW);
    hands->settings.query_limit_ns = limit_ns;
    hands_reopen(hands);
    assert_int_equal(look_at_all(hands, clock_ns()), STATUS_QUERY_TOO_SLOW);
    assert_int_equal(look_at_all(hands, UINT64_MAX), STATUS_OK); /* the session is as good as before */
}

int storage_contract_lists_run(const struct storage_ops *ops, unsigned run_rows)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(find_answers_every_kind_of_filter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(find_answers_the_same_after_reopening, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_are_the_list_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_go_through_equal_timestamps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_stand_still_while_metrics_come_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(last_page_has_no_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(find_in_empty_store_is_empty, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(find_gives_whole_metrics, set_up, tear_down),
        cmocka_unit_test_setup_teardown(find_among_many_series, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(find_follows_an_update_in_time, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(find_past_its_limit_is_too_slow, set_up_empty, tear_down),
    };
    suite_ops = ops;
    suite_run_rows = run_rows;
    return cmocka_run_group_tests_name("storage lists", tests, NULL, NULL);
}
