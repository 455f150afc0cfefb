/* SPDX-License-Identifier: MIT */
/* reader: a prompt while it is read.
 *
 * The main loop (grammar.c) stands at a word and asks each kind of phrase in turn whether it begins there. A phrase
 * that does fills its slot and moves on: TAKEN. One that does not leaves the place as it is: NOT_HERE. One
 * that does but cannot mean anything, such as 31 february, says why: REFUSED. */
#pragma once

#include <telemetry/arena.h>
#include <telemetry/plan.h>

#include "query/prompt/lexicon.h"
#include "query/prompt/prompt.h"
#include "query/prompt/words.h"

enum take { NOT_HERE, TAKEN, REFUSED };

/* What a prompt may say, each once; names of them stand in reader.c. */
enum slot {
    SLOT_RANK,
    SLOT_MEASURE,
    SLOT_SUBJECT,
    SLOT_NAME,
    SLOT_TAGS,
    SLOT_VALUE,
    SLOT_GROUP,
    SLOT_BUCKET,
    SLOT_TREND,
    SLOT_RANGE,
    SLOT_DAY_TIME,
    SLOT_COMPARE,
    SLOT_ZONE,
    SLOT_COUNT
};

/* Words [first, end). */
struct span {
    unsigned first, end;
};

/* A time that words name: [from_ms, to_ms). What is one unit or several has a unit; a point in time has a moment
 * too, which `since` and `until` mean. */
struct period {
    int64_t from_ms, to_ms; /* INT64_MIN, INT64_MAX when open */
    enum plan_unit unit;    /* UNIT_NONE: the length alone tells what came before */
    int64_t count;          /* of units */
    enum plan_unit cycle;   /* what comes again and is the last one: WEEK of monday, YEAR of april; else UNIT_NONE */
    bool is_moment;
    int64_t moment_ms;
    bool has_clock, is_clock;    /* a time of day; of which day is not said */
    int64_t clock_ms, length_ms; /* has_clock: since midnight */
};

enum compare_kind { COMPARE_NONE, COMPARE_PREVIOUS, COMPARE_SHIFTED, COMPARE_PERIOD };

/* How a name was found, the best first. */
enum name_kind { NAME_LITERAL, NAME_EXACT, NAME_ALL_PARTS, NAME_SOME_PARTS, NAME_SHARED_PREFIX };

enum { CANDIDATES_MAX = 8, OPENING_NONE = WORDS_MAX };

struct reader {
    const struct prompt_setting *setting;
    struct arena *arena;
    const struct zone *zone; /* of the prompt, else of the setting */
    int64_t now_ms;          /* rounded up to a second */
    struct slice prompt;
    struct words words; /* without `the` */
    struct lexeme lexemes[WORDS_MAX];
    unsigned at;      /* the word that is next */
    unsigned opening; /* a word such as `of` that was read and opens what comes next; OPENING_NONE */
    struct span spans[SLOT_COUNT];
    bool filled[SLOT_COUNT];
    struct slice detail; /* why it is not understood; data is NULL as long as nothing is wrong */
    bool no_memory;
    double confidence;
    unsigned n_unknown;
    unsigned unknown[PROMPT_UNKNOWN_MAX]; /* words */

    /* what the slots hold */
    enum rank_word rank;
    unsigned k; /* 0: not said */
    bool rank_of_one;
    uint8_t n_measures;
    struct plan_measure measures[PLAN_MEASURES_MAX];
    enum subject subject;
    bool counts_tags; /* how many hosts: tag_prefix is what is counted */
    bool value_word;  /* "value" was said */
    struct slice name;
    bool name_is_prefix;
    enum name_kind name_kind;
    struct slice tags[FILTER_TAGS_MAX], any_tags[FILTER_TAGS_MAX], not_tags[FILTER_TAGS_MAX];
    unsigned n_tags, n_any_tags, n_not_tags;
    bool has_min, has_max;
    double min, max;
    enum plan_group group;
    struct slice tag_prefix;
    struct plan_bucket bucket;
    bool bucket_ranks; /* "busiest hour": buckets are what is ranked */
    struct period range;
    int64_t day_from_ms, day_to_ms; /* DAY_TIME: since midnight; the end may be on the next day */
    bool compare_asked;             /* "compare": with what comes later */
    enum compare_kind compare_kind;
    enum plan_unit compare_unit;
    int64_t compare_count;
    struct period compare;

    /* what might have been meant, for suggestions */
    struct span doubtful; /* the words that these would replace */
    unsigned n_candidates;
    struct slice candidates[CANDIDATES_MAX];
};

/* The class of the phrase at a word; LEX_NONE behind the last word, and for numbers, quoted and unknown words. */
enum lexeme_class reader_class(const struct reader *reader, unsigned index);
bool reader_is(const struct reader *reader, unsigned index, enum lexeme_class class);
/* The place behind the phrase at a word. */
unsigned reader_past(const struct reader *reader, unsigned index);
/* The word in lower case; empty behind the last. */
struct slice reader_text(const struct reader *reader, unsigned index);
/* The word as it is written, as long as its text: without a possessive. */
struct slice reader_written(const struct reader *reader, unsigned index);
bool reader_says(const struct reader *reader, unsigned index, const char *word);
/* A number in digits or words at a place, moved behind it. `a` counts only where `with_a`. */
bool reader_number(const struct reader *reader, unsigned *index, bool with_a, double *ret_number);
/* A unit at a place, moved behind it; UNIT_NONE when there is none. Letters count behind a number only. */
enum plan_unit reader_unit(const struct reader *reader, unsigned *index, bool behind_number);
/* The prompt's own bytes from one word to another. */
struct slice reader_raw(const struct reader *reader, struct span span);

/* Fills a slot with the words [reader->at, end) and moves behind them. REFUSED when it is filled already. */
enum take reader_fill(struct reader *reader, enum slot slot, unsigned end);
/* Says why the prompt is not understood, unless that is said already. Returns REFUSED. */
__attribute__((format(printf, 2, 3))) enum take reader_refuse(struct reader *reader, const char *format, ...);
/* The same about words: the sentence begins with them in quotes. */
enum take reader_refuse_words(struct reader *reader, struct span span, const char *what);
/* The beginning of a text that a refusal quotes, and its two arguments of `%.*s`. */
struct slice reader_quote(struct slice text);
#define QUOTED(slice) (int)(slice).len, (slice).data
/* What lowers the confidence, as a factor. */
void reader_doubt(struct reader *reader, double factor);
/* Copies a text to the arena. */
struct slice reader_keep(struct reader *reader, struct slice text);
/* Notes what might have been meant by words. */
void reader_candidate(struct reader *reader, struct span doubtful, struct slice text);

/* Phrases; each begins at reader->at ---------------------------------------- */
void zones_scan(struct reader *reader); /* before all others: sets reader->zone */
enum take zones_take(struct reader *reader);
/* A time at a place, moved behind it; a number such as 2014 is a year where `with_year`. */
enum take periods_read(struct reader *reader, unsigned *index, bool with_year, struct period *ret_period);
/* From the start of the present unit until now; the whole day of DAY. */
struct period periods_so_far(const struct reader *reader, enum plan_unit unit);
enum take ranges_take(struct reader *reader);
enum take compare_take(struct reader *reader);
enum take names_take(struct reader *reader);        /* more than one word, or written out */
enum take names_take_single(struct reader *reader); /* one word of a name */
enum take names_take_quoted(struct reader *reader);
/* Whether a name of more than one word begins at a word. */
bool names_begin(const struct reader *reader, unsigned index);
enum take tags_take(struct reader *reader);
enum take values_take(struct reader *reader);
enum take groups_take(struct reader *reader);
enum take ranks_take(struct reader *reader);
/* How many are ranked: says why not where that is impossible. */
enum take ranks_set_k(struct reader *reader, struct span span, double number);
enum take measures_take(struct reader *reader);
enum take subjects_take(struct reader *reader);
enum take tags_take_bare(struct reader *reader); /* "web-1" without a word before it */
/* Where the catalogue is not complete: what looks like a tag or a name is taken as it is written. */
enum take tags_take_unlisted(struct reader *reader);
enum take names_take_unlisted(struct reader *reader);

/* The beginning of tags, "host:", that a word such as "host" or "hosts" names; NULL data when there is none. */
struct slice tags_prefix(const struct reader *reader, unsigned index, bool *ret_plural);

/* Refuses a word that nothing knows. */
enum take grammar_refuse_unknown(struct reader *reader, unsigned index);
/* Notes candidates for an unknown word, in place of those before: known words, names and tags that are a slip of the
 * pen away. False when there are none. */
bool near_note(struct reader *reader, unsigned index);

/* Cuts and reads a prompt: all slots. False when the prompt is not understood (detail says why) or there is no memory.
 */
bool grammar_read(struct reader *reader, struct slice prompt, const struct prompt_setting *setting,
                  struct arena *arena);
/* Makes a settled plan of the slots. False as above. */
bool settle(struct reader *reader, struct plan *ret_plan);
/* Gives prompts that are understood here, at most PROMPT_SUGGESTIONS. */
unsigned suggest(struct reader *reader, struct slice ret_suggestions[]);
