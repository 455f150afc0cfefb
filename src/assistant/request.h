/* SPDX-License-Identifier: MIT */
/* request: the body of a chat/completions call (OpenAI's API, with a strict JSON schema as the form of the
 * answer). Pure: any thread. */
#pragma once

#include <telemetry/arena.h>
#include <telemetry/slice.h>

struct catalogue;
struct inquiry;

enum {
    REQUEST_TEXTS_MAX = 200,           /* names, and as many tags */
    REQUEST_TEXTS_BYTES_MAX = 8 * 1024 /* of all names; of all tags */
};

/* Lends, in arena, the body that asks for the plan of a question. Of a large catalogue (NULL: none) go those names
 * and tags first that have a word which begins with one of the prompt's; of very many for one word, some. Data is NULL
 * when memory is exhausted. */
struct slice request_body(const char *model, const struct inquiry *inquiry, const struct catalogue *catalogue,
                          struct arena *arena);
