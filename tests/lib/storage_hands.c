/* SPDX-License-Identifier: MIT */
#include "storage_hands.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "suite.h"

struct hands *hands_new(const struct storage_ops *ops, unsigned run_rows)
{
    struct hands *hands = calloc(1, sizeof(*hands));
    assert_non_null(hands);
    hands->ops = ops;
    strcpy(hands->folder, "/tmp/telemetry-store-XXXXXX");
    assert_non_null(mkdtemp(hands->folder));
    hands->settings = (struct storage_settings){ .data_dir = hands->folder,
                                                 .n_writers = 1,
                                                 .n_readers = 1,
                                                 .query_limit_ns = 60 * NS_PER_S,
                                                 .aggregate_max_bytes = 64 * 1024 * 1024,
                                                 .run_rows = run_rows };
    hands->stats = aligned_alloc(64, (sizeof(*hands->stats) + 63) / 64 * 64);
    memset(hands->stats, 0, sizeof(*hands->stats));
    hands_open(hands);
    return hands;
}

void hands_free(struct hands **hands)
{
    struct hands *self = *hands;
    hands_close(self);
    DIR *folder = opendir(self->folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(self->folder);
    free(self->stats);
    free(self);
    *hands = NULL;
}

void hands_open(struct hands *hands)
{
    struct error error = { .text = "" };
    if (hands->ops->open(&hands->settings, &hands->storage, &error) != 0 ||
        hands->ops->attach(hands->storage, STORAGE_WRITER, 0, hands->stats, &hands->writer, &error) != 0 ||
        hands->ops->attach(hands->storage, STORAGE_READER, 0, hands->stats, &hands->reader, &error) != 0)
        fail_msg("%s", error.text);
}

void hands_close(struct hands *hands)
{
    if (hands->storage == NULL)
        return;
    hands->ops->detach(&hands->writer);
    hands->ops->detach(&hands->reader);
    hands->ops->close(&hands->storage);
    assert_null(hands->storage);
}

void hands_reopen(struct hands *hands)
{
    hands_close(hands);
    hands_open(hands);
}

static const struct route routes[] = {
    [OP_INSERT] = { .hops = { { STAGE_WRITER, OP_INSERT, 0 } } },
    [OP_UPDATE] = { .hops = { { STAGE_WRITER, OP_UPDATE, 0 } } },
    [OP_DELETE] = { .hops = { { STAGE_WRITER, OP_DELETE, 0 } } },
    [OP_GET] = { .hops = { { STAGE_READER, OP_GET, 0 } } },
    [OP_FIND] = { .hops = { { STAGE_READER, OP_FIND, 0 } } },
    [OP_AGGREGATE] = { .hops = { { STAGE_READER, OP_AGGREGATE, 0 } } },
    [OP_CATALOGUE] = { .hops = { { STAGE_READER, OP_CATALOGUE, 0 } } },
};

struct job *hands_job(enum op op)
{
    struct job *job = job_fixture_new();
    job->route = &routes[op];
    job->hop = 0;
    job->filter = (struct filter){
        .limit = FILTER_LIMIT_DEFAULT, .from_ms = INT64_MIN, .to_ms = INT64_MAX, .min = -INFINITY, .max = INFINITY
    };
    return job;
}

uint8_t hands_words(const char *text, struct arena *arena, struct slice **ret_words)
{
    uint8_t n = 0;
    struct slice *words = arena_alloc(arena, METRIC_TAGS_MAX * sizeof(words[0]));
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, " ");
        words[n++] = (struct slice){ text, len };
        text += len + (text[len] == ' ');
    }
    *ret_words = words;
    return n;
}

struct metric hands_metric(const struct spec *spec, struct arena *arena)
{
    struct metric metric = { .timestamp_ms = spec->timestamp_ms, .value = spec->value };
    struct slice *tags;
    uint8_t n_tags = hands_words(spec->tags, arena, &tags);
    assert_true(metric_set_series(&metric, arena, slice_of(spec->name), tags, n_tags));
    metric.has_id = metric.client_id = spec->id != NULL;
    if (spec->id != NULL)
        assert_true(metric_id_parse(slice_of(spec->id), &metric.id));
    return metric;
}

struct job *hands_insert_job(const struct spec specs[], unsigned n)
{
    struct job *job = hands_job(OP_INSERT);
    job->metrics = arena_alloc(&job->arena, n * sizeof(job->metrics[0]));
    job->n_metrics = n;
    job->batch = n > 1;
    for (unsigned i = 0; i < n; i++)
        job->metrics[i] = hands_metric(&specs[i], &job->arena);
    return job;
}

enum status hands_run(struct hands *hands, struct job *job)
{
    if (job->route->hops[job->hop].stage == STAGE_WRITER)
        hands->ops->write(hands->writer, &job, 1);
    else
        hands->ops->read(hands->reader, &job, 1);
    return job->status;
}

void hands_insert(struct hands *hands, const struct spec specs[], unsigned n, struct metric_id ret_ids[])
{
    struct job *job = hands_insert_job(specs, n);
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    for (unsigned i = 0; i < n; i++) {
        assert_true(job->metrics[i].has_id);
        if (ret_ids != NULL)
            ret_ids[i] = job->metrics[i].id;
    }
    job_fixture_free(&job);
}

enum status hands_update(struct hands *hands, struct metric_id id, const struct spec *spec)
{
    struct job *job = hands_job(OP_UPDATE);
    job->metrics = arena_alloc(&job->arena, sizeof(job->metrics[0]));
    job->metrics[0] = hands_metric(spec, &job->arena);
    job->n_metrics = 1;
    job->id = id;
    enum status status = hands_run(hands, job);
    job_fixture_free(&job);
    return status;
}

enum status hands_delete(struct hands *hands, struct metric_id id)
{
    struct job *job = hands_job(OP_DELETE);
    job->id = id;
    enum status status = hands_run(hands, job);
    job_fixture_free(&job);
    return status;
}

struct job *hands_get(struct hands *hands, struct metric_id id)
{
    struct job *job = hands_job(OP_GET);
    job->id = id;
    hands_run(hands, job);
    return job;
}

const char *hands_values(struct hands *hands, struct job *job, char ret_text[], size_t bytes)
{
    size_t len = 0;
    ret_text[0] = '\0';
    if (hands_run(hands, job) != STATUS_OK)
        snprintf(ret_text, bytes, "%s", status_type(job->status));
    for (uint32_t i = 0; job->status == STATUS_OK && i < job->n_metrics && len < bytes; i++)
        len += (size_t)snprintf(ret_text + len, bytes - len, "%s%g", i == 0 ? "" : " ", job->metrics[i].value);
    if (job->has_next && len < bytes)
        snprintf(ret_text + len, bytes - len, "+");
    job_fixture_free(&job);
    return ret_text;
}
