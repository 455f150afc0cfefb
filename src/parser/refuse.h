/* SPDX-License-Identifier: MIT */
/* refuse: how a request is turned down with a sentence of its own. */
#pragma once

#include <stdint.h>

#include <telemetry/job.h>

#include "utf8_text.h"

enum { REFUSE_QUOTE_MAX = 80 }; /* bytes of a client's text that a sentence repeats */

/* Sets the job's status, and as detail what printf makes of the rest, in the job's arena. */
__attribute__((format(printf, 3, 4))) void job_refuse(struct job *job, enum status status, const char *format, ...);

/* The same for one member of a JSON body: `pointer` (RFC 6901), kept as it is, stands in front of the sentence and
 * alone in errors[]. */
__attribute__((format(printf, 4, 5))) void job_refuse_at(struct job *job, enum status status, struct slice pointer,
                                                         const char *format, ...);

/* The same text alone. Lends it; empty without memory. */
__attribute__((format(printf, 2, 3))) struct slice sentence(struct arena *arena, const char *format, ...);

/* A client's text as two arguments for %.*s, cut to REFUSE_QUOTE_MAX. */
#define QUOTE(text) (int)utf8_text_clip((text), REFUSE_QUOTE_MAX).len, (text).data
