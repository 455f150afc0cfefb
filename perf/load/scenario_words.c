/* SPDX-License-Identifier: MIT */
/* scenario_words: words and numbers of a line, complaints, and look-ups in a scenario that was read. */
#include "scenario_lines.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int refuse(struct reader *reader, const char *format, ...)
{
    int len = snprintf(reader->complaint, COMPLAINT_BYTES, "%s:%u: ", reader->name, reader->line);
    va_list arguments;
    va_start(arguments, format);
    if (len >= 0 && len < COMPLAINT_BYTES)
        vsnprintf(reader->complaint + len, (size_t)(COMPLAINT_BYTES - len), format, arguments);
    va_end(arguments);
    return -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct slice word(struct reader *reader)
{
    struct slice *rest = &reader->rest;
    while (rest->len > 0 && is_blank(rest->data[0]))
        *rest = (struct slice){ rest->data + 1, rest->len - 1 };
    if (rest->len > 0 && rest->data[0] == '#')
        rest->len = 0;
    struct slice found = { rest->data, 0 };
    while (found.len < rest->len && !is_blank(rest->data[found.len]))
        found.len++;
    *rest = (struct slice){ rest->data + found.len, rest->len - found.len };
    return found;
}

int read_number(struct reader *reader, const char *what, const double bounds[2], double *ret_number)
{
    struct slice text = word(reader);
    char copy[32] = "", *end = copy;
    if (text.len > 0 && text.len < sizeof(copy))
        memcpy(copy, text.data, text.len);
    double number = strtod(copy, &end);
    if (end == copy || *end != '\0' || !isfinite(number) || number < bounds[0] || number > bounds[1])
        return refuse(reader, "%s: `%.*s` is no number from %g to %g", what, (int)text.len, text.data, bounds[0],
                      bounds[1]);
    *ret_number = number;
    return 0;
}

int read_count(struct reader *reader, const char *what, unsigned max, unsigned *ret_count)
{
    double number = 0;
    if (read_number(reader, what, (double[]){ 1, max }, &number) != 0)
        return -1;
    if (number != floor(number))
        return refuse(reader, "%s: %g is not a whole number", what, number);
    *ret_count = (unsigned)number;
    return 0;
}

int scenario_find_call(const struct scenario *scenario, struct slice key)
{
    for (unsigned i = 0; i < scenario->n_calls; i++)
        if (slice_equal(scenario->calls[i].key, key))
            return (int)i;
    return -1;
}

bool call_expects(const struct call *call, int status)
{
    for (unsigned i = 0; i < call->n_statuses; i++)
        if (call->statuses[i] == status)
            return true;
    return call->n_statuses == 0 && status >= 200 && status <= 299;
}
