/* SPDX-License-Identifier: MIT */
/* metric_json: one metric as the JSON document that clients see. Any thread. */
#pragma once

#include <telemetry/arena.h>
#include <telemetry/metric.h>

/* Appends {"id":"...","name":"...","tags":[...],"value":1.5,"timestamp":"..."}. The metric has an id. */
void metric_json_append(struct text *text, const struct metric *metric);

/* Appends the 24 hex digits of an id in quotes. */
void metric_json_id(struct text *text, const struct metric_id *id);
