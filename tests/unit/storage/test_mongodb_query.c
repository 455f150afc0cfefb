/* SPDX-License-Identifier: MIT */
#include "storage/mongodb/query.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

static struct filter open_filter(void)
{
    return (struct filter){ .from_ms = INT64_MIN, .to_ms = INT64_MAX, .min = -INFINITY, .max = INFINITY, .limit = 5 };
}

static struct query query_of(const struct filter *filter, enum query_kind kind)
{
    return (struct query){ .filter = filter, .kind = kind, .from_ms = filter->from_ms, .limit = 6, .max_ms = 1000 };
}

/* The documents as extended JSON must be as expected, without blanks and outermost braces. */
static void assert_conditions(const struct query *query, const char *expected)
{
    char text[2048];
    size_t len = 0;
    bson_t document = BSON_INITIALIZER;
    query_write_conditions(&document, query);
    char *json = bson_as_relaxed_extended_json(&document, NULL);
    for (const char *c = json; *c != '\0'; c++)
        if (*c != ' ')
            text[len++] = *c == '"' ? '\'' : *c;
    text[len] = '\0';
    bson_free(json);
    bson_destroy(&document);
    assert_string_equal(text, expected);
}

#define ALL_TIMES                                                                                                      \
    "'timestamp':{'$gte':{'$date':{'$numberLong':'-62135596800000'}},'$lte':{'$date':'9999-12-31T23:59:59.999Z'}}"

static void conditions_hold_the_whole_filter(void **state)
{
    struct slice all[] = { SLICE("a"), SLICE("b") }, any[] = { SLICE("c") }, none[] = { SLICE("d") };
    struct filter filter = open_filter();
    struct query query = query_of(&filter, QUERY_ALONG);
    assert_conditions(&query, "{" ALL_TIMES "}");
    filter.tags = all;
    filter.n_tags = 1;
    assert_conditions(&query, "{'tags':'a'," ALL_TIMES "}");
    filter.n_tags = 2;
    assert_conditions(&query, "{'tags':{'$all':['a','b']}," ALL_TIMES "}");
    filter.any_tags = any;
    filter.not_tags = none;
    filter.n_any_tags = filter.n_not_tags = 1;
    assert_conditions(&query, "{'tags':{'$all':['a','b'],'$in':['c'],'$nin':['d']}," ALL_TIMES "}");
    filter.n_any_tags = filter.n_not_tags = 0;
    filter.n_tags = 1;
    filter.n_any_tags = 1;
    assert_conditions(&query, "{'tags':{'$all':['a'],'$in':['c']}," ALL_TIMES "}");
    filter.n_tags = filter.n_any_tags = 0;
    filter.min = 1.5;
    assert_conditions(&query, "{'value':{'$gte':1.5}," ALL_TIMES "}");
    filter.max = 2.5;
    assert_conditions(&query, "{'value':{'$gte':1.5,'$lte':2.5}," ALL_TIMES "}");
    filter.min = -INFINITY;
    assert_conditions(&query, "{'value':{'$lte':2.5}," ALL_TIMES "}");
}

/* What a client writes is a value, never an operator. */
static void conditions_take_names_as_they_are(void **state)
{
    struct filter filter = open_filter();
    struct query query = query_of(&filter, QUERY_PAGE);
    filter.name = SLICE("$where");
    assert_conditions(&query, "{'name':'$where'," ALL_TIMES "}");
    filter.name = SLICE("a.*");
    assert_conditions(&query, "{'name':'a.*'," ALL_TIMES "}");
    filter.name_is_prefix = true;
    assert_conditions(&query, "{'name':{'$gte':'a.*','$lt':'a.+'}," ALL_TIMES "}");
    filter.name.len = 0;
    assert_conditions(&query, "{" ALL_TIMES "}");
    assert_false(query_is_of_one_name(&filter));
}

#define DATE(ms) "{'$date':{'$numberLong':'" #ms "'}}"
#define OID(hex) "{'$oid':'" hex "'}"

static void conditions_begin_behind_a_place(void **state)
{
    struct filter filter = open_filter();
    struct query query = query_of(&filter, QUERY_ALONG);
    filter.from_ms = query.from_ms = -20;
    filter.to_ms = -10;
    assert_conditions(&query, "{'timestamp':{'$gt':" DATE(-21) ",'$lte':" DATE(-11) "}}");
    query.has_after = true;
    query.after = (struct list_position){ .timestamp_ms = -15, .tie = { 0xab } };
    assert_conditions(&query, "{'timestamp':{'$gt':" DATE(-21) ",'$lte':" DATE(-16) "}}");
    query.kind = QUERY_WITHIN;
    assert_conditions(&query, "{'timestamp':" DATE(-15) ",'_id':{'$lt':" OID("ab0000000000000000000000") "}}");
    query.kind = QUERY_PAGE;
    assert_conditions(&query,
                      "{'timestamp':{'$gt':" DATE(-21) ",'$lte':" DATE(-15) "},'$or':[{'timestamp':{'$lt':" DATE(
                          -15) "}},{'timestamp':" DATE(-15) ",'_id':{'$lt':" OID("ab0000000000000000000000") "}}]}");
    filter.ascending = true;
    query.kind = QUERY_ALONG;
    assert_conditions(&query, "{'timestamp':{'$gt':" DATE(-15) ",'$lte':" DATE(-11) "}}");
    query.kind = QUERY_WITHIN;
    assert_conditions(&query, "{'timestamp':" DATE(-15) ",'_id':{'$gt':" OID("ab0000000000000000000000") "}}");
    query.has_after = false;
    assert_conditions(&query, "{'timestamp':" DATE(-15) "}");
}

static void conditions_at_the_ends_of_time_stay_dates(void **state)
{
    struct filter filter = open_filter();
    struct query query = query_of(&filter, QUERY_ALONG);
    query.has_after = true;
    query.after.timestamp_ms = METRIC_TIMESTAMP_MIN;
    assert_conditions(&query,
                      "{'timestamp':{'$gt':{'$date':'9999-12-31T23:59:59.998Z'},'$lte':" DATE(-62135596800000) "}}");
    query.after.timestamp_ms = METRIC_TIMESTAMP_MAX;
    filter.ascending = true;
    assert_conditions(&query,
                      "{'timestamp':{'$gt':{'$date':'9999-12-31T23:59:59.998Z'},'$lte':" DATE(-62135596800000) "}}");
}

static void end_of_prefix_is_above_all_that_begin_so(void **state)
{
    static const struct {
        const char *prefix, *end; /* NULL: none */
    } cases[] = {
        { "a", "b" },
        { "cpu.", "cpu/" },
        { "az", "a{" },
        { "a\x7f", "a\xc2\x80" },
        { "a\xdf\xbf", "a\xe0\xa0\x80" },
        { "a\xed\x9f\xbf", "a\xee\x80\x80" }, /* over the surrogates */
        { "a\xef\xbf\xbf", "a\xf0\x90\x80\x80" },
        { "a\xf4\x8f\xbf\xbf", "b" },
        { "a\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", "b" },
        { "\xf4\x8f\xbf\xbf", NULL },
        { "", NULL },
    };
    for (unsigned i = 0; i < N_CASES(cases); i++) {
        char end[16];
        size_t len = 99;
        bool is_there = query_end_of_prefix(slice_of(cases[i].prefix), end, &len);
        assert_int_equal(is_there, cases[i].end != NULL);
        if (is_there)
            assert_true(slice_equal((struct slice){ end, len }, slice_of(cases[i].end)));
    }
}

static void options_limit_and_order(void **state)
{
    static const struct {
        enum query_kind kind;
        bool ascending;
        const char *sort;
    } cases[] = { { QUERY_PAGE, false, "{ \"timestamp\" : -1, \"_id\" : -1 }" },
                  { QUERY_PAGE, true, "{ \"timestamp\" : 1, \"_id\" : 1 }" },
                  { QUERY_ALONG, false, "{ \"timestamp\" : -1 }" },
                  { QUERY_WITHIN, true, "{ \"_id\" : 1 }" } };
    for (unsigned i = 0; i < N_CASES(cases); i++) {
        struct filter filter = open_filter();
        struct query query = query_of(&filter, cases[i].kind);
        char expected[256];
        bson_t options = BSON_INITIALIZER;
        filter.ascending = cases[i].ascending;
        query_write_options(&options, &query);
        snprintf(expected, sizeof(expected),
                 "{ \"sort\" : %s, \"limit\" : 6, \"batchSize\" : 6, \"singleBatch\" : true, \"maxTimeMS\" : 1000 }",
                 cases[i].sort);
        char *json = bson_as_relaxed_extended_json(&options, NULL);
        assert_string_equal(json, expected);
        bson_free(json);
        bson_destroy(&options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_hold_the_whole_filter),
        cmocka_unit_test(conditions_take_names_as_they_are),
        cmocka_unit_test(conditions_begin_behind_a_place),
        cmocka_unit_test(conditions_at_the_ends_of_time_stay_dates),
        cmocka_unit_test(end_of_prefix_is_above_all_that_begin_so),
        cmocka_unit_test(options_limit_and_order),
    };
    return cmocka_run_group_tests_name("MongoDB queries", tests, NULL, NULL);
}
