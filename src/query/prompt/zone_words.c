/* SPDX-License-Identifier: MIT */
/* zone_words: `in Europe/Berlin`, `UTC`, `+02:00`, `UTC+2`. Found before all else is read, because it is what other
 * words mean their times in. */
#include "query/prompt/numbers.h"
#include "query/prompt/reader.h"

enum { NAME_BYTES_MAX = 64, OFFSET_BYTES = 6, ABBREVIATION_BYTES_MIN = 3, ABBREVIATION_BYTES_MAX = 4 };

static bool is_sign(struct slice text)
{
    return text.len > 1 && (text.data[0] == '+' || text.data[0] == '-');
}

/* "+2", "+02", "+0200", "+2:00" as zones_find() wants it; empty when it is none. */
static struct slice offset_of(struct slice text, char ret_offset[OFFSET_BYTES])
{
    struct slice none = { NULL, 0 }, hours = { text.data + 1, text.len - 1 }, minutes = SLICE("00");
    int hour, minute;
    if (!is_sign(text))
        return none;
    const char *colon = memchr(hours.data, ':', hours.len);
    size_t n_hours = colon != NULL ? (size_t)(colon - hours.data) : hours.len > 2 ? hours.len - 2 : hours.len;
    if (n_hours < hours.len) {
        size_t at = n_hours + (colon != NULL);
        minutes = (struct slice){ hours.data + at, hours.len - at };
        hours.len = n_hours;
    }
    if (!number_digits(hours, 2, &hour) || minutes.len != 2 || !number_digits(minutes, 2, &minute))
        return none;
    ret_offset[0] = text.data[0];
    ret_offset[1] = (char)('0' + hour / 10);
    ret_offset[2] = (char)('0' + hour % 10);
    ret_offset[3] = ':';
    ret_offset[4] = minutes.data[0];
    ret_offset[5] = minutes.data[1];
    return (struct slice){ ret_offset, OFFSET_BYTES };
}

static const struct zone *find_offset(const struct reader *reader, struct slice text)
{
    char offset[OFFSET_BYTES];
    struct slice name = offset_of(text, offset);
    return name.data == NULL ? NULL : zones_find(reader->setting->zones, name);
}

/* As the names of tzdata are spelled: "america/new_york" is America/New_York. */
static const struct zone *find_place(const struct reader *reader, struct slice text)
{
    char name[NAME_BYTES_MAX];
    if (text.len > sizeof(name) || memchr(text.data, '/', text.len) == NULL)
        return NULL;
    for (size_t i = 0; i < text.len; i++) {
        bool first = i == 0 || strchr("/_-", text.data[i - 1]) != NULL;
        bool lower = text.data[i] >= 'a' && text.data[i] <= 'z';
        name[i] = first && lower ? (char)(text.data[i] - 'a' + 'A') : text.data[i];
    }
    return zones_find(reader->setting->zones, (struct slice){ name, text.len });
}

/* "CET", "EST": in capitals, behind `in`. */
static bool is_abbreviation(const struct reader *reader, unsigned index)
{
    struct slice raw = reader->words.at[index].raw;
    if (raw.len < ABBREVIATION_BYTES_MIN || raw.len > ABBREVIATION_BYTES_MAX || index == 0)
        return false;
    for (size_t i = 0; i < raw.len; i++)
        if (raw.data[i] < 'A' || raw.data[i] > 'Z')
            return false;
    return reader_says(reader, index - 1, "in") || reader_is(reader, index - 1, LEX_ZONE_WORD);
}

static const struct zone *zone_at(const struct reader *reader, unsigned index)
{
    const struct word *word = &reader->words.at[index];
    struct slice text = word->text, raw = word->raw;
    if (reader->setting->zones == NULL || word->kind == WORD_QUOTED || word->kind == WORD_SYMBOL)
        return NULL;
    if (slice_equal(text, SLICE("utc")) || slice_equal(text, SLICE("gmt")))
        return zones_find(reader->setting->zones, SLICE("UTC"));
    if (text.len > 3 && (slice_starts_with(text, SLICE("utc")) || slice_starts_with(text, SLICE("gmt"))))
        return find_offset(reader, (struct slice){ text.data + 3, text.len - 3 });
    bool opened = index > 0 && (reader_says(reader, index - 1, "in") || reader_is(reader, index - 1, LEX_ZONE_WORD) ||
                                reader_says(reader, index - 1, "utc") || reader_says(reader, index - 1, "gmt"));
    bool colon = text.len > 0 && memchr(text.data, ':', text.len) != NULL;
    if (is_sign(text) && (opened || colon))
        return find_offset(reader, text);
    if (word->kind == WORD_NUMBER || text.len == 0)
        return NULL;
    if (is_abbreviation(reader, index))
        return zones_find(reader->setting->zones, raw);
    bool spelled = memchr(raw.data, '/', raw.len) != NULL && !reader_is(reader, index, LEX_FILLER);
    const struct zone *zone = spelled ? zones_find(reader->setting->zones, raw) : NULL;
    return zone != NULL ? zone : find_place(reader, text);
}

/* Words [first, end) that name a zone, with what belongs to them; empty when there is none at a place. */
static struct span zone_span(const struct reader *reader, unsigned index, const struct zone **ret_zone)
{
    unsigned first = index;
    while (reader_is(reader, index, LEX_ZONE_WORD) || (reader_says(reader, index, "in") && index == first))
        index = reader_past(reader, index);
    const struct zone *zone = index < reader->words.n ? zone_at(reader, index) : NULL;
    if (zone == NULL)
        return (struct span){ first, first };
    unsigned end = index + 1;
    if (end < reader->words.n && is_sign(reader_text(reader, end)) &&
        (reader_says(reader, index, "utc") || reader_says(reader, index, "gmt")) && zone_at(reader, end) != NULL)
        zone = zone_at(reader, end++);
    while (reader_says(reader, end, "time") || reader_is(reader, end, LEX_ZONE_WORD))
        end = reader_past(reader, end);
    *ret_zone = zone;
    return (struct span){ first, end };
}

void zones_scan(struct reader *reader)
{
    for (unsigned i = 0; i < reader->words.n; i++) {
        struct span span = zone_span(reader, i, &reader->zone);
        if (span.end > span.first)
            return;
    }
}

enum take zones_take(struct reader *reader)
{
    const struct zone *zone = NULL;
    struct span span = zone_span(reader, reader->at, &zone);
    return span.end == span.first ? NOT_HERE : reader_fill(reader, SLOT_ZONE, span.end);
}
