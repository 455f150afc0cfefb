/* SPDX-License-Identifier: MIT */
/* body: the metrics that a request carries, as one JSON object, an array, or lines (NDJSON). */
#pragma once

#include "metric_decode.h"

/* Starts the decoding of one request; reads the clock. Keeps both. */
void decoder_init(struct decoder *decoder, struct parser *parser, struct job *job);

/* Reads the body into job->metrics and sets job->batch. False when the job failed; nothing is then
 * in metrics. */
bool body_decode(struct decoder *decoder);

/* Whether the body says that it is JSON; else the job failed. */
bool body_is_json(struct job *job);

/* The same for a body that must be one metric. */
bool body_decode_single(struct decoder *decoder);

/* Fails the job when metrics broke a rule; their errors are in job->reply. Returns whether it is well. */
bool decoder_verdict(struct decoder *decoder);
