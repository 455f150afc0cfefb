/* SPDX-License-Identifier: MIT */
/* decode_query: GET and POST /query; and which prompts need the store's catalogue. */
#include "parser_fixture.h"

#include <stdio.h>

#include <telemetry/access.h>
#include <telemetry/clock.h>
#include <telemetry/stats.h>

#include "parser/understand.h"
#include "query/prompt/prompt.h"
#include "suite.h"

enum { AT_CATALOGUE, AT_UNDERSTAND, AT_ADVISE, AT_HEED, VERSION = 7 };

static const struct route query_route = { METHOD_GET,
                                          "/query",
                                          decode_query,
                                          encode_result,
                                          { { STAGE_READER, OP_CATALOGUE, 0 },
                                            { STAGE_PARSER, OP_UNDERSTAND, 0 },
                                            { STAGE_ASSISTANT, OP_ADVISE, 0 },
                                            { STAGE_PARSER, OP_HEED, 0 },
                                            { STAGE_CACHE, OP_CACHE_GET, 0 },
                                            { STAGE_READER, OP_AGGREGATE, HOP_ENCODE } },
                                          ROLE_NONE };

static struct catalogue *catalogue_of(const char *name, uint64_t version)
{
    struct slice names[] = { slice_of(name) }, tags[] = { SLICE("host:a") };
    struct catalogue *catalogue = catalogue_new(names, 1, tags, 1, true, version);
    assert_non_null(catalogue);
    return catalogue;
}

/* A fixture whose parser has kept a catalogue of this version, the store's own. */
static int query_setup(void **state)
{
    assert_int_equal(fixture_setup(state), 0);
    struct fixture *fixture = *state;
    fixture->catalogue_version = VERSION;
    fixture->parser.catalogue = catalogue_of("cpu", VERSION);
    return 0;
}

static struct job *start(struct fixture *fixture, enum method method, const char *target, struct slice body)
{
    catalogue_release(&fixture->job.catalogue);
    struct job *job = fixture_job(fixture, method, target, body);
    job->route = &query_route;
    decode_query(&fixture->parser, job);
    return job;
}

static struct job *get(struct fixture *fixture, const char *target)
{
    return start(fixture, METHOD_GET, target, SLICE(""));
}

static struct job *post(struct fixture *fixture, const char *body)
{
    return start(fixture, METHOD_POST, "/query", slice_of(body));
}

static void assert_understood(const struct job *job)
{
    if (job->status != STATUS_OK)
        fail_msg("%.*s", (int)job->reply.detail.len, job->reply.detail.data);
    assert_non_null(job->plan);
    assert_int_equal(job->hop, AT_HEED); /* what is next is the cache */
    assert_int_equal(job->reply.http, 0);
    assert_true(slice_starts_with(job->cache.key, SLICE("plan:")));
}

static void assert_refused(const struct job *job, enum status status, const char *part)
{
    assert_int_equal(job->status, status);
    assert_contains(job->reply.detail, part);
    assert_null(job->plan);
    assert_int_equal(job->cache.key.len, 0);
}

/* What is asked --------------------------------------------------------------- */

static void prompt_becomes_a_plan_at_once(void **state)
{
    const struct job *job = get(*state, "/query?prompt=how+many+cpu+metrics+yesterday&now=2014-04-24T12:00:00Z");
    assert_understood(job);
    assert_slice(job->plan->filter.name, "cpu");
    assert_int_equal(job->plan->filter.from_ms, 1398211200000);
    assert_int_equal(job->plan->filter.to_ms, 1398297600000);
    assert_int_equal(job->cache.scope, SCOPE_NAME);
    assert_true(slice_starts_with(job->reply.lead, SLICE("{\"prompt\":\"how many cpu metrics yesterday\",")));
    assert_contains(job->reply.lead, "\"interpretation\":\"");
    assert_contains(job->reply.lead, "\"confidence\":");
    assert_contains(job->reply.lead, "\"unknown_words\":[]");
    assert_int_equal(job->reply.lead.data[job->reply.lead.len - 1], ',');
}

static void body_asks_as_parameters_do(void **state)
{
    struct fixture *fixture = *state;
    const struct job *job = post(fixture, "{\"prompt\":\"how many cpu metrics yesterday\",\"now\":1398340800000}");
    assert_understood(job);
    assert_int_equal(job->plan->filter.from_ms, 1398211200000);
    char *key = exact_copy(job->cache.key);
    struct slice first = { key, job->cache.key.len };
    job = post(fixture, "{\"now\":\"2014-04-24T14:00:00+02:00\",\"tz\":\"UTC\",\"explain\":false,"
                        "\"prompt\":\"count of cpu metrics yesterday\"}");
    assert_understood(job);
    assert_true(slice_equal(first, job->cache.key)); /* paraphrases share the answer */
    free(key);
}

static void zone_moves_the_days(void **state)
{
    struct fixture *fixture = *state;
    const struct job *job = get(fixture, "/query?prompt=count+yesterday&now=2014-04-24T12:00:00Z&tz=Europe/Berlin");
    assert_understood(job);
    assert_int_equal(job->plan->filter.from_ms, 1398211200000 - 2 * 3600000);
    fixture->parser.zone = zones_find(fixture->parser.zones, SLICE("Asia/Kolkata"));
    job = get(fixture, "/query?prompt=count+yesterday&now=2014-04-24T12:00:00Z");
    assert_understood(job);
    assert_int_equal(job->plan->filter.from_ms, 1398211200000 - 5 * 3600000 - 1800000);
}

static void plan_needs_no_catalogue(void **state)
{
    struct fixture *fixture = *state;
    catalogue_release(&fixture->parser.catalogue);
    const struct job *job = post(fixture, "{\"plan\":{\"op\":\"top\",\"k\":3,\"group_by\":\"name\"}}");
    assert_understood(job);
    assert_int_equal(job->plan->k, 3);
    assert_slice(job->reply.lead, "{");
}

static void explain_answers_from_the_parser(void **state)
{
    struct fixture *fixture = *state;
    const struct job *job = get(fixture, "/query?prompt=count+of+cpu&explain=true");
    assert_int_equal(job->status, STATUS_OK);
    assert_int_equal(job->reply.http, 200);
    assert_true(job->reply.has_etag);
    assert_true(slice_starts_with(job->reply.body, SLICE("\"plan\":{")));
    assert_contains(job->reply.body, ",\"range\":{\"from\":null,\"to\":null,\"tz\":\"UTC\"}}");
    job = post(fixture, "{\"plan\":{\"range\":{\"from\":0,\"to\":1000}},\"explain\":true}");
    assert_int_equal(job->reply.http, 200);
    assert_slice(job->reply.lead, "{");
    assert_contains(job->reply.body, "\"from\":\"1970-01-01T00:00:00.000Z\",\"to\":\"1970-01-01T00:00:01.000Z\"");
}

/* What is refused ---------------------------------------------------------------- */

static void unintelligible_prompts_say_what_was_not_understood(void **state)
{
    const struct job *job = get(*state, "/query?prompt=flibber+the+gorp");
    assert_int_equal(job->status, STATUS_UNINTELLIGIBLE_PROMPT);
    assert_true(job->reply.detail.len > 0);
    assert_contains(job->reply.extra, ",\"unknown_words\":[\"flibber\"");
    assert_contains(job->reply.extra, "],\"suggestions\":[");
    assert_null(job->plan);
    assert_int_equal(job->cache.key.len, 0);
}

static void refuses_bad_parameters(void **state)
{
    static const struct {
        const char *target;
        enum status status;
        const char *part;
    } cases[] = {
        { "/query", STATUS_BAD_PLAN, "prompt is missing" },
        { "/query?tz=UTC", STATUS_BAD_PLAN, "prompt is missing" },
        { "/query?prompt=count&prompt=count", STATUS_UNINTELLIGIBLE_PROMPT, "prompt: it is given twice" },
        { "/query?prompt=count&tz=Mars", STATUS_BAD_PLAN, "tz: \"Mars\" is no time zone" },
        { "/query?prompt=count&now=soon", STATUS_BAD_PLAN, "now: a point in time" },
        { "/query?prompt=count&explain=yes", STATUS_BAD_PLAN, "explain: it must be true or false" },
        { "/query?prompt=count&limit=5", STATUS_BAD_PLAN, "no parameter \"limit\"" },
        { "/query?prompt=count&plan={}", STATUS_BAD_PLAN, "no parameter \"plan\"" },
        { "/query?prompt=%ff", STATUS_BAD_FILTER, "UTF-8" },
        { "/query?prompt=a%00b", STATUS_BAD_FILTER, "control characters" },
        { "/query?prompt=%2", STATUS_BAD_FILTER, "two hex digits" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++)
        assert_refused(get(*state, cases[i].target), cases[i].status, cases[i].part);
}

static void refuses_bad_bodies(void **state)
{
    static const struct {
        const char *body;
        enum status status;
        const char *part;
    } cases[] = {
        { "", STATUS_MALFORMED_JSON, "at byte 0" },
        { "{", STATUS_MALFORMED_JSON, "at byte 1" },
        { "[]", STATUS_BAD_PLAN, "an object with prompt or plan" },
        { "{}", STATUS_BAD_PLAN, "prompt is missing" },
        { "{\"prompt\":7}", STATUS_UNINTELLIGIBLE_PROMPT, "/prompt: it must be a string" },
        { "{\"prompt\":null}", STATUS_UNINTELLIGIBLE_PROMPT, "/prompt: it must be a string" },
        { "{\"prompt\":\"count\",\"plan\":{}}", STATUS_BAD_PLAN, "do not go with a plan" },
        { "{\"plan\":{},\"tz\":\"UTC\"}", STATUS_BAD_PLAN, "do not go with a plan" },
        { "{\"plan\":{},\"now\":0}", STATUS_BAD_PLAN, "do not go with a plan" },
        { "{\"plan\":[]}", STATUS_BAD_PLAN, "/plan: a plan is an object" },
        { "{\"plan\":{\"k\":0}}", STATUS_BAD_PLAN, "/plan/k: it must be" },
        { "{\"prompt\":\"count\",\"tz\":2}", STATUS_BAD_PLAN, "/tz: it must be a string" },
        { "{\"prompt\":\"count\",\"now\":1.5}", STATUS_BAD_PLAN, "/now: a point in time" },
        { "{\"prompt\":\"count\",\"explain\":\"true\"}", STATUS_BAD_PLAN, "/explain: it must be true or false" },
        { "{\"prompt\":\"count\",\"explain\":1}", STATUS_BAD_PLAN, "/explain: it must be true or false" },
        { "{\"promt\":\"count\"}", STATUS_BAD_PLAN, "no member \"promt\"" },
        { "{\"prompt\":\"a\\u0000\"}", STATUS_MALFORMED_JSON, "at byte" },
        { "{\"prompt\":\"\xff\"}", STATUS_MALFORMED_JSON, "at byte" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++)
        assert_refused(post(*state, cases[i].body), cases[i].status, cases[i].part);
}

static void refuses_what_is_no_json(void **state)
{
    struct fixture *fixture = *state;
    struct job *job = fixture_job(fixture, METHOD_POST, "/query", SLICE("prompt=count"));
    job->request.content_type = SLICE("application/x-www-form-urlencoded");
    decode_query(&fixture->parser, job);
    assert_refused(job, STATUS_UNSUPPORTED_MEDIA_TYPE, "send application/json");
    job = fixture_job(fixture, METHOD_POST, "/query", SLICE("{\"prompt\":\"count\"}"));
    job->request.content_type = SLICE("application/x-ndjson");
    decode_query(&fixture->parser, job);
    assert_refused(job, STATUS_UNSUPPORTED_MEDIA_TYPE, "application/json");
    job = start(fixture, METHOD_POST, "/query?tz=UTC", SLICE("{\"prompt\":\"count\"}"));
    assert_refused(job, STATUS_BAD_PLAN, "no parameters");
}

static void long_prompts_are_not_read(void **state)
{
    struct fixture *fixture = *state;
    char body[2 * PROMPT_BYTES_MAX], words[2 * PROMPT_BYTES_MAX];
    memset(words, 'x', sizeof(words));
    memcpy(words, "count ", 6);
    snprintf(body, sizeof(body), "{\"prompt\":\"%.*s\"}", (int)PROMPT_BYTES_MAX + 1, words);
    assert_refused(post(fixture, body), STATUS_UNINTELLIGIBLE_PROMPT, "/prompt: it has 1025 bytes");
    char *large = malloc(100000);
    memset(large, ' ', 100000);
    const struct job *job = start(fixture, METHOD_POST, "/query", (struct slice){ large, 100000 });
    assert_refused(job, STATUS_BODY_TOO_LARGE, "65536");
    free(large);
}

static void now_is_for_tests(void **state)
{
    struct fixture *fixture = *state;
    fixture->settings.takes_now = false;
    assert_refused(get(fixture, "/query?prompt=count&now=0"), STATUS_BAD_PLAN, "now: it is for tests");
    assert_understood(get(fixture, "/query?prompt=count"));
}

/* Catalogues --------------------------------------------------------------------- */

static void assert_visits_the_store(const struct job *job)
{
    assert_int_equal(job->status, STATUS_OK);
    assert_int_equal(job->hop, HOP_PARSER); /* what is next is OP_CATALOGUE */
    assert_null(job->plan);
    assert_non_null(job->inquiry);
}

/* The store's part: the job comes back with a catalogue, at the hop of the parser. */
static void come_back(struct fixture *fixture, struct catalogue *catalogue)
{
    fixture->job.hop = AT_UNDERSTAND;
    fixture->job.catalogue = catalogue;
    understand_again(&fixture->parser, &fixture->job);
}

static void without_a_catalogue_the_store_is_visited(void **state)
{
    struct fixture *fixture = *state;
    catalogue_release(&fixture->parser.catalogue);
    assert_visits_the_store(get(fixture, "/query?prompt=count+of+cpu"));
    struct catalogue *fresh = catalogue_of("cpu", VERSION);
    come_back(fixture, fresh);
    assert_understood(&fixture->job);
    assert_null(fixture->job.catalogue);
    assert_ptr_equal(fixture->parser.catalogue, fresh);
    assert_understood(get(fixture, "/query?prompt=count+of+cpu"));
}

static void another_version_makes_the_kept_one_old(void **state)
{
    struct fixture *fixture = *state;
    fixture->catalogue_version = VERSION + 1;
    assert_visits_the_store(get(fixture, "/query?prompt=count+of+humidity"));
    assert_int_equal(fixture->job.catalogue_after_ns, 0);
    come_back(fixture, catalogue_of("humidity", VERSION + 1));
    assert_understood(&fixture->job);
    assert_slice(fixture->job.plan->filter.name, "humidity");
}

static void older_catalogue_that_comes_later_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct catalogue *kept = fixture->parser.catalogue;
    fixture->catalogue_version = VERSION + 1;
    assert_visits_the_store(get(fixture, "/query?prompt=count+of+cpu"));
    struct catalogue *older = catalogue_of("cpu", VERSION - 1);
    older->made_ns = kept->made_ns - 1;
    come_back(fixture, older);
    assert_understood(&fixture->job);
    assert_ptr_equal(fixture->parser.catalogue, kept);
    assert_ptr_equal(fixture->job.catalogue, older); /* the pool lets it go */
}

/* A store that only counts time: who is not understood asks once for what may have come since. */
static void doubt_asks_once_for_a_fresh_one(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t trust_ns = 250 * NS_PER_MS;
    fixture->settings.catalogue_trust_ns = trust_ns;
    assert_int_equal(get(fixture, "/query?prompt=flibber")->status, STATUS_UNINTELLIGIBLE_PROMPT);
    fixture->parser.catalogue->made_ns -= 2 * trust_ns;
    assert_understood(get(fixture, "/query?prompt=count+of+cpu"));
    uint64_t before_ns = clock_ns();
    assert_visits_the_store(get(fixture, "/query?prompt=flibber"));
    assert_true(fixture->job.catalogue_after_ns >= before_ns - trust_ns);
    assert_true(fixture->job.catalogue_after_ns > fixture->parser.catalogue->made_ns);
    come_back(fixture, catalogue_of("cpu", VERSION));
    assert_int_equal(fixture->job.status, STATUS_UNINTELLIGIBLE_PROMPT);
}

static void exact_version_leaves_no_doubt(void **state)
{
    struct fixture *fixture = *state;
    fixture->parser.catalogue->made_ns = 1;
    assert_int_equal(get(fixture, "/query?prompt=flibber")->status, STATUS_UNINTELLIGIBLE_PROMPT);
}

/* A language model ------------------------------------------------------------- */

static void unsure_prompts_go_to_the_assistant(void **state)
{
    struct fixture *fixture = *state;
    fixture->settings.advice_below = 0.6;
    const struct job *job = get(fixture, "/query?prompt=flibber");
    assert_int_equal(job->status, STATUS_OK);
    assert_int_equal(job->hop, AT_UNDERSTAND); /* what is next is the assistant */
    assert_ptr_equal(job->catalogue, fixture->parser.catalogue);
    assert_null(job->plan);
    assert_understood(get(fixture, "/query?prompt=how+many+cpu+metrics+yesterday"));
}

/* The job comes back with what the service answered; its content is a plan in a string. */
static const struct job *advised(struct fixture *fixture, const char *prompt, const char *answer)
{
    static struct stats stats;
    char target[128];
    snprintf(target, sizeof(target), "/query?prompt=%s", prompt);
    fixture->settings.advice_below = 0.6;
    fixture->parser.worker.stats = &stats;
    assert_int_equal(get(fixture, target)->hop, AT_UNDERSTAND);
    struct job *job = &fixture->job;
    job->hop = AT_HEED;
    job->inquiry->advice = slice_of(answer);
    understand_advised(&fixture->parser, job);
    fixture->parser.worker.stats = NULL;
    return job;
}

#define ADVICE(plan)                                                                                                   \
    "{\"id\":\"x\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" plan "\"}}]}"

static void advice_that_is_a_plan_is_taken(void **state)
{
    const struct job *job = advised(*state, "flibber",
                                    ADVICE("{\\\"op\\\":\\\"aggregate\\\",\\\"k\\\":null,\\\"agg\\\":[\\\"avg\\\"],"
                                           "\\\"filter\\\":{\\\"name\\\":\\\"cpu\\\",\\\"tags\\\":[\\\"host:a\\\"],"
                                           "\\\"any_tags\\\":null,\\\"min\\\":null},\\\"trend\\\":false}"));
    assert_understood(job);
    assert_slice(job->plan->filter.name, "cpu");
    assert_int_equal(job->plan->measures[0].aggregate, AGGREGATE_AVG);
    assert_contains(job->reply.lead, "\"confidence\":null,\"unknown_words\":[],\"read_by\":\"model\",");
    assert_true(slice_starts_with(job->reply.lead, SLICE("{\"prompt\":\"flibber\",")));
}

/* Whatever else comes, the grammar's own word holds. */
static void other_advice_is_not(void **state)
{
    static const char *const answers[] = {
        "",
        "<html>busy</html>",
        "{}",
        "[]",
        "{\"choices\":[]}",
        "{\"choices\":[{\"message\":{\"content\":null}}]}",
        "{\"choices\":{\"message\":1}}",
        ADVICE("no plan"),
        ADVICE("{\\\"op\\\":\\\"none\\\"}"),
        ADVICE("{\\\"op\\\":\\\"aggregate\\\",\\\"raw\\\":{\\\"$where\\\":\\\"1\\\"}}"),
        ADVICE("{\\\"k\\\":5}{}"),
        ADVICE("{\\\"filter\\\":{\\\"name\\\":\\\"nobody.knows\\\"}}"),
        ADVICE("{\\\"filter\\\":{\\\"tags\\\":[\\\"host:z\\\"]}}"),
        ADVICE("{\\\"filter\\\":{\\\"not_tags\\\":[\\\"host:z\\\"]}}"),
        ADVICE("{\\\"range\\\":{\\\"from\\\":\\\"tomorrow\\\",\\\"to\\\":null}}"),
    };
    for (size_t i = 0; i < N_CASES(answers); i++) {
        const struct job *job = advised(*state, "flibber", answers[i]);
        assert_refused(job, STATUS_UNINTELLIGIBLE_PROMPT, "flibber");
        assert_int_equal(job->reply.n_errors, 0);
        assert_contains(job->reply.extra, "\"unknown_words\":[\"flibber\"]");
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, query_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(prompt_becomes_a_plan_at_once),
        TEST(body_asks_as_parameters_do),
        TEST(zone_moves_the_days),
        TEST(plan_needs_no_catalogue),
        TEST(explain_answers_from_the_parser),
        TEST(unintelligible_prompts_say_what_was_not_understood),
        TEST(refuses_bad_parameters),
        TEST(refuses_bad_bodies),
        TEST(refuses_what_is_no_json),
        TEST(long_prompts_are_not_read),
        TEST(now_is_for_tests),
        TEST(without_a_catalogue_the_store_is_visited),
        TEST(another_version_makes_the_kept_one_old),
        TEST(older_catalogue_that_comes_later_is_not_kept),
        TEST(doubt_asks_once_for_a_fresh_one),
        TEST(exact_version_leaves_no_doubt),
        TEST(unsure_prompts_go_to_the_assistant),
        TEST(advice_that_is_a_plan_is_taken),
        TEST(other_advice_is_not),
    };
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
