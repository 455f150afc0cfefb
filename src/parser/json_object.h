/* SPDX-License-Identifier: MIT */
/* json_object: the members of one JSON object, each as a tree and as its own text. */
#pragma once

#include <telemetry/arena.h>

#include "json.h"
#include "json_gate.h"

struct json_object {
    const cJSON *node;       /* the value of the member under way */
    unsigned index;          /* its number */
    struct json_value value; /* the object */
    const cJSON *next;
};

/* Opens an object that passed the gate as `value`. Keeps arena until the object is not read any more. */
MUST_CHECK enum status json_object_open(struct json_object *object, const struct json_value *value,
                                        struct arena *arena);

/* Moves to the first member, then from one to the next; false behind the last. */
bool json_object_next(struct json_object *object);

/* The name of the member under way, unescaped. */
struct slice json_object_name(const struct json_object *object);

/* The text of its value, as it came. */
struct slice json_object_text(const struct json_object *object);
