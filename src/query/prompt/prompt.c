/* SPDX-License-Identifier: MIT */
/* prompt: grammar.c fills slots, settle.c makes the plan of them, suggest.c helps where that failed. */
#include "query/prompt/prompt.h"

#include <math.h>

#include "query/prompt/reader.h"

/* The parts of the prompt that filled slots, in their order, commas between. */
static struct slice understood_as(struct reader *reader)
{
    struct text text = text_in(reader->arena, reader->prompt.len + SLOT_COUNT * 2);
    unsigned done = 0;
    for (;;) {
        const struct span *next = NULL;
        for (unsigned i = 0; i < SLOT_COUNT; i++) {
            const struct span *span = &reader->spans[i];
            if (reader->filled[i] && span->end > done && (next == NULL || span->first < next->first))
                next = span;
        }
        if (next == NULL)
            break;
        struct slice raw = reader_raw(reader, *next);
        if (text.len > 0)
            text_literal(&text, ", ");
        text_append(&text, raw.data, raw.len);
        done = next->end;
    }
    reader->no_memory = reader->no_memory || text.failed;
    return text_slice(&text);
}

bool prompt_read(struct slice prompt, const struct prompt_setting *setting, struct arena *arena,
                 struct prompt_reading *ret_reading)
{
    struct reader reader;
    struct prompt_reading reading = { .understood = false };
    reading.understood = grammar_read(&reader, prompt, setting, arena) && settle(&reader, &reading.plan);
    reading.confidence = reading.understood ? round(reader.confidence * 10000) / 10000 : 0;
    reading.n_unknown = reader.n_unknown;
    for (unsigned i = 0; i < reader.n_unknown; i++)
        reading.unknown[i] = reader_keep(&reader, reader.words.at[reader.unknown[i]].raw);
    if (!reading.understood) {
        reading.detail = reader.detail;
        reading.understood_as = understood_as(&reader);
        reading.n_suggestions = suggest(&reader, reading.suggestions);
    }
    if (reader.no_memory)
        return false;
    *ret_reading = reading;
    return true;
}
