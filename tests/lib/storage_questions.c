/* SPDX-License-Identifier: MIT */
#include "storage_questions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "suite.h"

/* One table for the process: its zones stay reachable. */
static const struct zone *zone_named(const char *name)
{
    static struct zones *zones;
    if (zones == NULL)
        zones = zones_new(NULL);
    assert_non_null(zones);
    const struct zone *zone = zones_find(zones, slice_of(name == NULL ? "UTC" : name));
    assert_non_null(zone);
    return zone;
}

static void set_measures(struct plan *plan, const char *text, struct arena *arena)
{
    struct slice *words;
    plan->n_measures = hands_words(text == NULL ? "count" : text, arena, &words);
    for (unsigned i = 0; i < plan->n_measures; i++)
        assert_true(plan_measure_parse(words[i], &plan->measures[i]));
}

static void set_filter(struct filter *filter, const struct plan_words *words, struct arena *arena)
{
    filter->name = slice_of(words->name == NULL ? "" : words->name);
    filter->name_is_prefix = filter->name.len > 0 && filter->name.data[filter->name.len - 1] == '*';
    filter->name.len -= filter->name_is_prefix;
    filter->n_tags = hands_words(words->tags, arena, &filter->tags);
    filter->n_any_tags = hands_words(words->any_tags, arena, &filter->any_tags);
    filter->n_not_tags = hands_words(words->not_tags, arena, &filter->not_tags);
    if (words->from_ms != 0 || words->to_ms != 0) {
        filter->from_ms = words->from_ms;
        filter->to_ms = words->to_ms;
    }
    if (words->min != 0 || words->max != 0) {
        filter->min = words->min;
        filter->max = words->max;
    }
}

static void set_group(struct plan *plan, const char *group)
{
    if (group == NULL)
        return;
    plan->group_by = strcmp(group, "name") == 0 ? GROUP_NAME : GROUP_TAG;
    if (plan->group_by == GROUP_TAG && strcmp(group, "tag") != 0)
        plan->tag_prefix = slice_of(group);
}

struct job *questions_job(const struct plan_words *words)
{
    struct job *job = hands_job(OP_AGGREGATE);
    struct plan *plan = arena_alloc(&job->arena, sizeof(*plan));
    plan_init(plan, zone_named(words->zone));
    plan->op = (uint8_t)words->op;
    plan->k = words->k;
    plan->trend = words->trend;
    plan->compare = words->compare_from_ms != words->compare_to_ms;
    plan->compare_from_ms = words->compare_from_ms;
    plan->compare_to_ms = words->compare_to_ms;
    set_measures(plan, words->measures, &job->arena);
    set_filter(&plan->filter, words, &job->arena);
    set_group(plan, words->group);
    if (words->bucket != NULL)
        assert_true(plan_bucket_parse(slice_of(words->bucket), &plan->bucket));
    const char *wrong = plan_settle(plan, &job->arena);
    if (wrong != NULL)
        fail_msg("%s", wrong);
    job->plan = plan;
    return job;
}

/* A text that is being written. */
struct page_of_text {
    char *text;
    size_t len, bytes;
};

static void put(struct page_of_text *page, const char *text, size_t len)
{
    assert_true(page->len + len < page->bytes);
    memcpy(page->text + page->len, text, len);
    page->len += len;
    page->text[page->len] = '\0';
}

static void put_numbers(struct page_of_text *page, const double numbers[], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char text[32];
        int len =
            isnan(numbers[i]) ? snprintf(text, sizeof(text), "-") : snprintf(text, sizeof(text), "%.10g", numbers[i]);
        put(page, " ", i > 0);
        put(page, text, (size_t)len);
    }
}

static void put_group(struct page_of_text *page, const struct job *job, uint32_t group)
{
    const struct result *result = job->result;
    unsigned n = job->plan->n_measures;
    if (result->groups != NULL) {
        put(page, result->groups[group].data, result->groups[group].len);
        put(page, " ", 1);
    }
    for (uint32_t i = 0; i < result->n_buckets; i++) {
        size_t at = ((size_t)group * result->n_buckets + i) * n;
        put(page, "; ", i > 0 ? 2 : 0);
        put_numbers(page, result->values + at, n);
        if (result->previous == NULL)
            continue;
        put(page, " (", 2);
        put_numbers(page, result->previous + at, n);
        put(page, ")", 1);
    }
}

const char *questions_text(const struct job *job, char ret_text[], size_t bytes)
{
    struct page_of_text page = { ret_text, 0, bytes };
    ret_text[0] = '\0';
    for (uint32_t i = 0; i < job->result->n_groups; i++) {
        put(&page, " | ", i > 0 ? 3 : 0);
        put_group(&page, job, i);
    }
    return ret_text;
}

const char *questions_ask(struct hands *hands, const struct plan_words *words, char ret_text[], size_t bytes)
{
    struct job *job = questions_job(words);
    if (hands_run(hands, job) != STATUS_OK)
        snprintf(ret_text, bytes, "%s", status_type(job->status));
    else
        questions_text(job, ret_text, bytes);
    job_fixture_free(&job);
    return ret_text;
}
