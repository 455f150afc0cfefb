/* SPDX-License-Identifier: MIT */
/* list_parameters: the parameters that say which metrics are meant: the fields of a list, each alone or as a
 * member of filters={...}. */
#pragma once

#include "list_fields.h"
#include "parser.h"
#include "target.h"

/* Whether a parameter of this name is one of them. */
bool list_parameter_is_known(struct slice name);

/* Reads one of them into query->job->filter. False when the job failed. */
bool list_parameter_read(struct parser *parser, struct list_query *query, const struct parameter *parameter);

/* Behind the last one: each field came from one place, and the filter is in its normal form. False when the
 * job failed. */
bool list_parameters_end(struct list_query *query);
