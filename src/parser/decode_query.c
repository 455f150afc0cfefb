/* SPDX-License-Identifier: MIT */
/* decode_query: GET and POST /query: a prompt in words, or a plan as JSON. */
#include "parser.h"

#include <telemetry/clock.h>

#include "body.h"
#include "grant.h"
#include "json_object.h"
#include "plan_json.h"
#include "query/filters.h"
#include "query/prompt/prompt.h"
#include "question.h"
#include "refuse.h"
#include "target.h"
#include "understand.h"

enum { QUERY_BYTES_MAX = 64 * 1024, QUERY_DEPTH_MAX = 8 };

/* One question being read. */
struct ask {
    struct parser *parser;
    struct job *job;
    struct inquiry *inquiry;
    uint32_t given;    /* fields that came: a bit each */
    struct slice plan; /* the text of its JSON; data is NULL when there is none */
};

/* What a question can have; the same as parameter and as member of a JSON body, each as text. */
struct ask_field {
    const char *name;
    enum status status; /* of a value that is not good */
    /* Takes one value; returns NULL, or a sentence, static or in the job's arena. Keeps text. */
    const char *(*read)(struct ask *ask, struct slice text);
};

static const char *made(struct slice text)
{
    return text.data == NULL ? "there is no memory for it" : text.data;
}

static const char *read_prompt(struct ask *ask, struct slice text)
{
    ask->inquiry->prompt = text;
    if (text.len <= PROMPT_BYTES_MAX)
        return NULL;
    return made(sentence(&ask->job->arena, "it has %zu bytes; the longest that is read has %d", text.len,
                         (int)PROMPT_BYTES_MAX));
}

static const char *read_zone(struct ask *ask, struct slice text)
{
    const struct zone *zone = zones_find(ask->parser->zones, text);
    if (zone == NULL)
        return made(
            sentence(&ask->job->arena, "\"%.*s\" is no time zone such as Europe/Berlin, UTC or +02:00", QUOTE(text)));
    ask->inquiry->zone = zone;
    return NULL;
}

static const char *read_now(struct ask *ask, struct slice text)
{
    if (!ask->parser->settings->takes_now)
        return "it is for tests, and is not taken with APP_ENV=prod";
    return time_point_parse(text, clock_wall_ms(), &ask->inquiry->now_ms);
}

static const char *read_explain(struct ask *ask, struct slice text)
{
    ask->inquiry->explain = slice_equal(text, SLICE("true"));
    return ask->inquiry->explain || slice_equal(text, SLICE("false")) ? NULL : "it must be true or false";
}

enum { ASK_FIELDS = 4, GIVEN_PROMPT = 1 << 0, GIVEN_ZONE = 1 << 1, GIVEN_NOW = 1 << 2 };

static const struct ask_field ask_fields[ASK_FIELDS] = {
    { "prompt", STATUS_UNINTELLIGIBLE_PROMPT, read_prompt },
    { "tz", STATUS_BAD_PLAN, read_zone },
    { "now", STATUS_BAD_PLAN, read_now },
    { "explain", STATUS_BAD_PLAN, read_explain },
};

static uint32_t bit_of(const struct ask_field *field)
{
    return 1U << (field - ask_fields);
}

static const struct ask_field *find(struct slice name)
{
    for (const struct ask_field *field = ask_fields; field < ask_fields + ASK_FIELDS; field++)
        if (slice_equal(name, slice_of(field->name)))
            return field;
    return NULL;
}

/* As parameters --------------------------------------------------------------- */

static bool read_parameter(struct ask *ask, const struct parameter *parameter)
{
    const struct ask_field *field = find(parameter->name);
    if (field == NULL) {
        job_refuse(ask->job, STATUS_BAD_PLAN, "/query has no parameter \"%.*s\"; it takes prompt, tz, now and explain",
                   QUOTE(parameter->name));
        return false;
    }
    bool is_again = (ask->given & bit_of(field)) != 0;
    const char *fault = is_again ? "it is given twice" : field->read(ask, parameter->value);
    ask->given |= bit_of(field);
    if (fault != NULL)
        job_refuse(ask->job, field->status, "%s: %s", field->name, fault);
    return fault == NULL;
}

static bool read_parameters(struct ask *ask)
{
    struct slice rest = job_query(ask->job);
    struct parameter parameter;
    while (parameter_next(ask->job, &rest, &parameter))
        if (!read_parameter(ask, &parameter))
            return false;
    return ask->job->status == STATUS_OK;
}

/* As JSON ----------------------------------------------------------------------- */

/* The text that the member would have as a parameter; data is NULL when it is of another kind. */
static struct slice member_text(const struct ask_field *field, const struct json_object *object)
{
    bool takes_word = field->read == read_explain, takes_number = field->read == read_now;
    if (takes_word ? cJSON_IsBool(object->node) : takes_number && cJSON_IsNumber(object->node))
        return json_object_text(object);
    return cJSON_IsString(object->node) && !takes_word ? slice_of(object->node->valuestring)
                                                       : (struct slice){ NULL, 0 };
}

static bool read_member(struct ask *ask, const struct json_object *object)
{
    struct job *job = ask->job;
    struct slice name = json_object_name(object);
    const struct ask_field *field = find(name);
    if (slice_equal(name, SLICE("plan"))) {
        ask->plan = json_object_text(object);
        return true;
    }
    if (field == NULL) {
        job_refuse_at(job, STATUS_BAD_PLAN, SLICE(""),
                      "there is no member \"%.*s\"; there are prompt, plan, tz, now, explain", QUOTE(name));
        return false;
    }
    ask->given |= bit_of(field);
    struct slice text = member_text(field, object);
    const char *fault = text.data == NULL ? "it must be a string" : field->read(ask, text);
    if (text.data == NULL && field->read == read_explain)
        fault = "it must be true or false";
    if (fault != NULL)
        job_refuse_at(job, field->status, sentence(&job->arena, "/%s", field->name), "%s", fault);
    return fault == NULL;
}

static bool read_object(struct ask *ask, const struct json_value *value)
{
    struct json_object object;
    enum status status = json_object_open(&object, value, &ask->job->arena);
    if (status != STATUS_OK) {
        job_fail(ask->job, status, SLICE(""));
        return false;
    }
    while (json_object_next(&object))
        if (!read_member(ask, &object))
            return false;
    return true;
}

static bool read_body(struct ask *ask)
{
    struct job *job = ask->job;
    struct json_gate gate;
    struct json_value value;
    if (!body_is_json(job))
        return false;
    if (job_query(job).len > 0) {
        job_fail(job, STATUS_BAD_PLAN, SLICE("POST /query takes no parameters; all of a question is in its body"));
        return false;
    }
    if (job->request.body.len > QUERY_BYTES_MAX) {
        job_refuse(job, STATUS_BODY_TOO_LARGE, "a question must not have more than %d bytes", (int)QUERY_BYTES_MAX);
        return false;
    }
    gate_open(&gate, job->request.body, QUERY_DEPTH_MAX);
    if (!gate_value(&gate, &value) || !gate_end(&gate)) {
        job_refuse(job, STATUS_MALFORMED_JSON, "at byte %zu: %s", gate_offset(&gate), gate.reason);
        return false;
    }
    if (value.kind == JSON_OBJECT)
        return read_object(ask, &value);
    job_fail(job, STATUS_BAD_PLAN, SLICE("a question is an object with prompt or plan"));
    return false;
}

/* ------------------------------------------------------------------------------- */

static void ask_plan(struct ask *ask)
{
    struct job *job = ask->job;
    struct plan plan;
    if (!plan_json_read(ask->parser, job, ask->plan, "/plan", &plan))
        return;
    if (!grant_filter(job, &plan.filter))
        return;
    question_is_understood(job);
    if (question_ask(job, &plan, SLICE("{")) && ask->inquiry->explain)
        question_explain(job);
}

void decode_query(struct parser *parser, struct job *job)
{
    struct ask ask = { .parser = parser, .job = job, .inquiry = arena_alloc(&job->arena, sizeof(*ask.inquiry)) };
    if (ask.inquiry == NULL) {
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
        return;
    }
    *ask.inquiry = (struct inquiry){ .now_ms = clock_wall_ms(), .zone = parser->zone };
    job->inquiry = ask.inquiry;
    if (!(job->request.method == METHOD_POST ? read_body(&ask) : read_parameters(&ask)))
        return;
    if (ask.plan.data == NULL && (ask.given & GIVEN_PROMPT) == 0)
        job_fail(job, STATUS_BAD_PLAN, SLICE("prompt is missing: a question in words, such as \"top 5 names today\""));
    else if (ask.plan.data == NULL)
        understand(parser, job);
    else if ((ask.given & (GIVEN_PROMPT | GIVEN_ZONE | GIVEN_NOW)) != 0)
        job_fail(job, STATUS_BAD_PLAN, SLICE("prompt, tz and now do not go with a plan, which says all itself"));
    else
        ask_plan(&ask);
}
