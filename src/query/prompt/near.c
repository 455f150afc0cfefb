/* SPDX-License-Identifier: MIT */
/* near: slips of the pen. Known words and the words in names and tags are compared with an unknown one; only those
 * of like length and like letters are looked at closely, and a bounded number at all. */
#include "base/nearest.h"
#include "query/prompt/reader.h"
#include "query/prompt/search.h"

enum { WORD_BYTES_MAX = 40, TERMS_MAX = 8192, NEAR_MAX = 3, LETTERS_MIN = 4, SHORT_BYTES = 8, LONG_BYTES = 13 };

struct near {
    char word[WORD_BYTES_MAX + 1];
    size_t len;
    unsigned letters; /* a bit for each that it has */
    unsigned best;    /* distance of those found */
    unsigned n;
    struct slice found[NEAR_MAX];
};

static unsigned letters_of(struct slice text)
{
    unsigned letters = 0;
    for (size_t i = 0; i < text.len; i++)
        letters |= 1u << ((unsigned char)text.data[i] & 31);
    return letters;
}

static bool near_init(struct near *near, struct slice word)
{
    if (word.len < LETTERS_MIN || word.len > WORD_BYTES_MAX)
        return false;
    unsigned slips = word.len < SHORT_BYTES ? 1 : word.len < LONG_BYTES ? 2 : 3;
    *near = (struct near){ .len = word.len, .letters = letters_of(word), .best = slips };
    memcpy(near->word, word.data, word.len);
    return true;
}

/* Each slip changes two letters of the set at most. */
static bool may_be_near(const struct near *near, struct slice text)
{
    size_t apart = text.len > near->len ? text.len - near->len : near->len - text.len;
    return apart <= near->best && text.len >= LETTERS_MIN - 1 && text.len <= WORD_BYTES_MAX &&
           (unsigned)__builtin_popcount(letters_of(text) ^ near->letters) <= 2 * near->best;
}

static void offer(struct near *near, struct slice text)
{
    char other[WORD_BYTES_MAX + 1];
    if (!may_be_near(near, text))
        return;
    memcpy(other, text.data, text.len);
    other[text.len] = '\0';
    unsigned distance = nearest_distance(near->word, other);
    if (distance > near->best)
        return;
    if (distance < near->best)
        near->n = 0;
    near->best = distance;
    if (near->n < NEAR_MAX)
        near->found[near->n++] = text;
}

static void offer_lexicon(struct near *near)
{
    struct slice phrase;
    struct lexeme lexeme;
    for (unsigned i = 0; lexicon_phrase(i, &phrase, &lexeme); i++)
        if (lexeme.n_words == 1 && lexeme.class != LEX_FILLER)
            offer(near, phrase);
}

static void offer_terms(struct near *near, const struct catalogue_index *index)
{
    for (uint32_t i = 0; i < index->n_terms && i < TERMS_MAX; i++)
        offer(near, index->terms[i].text);
}

static void note_found(struct reader *reader, struct span span, const struct near *near)
{
    for (unsigned i = 0; i < near->n; i++)
        reader_candidate(reader, span, near->found[i]);
}

/* The names that hold all parts of the word, the one that is in none replaced by a near one. */
static void note_texts(struct reader *reader, struct span span, const struct catalogue_index *index,
                       const struct slice texts[])
{
    struct query query = { .n = 0 };
    struct near near = { .n = 0 };
    struct found found;
    unsigned wrong = SEARCH_PARTS_MAX;
    if (!query_add(&query, reader_text(reader, span.first), false))
        return;
    for (unsigned i = 0; i < query.n; i++) {
        if (catalogue_term_find(index, query.parts[i]) != NULL)
            continue;
        if (wrong != SEARCH_PARTS_MAX)
            return;
        wrong = i;
    }
    if (wrong == SEARCH_PARTS_MAX || !near_init(&near, query.parts[wrong]))
        return;
    offer_terms(&near, index);
    for (unsigned i = 0; i < near.n; i++) {
        query.parts[wrong] = near.found[i];
        if (query.n == 1)
            reader_candidate(reader, span, near.found[i]);
        search(index, texts, &query, &found);
        for (uint32_t j = 0; j < found.n && j < SEARCH_FOUND_MAX; j++)
            reader_candidate(reader, span, texts[found.texts[j]]);
    }
}

bool near_note(struct reader *reader, unsigned index)
{
    const struct catalogue *catalogue = reader->setting->catalogue;
    struct span span = { index, index + 1 };
    struct near near;
    unsigned before = reader->n_candidates;
    if (reader->words.at[index].kind != WORD_PLAIN)
        return false;
    reader->n_candidates = 0;
    if (near_init(&near, reader_text(reader, index))) {
        offer_lexicon(&near);
        note_found(reader, span, &near);
    }
    note_texts(reader, span, &catalogue->name_index, catalogue->names);
    note_texts(reader, span, &catalogue->tag_index, catalogue->tags);
    bool found = reader->n_candidates > 0;
    if (!found)
        reader->n_candidates = before;
    return found;
}
