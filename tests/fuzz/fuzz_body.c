/* SPDX-License-Identifier: MIT */
/* Bodies with metrics: what is decoded keeps the rules, is written as JSON, and reads back as the same metric, byte by
 * byte; what is not decoded names its fault and leaves nothing behind. The first byte says which kind of body. */
#include <math.h>

#include "fuzz.h"
#include "job.h"
#include "parser/body.h"
#include "parser/metric_json.h"
#include "parser/utf8_text.h"

enum { LINES = 1, SINGLE = 2 };

static bool decode(struct fuzz_job *fuzz, unsigned kind, struct slice body)
{
    struct decoder decoder;
    struct job *job = &fuzz->job;
    job->request.body = body;
    job->request.content_type = (kind & LINES) != 0 ? SLICE("application/x-ndjson") : SLICE("application/json");
    decoder_init(&decoder, &fuzz->parser, job);
    return (kind & SINGLE) != 0 ? body_decode_single(&decoder) : body_decode(&decoder);
}

static void check_text(struct slice text, size_t max)
{
    assert(text.len > 0 && text.len <= max && utf8_text_valid(text) && !utf8_text_has_control(text));
}

static void check_metric(const struct metric *metric)
{
    struct slice tag, last = { NULL, 0 };
    size_t cursor = 0;
    unsigned n_tags = 0;
    check_text(metric_name(metric), METRIC_NAME_MAX);
    for (; metric_next_tag(metric, &cursor, &tag); last = tag, n_tags++) {
        check_text(tag, METRIC_TAG_MAX);
        assert(n_tags == 0 || slice_compare(last, tag) < 0);
    }
    assert(n_tags == metric->n_tags && n_tags <= METRIC_TAGS_MAX);
    assert(isfinite(metric->value) && !(metric->value == 0 && signbit(metric->value)));
    assert(metric->timestamp_ms >= METRIC_TIMESTAMP_MIN && metric->timestamp_ms <= METRIC_TIMESTAMP_MAX);
}

/* metric -> JSON -> metric -> JSON */
static void check_round(struct metric *metric)
{
    static _Alignas(16) char block[1024];
    struct arena arena;
    arena_init(&arena, block, sizeof(block));
    metric->has_id = true;
    struct text text = text_in(&arena, 64), again = text_in(&arena, 64);
    metric_json_append(&text, metric);
    assert(!text.failed);
    struct exact copy = exact_new(text.data, text.len);
    struct fuzz_job *fuzz = fuzz_job_open();
    bool good = decode(fuzz, SINGLE, exact_slice(&copy));
    assert(good && fuzz->job.n_metrics == 1 && metric_equal(metric, fuzz->job.metrics));
    assert(metric_etag(metric) == metric_etag(fuzz->job.metrics));
    metric_json_append(&again, fuzz->job.metrics);
    assert(!again.failed && slice_equal(text_slice(&text), text_slice(&again)));
    fuzz_job_close(fuzz);
    exact_free(&copy);
    arena_reset(&arena);
}

/* The metrics of a body leave its job, which is used again. */
static void check_metrics(struct fuzz_job *fuzz)
{
    uint32_t n = fuzz->job.n_metrics;
    struct metric *metrics = malloc((n + 1) * sizeof(metrics[0]));
    assert(metrics != NULL);
    for (uint32_t i = 0; i < n; i++) {
        metrics[i] = fuzz->job.metrics[i];
        struct exact series = exact_new(metrics[i].series.data, metrics[i].series.len);
        metrics[i].series = exact_slice(&series);
    }
    fuzz_job_close(fuzz);
    for (uint32_t i = 0; i < n; i++) {
        check_metric(&metrics[i]);
        check_round(&metrics[i]);
        free((char *)(uintptr_t)metrics[i].series.data);
    }
    free(metrics);
}

static void check_refusal(const struct fuzz_job *fuzz)
{
    const struct reply *reply = &fuzz->job.reply;
    assert(fuzz->job.status != STATUS_OK && fuzz->job.status != STATUS_INTERNAL && fuzz->job.n_metrics == 0);
    assert(reply->detail.len > 0 && utf8_text_valid(reply->detail));
    assert(reply->n_errors <= REPLY_ERRORS_MAX);
    for (unsigned i = 0; i < reply->n_errors; i++)
        assert(reply->errors[i].detail.len > 0 && utf8_text_valid(reply->errors[i].detail));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned kind = take_byte(&data, &size);
    struct exact body = exact_new(data, size);
    struct fuzz_job *fuzz = fuzz_job_open();
    if (decode(fuzz, kind, exact_slice(&body))) {
        check_metrics(fuzz);
    } else {
        check_refusal(fuzz);
        fuzz_job_close(fuzz);
    }
    exact_free(&body);
    return 0;
}
