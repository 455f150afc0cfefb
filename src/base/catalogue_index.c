/* SPDX-License-Identifier: MIT */
/* catalogue_index: keys are copied, every word in them is noted, and the notes are sorted; notes of equal words
 * become one term. One heap block holds it all, keys first. Without memory nothing is left behind. */
#include "base/catalogue_index.h"

#include <stdlib.h>

/* A word at a place in the key of a text. */
struct note {
    uint64_t head; /* its first eight bytes as a number: most comparisons end there */
    const char *data;
    uint32_t len, of;
};
_Static_assert(sizeof(struct note) <= 32, "qsort() of glibc moves larger ones by pointers, which is slower");

static struct slice word_of(const struct note *note)
{
    return (struct slice){ note->data, note->len };
}

static char key_byte(char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (char)(byte - 'A' + 'a');
    bool stays = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || (unsigned char)byte >= 0x80;
    return stays ? byte : ' ';
}

static size_t count_words(const struct slice texts[], uint32_t n)
{
    size_t n_words = 0;
    for (uint32_t i = 0; i < n; i++)
        for (size_t at = 0; at < texts[i].len; at++)
            n_words += key_byte(texts[i].data[at]) != ' ' && (at == 0 || key_byte(texts[i].data[at - 1]) == ' ');
    return n_words;
}

static uint64_t head_of(struct slice word)
{
    uint64_t head = 0;
    for (size_t i = 0; i < sizeof(head); i++)
        head = head << 8 | (i < word.len ? (unsigned char)word.data[i] : 0);
    return head;
}

static int note_compare(const void *a, const void *b)
{
    const struct note *one = a, *other = b;
    if (one->head != other->head)
        return one->head < other->head ? -1 : 1;
    int order = slice_compare(word_of(one), word_of(other));
    return order != 0 ? order : (one->of > other->of) - (one->of < other->of);
}

static int key_compare(const void *a, const void *b, void *keys)
{
    const struct slice *all = keys;
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    int order = slice_compare(all[one], all[other]);
    return order != 0 ? order : (one > other) - (one < other);
}

static void make_keys(struct slice keys[], const struct slice texts[], uint32_t n, char *bytes)
{
    for (uint32_t i = 0; i < n; i++) {
        keys[i] = (struct slice){ bytes, texts[i].len };
        for (size_t at = 0; at < texts[i].len; at++)
            *bytes++ = key_byte(texts[i].data[at]);
    }
}

static size_t make_notes(const struct slice keys[], uint32_t n, struct note notes[])
{
    size_t n_notes = 0;
    struct slice word;
    for (uint32_t i = 0; i < n; i++)
        for (size_t at = 0; slice_next_word(keys[i], &at, &word);)
            notes[n_notes++] = (struct note){ head_of(word), word.data, (uint32_t)word.len, i };
    if (n_notes > 0)
        qsort(notes, n_notes, sizeof(notes[0]), note_compare);
    return n_notes;
}

/* Returns how many terms there are. */
static uint32_t make_terms(const struct note notes[], size_t n_notes, struct catalogue_term terms[], uint32_t refs[])
{
    uint32_t n_terms = 0, n_refs = 0;
    for (size_t i = 0; i < n_notes; i++) {
        bool same_word = n_terms > 0 && slice_equal(terms[n_terms - 1].text, word_of(&notes[i]));
        if (!same_word)
            terms[n_terms++] = (struct catalogue_term){ .text = word_of(&notes[i]), .first = n_refs };
        struct catalogue_term *term = &terms[n_terms - 1];
        if (same_word && refs[n_refs - 1] == notes[i].of)
            continue;
        refs[n_refs++] = notes[i].of;
        term->n++;
    }
    return n_terms;
}

bool catalogue_index_init(struct catalogue_index *index, const struct slice texts[], uint32_t n)
{
    size_t n_words = count_words(texts, n), n_bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        n_bytes += texts[i].len;
    *index = (struct catalogue_index){ .n = 0 };
    size_t keys_bytes = n * sizeof(struct slice), terms_bytes = n_words * sizeof(struct catalogue_term);
    char *block = malloc(keys_bytes + terms_bytes + (n + n_words) * sizeof(uint32_t) + n_bytes + 1);
    struct note *notes = malloc(n_words * sizeof(*notes) + 1);
    if (block == NULL || notes == NULL) {
        free(block);
        free(notes);
        return false;
    }
    struct slice *keys = (struct slice *)block;
    struct catalogue_term *terms = (struct catalogue_term *)(block + keys_bytes);
    uint32_t *by_key = (uint32_t *)(block + keys_bytes + terms_bytes), *refs = by_key + n;
    make_keys(keys, texts, n, (char *)(refs + n_words));
    for (uint32_t i = 0; i < n; i++)
        by_key[i] = i;
    if (n > 0)
        qsort_r(by_key, n, sizeof(by_key[0]), key_compare, keys);
    size_t n_notes = make_notes(keys, n, notes);
    uint32_t n_terms = make_terms(notes, n_notes, terms, refs);
    free(notes);
    *index = (struct catalogue_index){ n, n_terms, keys, by_key, terms, refs };
    return true;
}

void catalogue_index_fini(struct catalogue_index *index)
{
    free((void *)index->keys);
    *index = (struct catalogue_index){ .n = 0 };
}

uint32_t catalogue_key_place(const struct catalogue_index *index, struct slice key)
{
    uint32_t first = 0, end = index->n;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (slice_compare(index->keys[index->by_key[middle]], key) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

uint32_t catalogue_term_place(const struct catalogue_index *index, struct slice text)
{
    uint32_t first = 0, end = index->n_terms;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (slice_compare(index->terms[middle].text, text) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

const struct catalogue_term *catalogue_term_find(const struct catalogue_index *index, struct slice text)
{
    uint32_t place = catalogue_term_place(index, text);
    bool is_there = place < index->n_terms && slice_equal(index->terms[place].text, text);
    return is_there ? &index->terms[place] : NULL;
}
