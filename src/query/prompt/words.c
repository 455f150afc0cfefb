/* SPDX-License-Identifier: MIT */
/* words: one walk over the bytes. At each place there is a blank, a mark that separates, a quote, a run of
 * comparison signs, or a word up to the next of these. Text that is not UTF-8, holds control characters, is too
 * long or leaves a quote open is refused. */
#include "query/prompt/words.h"

#include <telemetry/utf8.h>

#include "query/prompt/lexicon.h"
#include "query/prompt/numbers.h"

struct cutter {
    struct slice prompt;
    size_t at;        /* next byte of prompt */
    size_t n_lower;   /* bytes used of words->lower */
    bool after_comma; /* since the last word */
    struct words *words;
};

/* Characters of more than one byte that mean an ASCII one. */
static const struct {
    char bytes[4];
    char means;
} characters[] = { { "\xe2\x80\x99", '\'' }, { "\xe2\x80\x98", '\'' }, { "\xe2\x80\x9c", '"' }, { "\xe2\x80\x9d", '"' },
                   { "\xe2\x80\x9e", '"' },  { "\xc2\xab", '"' },      { "\xc2\xbb", '"' },     { "\xc2\xa0", ' ' },
                   { "\xe2\x80\xaf", ' ' },  { "\xe2\x80\x93", '-' },  { "\xe2\x80\x94", '-' } };

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Marks that separate and mean nothing. */
static bool is_mark(char byte)
{
    return byte != '\0' && strchr(",;?!()", byte) != NULL;
}

static bool is_comparison(char byte)
{
    return byte == '<' || byte == '>' || byte == '=';
}

static bool is_quote(char byte)
{
    return byte == '"' || byte == '`';
}

/* The ASCII character that stands at a place or that it means there, else its first byte; its length. */
static char character_at(struct slice text, size_t at, size_t *ret_len)
{
    *ret_len = utf8_length(text.data + at, text.len - at);
    for (size_t i = 0; *ret_len > 1 && i < sizeof(characters) / sizeof(characters[0]); i++)
        if (*ret_len < sizeof(characters[i].bytes) && memcmp(text.data + at, characters[i].bytes, *ret_len) == 0)
            return characters[i].means;
    return text.data[at];
}

static const char *check(struct slice prompt)
{
    bool said = false;
    if (prompt.len > WORDS_BYTES_MAX)
        return "the prompt is longer than 1,024 bytes";
    for (size_t at = 0, len; at < prompt.len; at += len) {
        len = utf8_length(prompt.data + at, prompt.len - at);
        if (len == 0)
            return "the prompt is not UTF-8";
        unsigned char byte = (unsigned char)prompt.data[at];
        if ((byte < ' ' && !is_blank((char)byte)) || byte == 0x7f)
            return "the prompt holds control characters";
        said = said || !is_blank((char)byte);
    }
    return said ? NULL : "the prompt is empty";
}
_Static_assert(WORDS_BYTES_MAX == 1024, "the sentence about the length names it");

/* Adding words -------------------------------------------------------------- */

static bool add(struct cutter *cutter, struct word word)
{
    if (cutter->words->n == WORDS_MAX)
        return false;
    word.after_comma = cutter->after_comma;
    cutter->after_comma = false;
    cutter->words->at[cutter->words->n++] = word;
    return true;
}

/* Copies bytes in lower case, with the ASCII forms of curly apostrophes and dashes. */
static struct slice lower_of(struct cutter *cutter, struct slice raw)
{
    char *lower = cutter->words->lower + cutter->n_lower;
    size_t n = 0;
    for (size_t at = 0, len; at < raw.len; at += len) {
        char byte = character_at(raw, at, &len);
        bool ascii = (unsigned char)byte < 0x80;
        for (size_t i = 0; i < (ascii ? 1 : len); i++)
            lower[n++] = ascii ? byte : raw.data[at + i];
        if (byte >= 'A' && byte <= 'Z')
            lower[n - 1] = (char)(byte - 'A' + 'a');
    }
    cutter->n_lower += n;
    return (struct slice){ lower, n };
}

static bool ends_with(struct slice text, const char *end, size_t len)
{
    return text.len > len && memcmp(text.data + text.len - len, end, len) == 0;
}

/* "today's" is "today", "hosts'" is "hosts". */
static struct slice without_possessive(struct slice text)
{
    size_t less = ends_with(text, "'s", 2) ? 2 : ends_with(text, "'", 1) ? 1 : 0;
    return (struct slice){ text.data, text.len - less };
}

static uint8_t kind_of(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_letter(text.data[i]) || is_digit(text.data[i]) || (unsigned char)text.data[i] >= 0xc3)
            return WORD_PLAIN;
    return WORD_SYMBOL;
}

/* "24h": the digits end where the name of a unit begins. 0 when it is not of this form. */
static size_t unit_at(struct slice text)
{
    size_t n = 0;
    while (n < text.len && (is_digit(text.data[n]) || text.data[n] == '.'))
        n++;
    struct slice rest = { text.data + n, text.len - n };
    return n > 0 && rest.len > 0 && is_letter(rest.data[0]) && lexicon_unit(rest) != 0 ? n : 0;
}

static bool add_bare(struct cutter *cutter, struct slice raw)
{
    size_t n_lower = cutter->n_lower;
    struct slice text = without_possessive(lower_of(cutter, raw));
    struct word word = { .raw = raw, .text = text };
    size_t n_digits = unit_at(text);
    if (n_digits > 0) {
        struct slice digits = { raw.data, n_digits }, unit = { raw.data + n_digits, raw.len - n_digits };
        cutter->n_lower = n_lower;
        return add_bare(cutter, digits) && add_bare(cutter, unit);
    }
    if (number_read(text, &word))
        word.kind = WORD_NUMBER;
    else
        word.kind = kind_of(text);
    return add(cutter, word);
}

/* Cutting ------------------------------------------------------------------- */

/* Where the quote that opens at cutter->at ends: the place behind its closing mark, 0 when it is left open. An
 * apostrophe closes only at the end of a word. */
static size_t quote_end(const struct cutter *cutter, char open)
{
    size_t len;
    character_at(cutter->prompt, cutter->at, &len);
    for (size_t at = cutter->at + len; at < cutter->prompt.len; at += len) {
        if (character_at(cutter->prompt, at, &len) != open)
            continue;
        size_t behind = at + len, next_len;
        char next = behind < cutter->prompt.len ? character_at(cutter->prompt, behind, &next_len) : ' ';
        if (open != '\'' || is_blank(next) || is_mark(next) || next == '.')
            return behind;
    }
    return 0;
}

static const char *cut_quoted(struct cutter *cutter, size_t end)
{
    size_t open_len, close_len = 1;
    character_at(cutter->prompt, cutter->at, &open_len);
    while (utf8_length(cutter->prompt.data + end - close_len, close_len) != close_len)
        close_len++;
    struct slice raw = { cutter->prompt.data + cutter->at, end - cutter->at };
    struct slice text = { raw.data + open_len, raw.len - open_len - close_len };
    cutter->at = end;
    return add(cutter, (struct word){ .raw = raw, .text = text, .kind = WORD_QUOTED }) ? NULL : "too many words";
}

/* Whether the comma at a place separates thousands. */
static bool is_thousands(struct slice text, size_t at)
{
    if (text.data[at] != ',' || at == 0 || !is_digit(text.data[at - 1]) || text.len - at < 4)
        return false;
    bool three = is_digit(text.data[at + 1]) && is_digit(text.data[at + 2]) && is_digit(text.data[at + 3]);
    return three && (text.len - at == 4 || !is_digit(text.data[at + 4]));
}

static bool ends_word(const struct cutter *cutter, size_t at, char byte)
{
    if (is_mark(byte))
        return !is_thousands(cutter->prompt, at);
    return is_blank(byte) || is_quote(byte) || is_comparison(byte) || strchr("{}[]", byte) != NULL;
}

static const char *cut_bare(struct cutter *cutter)
{
    size_t start = cutter->at, end = start, len;
    const char *data = cutter->prompt.data;
    if (strchr("{}[]", data[start]) != NULL)
        end = start + 1;
    else if (is_comparison(data[start]))
        while (end < cutter->prompt.len && is_comparison(data[end]))
            end++;
    else
        for (char byte; end < cutter->prompt.len; end += len) {
            byte = character_at(cutter->prompt, end, &len);
            if (byte == '\0' || ends_word(cutter, end, byte))
                break;
        }
    cutter->at = end;
    while (end > start && (data[end - 1] == '.' || data[end - 1] == ':'))
        end--;
    if (end == start)
        return NULL;
    return add_bare(cutter, (struct slice){ data + start, end - start }) ? NULL : "too many words";
}

static const char *cut_next(struct cutter *cutter)
{
    size_t len;
    char byte = character_at(cutter->prompt, cutter->at, &len);
    if (is_blank(byte) || is_mark(byte)) {
        cutter->after_comma = cutter->after_comma || byte == ',';
        cutter->at += len;
        return NULL;
    }
    size_t quote = is_quote(byte) || byte == '\'' ? quote_end(cutter, byte) : 0;
    if (quote > 0)
        return cut_quoted(cutter, quote);
    if (is_quote(byte))
        return "a quote is left open";
    return cut_bare(cutter);
}

const char *words_cut(struct slice prompt, struct words *ret_words)
{
    struct cutter cutter = { .prompt = prompt, .words = ret_words };
    ret_words->n = 0;
    const char *wrong = check(prompt);
    while (wrong == NULL && cutter.at < prompt.len)
        wrong = cut_next(&cutter);
    if (wrong == NULL && ret_words->n == 0)
        wrong = "the prompt holds no words";
    return wrong;
}
