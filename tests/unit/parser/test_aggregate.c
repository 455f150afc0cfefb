/* SPDX-License-Identifier: MIT */
/* decode_aggregate: GET /metrics/aggregate, read into a plan. */
#include "parser_fixture.h"

#include <stdio.h>

#include <telemetry/clock.h>

#include "suite.h"

#define AGGREGATE "/metrics/aggregate"

enum { MINUTE_MS = 60 * 1000, DAY_MS = 24 * 60 * MINUTE_MS };

static struct job *decode(struct fixture *fixture, const char *query)
{
    char target[2048];
    snprintf(target, sizeof(target), AGGREGATE "%s%s", query[0] == '\0' ? "" : "?", query);
    struct job *job = fixture_job(fixture, METHOD_GET, "", SLICE(""));
    job->request.target = arena_copy(&job->arena, slice_of(target));
    decode_aggregate(&fixture->parser, job);
    return job;
}

static const struct plan *plan_of(struct fixture *fixture, const char *query)
{
    struct job *job = decode(fixture, query);
    if (job->status != STATUS_OK)
        fail_msg("%s: %.*s", query, (int)job->reply.detail.len, job->reply.detail.data);
    assert_non_null(job->plan);
    assert_slice(job->reply.lead, "{");
    assert_int_equal(job->reply.http, 0); /* not answered by the parser */
    return job->plan;
}

static void assert_refused(struct fixture *fixture, const char *query, enum status status, const char *part)
{
    struct job *job = decode(fixture, query);
    if (job->status != status)
        fail_msg("%s: status %d instead of %d", query, (int)job->status, (int)status);
    assert_contains(job->reply.detail, part);
    assert_null(job->plan);
    assert_int_equal(job->cache.key.len, 0);
}

/* The names of the measures, in the plan's order. */
static void assert_measures(const struct plan *plan, const char *expected)
{
    _Alignas(16) char block[1024];
    struct arena arena;
    arena_init(&arena, block, sizeof(block));
    struct text text = text_in(&arena, 256);
    for (unsigned i = 0; i < plan->n_measures; i++) {
        text_append(&text, " ", i > 0);
        plan_measure_append(&plan->measures[i], &text);
    }
    assert_slice(text_slice(&text), expected);
    arena_reset(&arena);
}

static void no_parameters_count_all(void **state)
{
    const struct plan *plan = plan_of(*state, "");
    assert_int_equal(plan->op, PLAN_AGGREGATE);
    assert_measures(plan, "count");
    assert_int_equal(plan->group_by, GROUP_NONE);
    assert_int_equal(plan->bucket.unit, UNIT_NONE);
    assert_int_equal(plan->filter.from_ms, INT64_MIN);
    assert_int_equal(plan->filter.to_ms, INT64_MAX);
    assert_slice(zone_name(plan->zone), "UTC");
}

static void op_takes_lists_and_repeats(void **state)
{
    assert_measures(plan_of(*state, "op=count,sum,avg"), "count sum avg");
    assert_measures(plan_of(*state, "op=min&op=max,stddev&op=p99.9"), "min max stddev p99.9");
    assert_measures(plan_of(*state, "op=median,p95,rate,distinct,first,latest,names,tags"),
                    "p50 p95 rate distinct first latest names tags");
    assert_measures(plan_of(*state, "op=p50,median"), "p50"); /* the same measure */
}

static void top_ranks_by_the_first_measure_or_the_count(void **state)
{
    const struct plan *plan = plan_of(*state, "op=top,avg,max&by=name&k=3");
    assert_int_equal(plan->op, PLAN_TOP);
    assert_int_equal(plan->k, 3);
    assert_measures(plan, "avg max");
    plan = plan_of(*state, "op=sum&op=bottom&by=host:");
    assert_int_equal(plan->op, PLAN_BOTTOM);
    assert_int_equal(plan->k, PLAN_K_DEFAULT);
    assert_measures(plan, "sum");
    plan = plan_of(*state, "op=top&by=name");
    assert_measures(plan, "count");
}

static void by_is_a_name_or_tags_with_a_prefix(void **state)
{
    assert_int_equal(plan_of(*state, "by=name")->group_by, GROUP_NAME);
    const struct plan *plan = plan_of(*state, "by=tag");
    assert_int_equal(plan->group_by, GROUP_TAG);
    assert_int_equal(plan->tag_prefix.len, 0);
    plan = plan_of(*state, "by=host%3A");
    assert_int_equal(plan->group_by, GROUP_TAG);
    assert_slice(plan->tag_prefix, "host:");
}

static void interval_is_a_bucket(void **state)
{
    const struct plan *plan = plan_of(*state, "interval=5m&from=2014-02-20&to=2014-02-21");
    assert_int_equal(plan->bucket.unit, UNIT_MINUTE);
    assert_int_equal(plan->bucket.count, 5);
    plan = plan_of(*state, "interval=auto&from=2014-02-20&to=2014-02-21"); /* 288 of 5 minutes */
    assert_int_equal(plan->bucket.unit, UNIT_MINUTE);
    assert_int_equal(plan->bucket.count, 5);
    assert_true(plan_of(*state, "interval=1h&trend=true")->trend);
    assert_false(plan_of(*state, "interval=1h&trend=false")->trend);
}

/* Every field of a list, as parameter and in filters={...}, comes to the plan's filter. */
static void filters_are_those_of_lists(void **state)
{
    static const char *const queries[] = {
        "name=cpu.*&tag=b&tag=a&any_tag=c&not_tag=d&min=-1.5&max=2&from=1000&to=2000",
        "filters=%7B%22name%22:%22cpu.*%22,%22tags%22:%5B%22a%22,%22b%22%5D,%22any_tags%22:%5B%22c%22%5D,"
        "%22not_tags%22:%5B%22d%22%5D,%22min%22:-1.5,%22max%22:2,%22from%22:1000,%22to%22:2000%7D",
    };
    struct slice keys[2];
    char *copies[2];
    for (size_t i = 0; i < 2; i++) {
        const struct plan *plan = plan_of(*state, queries[i]);
        const struct filter *filter = &plan->filter;
        assert_slice(filter->name, "cpu.");
        assert_true(filter->name_is_prefix);
        assert_int_equal(filter->n_tags, 2);
        assert_slice(filter->tags[0], "a");
        assert_slice(filter->any_tags[0], "c");
        assert_slice(filter->not_tags[0], "d");
        assert_true(filter->min == -1.5 && filter->max == 2);
        assert_int_equal(filter->from_ms, 1000);
        assert_int_equal(filter->to_ms, 2000);
        struct fixture *fixture = *state;
        copies[i] = exact_copy(fixture->job.cache.key);
        keys[i] = (struct slice){ copies[i], fixture->job.cache.key.len };
    }
    assert_true(slice_equal(keys[0], keys[1]));
    free(copies[0]);
    free(copies[1]);
}

static void dates_are_midnights_of_the_zone(void **state)
{
    const struct plan *plan = plan_of(*state, "from=2014-02-20&to=2014-02-21&tz=Europe/Berlin&interval=1d");
    assert_slice(zone_name(plan->zone), "Europe/Berlin");
    assert_int_equal(plan->filter.from_ms, 1392850800000); /* 2014-02-19T23:00:00Z */
    assert_int_equal(plan->filter.to_ms - plan->filter.from_ms, DAY_MS);
    plan = plan_of(*state, "tz=Europe/Berlin&from=2014-02-20T00:00:00Z");
    assert_int_equal(plan->filter.from_ms, 1392854400000); /* a moment is a moment */
    plan = plan_of(*state, "tz=%2B02:00&from=2014-02-20&compare=2014-02-18/2014-02-19&to=2014-02-21");
    assert_int_equal(plan->filter.from_ms, 1392847200000);
    assert_int_equal(plan->compare_from_ms, 1392847200000 - 2LL * DAY_MS);
    assert_int_equal(plan->compare_to_ms, 1392847200000 - 1LL * DAY_MS);
}

static void compare_previous_is_as_long_and_just_before(void **state)
{
    const struct plan *plan = plan_of(*state, "from=10000&to=13000&compare=previous");
    assert_true(plan->compare);
    assert_int_equal(plan->compare_from_ms, 7000);
    assert_int_equal(plan->compare_to_ms, 10000);
    int64_t before_ms = clock_wall_ms();
    plan = plan_of(*state, "from=now-1h&compare=previous");
    assert_true(plan->filter.to_ms >= before_ms && plan->filter.to_ms <= clock_wall_ms());
    assert_int_equal(plan->compare_to_ms, plan->filter.from_ms);
    assert_int_equal(plan->compare_to_ms - plan->compare_from_ms, 60 * MINUTE_MS);
}

/* A name's answers are made old by that name's writes alone. */
static void key_and_scope_are_of_the_plan(void **state)
{
    struct fixture *fixture = *state;
    plan_of(fixture, "name=cpu");
    assert_int_equal(fixture->job.cache.scope, SCOPE_NAME);
    assert_slice(fixture->job.cache.scope_text, "cpu");
    assert_true(slice_starts_with(fixture->job.cache.key, SLICE("plan:")));
    plan_of(fixture, "name=cpu*");
    assert_int_equal(fixture->job.cache.scope, SCOPE_ALL);
    plan_of(fixture, "tag=a");
    assert_int_equal(fixture->job.cache.scope, SCOPE_ALL);
}

static void refuses_with_the_parameter_named(void **state)
{
    static const struct {
        const char *query;
        enum status status;
        const char *part;
    } cases[] = {
        { "op=avgg", STATUS_BAD_PLAN, "op: \"avgg\" is none of count" },
        { "op=", STATUS_BAD_PLAN, "op: \"\" is none of count" },
        { "op=count,", STATUS_BAD_PLAN, "op: \"\" is none" },
        { "op=p101", STATUS_BAD_PLAN, "op: \"p101\"" },
        { "op=top,bottom", STATUS_BAD_PLAN, "op: top or bottom is given once" },
        { "op=top&op=top&by=name", STATUS_BAD_PLAN, "op: top or bottom is given once" },
        { "op=top", STATUS_BAD_PLAN, "set `by` to name, or `interval`" },
        { "op=p1,p2,p3,p4,p5,p6,p7,p8,p9", STATUS_BAD_PLAN, "op: at most 8 measures" },
        { "by=", STATUS_BAD_PLAN, "by: it must be name, tag" },
        { "by=name&by=tag", STATUS_BAD_PLAN, "by: it is given twice" },
        { "interval=5", STATUS_BAD_PLAN, "interval: \"5\" is no length such as 10s" },
        { "interval=1s&from=2014-01-01&to=2015-01-01", STATUS_BAD_PLAN, "set `interval` to" },
        { "k=3", STATUS_BAD_PLAN, "`k` goes with top and bottom" },
        { "k=0&op=top&by=name", STATUS_BAD_PLAN, "k: it must be 1 to 1000" },
        { "k=1001&op=top&by=name", STATUS_BAD_PLAN, "k: it must be 1 to 1000" },
        { "k=x&op=top&by=name", STATUS_BAD_PLAN, "k: it must be a whole number" },
        { "tz=Mars/Olympus", STATUS_BAD_PLAN, "tz: \"Mars/Olympus\" is no time zone" },
        { "tz=../etc/passwd", STATUS_BAD_PLAN, "tz: " },
        { "tz=UTC&tz=UTC", STATUS_BAD_PLAN, "tz: it is given twice" },
        { "compare=previous", STATUS_BAD_PLAN, "compare: previous needs a range" },
        { "compare=", STATUS_BAD_PLAN, "compare: it must be previous" },
        { "compare=yesterday", STATUS_BAD_PLAN, "compare: it must be previous" },
        { "compare=1000/x", STATUS_BAD_PLAN, "compare: a point in time is" },
        { "compare=2000/1000", STATUS_BAD_PLAN, "before" },
        { "trend=yes", STATUS_BAD_PLAN, "trend: it must be true or false" },
        { "from=2000&to=1000", STATUS_BAD_FILTER, "from" },
        { "min=x", STATUS_BAD_FILTER, "min: it must be a number" },
        { "name=cpu&name=load", STATUS_BAD_FILTER, "name: it is given twice" },
        { "name=cpu&filters=%7B%22name%22:%22a%22%7D", STATUS_BAD_FILTER, "name is given both" },
        { "filters=%7B%22$where%22:1%7D", STATUS_BAD_FILTER, "filters has no member \"$where\"" },
        { "filters=[]", STATUS_BAD_FILTER, "filters must be a JSON object" },
        { "limit=5", STATUS_BAD_PLAN, "no parameter \"limit\"" },
        { "cursor=abc", STATUS_BAD_PLAN, "no parameter \"cursor\"" },
        { "order=asc", STATUS_BAD_PLAN, "no parameter \"order\"" },
        { "prompt=top", STATUS_BAD_PLAN, "no parameter \"prompt\"; it takes op, by" },
        { "op=%zz", STATUS_BAD_FILTER, "two hex digits" },
        { "by=%ff", STATUS_BAD_FILTER, "UTF-8" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++)
        assert_refused(*state, cases[i].query, cases[i].status, cases[i].part);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_parameters_count_all),
        TEST(op_takes_lists_and_repeats),
        TEST(top_ranks_by_the_first_measure_or_the_count),
        TEST(by_is_a_name_or_tags_with_a_prefix),
        TEST(interval_is_a_bucket),
        TEST(filters_are_those_of_lists),
        TEST(dates_are_midnights_of_the_zone),
        TEST(compare_previous_is_as_long_and_just_before),
        TEST(key_and_scope_are_of_the_plan),
        TEST(refuses_with_the_parameter_named),
    };
    return cmocka_run_group_tests_name("aggregate", tests, NULL, NULL);
}
