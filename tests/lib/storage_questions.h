/* SPDX-License-Identifier: MIT */
/* storage_questions: plans as a test thinks of them, and results as text. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <telemetry/job.h>

struct hands;

/* A plan in a test's words. Texts that are NULL stand for nothing; times and values count when they are not both 0. */
struct plan_words {
    const char *measures; /* "count avg p99.9"; NULL: count */
    const char *group;    /* "name", "tag", or the beginning of a tag */
    const char *bucket;   /* "1h" */
    const char *zone;     /* NULL: UTC */
    enum plan_op op;
    unsigned k;
    bool trend;
    const char *name, *tags, *any_tags, *not_tags;
    int64_t from_ms, to_ms, compare_from_ms, compare_to_ms;
    double min, max;
};

/* Gives a job of OP_AGGREGATE with the settled plan in its arena; fails the test where there is no such plan. The zone
 * lives as long as the process. */
struct job *questions_job(const struct plan_words *words);

/* Appends a result: groups apart by " | ", each with its text first; buckets apart by "; ", measures by " ", "-" where
 * there is no number. Numbers of the range compared with follow in brackets. Returns the text. */
const char *questions_text(const struct job *job, char ret_text[], size_t bytes);

/* Runs the plan and gives its result as text, or its status; frees the job. */
const char *questions_ask(struct hands *hands, const struct plan_words *words, char ret_text[], size_t bytes);
