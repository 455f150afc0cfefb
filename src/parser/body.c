/* SPDX-License-Identifier: MIT */
/* body: happy path.
 *
 * The content type says JSON or NDJSON; item by item the gate checks the text and metric_decode()
 * makes a metric of it. All items are read before the verdict: text that is not JSON refuses the
 * request at once, a metric that breaks a rule only at the end. */
#include "body.h"

#include <strings.h>

#include <telemetry/clock.h>

#include "fields.h"
#include "refuse.h"

enum { ITEM_BYTES = 128 }; /* a guess at the text of one metric, to size the first block */

static bool read_type(struct job *job, enum body_type *ret_type)
{
    struct slice coding = job->request.content_encoding;
    struct slice type = job->request.content_type;
    *ret_type = content_type_parse(type);
    if (coding.len > 0 && !(coding.len == 8 && strncasecmp(coding.data, "identity", 8) == 0))
        job_fail(job, STATUS_UNSUPPORTED_MEDIA_TYPE, SLICE("the body must be sent without a Content-Encoding"));
    else if (type.len == 0)
        job_fail(job, STATUS_UNSUPPORTED_MEDIA_TYPE,
                 SLICE("Content-Type is missing; send application/json or application/x-ndjson"));
    else if (*ret_type == BODY_OTHER)
        job_refuse(job, STATUS_UNSUPPORTED_MEDIA_TYPE,
                   "Content-Type is %.*s; send application/json or application/x-ndjson in UTF-8"
                   " (with curl: -H 'Content-Type: application/json')",
                   QUOTE(type));
    return job->status == STATUS_OK;
}

bool body_is_json(struct job *job)
{
    enum body_type type;
    if (read_type(job, &type) && type != BODY_JSON)
        job_fail(job, STATUS_UNSUPPORTED_MEDIA_TYPE, SLICE("Content-Type must be application/json"));
    return job->status == STATUS_OK;
}

void decoder_init(struct decoder *decoder, struct parser *parser, struct job *job)
{
    *decoder = (struct decoder){ .parser = parser, .job = job, .now_ms = clock_wall_ms() };
    job->n_metrics = 0;
}

/* Makes room for one more metric; the array moves to twice the room when it is full. */
static bool reserve_metric(struct decoder *decoder)
{
    struct job *job = decoder->job;
    uint32_t max = decoder->parser->settings->batch_max_items;
    if (job->n_metrics < decoder->capacity)
        return true;
    uint64_t wanted = decoder->capacity == 0 ? 1 + job->request.body.len / ITEM_BYTES : 2 * (uint64_t)decoder->capacity;
    uint32_t capacity = wanted < max ? (uint32_t)wanted : max;
    struct metric *metrics = arena_alloc(&job->arena, capacity * sizeof(metrics[0]));
    if (metrics == NULL) {
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
        return false;
    }
    if (job->n_metrics > 0)
        memcpy(metrics, job->metrics, job->n_metrics * sizeof(metrics[0]));
    job->metrics = metrics;
    decoder->capacity = capacity;
    return true;
}

/* One item of a batch. False when the request is lost; a broken rule is only noted. */
static bool add_item(struct decoder *decoder, const struct json_value *value)
{
    struct job *job = decoder->job;
    if (decoder->index == decoder->parser->settings->batch_max_items) {
        job_refuse(job, STATUS_BODY_TOO_LARGE, "a request must not hold more than %u metrics", decoder->index);
        return false;
    }
    if (!reserve_metric(decoder))
        return false;
    if (metric_decode(decoder, value, &job->metrics[job->n_metrics]))
        job->n_metrics++;
    decoder->index++;
    return job->status == STATUS_OK;
}

static void malformed(struct job *job, const struct json_gate *gate)
{
    job_refuse(job, STATUS_MALFORMED_JSON, "at byte %zu: %s", gate_offset(gate), gate->reason);
}

static void read_list(struct decoder *decoder, struct json_gate *gate)
{
    struct json_value value;
    decoder->job->batch = true;
    while (gate_next(gate) && gate_value(gate, &value))
        if (!add_item(decoder, &value))
            return;
    if (!gate_end(gate))
        malformed(decoder->job, gate);
    else if (decoder->index == 0)
        job_fail(decoder->job, STATUS_INVALID_METRIC, SLICE("the array holds no metrics"));
}

static void read_single(struct decoder *decoder, struct json_gate *gate)
{
    struct json_value value;
    size_t max = decoder->parser->settings->single_max_bytes;
    if (decoder->job->request.body.len > max)
        job_refuse(decoder->job, STATUS_BODY_TOO_LARGE, "the body of one metric must not have more than %zu bytes",
                   max);
    else if (!gate_value(gate, &value) || !gate_end(gate))
        malformed(decoder->job, gate);
    else
        add_item(decoder, &value);
}

static void read_json(struct decoder *decoder)
{
    struct json_gate gate;
    gate_open(&gate, decoder->job->request.body, decoder->parser->settings->json_depth_max);
    if (gate_list(&gate))
        read_list(decoder, &gate);
    else
        read_single(decoder, &gate);
}

/* One line; blank ones are passed over. */
static bool read_line(struct decoder *decoder, struct slice line, size_t number)
{
    struct json_gate gate;
    struct json_value value;
    struct job *job = decoder->job;
    gate_open(&gate, line, decoder->parser->settings->json_depth_max);
    if (gate_end(&gate))
        return true;
    gate_open(&gate, line, decoder->parser->settings->json_depth_max);
    if (gate_value(&gate, &value) && gate_end(&gate))
        return add_item(decoder, &value);
    job_refuse(job, STATUS_MALFORMED_JSON, "line %zu, at byte %zu: %s", number,
               (size_t)(gate.at - job->request.body.data), gate.reason);
    return false;
}

static void read_lines(struct decoder *decoder)
{
    struct job *job = decoder->job;
    struct slice rest = job->request.body;
    job->batch = true;
    for (size_t number = 1; rest.len > 0; number++) {
        const char *newline = memchr(rest.data, '\n', rest.len);
        size_t len = newline == NULL ? rest.len : (size_t)(newline - rest.data);
        if (!read_line(decoder, (struct slice){ rest.data, len }, number))
            return;
        len += newline != NULL;
        rest = (struct slice){ rest.data + len, rest.len - len };
    }
    if (decoder->index == 0)
        job_fail(job, STATUS_INVALID_METRIC, SLICE("the body holds no metrics"));
}

bool decoder_verdict(struct decoder *decoder)
{
    struct job *job = decoder->job;
    if (job->status == STATUS_OK && decoder->n_bad > 0 && !job->batch)
        job_fail(job, STATUS_INVALID_METRIC, job->reply.n_errors > 0 ? job->reply.errors[0].detail : SLICE(""));
    else if (job->status == STATUS_OK && decoder->n_bad > 0)
        job_refuse(job, STATUS_INVALID_METRIC, "%u of %u metrics break a rule; nothing was stored", decoder->n_bad,
                   decoder->index);
    if (job->status == STATUS_OK)
        return true;
    job->n_metrics = 0;
    return false;
}

bool body_decode(struct decoder *decoder)
{
    enum body_type type;
    if (!read_type(decoder->job, &type))
        return false;
    if (type == BODY_NDJSON)
        read_lines(decoder);
    else
        read_json(decoder);
    return decoder_verdict(decoder);
}

bool body_decode_single(struct decoder *decoder)
{
    enum body_type type;
    struct json_gate gate;
    if (!read_type(decoder->job, &type))
        return false;
    if (type != BODY_JSON) {
        job_fail(decoder->job, STATUS_UNSUPPORTED_MEDIA_TYPE, SLICE("one metric is sent as application/json"));
        return false;
    }
    gate_open(&gate, decoder->job->request.body, decoder->parser->settings->json_depth_max);
    read_single(decoder, &gate);
    return decoder_verdict(decoder);
}
