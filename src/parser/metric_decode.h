/* SPDX-License-Identifier: MIT */
/* metric_decode: one JSON value becomes one metric, or a list of the rules it breaks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/job.h>

#include "json_gate.h"
#include "parser.h"

enum { METRIC_VALUES_MAX = 1024 }; /* JSON values in one metric; cJSON spends 64 bytes on each */

/* Decoding the body of one request. */
struct decoder {
    struct parser *parser;
    struct job *job;
    int64_t now_ms;        /* arrival: the timestamp of metrics without one */
    uint32_t index;        /* item of the batch under way, 0 for a single metric */
    uint32_t n_bad;        /* items that broke a rule */
    uint32_t n_client_ids; /* items that came with an id */
    uint32_t capacity;     /* of job->metrics */
};

/* Reads the item into *ret_metric, with its series in the job's arena. False when it breaks a rule,
 * which is then in job->reply.errors, or when the job failed (out of memory). Borrows item. */
bool metric_decode(struct decoder *decoder, const struct json_value *item, struct metric *ret_metric);

/* Whether the reply has room for another error; without it none needs to be put into words. */
bool decoder_has_room(const struct decoder *decoder);

/* Adds an error to the reply while it has room. Keeps both texts: static, or in the job's arena. */
void decoder_error(struct decoder *decoder, struct slice pointer, struct slice detail);
