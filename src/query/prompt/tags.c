/* SPDX-License-Identifier: MIT */
/* tags: which tags metrics must have, or must not. A tag is written out ("host:web-1"), said in two words ("host
 * web-1"), or meant by its value ("web-1") where only one tag has it. */
#include "query/prompt/reader.h"
#include "query/prompt/search.h"

enum { TAG_BYTES_MAX = 300 };

static const struct catalogue *catalogue_of(const struct reader *reader)
{
    return reader->setting->catalogue;
}

static bool is_word(const struct reader *reader, unsigned index)
{
    return index < reader->words.n && reader->words.at[index].kind != WORD_SYMBOL;
}

/* The tag of this text; NULL data when none is stored. */
static struct slice tag_of(const struct reader *reader, struct slice text)
{
    const struct catalogue *catalogue = catalogue_of(reader);
    uint32_t number;
    bool found = search_text(&catalogue->tag_index, catalogue->tags, text, &number);
    return found ? catalogue->tags[number] : (struct slice){ NULL, 0 };
}

/* Kinds of tags ----------------------------------------------------------------- */

static struct slice prefix_of(const struct reader *reader, struct slice stem, struct slice ending)
{
    char prefix[TAG_BYTES_MAX];
    struct slice tag;
    size_t len = stem.len + ending.len;
    if (len + 1 > sizeof(prefix))
        return (struct slice){ NULL, 0 };
    memcpy(prefix, stem.data, stem.len);
    memcpy(prefix + stem.len, ending.data, ending.len);
    prefix[len] = ':';
    const struct catalogue *catalogue = catalogue_of(reader);
    if (!search_prefix(&catalogue->tag_index, catalogue->tags, (struct slice){ prefix, len + 1 }, &tag))
        return (struct slice){ NULL, 0 };
    return (struct slice){ tag.data, len + 1 };
}

static bool may_be_kind(const struct reader *reader, unsigned index)
{
    enum lexeme_class class = reader_class(reader, index);
    return is_word(reader, index) && reader->words.at[index].kind == WORD_PLAIN &&
           (class == LEX_NONE || class == LEX_ZONE_WORD || class == LEX_SUBJECT);
}

struct slice tags_prefix(const struct reader *reader, unsigned index, bool *ret_plural)
{
    static const struct {
        const char *plural, *singular;
    } endings[] = { { "s", "" }, { "es", "" }, { "ies", "y" } };
    struct slice text = reader_text(reader, index), none = { NULL, 0 };
    *ret_plural = false;
    if (!may_be_kind(reader, index) || text.len == 0)
        return none;
    struct slice prefix = prefix_of(reader, text, SLICE(""));
    for (unsigned i = 0; prefix.data == NULL && i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t len = strlen(endings[i].plural);
        if (text.len <= len || memcmp(text.data + text.len - len, endings[i].plural, len) != 0)
            continue;
        prefix = prefix_of(reader, (struct slice){ text.data, text.len - len }, slice_of(endings[i].singular));
        *ret_plural = prefix.data != NULL;
    }
    return prefix;
}

/* One tag ------------------------------------------------------------------------- */

/* "host web-1", "host is web-1", "host = web-1". */
static struct slice tag_in_two_words(const struct reader *reader, unsigned *index)
{
    char text[TAG_BYTES_MAX];
    bool plural;
    struct slice prefix = tags_prefix(reader, *index, &plural), none = { NULL, 0 };
    unsigned at = *index + 1;
    if (prefix.data == NULL || plural)
        return none;
    if (reader_says(reader, at, "is") || reader_is(reader, at, LEX_EQUAL))
        at++;
    struct slice value = reader_text(reader, at);
    if (!is_word(reader, at) || prefix.len + value.len > sizeof(text))
        return none;
    memcpy(text, prefix.data, prefix.len);
    memcpy(text + prefix.len, value.data, value.len);
    struct slice tag = tag_of(reader, (struct slice){ text, prefix.len + value.len });
    *index = tag.data == NULL ? *index : at + 1;
    return tag;
}

static enum take tag_by_value(struct reader *reader, unsigned *index, struct slice *ret_tag)
{
    const struct catalogue *catalogue = catalogue_of(reader);
    uint32_t found[SEARCH_FOUND_MAX];
    struct slice value = reader_text(reader, *index);
    if (!reader_is(reader, *index, LEX_NONE))
        return NOT_HERE;
    unsigned n = search_value(&catalogue->tag_index, catalogue->tags, value, found);
    if (n == 0)
        return NOT_HERE;
    struct span span = { *index, *index + 1 };
    for (unsigned i = 0; n > 1 && i < n && i < SEARCH_FOUND_MAX; i++)
        reader_candidate(reader, span, catalogue->tags[found[i]]);
    if (n > 1)
        return reader_refuse_words(reader, span, "is the value of several tags; write the tag out");
    *ret_tag = catalogue->tags[found[0]];
    reader_doubt(reader, 0.9);
    ++*index;
    return TAKEN;
}

/* Reads one tag at *index and moves behind it. */
static enum take read_tag(struct reader *reader, unsigned *index, bool by_value, struct slice *ret_tag)
{
    if (!is_word(reader, *index))
        return NOT_HERE;
    struct slice tag = tag_of(reader, reader_text(reader, *index));
    bool plain = tag.data != NULL && (reader_is(reader, *index, LEX_NONE));
    if (plain && (by_value || memchr(tag.data, ':', tag.len) != NULL))
        ++*index;
    else
        tag = tag_in_two_words(reader, index);
    if (tag.data == NULL)
        return by_value ? tag_by_value(reader, index, ret_tag) : NOT_HERE;
    *ret_tag = tag;
    return TAKEN;
}

/* Lists --------------------------------------------------------------------------- */

struct list {
    bool not, or, and;
    bool by_value; /* values alone will do */
    unsigned n;
    struct slice tags[FILTER_TAGS_MAX];
};

static bool holds(const struct slice tags[], unsigned n, struct slice tag)
{
    for (unsigned i = 0; i < n; i++)
        if (slice_equal(tags[i], tag))
            return true;
    return false;
}

static enum take add(struct reader *reader, struct slice tags[], unsigned *n, struct slice tag)
{
    if (holds(tags, *n, tag))
        return TAKEN;
    if (*n == FILTER_TAGS_MAX)
        return reader_refuse(reader, "more than %d tags", FILTER_TAGS_MAX);
    tags[(*n)++] = reader_keep(reader, tag);
    return TAKEN;
}

/* Values of one kind that must all be there: host:a and host:b. */
static bool wants_two_of_a_kind(const struct list *list)
{
    for (unsigned i = 1; i < list->n; i++) {
        const struct slice one = list->tags[i - 1], other = list->tags[i];
        const char *colon = memchr(one.data, ':', one.len);
        if (colon != NULL && slice_starts_with(other, (struct slice){ one.data, (size_t)(colon - one.data) + 1 }))
            return true;
    }
    return false;
}

/* "in kitchen and bedroom": no metric is in both, and most people mean either. Tags written out mean what they say. */
static enum take refuse_both(struct reader *reader, struct span span)
{
    struct text text = text_in(reader->arena, 64);
    for (unsigned i = span.first; i < span.end; i++) {
        struct slice word = reader_is(reader, i, LEX_AND) ? SLICE("or") : reader->words.at[i].raw;
        text_append(&text, " ", i > span.first);
        text_append(&text, word.data, word.len);
    }
    if (!text.failed)
        reader_candidate(reader, span, text_slice(&text));
    return reader_refuse_words(reader, span, "asks for metrics that have both tags; say or for either");
}

static enum take add_list(struct reader *reader, const struct list *list, unsigned end)
{
    struct span span = { reader->at, end };
    struct slice raw = reader_raw(reader, span);
    if (list->and &&!list->not &&memchr(raw.data, ':', raw.len) == NULL && wants_two_of_a_kind(list))
        return refuse_both(reader, span);
    if (list->or &&list->and)
        return reader_refuse_words(reader, span, "mixes and with or");
    bool any = list->or &&!list->not ;
    if (any && reader->n_any_tags > 0)
        return reader_refuse_words(reader, span, "is a second choice of tags; one is possible");
    for (unsigned i = 0; i < list->n; i++) {
        struct slice tag = reader_quote(list->tags[i]);
        bool clash = list->not ? holds(reader->tags, reader->n_tags, list->tags[i])
                               : holds(reader->not_tags, reader->n_not_tags, list->tags[i]);
        if (clash)
            return reader_refuse(reader, "%.*s is both asked for and left out", QUOTED(tag));
        enum take take = list->not ? add(reader, reader->not_tags, &reader->n_not_tags, list->tags[i])
                         : any     ? add(reader, reader->any_tags, &reader->n_any_tags, list->tags[i])
                                   : add(reader, reader->tags, &reader->n_tags, list->tags[i]);
        if (take != TAKEN)
            return take;
    }
    if (!reader->filled[SLOT_TAGS])
        return reader_fill(reader, SLOT_TAGS, end);
    reader->at = end;
    reader->opening = OPENING_NONE;
    return TAKEN;
}

/* Further tags behind the first: "a and b", "a, b", "a or b". Stops before what is none. */
static enum take read_more(struct reader *reader, struct list *list, unsigned *index)
{
    while (list->n < FILTER_TAGS_MAX) {
        bool or = reader_is(reader, *index, LEX_OR), and = reader_is(reader, *index, LEX_AND);
        unsigned at = *index + (or || and? 1 : 0);
        bool comma = at < reader->words.n && reader->words.at[at].after_comma;
        if (! or &&!and&&!comma)
            return TAKEN;
        if (reader_is(reader, at, LEX_AT) || reader_is(reader, at, LEX_TAGGED))
            at++;
        enum take take = read_tag(reader, &at, list->by_value || or, &list->tags[list->n]);
        if (take == NOT_HERE && or)
            return reader_refuse_words(reader, (struct span){ *index, at + 1 }, "offers no tag that is stored here");
        if (take != TAKEN)
            return take == REFUSED ? REFUSED : TAKEN;
        list->n++;
        list->or = list->or || or ;
        list->and = list->and || and;
        *index = at;
    }
    return TAKEN;
}

/* A list whose first tag is at `first`; the words before it open it. */
static enum take take_list(struct reader *reader, unsigned first, bool by_value, struct list *list)
{
    unsigned end = first;
    list->by_value = by_value;
    enum take take = read_tag(reader, &end, by_value, &list->tags[0]);
    if (take != TAKEN)
        return take;
    list->n = 1;
    return read_more(reader, list, &end) == TAKEN ? add_list(reader, list, end) : REFUSED;
}

/* What follows must be a tag, though none that is stored. */
static enum take refuse_tag(struct reader *reader, unsigned index)
{
    if (index >= reader->words.n)
        return reader_refuse(reader, "a tag must follow at the end");
    return reader_refuse_words(reader, (struct span){ index, index + 1 }, "is no tag that is stored here");
}

enum take tags_take(struct reader *reader)
{
    enum lexeme_class class = reader_class(reader, reader->at);
    struct list list = { .not = class == LEX_UNTAGGED };
    unsigned behind = reader_past(reader, reader->at);
    if (class == LEX_TAGGED || class == LEX_UNTAGGED) {
        unsigned first = behind + (reader_is(reader, behind, LEX_AT) ? 1 : 0);
        enum take take = take_list(reader, first, true, &list);
        return take == NOT_HERE ? refuse_tag(reader, first) : take;
    }
    bool subject = class == LEX_SUBJECT && reader->lexemes[reader->at].value == SUBJECT_TAGS;
    if (class == LEX_AT || class == LEX_FROM || class == LEX_WITH || class == LEX_OF || subject) {
        enum take take = take_list(reader, behind, class != LEX_OF && class != LEX_WITH, &list);
        if (take != NOT_HERE || subject)
            return take;
    }
    return take_list(reader, reader->at, false, &list);
}

enum take tags_take_bare(struct reader *reader)
{
    struct list list = { .n = 0 };
    if (!reader_is(reader, reader->at, LEX_NONE) || reader->words.at[reader->at].kind != WORD_PLAIN)
        return NOT_HERE;
    enum take take = take_list(reader, reader->at, true, &list);
    if (take == TAKEN)
        reader_doubt(reader, 0.9);
    return take;
}

enum take tags_take_unlisted(struct reader *reader)
{
    struct list list = { .n = 1 };
    struct slice text = reader_text(reader, reader->at);
    if (reader->setting->catalogue->complete || !reader_is(reader, reader->at, LEX_NONE) ||
        !is_word(reader, reader->at) || text.len > METRIC_TAG_MAX || memchr(text.data, ':', text.len) == NULL)
        return NOT_HERE;
    list.tags[0] = reader_written(reader, reader->at);
    reader_doubt(reader, 0.6);
    return add_list(reader, &list, reader->at + 1);
}
