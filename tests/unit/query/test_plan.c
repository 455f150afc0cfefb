/* SPDX-License-Identifier: MIT */
/* plan: what is settled, what is refused and why, and the bytes, JSON and English of it. */
#include "plan_fixture.h"

#include <math.h>

#include <telemetry/plan.h>

static struct plan fresh(void)
{
    struct plan plan;
    plan_init(&plan, zone_of("Europe/Berlin"));
    return plan;
}

static struct plan ranged(const char *from, const char *to)
{
    struct plan plan = fresh();
    plan.filter.from_ms = ms_of(from);
    plan.filter.to_ms = ms_of(to);
    return plan;
}

static void set_measures(struct plan *plan, const char *names)
{
    for (plan->n_measures = 0; *names != '\0';) {
        size_t len = strcspn(names, " ");
        if (!plan_measure_parse((struct slice){ names, len }, &plan->measures[plan->n_measures++]))
            fail_msg("no measure %s", names);
        names += len + (names[len] == ' ');
    }
}

static void set_bucket(struct plan *plan, const char *text)
{
    if (!plan_bucket_parse(slice_of(text), &plan->bucket))
        fail_msg("no bucket %s", text);
}

static void settle(struct plan *plan)
{
    const char *wrong = plan_settle(plan, &arena);
    if (wrong != NULL)
        fail_msg("refused: %s", wrong);
}

static void assert_refused(struct plan plan, const char *words)
{
    const char *wrong = plan_settle(&plan, &arena);
    if (wrong == NULL || strstr(wrong, words) == NULL)
        fail_msg("not because of %s: %s", words, wrong == NULL ? "taken" : wrong);
}

static void plan_measure_parse_reads_what_append_writes(void **state)
{
    static const char *const names[] = { "count",    "sum",   "avg",    "min",    "max",  "stddev", "rate",
                                         "distinct", "first", "latest", "names",  "tags", "p0",     "p1",
                                         "p50",      "p99.9", "p99.99", "p99.09", "p100" };
    struct plan_measure measure;
    for (size_t i = 0; i < N_CASES(names); i++) {
        struct text text = text_in(&arena, 16);
        assert_true(plan_measure_parse(slice_of(names[i]), &measure));
        plan_measure_append(&measure, &text);
        if (!slice_equal(text_slice(&text), slice_of(names[i])))
            fail_msg("%s is %.*s", names[i], (int)text.len, text.data);
    }
    assert_true(plan_measure_parse(SLICE("median"), &measure));
    assert_true(measure.aggregate == AGGREGATE_QUANTILE && measure.hundredths == 5000);
    assert_true(plan_measure_parse(SLICE("p99.90"), &measure) && measure.hundredths == 9990);
}

static void plan_measure_parse_refuses(void **state)
{
    static const char *const names[] = { "",     "p",       "p-1",         "p101", "p100.01", "p99.",
                                         "p.9",  "p99.999", "p1e1",        "pp",   "Count",   "counts",
                                         " avg", "avg ",    "p9999999999", "p50%", "mean" };
    for (size_t i = 0; i < N_CASES(names); i++) {
        struct plan_measure measure;
        if (plan_measure_parse(slice_of(names[i]), &measure))
            fail_msg("%s is a measure", names[i]);
    }
}

static void plan_bucket_parse_reads_what_append_writes(void **state)
{
    static const char *const texts[] = { "1s", "10s", "5m", "1h", "1d", "1w", "1mo", "2q", "1y", "100000s", "auto" };
    static const char *const wrong[] = { "",     "s",  "0s",     "1",    "1 s", "-1s", "1ms", "100001s", "99999999999s",
                                         "1.5h", "1H", "1month", "Auto", "none" };
    struct plan_bucket bucket;
    for (size_t i = 0; i < N_CASES(texts); i++) {
        struct text text = text_in(&arena, 16);
        assert_true(plan_bucket_parse(slice_of(texts[i]), &bucket));
        plan_bucket_append(&bucket, &text);
        if (!slice_equal(text_slice(&text), slice_of(texts[i])))
            fail_msg("%s is %.*s", texts[i], (int)text.len, text.data);
    }
    for (size_t i = 0; i < N_CASES(wrong); i++)
        if (plan_bucket_parse(slice_of(wrong[i]), &bucket))
            fail_msg("%s is a bucket", wrong[i]);
}

static void plan_init_counts_all(void **state)
{
    struct plan plan = fresh();
    settle(&plan);
    assert_true(plan.op == PLAN_AGGREGATE && plan.n_measures == 1 && plan.measures[0].aggregate == AGGREGATE_COUNT);
    assert_true(plan.group_by == GROUP_NONE && plan.bucket.unit == UNIT_NONE && plan.bucket.count == 1);
    assert_true(plan.filter.from_ms == INT64_MIN && plan.filter.to_ms == INT64_MAX && plan.k == 0);
    assert_false(plan.trend || plan.compare);
}

static void plan_settle_fills_in(void **state)
{
    struct plan plan = ranged("2026-11-23T00:00:00", "2026-11-24T00:00:00");
    plan.trend = true;
    settle(&plan);
    assert_true(plan.bucket.unit == UNIT_MINUTE && plan.bucket.count == 5);
    plan = fresh();
    plan.trend = true;
    settle(&plan);
    assert_int_equal(plan.bucket.unit, UNIT_AUTO); /* the range is open */
    plan = fresh();
    plan.op = PLAN_TOP;
    plan.group_by = GROUP_NAME;
    settle(&plan);
    assert_int_equal(plan.k, PLAN_K_DEFAULT);
    set_measures(&plan, "avg p50 avg median sum p50");
    settle(&plan);
    assert_int_equal(plan.n_measures, 3);
    assert_true(plan.measures[0].aggregate == AGGREGATE_AVG && plan.measures[2].aggregate == AGGREGATE_SUM);
}

static void plan_settle_has_one_form_of_a_length(void **state)
{
    static const char *const equal[][2] = { { "60s", "1m" },  { "3600s", "1h" }, { "90s", "90s" }, { "24h", "24h" },
                                            { "7d", "1w" },   { "14d", "2w" },   { "3mo", "1q" },  { "6mo", "2q" },
                                            { "12mo", "1y" }, { "4q", "1y" },    { "5mo", "5mo" }, { "52w", "52w" } };
    for (size_t i = 0; i < N_CASES(equal); i++) {
        struct plan plan = fresh();
        struct text text = text_in(&arena, 16);
        set_bucket(&plan, equal[i][0]);
        settle(&plan);
        plan_bucket_append(&plan.bucket, &text);
        if (!slice_equal(text_slice(&text), slice_of(equal[i][1])))
            fail_msg("%s is %.*s", equal[i][0], (int)text.len, text.data);
    }
}

/* A plan with one thing changed; the sentence names it. */
#define ASSERT_REFUSED(words, ...)                                                                                     \
    do {                                                                                                               \
        struct plan plan = ranged("2026-11-23T00:00:00", "2026-11-24T00:00:00");                                       \
        __VA_ARGS__;                                                                                                   \
        assert_refused(plan, words);                                                                                   \
    } while (0)

static void plan_settle_refuses(void **state)
{
    static char tag[METRIC_TAG_MAX + 1];
    memset(tag, 't', sizeof(tag));
    ASSERT_REFUSED("`agg`", plan.n_measures = 0);
    ASSERT_REFUSED("`agg`", plan.n_measures = PLAN_MEASURES_MAX + 1);
    ASSERT_REFUSED("`agg`", plan.measures[0].aggregate = AGGREGATE_COUNT_OF);
    ASSERT_REFUSED("p100", plan.measures[0] = (struct plan_measure){ AGGREGATE_QUANTILE, 10001 });
    ASSERT_REFUSED("`op`", plan.op = 3);
    ASSERT_REFUSED("`k`", plan.k = 5);
    ASSERT_REFUSED("`k`", plan.op = PLAN_TOP, plan.group_by = GROUP_NAME, plan.k = PLAN_K_MAX + 1);
    ASSERT_REFUSED("`group_by`", plan.op = PLAN_TOP);
    ASSERT_REFUSED("`trend`", plan.op = PLAN_TOP, plan.trend = true, plan.bucket.unit = UNIT_HOUR);
    ASSERT_REFUSED("`group_by`", plan.group_by = 3);
    ASSERT_REFUSED("128", plan.group_by = GROUP_TAG, plan.tag_prefix = (struct slice){ tag, sizeof(tag) });
    ASSERT_REFUSED("name:", plan.group_by = GROUP_TAG, plan.tag_prefix = SLICE("name"));
    ASSERT_REFUSED("`from`", plan.filter.to_ms = plan.filter.from_ms);
    ASSERT_REFUSED("`range`", plan.filter.to_ms = METRIC_TIMESTAMP_MAX + 1);
    ASSERT_REFUSED("`range`", plan.filter.from_ms = METRIC_TIMESTAMP_MIN - 1);
    ASSERT_REFUSED("`min`", plan.filter.min = 2, plan.filter.max = 1);
    ASSERT_REFUSED("finite", plan.filter.min = INFINITY);
    ASSERT_REFUSED("*", plan.filter.name = SLICE("cpu*"));
    ASSERT_REFUSED("`compare`", plan.compare = true, plan.compare_from_ms = 5, plan.compare_to_ms = 5);
    ASSERT_REFUSED("`compare`", plan.compare = true, plan.compare_from_ms = INT64_MIN, plan.compare_to_ms = 5);
    ASSERT_REFUSED("0001", plan.compare = true, plan.compare_from_ms = INT64_MIN + 1, plan.compare_to_ms = 5);
    ASSERT_REFUSED("`bucket`", plan.bucket.unit = UNIT_YEAR + 1);
    ASSERT_REFUSED("`bucket`", plan.bucket = (struct plan_bucket){ UNIT_HOUR, 0 });
    ASSERT_REFUSED("`bucket`", plan.bucket = (struct plan_bucket){ UNIT_HOUR, 100001 });
    ASSERT_REFUSED("buckets of 1s would be more than 10000 over this range; set `bucket` to 10s or longer",
                   set_bucket(&plan, "1s"));
    ASSERT_REFUSED("set `bucket` to 1w or longer", set_bucket(&plan, "1h"), plan.compare = true,
                   plan.compare_from_ms = 0, plan.compare_to_ms = ms_of("2026-11-23T00:00:00"));
}

static void plan_settle_takes_the_bounds(void **state)
{
    struct plan plan = ranged("2026-11-23T00:00:00", "2026-11-23T02:46:40");
    plan.op = PLAN_BOTTOM;
    plan.k = PLAN_K_MAX;
    set_bucket(&plan, "1s");
    set_measures(&plan, "p0 p100 count sum avg min max rate");
    settle(&plan);
    assert_int_equal(plan.n_measures, PLAN_MEASURES_MAX);
    plan = fresh();
    plan.filter.from_ms = METRIC_TIMESTAMP_MIN;
    plan.filter.to_ms = METRIC_TIMESTAMP_MAX;
    set_bucket(&plan, "auto");
    settle(&plan);
}

static void plan_settle_changes_nothing_twice(void **state)
{
    static const char *const buckets[] = { "auto", "1s", "90m", "7d", "36mo" };
    for (size_t i = 0; i < N_CASES(buckets); i++) {
        struct plan plan = ranged("2026-11-23T00:00:00", "2026-11-23T02:00:00");
        set_bucket(&plan, buckets[i]);
        settle(&plan);
        struct slice once = plan_canonical(&plan, &arena);
        settle(&plan);
        assert_true(slice_equal(once, plan_canonical(&plan, &arena)));
    }
}

/* Whether both settle to the same bytes. */
static bool one_question(struct plan a, struct plan b)
{
    settle(&a);
    settle(&b);
    struct slice bytes = plan_canonical(&a, &arena);
    assert_non_null(bytes.data);
    return slice_equal(bytes, plan_canonical(&b, &arena));
}

static void plan_canonical_is_equal_for_equal_questions(void **state)
{
    struct slice tags[] = { SLICE("b"), SLICE("a"), SLICE("b") }, sorted[] = { SLICE("a"), SLICE("b") };
    struct plan a = ranged("2026-11-23T00:00:00", "2026-11-24T00:00:00"), b = a;
    a.filter.tags = tags;
    a.filter.n_tags = 3;
    b.filter.tags = sorted;
    b.filter.n_tags = 2;
    set_measures(&a, "avg median");
    set_measures(&b, "avg p50 avg");
    set_bucket(&a, "auto");
    set_bucket(&b, "300s");
    a.filter.limit = 0; /* what only lists have */
    a.filter.ascending = a.filter.has_after = a.filter.from_moves = a.filter.to_moves = true;
    a.filter.after.timestamp_ms = 5;
    a.compare_from_ms = 5;         /* without `compare` */
    a.tag_prefix = SLICE("host:"); /* without groups */
    b.measures[7].hundredths = 5;  /* behind the measures there are */
    assert_true(one_question(a, b));
    a.zone = zone_of("europe/berlin");
    assert_true(one_question(a, b));
}

static void plan_canonical_differs_for_different_questions(void **state)
{
    struct plan plans[24];
    unsigned n = 0;
    for (; n < N_CASES(plans); n++) {
        plans[n] = ranged("2026-11-23T00:00:00", "2026-11-24T00:00:00");
        plans[n].group_by = GROUP_TAG;
    }
    n = 1;
    plans[n++].op = PLAN_TOP;
    plans[n++].op = PLAN_BOTTOM;
    plans[n].op = PLAN_TOP;
    plans[n++].k = 5;
    plans[n++].group_by = GROUP_NONE;
    plans[n++].group_by = GROUP_NAME;
    plans[n++].tag_prefix = SLICE("host:");
    plans[n++].tag_prefix = SLICE("h");
    set_measures(&plans[n++], "sum");
    set_measures(&plans[n++], "sum count");
    set_measures(&plans[n++], "count sum"); /* the order of the answer */
    set_measures(&plans[n++], "p99");
    set_measures(&plans[n++], "p99.9");
    set_bucket(&plans[n++], "1h");
    set_bucket(&plans[n++], "2h");
    set_bucket(&plans[n++], "1d");
    set_bucket(&plans[n], "1h");
    plans[n++].trend = true;
    plans[n++].zone = zone_of("UTC");
    plans[n++].filter.from_ms++;
    plans[n++].filter.to_ms++;
    plans[n++].filter.name = SLICE("h");
    plans[n].compare = true;
    plans[n++].compare_to_ms = 1;
    plans[n].compare = true;
    plans[n++].compare_to_ms = 2;
    plans[n++].filter.min = 1;
    assert_int_equal(n, N_CASES(plans));
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < i; j++)
            if (one_question(plans[i], plans[j]))
                fail_msg("plans %u and %u are one question", i, j);
}

static void assert_text(const struct plan *plan, void (*write)(const struct plan *, struct text *),
                        const char *expected)
{
    struct plan settled = *plan;
    struct text text = text_in(&arena, 16);
    settle(&settled);
    write(&settled, &text);
    assert_false(text.failed);
    if (!slice_equal(text_slice(&text), slice_of(expected)))
        fail_msg("%.*s\nis not\n%s", (int)text.len, text.data, expected);
}

/* All that a plan can have. */
static struct plan full(void)
{
    static struct slice tags[] = { SLICE("env:prod"), SLICE("dc:1") }, any[] = { SLICE("a"), SLICE("b"), SLICE("c") },
                        not [] = { SLICE("say \"no\"") };
    struct plan plan = ranged("2026-11-22T23:00:00", "2026-11-23T23:00:00");
    plan.op = PLAN_TOP;
    plan.k = 5;
    plan.trend = plan.compare = true;
    plan.compare_from_ms = ms_of("2026-11-21T23:00:00");
    plan.compare_to_ms = ms_of("2026-11-22T23:00:00");
    set_measures(&plan, "avg p95 count");
    plan.group_by = GROUP_TAG;
    plan.tag_prefix = SLICE("host:");
    set_bucket(&plan, "1h");
    plan.filter.name = SLICE("cpu.");
    plan.filter.name_is_prefix = true;
    plan.filter.tags = tags;
    plan.filter.n_tags = 2;
    plan.filter.any_tags = any;
    plan.filter.n_any_tags = 3;
    plan.filter.not_tags = not ;
    plan.filter.n_not_tags = 1;
    plan.filter.min = 0.5;
    plan.filter.max = 1e30;
    return plan;
}

static void plan_json_has_what_the_plan_has(void **state)
{
    struct plan plan = full();
    assert_text(&plan, plan_json,
                "{\"op\":\"top\",\"k\":5,\"agg\":[\"avg\",\"p95\",\"count\"],"
                "\"filter\":{\"name\":\"cpu.*\",\"tags\":[\"dc:1\",\"env:prod\"],\"any_tags\":[\"a\",\"b\",\"c\"],"
                "\"not_tags\":[\"say \\\"no\\\"\"],\"min\":0.5,\"max\":1e+30},"
                "\"range\":{\"from\":\"2026-11-22T23:00:00.000Z\",\"to\":\"2026-11-23T23:00:00.000Z\"},"
                "\"group_by\":\"host:\",\"bucket\":\"1h\",\"tz\":\"Europe/Berlin\","
                "\"compare\":{\"from\":\"2026-11-21T23:00:00.000Z\",\"to\":\"2026-11-22T23:00:00.000Z\"},"
                "\"trend\":true}");
    plan = fresh();
    assert_text(
        &plan, plan_json,
        "{\"op\":\"aggregate\",\"agg\":[\"count\"],\"range\":{\"from\":null,\"to\":null},\"tz\":\"Europe/Berlin\"}");
    plan.group_by = GROUP_TAG;
    plan.filter.min = -1;
    assert_text(
        &plan, plan_json,
        "{\"op\":\"aggregate\",\"agg\":[\"count\"],\"filter\":{\"min\":-1},\"range\":{\"from\":null,\"to\":null},"
        "\"group_by\":\"tag\",\"tz\":\"Europe/Berlin\"}");
}

static void plan_english_says_all_of_it(void **state)
{
    struct plan plan = full();
    assert_text(
        &plan, plan_english,
        "Top 5 tags that begin with \"host:\" by average value of metrics named \"cpu.*\" with tags \"dc:1\" and "
        "\"env:prod\" with any of the tags \"a\", \"b\" and \"c\" without tag \"say \"no\"\" with values of at least "
        "0.5 "
        "and of at most 1e+30, with 95th percentile and number of metrics, per hour, from 2026-11-23 00:00 to "
        "2026-11-24 "
        "00:00 (Europe/Berlin), compared with 2026-11-22 00:00 to 2026-11-23 00:00, and whether it rises or "
        "falls.");
}

static void plan_english_reads_well(void **state)
{
    struct plan plan = ranged("2026-11-22T23:00:00", "2026-11-23T23:00:00");
    plan.op = PLAN_TOP;
    plan.k = 5;
    plan.group_by = GROUP_NAME;
    assert_text(&plan, plan_english,
                "Top 5 names by number of metrics, from 2026-11-23 00:00 to 2026-11-24 00:00 (Europe/Berlin).");
    plan.op = PLAN_BOTTOM;
    plan.group_by = GROUP_NONE;
    set_bucket(&plan, "1h");
    assert_text(&plan, plan_english,
                "Bottom 5 hours by number of metrics, from 2026-11-23 00:00 to 2026-11-24 00:00 (Europe/Berlin).");
    set_bucket(&plan, "15m");
    assert_text(&plan, plan_english,
                "Bottom 5 stretches of 15 minutes by number of metrics, from 2026-11-23 00:00 to 2026-11-24 00:00 "
                "(Europe/Berlin).");
    plan = fresh();
    assert_text(&plan, plan_english, "Number of metrics, of all time (Europe/Berlin).");
    plan.filter.name = SLICE("cpu.load");
    plan.filter.from_ms = ms_of("2026-10-25T01:30:15.25"); /* 02:30 for the second time */
    assert_text(&plan, plan_english,
                "Number of metrics named \"cpu.load\", since 2026-10-25 02:30:15.250 UTC+01:00 (Europe/Berlin).");
    plan = fresh();
    plan.filter.to_ms = ms_of("2026-11-23T00:00:00");
    set_measures(&plan, "median p1 p22 p33 p11 p99.9");
    set_bucket(&plan, "auto");
    plan.group_by = GROUP_TAG;
    assert_text(
        &plan, plan_english,
        "Median, 1st percentile, 22nd percentile, 33rd percentile, 11th percentile and 99.9th percentile of all "
        "metrics, for each tag, per stretch of time, before 2026-11-23 01:00 (Europe/Berlin).");
}

static void plan_texts_fail_without_memory_and_say_so(void **state)
{
    struct arena none;
    struct text text;
    struct plan plan = full();
    settle(&plan);
    arena_init(&none, NULL, 0);
    text = text_in(&none, 1);
    text.failed = true;
    plan_json(&plan, &text);
    plan_english(&plan, &text);
    assert_int_equal(text.len, 0);
    arena_reset(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_measure_parse_reads_what_append_writes),
        cmocka_unit_test(plan_measure_parse_refuses),
        cmocka_unit_test(plan_bucket_parse_reads_what_append_writes),
        cmocka_unit_test(plan_init_counts_all),
        cmocka_unit_test(plan_settle_fills_in),
        cmocka_unit_test(plan_settle_has_one_form_of_a_length),
        cmocka_unit_test(plan_settle_refuses),
        cmocka_unit_test(plan_settle_takes_the_bounds),
        cmocka_unit_test(plan_settle_changes_nothing_twice),
        cmocka_unit_test(plan_canonical_is_equal_for_equal_questions),
        cmocka_unit_test(plan_canonical_differs_for_different_questions),
        cmocka_unit_test(plan_json_has_what_the_plan_has),
        cmocka_unit_test(plan_english_says_all_of_it),
        cmocka_unit_test(plan_english_reads_well),
        cmocka_unit_test(plan_texts_fail_without_memory_and_say_so),
    };
    return cmocka_run_group_tests_name("plan", tests, fixture_open, fixture_close);
}
