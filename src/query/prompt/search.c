/* SPDX-License-Identifier: MIT */
/* search: the rarest of the parts says which texts to look at; each is then held against all of them. A part and a
 * word are the same with and without the s of a plural. */
#include "query/prompt/search.h"

#include <string.h>

enum { KEY_BYTES_MAX = 512, STEM_BYTES_MIN = 3 };

static bool is_part_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (unsigned char)byte >= 0x80;
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

bool query_add(struct query *query, struct slice word, bool glued)
{
    for (size_t at = 0; at < word.len;) {
        size_t start = at;
        while (at < word.len && is_part_byte(word.data[at]))
            at++;
        if (at > start) {
            if (query->n == SEARCH_PARTS_MAX)
                return false;
            query->glued[query->n] = glued && query->n > 0;
            query->parts[query->n++] = (struct slice){ word.data + start, at - start };
            glued = true;
        }
        at += at < word.len;
    }
    return true;
}

static bool is_plural_of(struct slice plural, struct slice word)
{
    return word.len >= STEM_BYTES_MIN && plural.len == word.len + 1 && plural.data[word.len] == 's' &&
           memcmp(plural.data, word.data, word.len) == 0;
}

static bool same(struct slice a, struct slice b)
{
    return slice_equal(a, b) || is_plural_of(a, b) || is_plural_of(b, a);
}

static const struct catalogue_term *term_of(const struct catalogue_index *index, struct slice part)
{
    char plural[KEY_BYTES_MAX];
    const struct catalogue_term *term = catalogue_term_find(index, part);
    if (term != NULL || part.len < STEM_BYTES_MIN || part.len >= sizeof(plural))
        return term;
    if (part.data[part.len - 1] == 's')
        return catalogue_term_find(index, (struct slice){ part.data, part.len - 1 });
    memcpy(plural, part.data, part.len);
    plural[part.len] = 's';
    return catalogue_term_find(index, (struct slice){ plural, part.len + 1 });
}

/* The term of the part that the fewest texts have; NULL when one part is in none. */
static const struct catalogue_term *rarest_term(const struct catalogue_index *index, const struct query *query)
{
    const struct catalogue_term *rarest = NULL;
    for (unsigned i = 0; i < query->n; i++) {
        const struct catalogue_term *term = term_of(index, query->parts[i]);
        if (term == NULL)
            return NULL;
        if (rarest == NULL || term->n < rarest->n)
            rarest = term;
    }
    return rarest;
}

/* Holding one key against the query ------------------------------------------- */

struct match {
    size_t end;       /* behind the last part */
    unsigned n_words; /* of the key */
};

/* Matches parts from the first on, which must be the next word at `at`; the rest each at its first chance. */
static bool match_from(struct slice key, size_t at, const struct query *query, size_t *ret_end)
{
    struct slice word;
    for (unsigned i = 0; i < query->n; i++) {
        bool must = i == 0 || query->glued[i], here = false;
        while (!here && slice_next_word(key, &at, &word)) {
            here = same(word, query->parts[i]);
            if (!here && must)
                return false;
        }
        if (!here)
            return false;
    }
    *ret_end = at;
    return true;
}

static bool holds(struct slice key, const struct query *query, struct match *ret_match)
{
    struct slice word;
    bool found = false;
    ret_match->n_words = 0;
    for (size_t at = 0, start = 0; slice_next_word(key, &at, &word); start = at) {
        ret_match->n_words++;
        found = found || match_from(key, start, query, &ret_match->end);
    }
    return found;
}

/* Searching --------------------------------------------------------------------- */

bool search_any(const struct catalogue_index *index, const struct query *query)
{
    const struct catalogue_term *term = rarest_term(index, query);
    struct match match;
    for (uint32_t i = 0; term != NULL && i < term->n && i < SEARCH_LOOK_MAX; i++)
        if (holds(index->keys[index->refs[term->first + i]], query, &match))
            return true;
    return false;
}

static void note(struct found *found, uint32_t number, struct slice text, const struct match *match, bool whole)
{
    if (found->n == 0) {
        found->shares_prefix = match->end < text.len;
        found->prefix = (struct slice){ text.data, match->end + (match->end < text.len) };
    }
    found->shares_prefix = found->shares_prefix && slice_starts_with(text, found->prefix);
    if (found->n < SEARCH_FOUND_MAX)
        found->texts[found->n] = number;
    found->n++;
    if (whole) {
        found->n_whole++;
        found->whole = number;
    }
}

void search(const struct catalogue_index *index, const struct slice texts[], const struct query *query,
            struct found *ret_found)
{
    const struct catalogue_term *term = rarest_term(index, query);
    struct match match;
    *ret_found = (struct found){ .incomplete = term != NULL && term->n > SEARCH_LOOK_MAX };
    for (uint32_t i = 0; term != NULL && i < term->n && i < SEARCH_LOOK_MAX; i++) {
        uint32_t number = index->refs[term->first + i];
        if (holds(index->keys[number], query, &match))
            note(ret_found, number, texts[number], &match, match.n_words == query->n);
    }
}

/* Texts as they are written ------------------------------------------------------- */

/* The key of a text; false when it is longer than any text that an index should hold. */
static bool key_of(struct slice text, char ret_key[KEY_BYTES_MAX])
{
    if (text.len > KEY_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        ret_key[i] = is_part_byte(text.data[i]) ? lower(text.data[i]) : ' ';
    return true;
}

static bool begins_alike(struct slice text, struct slice prefix)
{
    if (text.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++)
        if (lower(text.data[i]) != lower(prefix.data[i]))
            return false;
    return true;
}

bool search_text(const struct catalogue_index *index, const struct slice texts[], struct slice text, uint32_t *ret_text)
{
    char bytes[KEY_BYTES_MAX];
    struct slice key = { bytes, text.len };
    unsigned n_alike = 0;
    if (!key_of(text, bytes))
        return false;
    for (uint32_t place = catalogue_key_place(index, key); place < index->n; place++) {
        uint32_t number = index->by_key[place];
        if (!slice_equal(index->keys[number], key))
            break;
        if (!begins_alike(texts[number], text))
            continue;
        *ret_text = number;
        n_alike++;
        if (slice_equal(texts[number], text))
            return true;
    }
    return n_alike == 1;
}

bool search_prefix(const struct catalogue_index *index, const struct slice texts[], struct slice prefix,
                   struct slice *ret_text)
{
    char bytes[KEY_BYTES_MAX];
    struct slice key = { bytes, prefix.len };
    if (!key_of(prefix, bytes))
        return false;
    uint32_t first = catalogue_key_place(index, key);
    for (uint32_t place = first; place < index->n && place - first < SEARCH_LOOK_MAX; place++) {
        uint32_t number = index->by_key[place];
        if (!slice_starts_with(index->keys[number], key))
            break;
        if (begins_alike(texts[number], prefix)) {
            *ret_text = texts[number];
            return true;
        }
    }
    return false;
}

static bool has_value(struct slice tag, struct slice value)
{
    const char *colon = memchr(tag.data, ':', tag.len);
    if (colon == NULL)
        return false;
    struct slice rest = { colon + 1, (size_t)(tag.data + tag.len - colon) - 1 };
    return rest.len == value.len && begins_alike(rest, value);
}

unsigned search_value(const struct catalogue_index *index, const struct slice tags[], struct slice value,
                      uint32_t ret_tags[SEARCH_FOUND_MAX])
{
    struct query query = { .n = 0 };
    unsigned n_found = 0;
    if (!query_add(&query, value, false) || query.n == 0)
        return 0;
    const struct catalogue_term *term = rarest_term(index, &query);
    for (uint32_t i = 0; term != NULL && i < term->n && i < SEARCH_LOOK_MAX; i++) {
        uint32_t number = index->refs[term->first + i];
        if (!has_value(tags[number], value))
            continue;
        if (n_found < SEARCH_FOUND_MAX)
            ret_tags[n_found] = number;
        n_found++;
    }
    return n_found;
}
