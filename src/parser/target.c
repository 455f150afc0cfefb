/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <strings.h>

#include "refuse.h"
#include "utf8_text.h"

static struct slice behind(struct slice text, size_t n)
{
    return (struct slice){ text.data + n, text.len - n };
}

static size_t find(struct slice text, char c)
{
    const char *place = text.len == 0 ? NULL : memchr(text.data, c, text.len);
    return place == NULL ? text.len : (size_t)(place - text.data);
}

/* Bytes of "http://authority" at the front of the target, 0 in origin form. */
static size_t origin_len(struct slice text)
{
    static const char *const schemes[] = { "http://", "https://" };
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(schemes[i]);
        if (text.len <= len || strncasecmp(text.data, schemes[i], len) != 0)
            continue;
        while (len < text.len && text.data[len] != '/' && text.data[len] != '?')
            len++;
        return len;
    }
    return 0;
}

const char *target_split(struct slice text, struct target *ret_target)
{
    if (find(text, '#') < text.len)
        return "a request target has no fragment: # must be written as %23";
    size_t origin = origin_len(text);
    text = behind(text, origin);
    size_t path_len = find(text, '?');
    ret_target->path = (struct slice){ text.data, path_len };
    ret_target->query = path_len < text.len ? behind(text, path_len + 1) : (struct slice){ NULL, 0 };
    if (path_len == 0 && origin > 0)
        ret_target->path = SLICE("/");
    else if (path_len == 0 || (text.data[0] != '/' && !slice_equal(text, SLICE("*"))))
        return "the request target must start with /";
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of %XX at the front of text, or -1. */
static int escaped_byte(struct slice text)
{
    int high = text.len < 3 ? -1 : hex_digit(text.data[1]);
    int low = text.len < 3 ? -1 : hex_digit(text.data[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Escapes of letters that need none are the same path (RFC 3986, 6.2.2.2). */
static bool segment_matches(struct slice segment, struct slice literal)
{
    for (; segment.len > 0 && literal.len > 0; literal = behind(literal, 1)) {
        bool escaped = segment.data[0] == '%';
        int c = escaped ? escaped_byte(segment) : segment.data[0];
        if (c != literal.data[0])
            return false;
        segment = behind(segment, escaped ? 3 : 1);
    }
    return segment.len == 0 && literal.len == 0;
}

/* Cuts "/segment" off the front of *path. */
static struct slice next_segment(struct slice *path)
{
    struct slice rest = behind(*path, 1);
    struct slice segment = { rest.data, find(rest, '/') };
    *path = behind(rest, segment.len);
    return segment;
}

bool path_matches(struct slice path, const char *pattern, struct slice *ret_id)
{
    struct slice rest = slice_of(pattern), id = { NULL, 0 };
    while (path.len > 0 && rest.len > 0 && path.data[0] == '/') {
        struct slice segment = next_segment(&path), wanted = next_segment(&rest);
        bool is_id = slice_equal(wanted, SLICE("{id}"));
        if (is_id ? segment.len == 0 : !segment_matches(segment, wanted))
            return false;
        if (is_id)
            id = segment;
    }
    if (path.len > 0 || rest.len > 0)
        return false;
    if (id.data != NULL)
        *ret_id = id;
    return true;
}

/* Form decoding: %XX is a byte, + a blank. */
static bool decode(struct job *job, struct slice raw, struct slice *ret_text)
{
    char *place = arena_alloc(&job->arena, raw.len);
    if (place == NULL) {
        job_fail(job, STATUS_OUT_OF_MEMORY, SLICE(""));
        return false;
    }
    char *out = place;
    while (raw.len > 0) {
        bool escaped = raw.data[0] == '%';
        int c = escaped ? escaped_byte(raw) : raw.data[0] == '+' ? ' ' : raw.data[0];
        if (escaped && c < 0) {
            job_fail(job, STATUS_BAD_FILTER, SLICE("a % in the query must be followed by two hex digits"));
            return false;
        }
        *out++ = (char)c;
        raw = behind(raw, escaped ? 3 : 1);
    }
    *ret_text = (struct slice){ place, (size_t)(out - place) };
    return true;
}

static bool decode_text(struct job *job, struct slice raw, struct slice *ret_text)
{
    *ret_text = raw;
    if ((find(raw, '%') < raw.len || find(raw, '+') < raw.len) && !decode(job, raw, ret_text))
        return false;
    if (utf8_text_valid(*ret_text) && !utf8_text_has_control(*ret_text))
        return true;
    job_fail(job, STATUS_BAD_FILTER, SLICE("the query must be UTF-8 text without control characters"));
    return false;
}

bool parameter_next(struct job *job, struct slice *query, struct parameter *ret_parameter)
{
    while (query->len > 0) {
        struct slice part = { query->data, find(*query, '&') };
        *query = behind(*query, part.len + (part.len < query->len));
        if (part.len == 0)
            continue;
        size_t name_len = find(part, '=');
        struct slice value = behind(part, name_len + (name_len < part.len));
        return decode_text(job, (struct slice){ part.data, name_len }, &ret_parameter->name) &&
               decode_text(job, value, &ret_parameter->value);
    }
    return false;
}

struct slice job_query(const struct job *job)
{
    struct target target;
    return target_split(job->request.target, &target) == NULL ? target.query : (struct slice){ NULL, 0 };
}
