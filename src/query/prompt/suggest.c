/* SPDX-License-Identifier: MIT */
/* suggest: prompts that work here. First the prompt itself with what might have been meant in place of the words
 * that were in doubt; then plain questions about this store's own names. Each is read before it is given. */
#include "query/prompt/reader.h"

enum { NAMES_TRIED_MAX = 8, TRIES_MAX = 8 };

struct offers {
    struct reader *reader; /* of the prompt that was not understood */
    unsigned n, tries;
    struct slice *suggestions;
};

static bool is_understood(const struct reader *reader, struct slice prompt)
{
    struct reader other;
    struct plan plan;
    return grammar_read(&other, prompt, reader->setting, reader->arena) && settle(&other, &plan);
}

static void offer(struct offers *offers, const struct text *text)
{
    struct slice prompt = text_slice(text);
    if (text->failed || offers->n == PROMPT_SUGGESTIONS || offers->tries == TRIES_MAX)
        return;
    for (unsigned i = 0; i < offers->n; i++)
        if (slice_equal(offers->suggestions[i], prompt))
            return;
    offers->tries++;
    if (is_understood(offers->reader, prompt))
        offers->suggestions[offers->n++] = prompt;
}

/* The prompt with a candidate in place of the doubtful words; an empty one leaves them out. */
static void offer_candidate(struct offers *offers, struct slice candidate)
{
    const struct reader *reader = offers->reader;
    struct slice doubtful = reader_raw(reader, reader->doubtful);
    size_t before = (size_t)(doubtful.data - reader->prompt.data), after = before + doubtful.len;
    struct text text = text_in(reader->arena, reader->prompt.len + candidate.len + 1);
    bool blanks = before > 0 && after < reader->prompt.len && reader->prompt.data[before - 1] == ' ' &&
                  reader->prompt.data[after] == ' ';
    if (candidate.len == 0 && blanks)
        after++;
    text_append(&text, reader->prompt.data, before);
    text_append(&text, candidate.data, candidate.len);
    text_append(&text, reader->prompt.data + after, reader->prompt.len - after);
    offer(offers, &text);
}

static void offer_about(struct offers *offers, const char *before, struct slice name, const char *after)
{
    struct text text = text_in(offers->reader->arena, name.len + 64);
    text_append(&text, before, strlen(before));
    text_append(&text, name.data, name.len);
    text_append(&text, after, strlen(after));
    offer(offers, &text);
}

/* A name that can be said: the one that was, else one of the catalogue. */
static void offer_names(struct offers *offers)
{
    const struct reader *reader = offers->reader;
    const struct catalogue *catalogue = reader->setting->catalogue;
    struct slice none = { "", 0 };
    if (reader->filled[SLOT_NAME] && !reader->name_is_prefix && reader->name_kind != NAME_LITERAL)
        offer_about(offers, "average ", reader->name, " over the last 24 hours");
    for (uint32_t i = 0; i < catalogue->n_names && i < NAMES_TRIED_MAX && offers->n < PROMPT_SUGGESTIONS - 1; i++)
        offer_about(offers, i % 2 == 0 ? "average " : "maximum ", catalogue->names[i],
                    i % 2 == 0 ? " over the last 24 hours" : " per hour today");
    offer_about(offers, "how many events today", none, "");
    offer_about(offers, "top 5 metrics by count this week", none, "");
    offer_about(offers, "events per hour yesterday", none, "");
}

unsigned suggest(struct reader *reader, struct slice ret_suggestions[])
{
    struct offers offers = { .reader = reader, .suggestions = ret_suggestions };
    for (unsigned i = 0; i < reader->n_candidates && reader->doubtful.end > reader->doubtful.first; i++)
        offer_candidate(&offers, reader->candidates[i]);
    offers.tries = 0;
    offer_names(&offers);
    return offers.n;
}
