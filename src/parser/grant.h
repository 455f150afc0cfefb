/* SPDX-License-Identifier: MIT */
/* grant: what a request's key allows: its role against that of the route, and its prefix against names.
 *
 * A key with a prefix sees and changes metrics whose names begin with it: lists and plans are narrowed to them, metrics
 * of other names are refused, and by id they are not there. It is told no other names, and no tags, by prompts. */
#pragma once

#include <telemetry/job.h>

struct parser;

/* False when the job failed: STATUS_UNAUTHORIZED without a key, STATUS_FORBIDDEN with one that is too weak. */
bool grant_route(struct job *job);

/* Narrows a filter to the names that the key may touch. False when it asks for others only: STATUS_FORBIDDEN. */
bool grant_filter(struct job *job, struct filter *filter);

/* Whether the job's metrics are such; STATUS_FORBIDDEN else. */
bool grant_metrics(struct job *job);

/* Lends what a prompt of this job may know of the catalogue, until the next call; NULL without memory. */
const struct catalogue *grant_catalogue(struct parser *parser, const struct job *job, struct catalogue *catalogue);
