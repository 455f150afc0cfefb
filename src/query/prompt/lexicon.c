/* SPDX-License-Identifier: MIT */
/* lexicon: a table in the order of its bytes, made of lexicon.words by lexicon.py. A blank sorts before all that words
 * are made of, so the phrases with the same first word stand together, the word alone first. */
#include "query/prompt/lexicon.h"

#include <telemetry/plan.h>

struct row {
    struct slice phrase;
    uint8_t n_words, class;
    int16_t value;
    bool plural;
};

static const struct row rows[] = {
#include <lexicon_rows.h> /* made of lexicon.words */
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct slice first_word(struct slice phrase)
{
    const char *blank = phrase.len == 0 ? NULL : memchr(phrase.data, ' ', phrase.len);
    return (struct slice){ phrase.data, blank == NULL ? phrase.len : (size_t)(blank - phrase.data) };
}

/* The first row whose first word is not before `word`. */
static unsigned row_at(struct slice word)
{
    unsigned first = 0, end = N_ROWS;
    while (first < end) {
        unsigned middle = first + (end - first) / 2;
        if (slice_compare(first_word(rows[middle].phrase), word) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static bool is_said(const struct words *words, unsigned index, const struct row *row)
{
    struct slice rest = row->phrase;
    if (index + row->n_words > words->n)
        return false;
    for (unsigned i = 0; i < row->n_words; i++) {
        const struct word *word = &words->at[index + i];
        struct slice expected = first_word(rest);
        if ((word->kind != WORD_PLAIN && word->kind != WORD_SYMBOL) || !slice_equal(word->text, expected))
            return false;
        size_t used = expected.len < rest.len ? expected.len + 1 : expected.len;
        rest = (struct slice){ rest.data + used, rest.len - used };
    }
    return true;
}

struct lexeme lexicon_find(const struct words *words, unsigned index)
{
    struct lexeme found = { .class = LEX_NONE, .n_words = 1 };
    struct slice word = words->at[index].text;
    for (unsigned i = row_at(word); i < N_ROWS && slice_equal(first_word(rows[i].phrase), word); i++)
        if ((found.class == LEX_NONE || rows[i].n_words > found.n_words) && is_said(words, index, &rows[i]))
            found = (struct lexeme){ rows[i].class, rows[i].n_words, rows[i].plural, rows[i].value };
    return found;
}

int lexicon_unit(struct slice name)
{
    unsigned i = row_at(name);
    if (i == N_ROWS || !slice_equal(rows[i].phrase, name))
        return UNIT_NONE;
    if (rows[i].class == LEX_AGGREGATE && rows[i].value == AGGREGATE_MIN)
        return name.len == 3 ? UNIT_MINUTE : UNIT_NONE; /* "15 min" */
    return rows[i].class == LEX_UNIT ? rows[i].value & ~LEX_UNIT_LETTER : UNIT_NONE;
}

bool lexicon_phrase(unsigned index, struct slice *ret_phrase, struct lexeme *ret_lexeme)
{
    if (index >= N_ROWS)
        return false;
    *ret_phrase = rows[index].phrase;
    *ret_lexeme = (struct lexeme){ rows[index].class, rows[index].n_words, rows[index].plural, rows[index].value };
    return true;
}
