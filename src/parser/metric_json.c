/* SPDX-License-Identifier: MIT */
/* metric_json: room for the longest form of the metric is reserved once, then bytes are put down. */
#include "metric_json.h"

#include <telemetry/number.h>
#include <telemetry/rfc3339.h>

enum {
    ESCAPE_BYTES = 6, /* the longest form of one byte: backslash, u and four hex digits */
    TAG_BYTES = 3,    /* quotes and comma around a tag */
    FRAME_BYTES = 128 /* member names and punctuation, id, value and timestamp */
};

#define PUT(place, literal) put((place), (literal), sizeof(literal) - 1)

static char *put(char *place, const char *data, size_t len)
{
    memcpy(place, data, len);
    return place + len;
}

static char *put_escaped(char *place, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    *place++ = '\\';
    if (c == '"' || c == '\\') {
        *place++ = (char)c;
        return place;
    }
    place = PUT(place, "u00");
    *place++ = digits[c >> 4];
    *place++ = digits[c & 15];
    return place;
}

static char *put_string(char *place, struct slice string)
{
    *place++ = '"';
    for (size_t i = 0; i < string.len; i++) {
        unsigned char c = (unsigned char)string.data[i];
        if (c < 0x20 || c == '"' || c == '\\')
            place = put_escaped(place, c);
        else
            *place++ = (char)c;
    }
    *place++ = '"';
    return place;
}

static char *put_tags(char *place, const struct metric *metric)
{
    size_t cursor = 0;
    struct slice tag;
    bool more = metric_next_tag(metric, &cursor, &tag);
    *place++ = '[';
    while (more) {
        place = put_string(place, tag);
        more = metric_next_tag(metric, &cursor, &tag);
        if (more)
            *place++ = ',';
    }
    *place++ = ']';
    return place;
}

void metric_json_append(struct text *text, const struct metric *metric)
{
    size_t room = FRAME_BYTES + NUMBER_BYTES_MAX + ESCAPE_BYTES * metric->series.len + TAG_BYTES * metric->n_tags;
    char *start = text_reserve(text, room);
    if (start == NULL)
        return;
    char *place = PUT(start, "{\"id\":\"");
    metric_id_hex(&metric->id, place);
    place = PUT(place + METRIC_ID_HEX, "\",\"name\":");
    place = put_string(place, metric_name(metric));
    place = PUT(place, ",\"tags\":");
    place = put_tags(place, metric);
    place = PUT(place, ",\"value\":");
    place += number_format(metric->value, place);
    place = PUT(place, ",\"timestamp\":\"");
    rfc3339_format(metric->timestamp_ms, place);
    place = PUT(place + RFC3339_BYTES, "\"}");
    text_advance(text, (size_t)(place - start));
}

void metric_json_id(struct text *text, const struct metric_id *id)
{
    char *place = text_reserve(text, METRIC_ID_HEX + 2);
    if (place == NULL)
        return;
    place[0] = '"';
    metric_id_hex(id, place + 1);
    place[METRIC_ID_HEX + 1] = '"';
    text_advance(text, METRIC_ID_HEX + 2);
}
