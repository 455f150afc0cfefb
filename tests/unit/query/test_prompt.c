/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdio.h>

#include "query/prompt/lexicon.h"
#include "query/prompt/prompt.h"
#include "query/prompt/search.h"

enum { NOON_MS = 1795608000 }; /* seconds: 2026-11-25T12:00:00Z */

static _Alignas(16) char block[1 << 18];
static struct arena arena;
static struct zones *zones;
static struct catalogue *catalogue;
static struct prompt_setting setting;
static struct prompt_reading reading;

static int setup(void **state)
{
    struct slice names[] = { SLICE("cpu.usage"), SLICE("host.memory.used"), SLICE("net.received"),
                             SLICE("traffic.speed") };
    struct slice tags[] = { SLICE("host:web-1"), SLICE("env:prod") };
    arena_init(&arena, block, sizeof(block));
    zones = zones_new(NULL);
    catalogue = catalogue_new(names, N_CASES(names), tags, N_CASES(tags), true, 1);
    setting = (struct prompt_setting){ catalogue, zones, zones_find(zones, SLICE("UTC")), NOON_MS * INT64_C(1000) };
    return zones == NULL || catalogue == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    arena_reset(&arena);
    catalogue_release(&catalogue);
    zones_free(&zones);
    return 0;
}

static bool understood(const char *prompt)
{
    assert_true(prompt_read(slice_of(prompt), &setting, &arena, &reading));
    return reading.understood;
}

static void assert_detail(struct slice prompt, const char *part)
{
    assert_true(prompt_read(prompt, &setting, &arena, &reading));
    assert_false(reading.understood);
    assert_true(reading.confidence == 0);
    if (memmem(reading.detail.data, reading.detail.len, part, strlen(part)) == NULL) {
        print_error("%.*s\n", (int)reading.detail.len, reading.detail.data);
        fail();
    }
}

/* Bytes ----------------------------------------------------------------------- */

static void prompt_read_refuses_what_is_no_text(void **state)
{
    static char long_prompt[10240], zeros[16];
    memset(long_prompt, 'a', sizeof(long_prompt));
    assert_detail((struct slice){ NULL, 0 }, "empty");
    assert_detail(SLICE("  \t\r\n "), "empty");
    assert_detail((struct slice){ long_prompt, sizeof(long_prompt) }, "longer than 1,024 bytes");
    assert_detail((struct slice){ zeros, sizeof(zeros) }, "control characters");
    assert_detail(SLICE("events\x01today"), "control characters");
    assert_detail(SLICE("events today \xff\xfe"), "not UTF-8");
    assert_detail(SLICE("events \xc3"), "not UTF-8");
    assert_detail(SLICE("events \xed\xa0\x80"), "not UTF-8");
    assert_detail(SLICE("?!,;..."), "no words");
    assert_detail(SLICE("\xf0\x9f\x98\x80 \xf0\x9f\x9a\x80"), "no question");
}

static void prompt_read_refuses_too_many_words(void **state)
{
    char many[1024];
    for (size_t i = 0; i < sizeof(many); i += 2)
        memcpy(many + i, "a ", 2);
    assert_detail((struct slice){ many, sizeof(many) }, "too many words");
}

static void prompt_read_takes_any_quotes_and_marks(void **state)
{
    static const char *const prompts[] = { "average \xe2\x80\x9c"
                                           "cpu.usage\xe2\x80\x9d today",
                                           "average 'cpu.usage' today",
                                           "average `cpu.usage` today!",
                                           "average (cpu.usage) today?",
                                           "average\xc2\xa0"
                                           "cpu.usage\ttoday.",
                                           "\xc2\xab"
                                           "cpu.usage\xc2\xbb: average, today\xe2\x80\x99s" };
    for (size_t i = 0; i < N_CASES(prompts); i++) {
        assert_true(understood(prompts[i]));
        assert_true(slice_equal(reading.plan.filter.name, SLICE("cpu.usage")));
        assert_int_equal(reading.plan.measures[0].aggregate, AGGREGATE_AVG);
    }
}

/* Confidence -------------------------------------------------------------------- */

static void prompt_read_is_sure_of_what_is_written_out(void **state)
{
    assert_true(understood("average cpu.usage on host:web-1 today"));
    assert_true(reading.confidence == 1);
    assert_int_equal(reading.n_unknown, 0);
    assert_true(understood("average cpu usage today"));
    double all_parts = reading.confidence;
    assert_true(understood("average memory today"));
    assert_true(reading.confidence < all_parts && all_parts < 1);
    double some_parts = reading.confidence;
    assert_true(understood("average memory received today"));
    assert_true(reading.confidence < some_parts);
    assert_true(understood("average memory recorded today"));
    assert_true(reading.confidence == some_parts);
    assert_true(understood("average speed on web-1 today"));
    assert_true(reading.confidence == 0.72); /* and no digits behind */
    assert_true(understood("average \"no.such.name\" today"));
    assert_true(reading.confidence <= 0.5);
}

static void prompt_read_lists_words_it_passes_over(void **state)
{
    assert_true(understood("average cpu.usage today, hopefully"));
    assert_int_equal(reading.n_unknown, 1);
    assert_true(slice_equal(reading.unknown[0], SLICE("hopefully")));
    assert_true(reading.confidence < 1 && reading.confidence > 0.5);
    assert_true(understood("average cpu.usage today \xf0\x9f\x98\x80"));
    assert_int_equal(reading.n_unknown, 1);
    assert_true(understood("Computer, show the average cpu.usage today"));
    assert_true(slice_equal(reading.unknown[0], SLICE("Computer")));
    assert_false(understood("sadly badly gladly madly average cpu.usage today"));
    assert_int_equal(reading.n_unknown, 3);
}

static void prompt_read_passes_over_nothing_that_may_matter(void **state)
{
    static const char *const prompts[] = { "average of hopefully today", "average cpu.usage by madly",
                                           "events today in badly", "averagely cpu.usage today",
                                           "webserver cpu.usage today" };
    for (size_t i = 0; i < N_CASES(prompts); i++)
        assert_false(understood(prompts[i]));
}

static void prompt_read_says_what_it_understood(void **state)
{
    assert_false(understood("top 5 hosts by frobs today"));
    assert_true(slice_equal(reading.understood_as, SLICE("top 5, hosts")));
    assert_false(understood("average cpu.usage today and last week"));
    assert_true(slice_equal(reading.understood_as, SLICE("average, cpu.usage, today")));
}

/* Catalogues ----------------------------------------------------------------------- */

static void prompt_read_works_without_names(void **state)
{
    struct catalogue *empty = catalogue_new(NULL, 0, NULL, 0, true, 1);
    setting.catalogue = empty;
    assert_true(understood("how many events today"));
    assert_false(understood("average cpu.usage today"));
    assert_int_equal(reading.n_suggestions, PROMPT_SUGGESTIONS);
    catalogue_release(&empty);
}

static void prompt_read_takes_unlisted_names_of_an_incomplete_catalogue(void **state)
{
    struct catalogue *part = catalogue_new(NULL, 0, NULL, 0, false, 1);
    setting.catalogue = part;
    assert_true(understood("average Disk.read on Host:web-9 today"));
    assert_true(slice_equal(reading.plan.filter.name, SLICE("Disk.read")));
    assert_true(slice_equal(reading.plan.filter.tags[0], SLICE("Host:web-9")));
    assert_true(reading.confidence < 0.5);
    assert_false(understood("average disk today"));
    catalogue_release(&part);
}

/* The catalogue may be gone when the plan is carried out. */
static void prompt_read_gives_copies(void **state)
{
    assert_true(understood("average cpu.usage on web-1 by host today"));
    catalogue_release(&catalogue);
    assert_true(slice_equal(reading.plan.filter.name, SLICE("cpu.usage")));
    assert_true(slice_equal(reading.plan.filter.tags[0], SLICE("host:web-1")));
    assert_true(slice_equal(reading.plan.tag_prefix, SLICE("host:")));
}

static void prompt_read_rounds_now_up_to_a_second(void **state)
{
    static const int64_t nows[] = { 1, 500, 999, 1000 };
    for (size_t i = 0; i < N_CASES(nows); i++) {
        setting.now_ms = NOON_MS * INT64_C(1000) + nows[i];
        assert_true(understood("events in the last 3 hours"));
        assert_int_equal(reading.plan.filter.to_ms, (NOON_MS + 1) * INT64_C(1000));
        assert_int_equal(reading.plan.filter.from_ms, (NOON_MS + 1 - 3 * 3600) * INT64_C(1000));
    }
}

/* Clocks at both ends of the calendar neither overflow nor crash. */
static void prompt_read_withstands_any_clock(void **state)
{
    static const int64_t nows[] = { INT64_C(-62135596800000), INT64_C(253402300799999), 0, -1 };
    static const char *const ranges[] = { "last year",
                                          "this century",
                                          "last 9000 years",
                                          "5000 weeks ago",
                                          "yesterday",
                                          "last monday",
                                          "in february",
                                          "on feb 29",
                                          "this week vs last week",
                                          "last 300 days vs the previous period",
                                          "today vs same day 9000 years ago" };
    char prompt[128];
    for (size_t i = 0; i < N_CASES(nows); i++)
        for (size_t j = 0; j < N_CASES(ranges); j++) {
            setting.now_ms = nows[i];
            snprintf(prompt, sizeof(prompt), "events per day %s", ranges[j]);
            if (!understood(prompt))
                assert_true(reading.detail.len > 0);
        }
}

/* Parts -------------------------------------------------------------------------------- */

static void lexicon_find_finds_every_phrase(void **state)
{
    static struct words words;
    struct slice phrase;
    struct lexeme lexeme;
    unsigned n = 0;
    for (; lexicon_phrase(n, &phrase, &lexeme); n++) {
        assert_null(words_cut(phrase, &words));
        assert_int_equal(words.n, lexeme.n_words);
        struct lexeme found = lexicon_find(&words, 0);
        assert_int_equal(found.class, lexeme.class);
        assert_int_equal(found.n_words, lexeme.n_words);
        assert_int_equal(found.value, lexeme.value);
    }
    assert_true(n > 500);
}

static void words_cut_reads_numbers(void **state)
{
    static const struct {
        const char *text;
        double number;
    } cases[] = { { "5", 5 },      { "1,000", 1000 }, { "1,000,000.5", 1000000.5 },
                  { "-3", -3 },    { "+2", 2 },       { "99.9th", 99.9 },
                  { "1e3", 1000 }, { "90%", 90 },     { "21st", 21 } };
    static struct words words;
    for (size_t i = 0; i < N_CASES(cases); i++) {
        assert_null(words_cut(slice_of(cases[i].text), &words));
        assert_int_equal(words.n, 1);
        assert_int_equal(words.at[0].kind, WORD_NUMBER);
        assert_true(words.at[0].number == cases[i].number);
    }
    assert_null(words_cut(SLICE("24h,>90 1,00 2014-02-20"), &words));
    static const char *const texts[] = { "24", "h", ">", "90", "1", "00", "2014-02-20" };
    assert_int_equal(words.n, N_CASES(texts));
    for (size_t i = 0; i < N_CASES(texts); i++)
        assert_true(slice_equal(words.at[i].text, slice_of(texts[i])));
    assert_true(words.at[2].after_comma && words.at[5].after_comma && !words.at[6].after_comma);
}

static uint32_t n_found(const char *words, struct found *ret_found)
{
    struct query query = { .n = 0 };
    char copy[128];
    snprintf(copy, sizeof(copy), "%s", words);
    for (char *rest = copy, *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
        assert_true(query_add(&query, slice_of(word), false));
    search(&catalogue->name_index, catalogue->names, &query, ret_found);
    return ret_found->n;
}

static void search_finds_parts_in_their_order(void **state)
{
    struct found found;
    assert_int_equal(n_found("cpu usage", &found), 1);
    assert_int_equal(found.n_whole, 1);
    assert_int_equal(n_found("usage cpu", &found), 0);
    assert_int_equal(n_found("host used", &found), 1);
    assert_int_equal(found.n_whole, 0);
    assert_int_equal(n_found("hosts", &found), 1); /* a plural */
    assert_int_equal(n_found("host disk", &found), 0);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(prompt_read_refuses_what_is_no_text),
        WITH_STORE(prompt_read_refuses_too_many_words),
        WITH_STORE(prompt_read_takes_any_quotes_and_marks),
        WITH_STORE(prompt_read_is_sure_of_what_is_written_out),
        WITH_STORE(prompt_read_lists_words_it_passes_over),
        WITH_STORE(prompt_read_passes_over_nothing_that_may_matter),
        WITH_STORE(prompt_read_says_what_it_understood),
        WITH_STORE(prompt_read_works_without_names),
        WITH_STORE(prompt_read_takes_unlisted_names_of_an_incomplete_catalogue),
        WITH_STORE(prompt_read_gives_copies),
        WITH_STORE(prompt_read_rounds_now_up_to_a_second),
        WITH_STORE(prompt_read_withstands_any_clock),
        cmocka_unit_test(lexicon_find_finds_every_phrase),
        cmocka_unit_test(words_cut_reads_numbers),
        WITH_STORE(search_finds_parts_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
