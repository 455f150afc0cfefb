/* SPDX-License-Identifier: MIT */
#include "refuse.h"

#include <stdarg.h>
#include <stdio.h>

static struct slice sentence_va(struct arena *arena, const char *format, va_list arguments)
{
    char line[512];
    int len = vsnprintf(line, sizeof(line), format, arguments);
    if (len < 0)
        len = 0;
    if ((size_t)len >= sizeof(line))
        len = sizeof(line) - 1;
    return arena_copy(arena, (struct slice){ line, (size_t)len });
}

struct slice sentence(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct slice text = sentence_va(arena, format, arguments);
    va_end(arguments);
    return text;
}

void job_refuse_at(struct job *job, enum status status, struct slice pointer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct slice why = sentence_va(&job->arena, format, arguments);
    va_end(arguments);
    job_refuse(job, status, "%.*s%s%.*s", (int)pointer.len, pointer.data, pointer.len == 0 ? "" : ": ", (int)why.len,
               why.data);
    struct reply_error *error = arena_alloc(&job->arena, sizeof(*error));
    if (error == NULL)
        return;
    *error = (struct reply_error){ .pointer = pointer, .detail = why };
    job->reply.errors = error;
    job->reply.n_errors = 1;
}

void job_refuse(struct job *job, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    job_fail(job, status, sentence_va(&job->arena, format, arguments));
    va_end(arguments);
}
