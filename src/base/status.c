/* SPDX-License-Identifier: MIT */
#include <telemetry/status.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct status_row {
    unsigned http;
    const char *type;
    const char *title;
};

static const struct status_row rows[STATUS_COUNT] = {
#define STATUS_ROW(code, http, type, title) [STATUS_##code] = { http, type, title },
    STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

static const struct status_row *row_of(enum status status)
{
    assert((unsigned)status < STATUS_COUNT);
    return &rows[status];
}

unsigned status_http(enum status status)
{
    return row_of(status)->http;
}

const char *status_type(enum status status)
{
    return row_of(status)->type;
}

const char *status_title(enum status status)
{
    return row_of(status)->title;
}

int error_set(struct error *error, int exit_code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error->exit_code = exit_code;
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return -1;
}
