/* SPDX-License-Identifier: MIT */
#include "understand.h"

#include <assert.h>

#include <telemetry/clock.h>
#include <telemetry/number.h>
#include <telemetry/stats.h>

#include "advice.h"
#include "grant.h"
#include "query/prompt/prompt.h"
#include "question.h"
#include "refuse.h"

static void append_texts(struct text *out, const char *name, const struct slice texts[], unsigned n)
{
    text_printf(out, ",\"%s\":[", name);
    for (unsigned i = 0; i < n; i++) {
        text_append(out, ",", i > 0);
        text_json(out, texts[i]);
    }
    text_literal(out, "]");
}

/* Begins the members that the prompt adds to the answer of its plan. */
static struct text lead_with(struct job *job, const struct plan *plan)
{
    struct text english = text_in(&job->arena, 256);
    struct text lead = text_in(&job->arena, 512 + job->inquiry->prompt.len);
    plan_english(plan, &english);
    text_literal(&lead, "{\"prompt\":");
    text_json(&lead, job->inquiry->prompt);
    text_literal(&lead, ",\"interpretation\":");
    text_json(&lead, text_slice(&english));
    lead.failed = lead.failed || english.failed;
    return lead;
}

static void accept(struct job *job, const struct plan *plan, const struct text *lead)
{
    question_is_understood(job);
    if (question_ask(job, plan, lead->failed ? (struct slice){ NULL, 0 } : text_slice(lead)) && job->inquiry->explain)
        question_explain(job);
}

static void accept_reading(struct job *job, struct prompt_reading *reading)
{
    if (!grant_filter(job, &reading->plan.filter))
        return;
    struct text lead = lead_with(job, &reading->plan);
    char confidence[NUMBER_BYTES_MAX];
    text_literal(&lead, ",\"confidence\":");
    text_append(&lead, confidence, number_format(reading->confidence, confidence));
    append_texts(&lead, "unknown_words", reading->unknown, reading->n_unknown);
    text_literal(&lead, ",");
    accept(job, &reading->plan, &lead);
}

/* A model does not tell how sure it is. */
static void accept_advice(struct job *job, struct plan *plan)
{
    if (!grant_filter(job, &plan->filter))
        return;
    struct text lead = lead_with(job, plan);
    text_literal(&lead, ",\"confidence\":null,\"unknown_words\":[],\"read_by\":\"model\",");
    accept(job, plan, &lead);
}

static void refuse(struct job *job, const struct prompt_reading *reading)
{
    struct text extra = text_in(&job->arena, 512);
    append_texts(&extra, "unknown_words", reading->unknown, reading->n_unknown);
    append_texts(&extra, "suggestions", reading->suggestions, reading->n_suggestions);
    job_fail(job, STATUS_UNINTELLIGIBLE_PROMPT, reading->detail);
    if (!extra.failed)
        job->reply.extra = text_slice(&extra);
}

/* False when the job failed. */
static bool read_prompt(struct parser *parser, struct job *job, struct catalogue *catalogue,
                        struct prompt_reading *ret_reading)
{
    const struct inquiry *inquiry = job->inquiry;
    struct prompt_setting setting = { .catalogue = grant_catalogue(parser, job, catalogue),
                                      .zones = parser->zones,
                                      .zone = inquiry->zone,
                                      .now_ms = inquiry->now_ms };
    if (setting.catalogue != NULL && prompt_read(inquiry->prompt, &setting, &job->arena, ret_reading))
        return true;
    job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
    return false;
}

static void conclude(struct job *job, struct prompt_reading *reading)
{
    if (reading->understood)
        accept_reading(job, reading);
    else
        refuse(job, reading);
}

/* The job takes the catalogue along, by which it was read and will be judged. */
static void conclude_or_ask(struct parser *parser, struct job *job, struct prompt_reading *reading)
{
    double confidence = reading->understood ? reading->confidence : 0;
    bool is_private = job->access.prefix.len > 0; /* the assistant is told all names */
    if (is_private || confidence >= parser->settings->advice_below) {
        conclude(job, reading);
        return;
    }
    catalogue_release(&job->catalogue);
    job->catalogue = catalogue_share(parser->catalogue);
    question_wants_advice(job);
}

/* Whether a word may be a name or tag that has come since. */
static bool is_in_doubt(const struct parser *parser, const struct prompt_reading *reading)
{
    bool is_whole = reading->understood && reading->n_unknown == 0;
    return !is_whole && clock_ns() - parser->catalogue->made_ns > parser->settings->catalogue_trust_ns;
}

void understand(struct parser *parser, struct job *job)
{
    const struct parser_settings *settings = parser->settings;
    struct prompt_reading reading;
    if (parser->catalogue == NULL || parser->catalogue->version != settings->catalogue_version(settings->ready_context))
        return;
    if (!read_prompt(parser, job, parser->catalogue, &reading))
        return;
    if (is_in_doubt(parser, &reading))
        job->catalogue_after_ns = clock_ns() - settings->catalogue_trust_ns;
    else
        conclude_or_ask(parser, job, &reading);
}

/* Of two, the newer one is kept: jobs may overtake each other. */
static void keep_catalogue(struct parser *parser, struct job *job)
{
    assert(job->catalogue != NULL);
    if (parser->catalogue == NULL || parser->catalogue->made_ns <= job->catalogue->made_ns) {
        catalogue_release(&parser->catalogue);
        parser->catalogue = job->catalogue;
        job->catalogue = NULL;
    }
}

void understand_again(struct parser *parser, struct job *job)
{
    struct prompt_reading reading;
    keep_catalogue(parser, job);
    if (read_prompt(parser, job, parser->catalogue, &reading))
        conclude_or_ask(parser, job, &reading);
}

void understand_advised(struct parser *parser, struct job *job)
{
    struct prompt_reading reading;
    struct plan plan;
    if (advice_read(parser, job, job->catalogue, &plan)) {
        accept_advice(job, &plan);
        return;
    }
    if (job->inquiry->advice.len > 0)
        stats_add(parser->worker.stats, STATS_ASSISTANT_UNUSABLE, 1);
    if (read_prompt(parser, job, job->catalogue, &reading))
        conclude(job, &reading);
}
