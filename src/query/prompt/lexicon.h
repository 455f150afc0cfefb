/* SPDX-License-Identifier: MIT */
/* lexicon: the closed list of words that prompts are made of, docs/query.md in full.
 *
 * A phrase of one or more words has one class and a value that the class gives a meaning. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "query/prompt/words.h"

/* What a phrase is for; behind it, what its value means. */
enum lexeme_class {
    LEX_NONE,      /* not in the lexicon */
    LEX_FILLER,    /* polite words, verbs, articles: nothing */
    LEX_CANNOT,    /* what no plan can say: enum cannot */
    LEX_AGGREGATE, /* enum plan_aggregate */
    LEX_RANK,      /* enum rank_word */
    LEX_WHICH,     /* before a group: asks for one, or for several */
    LEX_SUBJECT,   /* enum subject */
    LEX_DIFFERENT, /* behind "how many": names, tags or values without doubles */
    LEX_NOUN,      /* behind a name: "usage", "level"; 1 for the word "value" itself */
    LEX_NAMED,     /* a metric's name follows */
    LEX_TAGGED,    /* tags follow */
    LEX_UNTAGGED,  /* tags follow that must be missing */
    LEX_OR,
    LEX_AND,
    LEX_ABOVE, /* numbers: of values */
    LEX_BELOW,
    LEX_AT_LEAST,
    LEX_AT_MOST,
    LEX_EQUAL,
    LEX_BY,     /* a group, a bucket, or what a rank goes by */
    LEX_PER,    /* a group or a bucket */
    LEX_ACROSS, /* a group that is not meant: "across all hosts" */
    LEX_BUCKET, /* enum plan_unit */
    LEX_TREND,
    LEX_UNIT,   /* enum plan_unit, | LEX_UNIT_LETTER where only a number before it makes it one */
    LEX_NUMBER, /* the number; "a" is one only before a unit */
    LEX_TODAY,  /* days before today */
    LEX_NOW,
    LEX_THIS,
    LEX_LAST,     /* the calendar unit before this one */
    LEX_PREVIOUS, /* the same, of hours and shorter too */
    LEX_PAST,     /* rolling */
    LEX_TO_DATE,  /* enum plan_unit: "year to date" */
    LEX_AGO,
    LEX_SINCE,
    LEX_UNTIL,
    LEX_BEFORE,
    LEX_AFTER,
    LEX_BETWEEN,
    LEX_FROM,
    LEX_TO,
    LEX_AT, /* in, on, at, during: a time or a tag follows */
    LEX_OF, /* of, for: a name, a tag or a time follows */
    LEX_OVER,
    LEX_WITH,
    LEX_MONTH,    /* 1..12 */
    LEX_WEEKDAY,  /* 0 Monday .. 6 Sunday */
    LEX_DAY_PART, /* hour where it begins; it has six */
    LEX_CLOCK,    /* minutes since midnight: noon */
    LEX_O_CLOCK,
    LEX_ALL_TIME,
    LEX_COMPARE,
    LEX_PERIOD,
    LEX_SAME,
    LEX_STEP,      /* "5 minute buckets" */
    LEX_ZONE_WORD, /* "time zone" */
    LEX_PERCENTILE
};

enum { LEX_UNIT_LETTER = 0x40 };

enum cannot { CANNOT_CHANGE, CANNOT_FORETELL, CANNOT_EXCLUDE, CANNOT_EXPLAIN, CANNOT_DATE, CANNOT_DIRECT };

enum rank_word {
    RANK_TOP,
    RANK_BOTTOM,
    RANK_HIGHEST, /* top, of the greatest value unless a measure is named */
    RANK_LOWEST,
    RANK_BUSIEST, /* top, of counts unless a measure is named */
    RANK_QUIETEST,
    RANK_MOST, /* top, of counts; of what the values of a metric is not said */
    RANK_FEWEST
};

enum subject { SUBJECT_NONE, SUBJECT_EVENTS, SUBJECT_NAMES, SUBJECT_TAGS };

struct lexeme {
    uint8_t class;   /* enum lexeme_class */
    uint8_t n_words; /* that the phrase takes; at least 1 */
    bool plural;     /* of units and subjects: "hours" */
    int16_t value;
};

/* The longest phrase that begins at words->at[index]. */
struct lexeme lexicon_find(const struct words *words, unsigned index);

/* The unit of this name, enum plan_unit; UNIT_NONE (0) when there is none. */
int lexicon_unit(struct slice name);

/* Phrase number `index` in the order of the list, for tests and near misses; false behind the last. */
bool lexicon_phrase(unsigned index, struct slice *ret_phrase, struct lexeme *ret_lexeme);
