/* SPDX-License-Identifier: MIT */
/* list_filters: the parameter filters={...}, a JSON object with the fields of a list. */
#pragma once

#include "list_fields.h"
#include "parser.h"

/* Reads the decoded text of the parameter into query->job->filter. False when the job failed. */
bool list_filters_read(struct parser *parser, struct list_query *query, struct slice text);
