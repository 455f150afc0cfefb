/* SPDX-License-Identifier: MIT */
/* plan_json: plans that came as JSON; what plan_json() writes comes back as the same plan. */
#include "parser_fixture.h"

#include <stdio.h>

#include <telemetry/clock.h>

#include "parser/plan_json.h"
#include "suite.h"

static bool read_text(struct fixture *fixture, struct slice text, struct plan *ret_plan)
{
    struct job *job = fixture_job(fixture, METHOD_POST, "/query", text);
    return plan_json_read(&fixture->parser, job, job->request.body, "/plan", ret_plan);
}

static struct plan plan_of(struct fixture *fixture, const char *text)
{
    struct plan plan;
    if (!read_text(fixture, slice_of(text), &plan))
        fail_msg("%s: %.*s", text, (int)fixture->job.reply.detail.len, fixture->job.reply.detail.data);
    return plan;
}

static void empty_object_counts_all(void **state)
{
    struct plan plan = plan_of(*state, "{}");
    assert_int_equal(plan.op, PLAN_AGGREGATE);
    assert_int_equal(plan.n_measures, 1);
    assert_int_equal(plan.measures[0].aggregate, AGGREGATE_COUNT);
    assert_int_equal(plan.filter.from_ms, INT64_MIN);
    assert_int_equal(plan.filter.to_ms, INT64_MAX);
    assert_false(plan.compare || plan.trend);
    assert_slice(zone_name(plan.zone), "UTC");
}

static void every_member_is_read(void **state)
{
    struct plan plan = plan_of(
        *state,
        "{\"op\":\"top\",\"k\":5,\"agg\":[\"avg\",\"p95\"],\"filter\":{\"name\":\"cpu.*\",\"tags\":[\"env:prod\"],"
        "\"any_tags\":[\"a\"],\"not_tags\":[\"b\"],\"min\":0,\"max\":100.5},"
        "\"range\":{\"from\":\"2026-11-23T01:00:00+01:00\",\"to\":1795478400000},\"group_by\":\"host:\","
        "\"bucket\":\"1h\",\"tz\":\"Europe/Berlin\","
        "\"compare\":{\"from\":\"2026-11-22T00:00:00Z\",\"to\":\"2026-11-23T00:00:00Z\"},\"trend\":true}");
    assert_int_equal(plan.op, PLAN_TOP);
    assert_int_equal(plan.k, 5);
    assert_int_equal(plan.n_measures, 2);
    assert_int_equal(plan.measures[0].aggregate, AGGREGATE_AVG);
    assert_int_equal(plan.measures[1].hundredths, 9500);
    assert_slice(plan.filter.name, "cpu.");
    assert_true(plan.filter.name_is_prefix);
    assert_slice(plan.filter.tags[0], "env:prod");
    assert_slice(plan.filter.any_tags[0], "a");
    assert_slice(plan.filter.not_tags[0], "b");
    assert_true(plan.filter.min == 0 && plan.filter.max == 100.5);
    assert_int_equal(plan.filter.from_ms, 1795392000000);
    assert_int_equal(plan.filter.to_ms, 1795478400000);
    assert_int_equal(plan.group_by, GROUP_TAG);
    assert_slice(plan.tag_prefix, "host:");
    assert_int_equal(plan.bucket.unit, UNIT_HOUR);
    assert_slice(zone_name(plan.zone), "Europe/Berlin");
    assert_int_equal(plan.compare_to_ms - plan.compare_from_ms, 24 * 3600 * 1000);
    assert_true(plan.compare && plan.trend);
}

static void null_is_left_out(void **state)
{
    struct plan plan = plan_of(*state, "{\"k\":null,\"filter\":{\"name\":null,\"tags\":null,\"min\":null},\"range\":"
                                       "{\"from\":1000,\"to\":null},\"group_by\":null,\"bucket\":null,\"compare\":null,"
                                       "\"tz\":null,\"trend\":null,\"agg\":null,\"op\":null}");
    assert_int_equal(plan.n_measures, 1);
    assert_int_equal(plan.filter.name.len, 0);
    assert_int_equal(plan.filter.from_ms, 1000);
    assert_int_equal(plan.filter.to_ms, INT64_MAX);
}

static void top_has_ten_unless_it_says(void **state)
{
    assert_int_equal(plan_of(*state, "{\"op\":\"top\",\"group_by\":\"name\"}").k, 10);
    assert_int_equal(plan_of(*state, "{\"op\":\"bottom\",\"group_by\":\"tag\",\"k\":1000}").k, 1000);
}

static void refuses_with_the_pointer(void **state)
{
    static const struct {
        const char *text, *pointer, *part;
    } cases[] = {
        { "[]", "/plan", "a plan is an object" },
        { "{\"where\":1}", "/plan", "\"where\" is no member of a plan" },
        { "{\"$where\":\"sleep(1)\"}", "/plan", "no member" },
        { "{\"OP\":\"top\"}", "/plan", "no member" },
        { "{\"op\":\"count\"}", "/plan/op", "none of aggregate, top, bottom" },
        { "{\"op\":1}", "/plan/op", "a string" },
        { "{\"op\":\"top\",\"k\":0}", "/plan/k", "1 to 1000" },
        { "{\"op\":\"top\",\"k\":1.5}", "/plan/k", "1 to 1000" },
        { "{\"op\":\"top\",\"k\":\"5\"}", "/plan/k", "1 to 1000" },
        { "{\"k\":5}", "/plan", "`k` goes with top and bottom" },
        { "{\"op\":\"top\"}", "/plan", "something to rank" },
        { "{\"agg\":[]}", "/plan/agg", "1 to 8" },
        { "{\"agg\":\"avg\"}", "/plan/agg", "an array" },
        { "{\"agg\":[\"avg\",7]}", "/plan/agg", "a string" },
        { "{\"agg\":[\"mode\"]}", "/plan/agg", "\"mode\" is none of" },
        { "{\"agg\":[\"p1\",\"p2\",\"p3\",\"p4\",\"p5\",\"p6\",\"p7\",\"p8\",\"p9\"]}", "/plan/agg", "1 to 8" },
        { "{\"filter\":[]}", "/plan/filter", "an object" },
        { "{\"filter\":{\"from\":1}}", "/plan/filter", "no member \"from\"" },
        { "{\"filter\":{\"$gt\":1}}", "/plan/filter", "no member \"$gt\"" },
        { "{\"filter\":{\"name\":{\"$ne\":1}}}", "/plan/filter/name", "a string" },
        { "{\"filter\":{\"tags\":\"a\"}}", "/plan/filter/tags", "an array of strings" },
        { "{\"filter\":{\"tags\":[1]}}", "/plan/filter/tags", "an array of strings" },
        { "{\"filter\":{\"min\":\"1\"}}", "/plan/filter/min", "a number" },
        { "{\"filter\":{\"min\":2,\"max\":1}}", "/plan", "min" },
        { "{\"range\":[1,2]}", "/plan/range", "an object with from and to" },
        { "{\"range\":{\"since\":1}}", "/plan/range", "\"since\" is no member" },
        { "{\"range\":{\"from\":\"now-1h\"}}", "/plan/range/from", "a point in time" },
        { "{\"range\":{\"from\":1.5}}", "/plan/range/from", "a point in time" },
        { "{\"range\":{\"to\":1e300}}", "/plan/range/to", "a point in time" },
        { "{\"range\":{\"from\":true}}", "/plan/range/from", "a point in time" },
        { "{\"range\":{\"from\":2,\"to\":1}}", "/plan", "before" },
        { "{\"group_by\":\"\"}", "/plan/group_by", "name, tag" },
        { "{\"group_by\":[\"name\"]}", "/plan/group_by", "a string" },
        { "{\"group_by\":\"ho\\u001bst:\"}", "/plan/group_by", "control" },
        { "{\"group_by\":\"host:\\n\"}", "/plan/group_by", "control" },
        { "{\"bucket\":\"5\"}", "/plan/bucket", "no length" },
        { "{\"bucket\":5}", "/plan/bucket", "a string" },
        { "{\"tz\":\"Mars/Olympus\"}", "/plan/tz", "no time zone" },
        { "{\"tz\":0}", "/plan/tz", "a string" },
        { "{\"compare\":\"previous\"}", "/plan/compare", "an object with from and to" },
        { "{\"compare\":{\"from\":1}}", "/plan", "both ends" },
        { "{\"trend\":1}", "/plan/trend", "true or false" },
        { "{\"range\":{\"from\":{\"a\":{\"b\":{}}}}}", "/plan", "deep" },
    };
    struct fixture *fixture = *state;
    struct plan plan;
    for (size_t i = 0; i < N_CASES(cases); i++) {
        if (read_text(fixture, slice_of(cases[i].text), &plan))
            fail_msg("%s was taken", cases[i].text);
        const struct reply *reply = &fixture->job.reply;
        assert_int_equal(fixture->job.status, STATUS_BAD_PLAN);
        assert_int_equal(reply->n_errors, 1);
        assert_slice(reply->errors[0].pointer, cases[i].pointer);
        assert_contains(reply->detail, cases[i].part);
        assert_contains(reply->errors[0].detail, cases[i].part);
    }
}

/* Any plan -------------------------------------------------------------------- */

static uint64_t random_state;

static unsigned pick(unsigned n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % n;
}

static struct slice pick_text(struct arena *arena)
{
    static const char *const texts[] = { "cpu", "host:a", "a \"b\" \\ c", "\xc3\xa9t\xc3\xa9", "x", "env:prod", "{}" };
    return arena_copy(arena, slice_of(texts[pick(N_CASES(texts))]));
}

static uint8_t pick_tags(struct arena *arena, struct slice **ret_tags)
{
    uint8_t n = (uint8_t)pick(4);
    *ret_tags = arena_alloc(arena, 4 * sizeof(**ret_tags));
    for (uint8_t i = 0; i < n; i++)
        (*ret_tags)[i] = pick_text(arena);
    return n;
}

static int64_t pick_ms(void)
{
    return (int64_t)pick(2000000000) * 1000 + pick(1000);
}

static void pick_range(int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    *ret_from_ms = pick_ms();
    *ret_to_ms = *ret_from_ms + 1 + pick(2000000000);
}

static void pick_filter(struct filter *filter, struct arena *arena)
{
    if (pick(2) == 0) {
        filter->name = pick_text(arena);
        filter->name_is_prefix = pick(2) == 0;
    }
    filter->n_tags = pick_tags(arena, &filter->tags);
    filter->n_any_tags = pick_tags(arena, &filter->any_tags);
    filter->n_not_tags = pick_tags(arena, &filter->not_tags);
    filter->min = pick(2) == 0 ? filter->min : -0.1 * pick(1000);
    filter->max = pick(2) == 0 ? filter->max : 1e9 / (1 + pick(7));
    int64_t from_ms, to_ms;
    pick_range(&from_ms, &to_ms);
    filter->from_ms = pick(4) == 0 ? filter->from_ms : from_ms;
    filter->to_ms = pick(4) == 0 ? filter->to_ms : to_ms;
}

static void pick_plan(struct fixture *fixture, struct arena *arena, struct plan *plan)
{
    static const char *const zones[] = { "UTC", "Europe/Berlin", "America/New_York", "+05:45", "Asia/Kolkata" };
    plan_init(plan, zones_find(fixture->parser.zones, slice_of(zones[pick(N_CASES(zones))])));
    pick_filter(&plan->filter, arena);
    plan->op = (uint8_t)pick(3);
    plan->k = plan->op == PLAN_AGGREGATE ? 0 : pick(12);
    plan->group_by = (uint8_t)pick(3);
    plan->tag_prefix = pick(2) == 0 ? SLICE("host:") : (struct slice){ NULL, 0 };
    plan->n_measures = (uint8_t)(1 + pick(PLAN_MEASURES_MAX));
    for (unsigned i = 0; i < plan->n_measures; i++)
        plan->measures[i] = (struct plan_measure){ (uint8_t)pick(AGGREGATE_COUNT_OF), pick(10001) };
    plan->bucket = (struct plan_bucket){ (uint8_t)pick(UNIT_YEAR + 1), 1 + pick(5) };
    plan->trend = pick(4) == 0;
    plan->compare = pick(3) == 0;
    if (plan->compare)
        pick_range(&plan->compare_from_ms, &plan->compare_to_ms);
}

static void what_is_written_reads_back_as_the_same_plan(void **state)
{
    enum { PLANS = 20000, BLOCK = 64 * 1024 };
    struct fixture *fixture = *state;
    struct arena arena;
    unsigned n_good = 0;
    char *block = aligned_alloc(16, BLOCK);
    arena_init(&arena, block, BLOCK);
    random_state = clock_ns() | 1;
    print_message("# seed %llu\n", (unsigned long long)random_state);
    for (unsigned i = 0; i < PLANS; i++, arena_reset(&arena)) {
        struct plan plan, again;
        pick_plan(fixture, &arena, &plan);
        if (plan_settle(&plan, &arena) != NULL)
            continue;
        struct text json = text_in(&arena, 512);
        plan_json(&plan, &json);
        if (!read_text(fixture, text_slice(&json), &again))
            fail_msg("%.*s: %.*s", (int)json.len, json.data, (int)fixture->job.reply.detail.len,
                     fixture->job.reply.detail.data);
        if (!slice_equal(plan_canonical(&plan, &arena), plan_canonical(&again, &arena)))
            fail_msg("%.*s came back as another plan", (int)json.len, json.data);
        n_good++;
    }
    assert_true(n_good > PLANS / 10);
    free(block);
}

/* Cut or changed anywhere, a plan is refused or is another good plan; nothing else happens (AddressSanitizer). */
static void damaged_plans_do_no_harm(void **state)
{
    static const char good[] = "{\"op\":\"top\",\"k\":5,\"agg\":[\"avg\"],\"filter\":{\"name\":\"a*\",\"tags\":[\"b\"],"
                               "\"min\":0},\"range\":{\"from\":1,\"to\":null},\"group_by\":\"name\",\"tz\":\"UTC\"}";
    struct fixture *fixture = *state;
    struct plan plan;
    for (size_t len = 0; len < sizeof(good) - 1; len++)
        assert_false(read_text(fixture, (struct slice){ good, len }, &plan));
    for (size_t at = 0; at < sizeof(good) - 1; at++) {
        char copy[sizeof(good)];
        for (unsigned c = 0; c < 256; c += 5) {
            memcpy(copy, good, sizeof(good));
            copy[at] = (char)c;
            bool taken = read_text(fixture, (struct slice){ copy, sizeof(good) - 1 }, &plan);
            assert_true(taken || fixture->job.status != STATUS_OK);
        }
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(empty_object_counts_all),  TEST(every_member_is_read),
        TEST(null_is_left_out),         TEST(top_has_ten_unless_it_says),
        TEST(refuses_with_the_pointer), TEST(what_is_written_reads_back_as_the_same_plan),
        TEST(damaged_plans_do_no_harm),
    };
    return cmocka_run_group_tests_name("plan_json", tests, NULL, NULL);
}
