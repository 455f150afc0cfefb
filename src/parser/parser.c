/* SPDX-License-Identifier: MIT */
/* parser: happy path.
 *
 * parser_step() takes each job, cuts its target, finds the row of the route table for path and method,
 * and lets the row's decode read the rest; job_next() starts the row's hops. A request that is refused
 * or answered here goes straight home. */
#include "parser.h"

#include <assert.h>
#include <stdlib.h>

#include <telemetry/clock.h>
#include <telemetry/zone.h>

#include "fields.h"
#include "grant.h"
#include "json.h"
#include "refuse.h"
#include "target.h"
#include "understand.h"

enum {
    SCRATCH_BYTES = 64 * 1024,
    LONG_BODY_BYTES = 64 * 1024 /* takes longer to decode than to wake whom the jobs before it went to */
};

/* The rows of one path. */
struct match {
    const struct route *route; /* with the request's method, or NULL */
    bool is_literal;           /* they have no {id} */
    unsigned methods;          /* where there is none: a bit for each method that the path takes; 0: no such path */
    struct slice id;
};

static enum method row_method(enum method method)
{
    return method == METHOD_HEAD ? METHOD_GET : method;
}

/* Literal paths stand above those with {id}, and one that matches leaves those out, whatever the method. */
static struct match match_route(const struct parser_settings *settings, enum method method, struct slice path)
{
    struct match match = { 0 };
    bool is_any = slice_equal(path, SLICE("*"));
    for (size_t i = 0; i < settings->n_routes; i++) {
        const struct route *route = &settings->routes[i];
        struct slice id = { NULL, 0 };
        if (!is_any && (!path_matches(path, route->path, &id) || (id.data != NULL && match.is_literal)))
            continue;
        match.is_literal = id.data == NULL;
        match.methods |= 1U << route->method;
        if (is_any || route->method != row_method(method))
            continue;
        match.route = route;
        match.id = id;
        return match;
    }
    return match;
}

/* The value of Allow, in the job's arena. */
static const char *allow_list(struct job *job, unsigned methods)
{
    static const struct {
        enum method method;
        const char *names;
    } rows[] = {
        { METHOD_GET, "GET, HEAD, " }, { METHOD_POST, "POST, " }, { METHOD_PUT, "PUT, " }, { METHOD_DELETE, "DELETE, " }
    };
    struct text list = text_in(&job->arena, 64);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (methods >> rows[i].method & 1)
            text_append(&list, rows[i].names, strlen(rows[i].names));
    text_append(&list, "OPTIONS", sizeof("OPTIONS"));
    return list.failed ? NULL : list.data;
}

static void answer_options(struct job *job, unsigned methods)
{
    job->reply.http = 204;
    job->reply.media = MEDIA_NONE;
    job->reply.allow = allow_list(job, methods);
}

static bool is_acceptable(struct job *job)
{
    bool is_text = job->route->decode == decode_counters;
    if (accept_allows(job->request.accept, is_text ? SLICE("text/plain") : SLICE("application/json")))
        return true;
    job_fail(job, STATUS_NOT_ACCEPTABLE,
             is_text ? SLICE("the answer is text/plain, which Accept leaves out")
                     : SLICE("the answer is application/json, which Accept leaves out"));
    return false;
}

static void decode_matched(struct parser *parser, struct job *job, const struct match *match)
{
    job->route = match->route;
    if (!grant_route(job) || !is_acceptable(job))
        return;
    if (match->id.data != NULL && !metric_id_parse(match->id, &job->id)) {
        job_fail(job, STATUS_BAD_ID, SLICE("an id has 24 hex digits"));
        return;
    }
    cache_control_read(job->request.cache_control, &job->cache);
    job->route->decode(parser, job);
    if (job->status == STATUS_OK)
        (void)grant_metrics(job);
}

static void parse(struct parser *parser, struct job *job)
{
    struct target target;
    const char *fault = target_split(job->request.target, &target);
    if (fault != NULL) {
        job_fail(job, STATUS_MALFORMED_REQUEST, slice_of(fault));
        return;
    }
    struct match match = match_route(parser->settings, job->request.method, target.path);
    if (match.methods == 0) {
        job_fail(job, STATUS_NOT_FOUND, SLICE(""));
    } else if (job->request.method == METHOD_OPTIONS) {
        answer_options(job, match.methods);
    } else if (match.route == NULL) {
        job_fail(job, STATUS_METHOD_NOT_ALLOWED, SLICE(""));
        job->reply.allow = allow_list(job, match.methods);
    } else {
        decode_matched(parser, job, &match);
    }
}

/* OP_UNDERSTAND: the store has given the job a catalogue. OP_HEED: the assistant has been asked. */
static void parse_again(struct parser *parser, struct job *job)
{
    enum op op = (enum op)job->route->hops[job->hop].op;
    assert(op == OP_UNDERSTAND || op == OP_HEED);
    if (op == OP_UNDERSTAND)
        understand_again(parser, job);
    else
        understand_advised(parser, job);
}

/* What was read with too little memory may be misread: no other word on it counts. */
static void doubt(struct parser *parser, struct job *job)
{
    bool zone_missed = zones_ran_out(parser->zones);
    if (!zone_missed && !job->arena.exhausted)
        return;
    job->reply.n_errors = 0;
    job->reply.extra = SLICE("");
    job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
}

static void parse_long(struct parser *parser, struct job *job)
{
    outbox_flush(&parser->worker.outbox);
    parse(parser, job);
    parser->worker.outbox.now_ns = clock_ns();
}

static void parser_step(struct worker *worker, struct job *jobs[], unsigned n)
{
    struct parser *parser = (struct parser *)worker;
    for (unsigned i = 0; i < n; i++) {
        if (jobs[i]->hop != HOP_PARSER)
            parse_again(parser, jobs[i]);
        else if (jobs[i]->request.body.len < LONG_BODY_BYTES)
            parse(parser, jobs[i]);
        else
            parse_long(parser, jobs[i]);
        doubt(parser, jobs[i]);
        bool is_answered = jobs[i]->reply.http != 0;
        if (jobs[i]->status == STATUS_OK && !is_answered)
            job_next(&worker->outbox, &jobs[i]);
        else
            job_done(&worker->outbox, &jobs[i]);
    }
}

static int parser_open(struct worker *worker, struct error *error)
{
    struct parser *parser = (struct parser *)worker;
    json_init();
    parser->scratch_block = malloc(SCRATCH_BYTES);
    parser->zones = zones_new(NULL);
    parser->zone = parser->zones == NULL ? NULL : zones_find(parser->zones, slice_of(parser->settings->zone));
    if (parser->scratch_block == NULL || parser->zone == NULL) {
        zones_free(&parser->zones);
        free(parser->scratch_block);
        return error_set(error, 1, "no memory for a parser");
    }
    arena_init(&parser->scratch, parser->scratch_block, SCRATCH_BYTES);
    return 0;
}

static void parser_close(struct worker *worker)
{
    struct parser *parser = (struct parser *)worker;
    arena_reset(&parser->scratch);
    free(parser->scratch_block);
    parser->scratch_block = NULL;
    catalogue_release(&parser->granted);
    catalogue_release(&parser->catalogue);
    zones_free(&parser->zones);
}

const struct stage parser_stage = {
    .name = "parser", .id = STAGE_PARSER, .open = parser_open, .step = parser_step, .close = parser_close
};

void parser_init(struct parser *parser, const struct parser_settings *settings)
{
    *parser = (struct parser){ .worker = { .stage = &parser_stage }, .settings = settings };
}
