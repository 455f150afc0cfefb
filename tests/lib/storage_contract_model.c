/* SPDX-License-Identifier: MIT */
/* A long random walk over a store, with a simple table in memory beside it that says what must come
 * out: inserts, changes, reads and lists, upkeep in between, and the store closed and opened anew. */
#include "storage_contract.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "suite.h"

enum { STEPS = 6000, METRICS_MAX = 40000, SERIES_BYTES = 48, BATCH_MAX = 40 };

/* What the table knows of a metric that was ever stored. */
struct known {
    bool alive;
    struct metric_id id;
    const char *name;
    char tags[SERIES_BYTES]; /* sorted, apart by blanks */
    int64_t timestamp_ms;
    double value;
};

struct walk {
    struct hands *hands;
    uint64_t random;
    unsigned n_known, n_client_ids;
    struct known known[METRICS_MAX];
};

static const char *const names[] = { "a", "b", "b.c", "b.d", "bb", "c" };
static const char *const tags[] = { "k", "l", "m", "kk" };

static unsigned dice(struct walk *walk, unsigned sides)
{
    walk->random ^= walk->random << 13;
    walk->random ^= walk->random >> 7;
    walk->random ^= walk->random << 17;
    return (unsigned)(walk->random >> 33) % sides;
}

static void random_words(struct walk *walk, unsigned one_in, char ret_text[SERIES_BYTES])
{
    size_t len = 0;
    ret_text[0] = '\0';
    for (unsigned i = 0; i < N_CASES(tags); i++)
        if (dice(walk, one_in) == 0)
            len += (size_t)snprintf(ret_text + len, SERIES_BYTES - len, "%s%s", len == 0 ? "" : " ", tags[i]);
}

static void random_metric(struct walk *walk, struct known *ret_known)
{
    *ret_known = (struct known){ .name = names[dice(walk, N_CASES(names))],
                                 .timestamp_ms = (int64_t)dice(walk, 60) * 1000 - 10000,
                                 .value = dice(walk, 10) };
    random_words(walk, 3, ret_known->tags);
}

static struct spec spec_of(const struct known *known)
{
    return (struct spec){ known->name, known->tags, known->timestamp_ms, known->value, NULL };
}

static bool same_known(const struct known *a, const struct known *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->tags, b->tags) == 0 && a->timestamp_ms == b->timestamp_ms &&
           a->value == b->value;
}

static struct known *pick(struct walk *walk)
{
    return walk->n_known == 0 ? NULL : &walk->known[dice(walk, walk->n_known)];
}

static struct known *known_of(struct walk *walk, struct metric_id id)
{
    for (unsigned i = walk->n_known; i > 0; i--)
        if (memcmp(walk->known[i - 1].id.bytes, id.bytes, METRIC_ID_BYTES) == 0)
            return &walk->known[i - 1];
    return NULL;
}

/* Steps ---------------------------------------------------------------------- */

/* One item in eight brings an id: a new one, or one that is or was somebody's. */
static void random_id(struct walk *walk, struct metric *metric)
{
    const struct known *old = pick(walk);
    if (dice(walk, 8) != 0)
        return;
    metric->has_id = metric->client_id = true;
    if (old != NULL && dice(walk, 2) == 0)
        metric->id = old->id;
    else
        snprintf((char *)metric->id.bytes, METRIC_ID_BYTES, "id%u", walk->n_client_ids++);
}

static void insert_some(struct walk *walk, unsigned n)
{
    static struct known items[BATCH_MAX];
    static struct spec specs[BATCH_MAX];
    unsigned n_before = walk->n_known;
    bool conflicts = false;
    for (unsigned i = 0; i < n; i++) {
        random_metric(walk, &items[i]);
        specs[i] = spec_of(&items[i]);
    }
    struct job *job = hands_insert_job(specs, n);
    for (unsigned i = 0; i < n; i++)
        random_id(walk, &job->metrics[i]);
    enum status status = hands_run(walk->hands, job);
    for (unsigned i = 0; i < n; i++) {
        struct known *old = job->metrics[i].client_id ? known_of(walk, job->metrics[i].id) : NULL;
        if (old != NULL && old->alive) {
            conflicts |= !same_known(old, &items[i]);
            continue;
        }
        items[i].alive = true;
        items[i].id = job->metrics[i].id;
        assert_true(walk->n_known < METRICS_MAX);
        walk->known[walk->n_known++] = items[i];
    }
    assert_int_equal(status, conflicts ? STATUS_CONFLICT : STATUS_OK);
    if (conflicts)
        walk->n_known = n_before;
    job_fixture_free(&job);
}

static void update_one(struct walk *walk)
{
    struct known *old = pick(walk);
    struct known new_known;
    if (old == NULL)
        return;
    random_metric(walk, &new_known);
    old = known_of(walk, old->id);
    struct spec spec = spec_of(&new_known);
    assert_int_equal(hands_update(walk->hands, old->id, &spec), old->alive ? STATUS_OK : STATUS_NOT_FOUND);
    if (!old->alive)
        return;
    new_known.id = old->id;
    new_known.alive = true;
    *old = new_known;
}

static void delete_one(struct walk *walk)
{
    struct known *old = pick(walk);
    if (old == NULL)
        return;
    old = known_of(walk, old->id);
    assert_int_equal(hands_delete(walk->hands, old->id), old->alive ? STATUS_OK : STATUS_NOT_FOUND);
    old->alive = false;
}

static void assert_known(const struct known *known, const struct metric *metric)
{
    struct arena arena;
    _Alignas(16) char block[2048];
    arena_init(&arena, block, sizeof(block));
    struct spec spec = spec_of(known);
    struct metric expected = hands_metric(&spec, &arena);
    expected.id = known->id;
    assert_true(metric_equal(&expected, metric));
    arena_reset(&arena);
}

static void get_one(struct walk *walk)
{
    struct known *old = pick(walk);
    if (old == NULL)
        return;
    old = known_of(walk, old->id);
    struct job *job = hands_get(walk->hands, old->id);
    assert_int_equal(job->status, old->alive ? STATUS_OK : STATUS_NOT_FOUND);
    if (old->alive)
        assert_known(old, &job->metrics[0]);
    job_fixture_free(&job);
}

/* Lists ---------------------------------------------------------------------- */

static bool word_in(const char *words, struct slice word)
{
    for (const char *at = words; *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (slice_equal((struct slice){ at, len }, word))
            return true;
        at += len + (at[len] == ' ');
    }
    return false;
}

static unsigned count_in(const char *words, const struct slice wanted[], unsigned n)
{
    unsigned count = 0;
    for (unsigned i = 0; i < n; i++)
        count += word_in(words, wanted[i]);
    return count;
}

static bool passes(const struct known *known, const struct filter *filter)
{
    struct slice name = slice_of(known->name);
    bool name_fits = filter->name_is_prefix ? slice_starts_with(name, filter->name)
                                            : filter->name.len == 0 || slice_equal(name, filter->name);
    return known->alive && name_fits && count_in(known->tags, filter->tags, filter->n_tags) == filter->n_tags &&
           (filter->n_any_tags == 0 || count_in(known->tags, filter->any_tags, filter->n_any_tags) > 0) &&
           count_in(known->tags, filter->not_tags, filter->n_not_tags) == 0 && known->timestamp_ms >= filter->from_ms &&
           known->timestamp_ms < filter->to_ms && known->value >= filter->min && known->value <= filter->max;
}

static void random_filter(struct walk *walk, struct job *job)
{
    static const char *const asked[] = { "", "a", "b", "b.", "b.c", "c", "none" };
    struct filter *filter = &job->filter;
    char words[SERIES_BYTES];
    filter->name = slice_of(asked[dice(walk, N_CASES(asked))]);
    filter->name_is_prefix = dice(walk, 3) == 0;
    random_words(walk, 8, words);
    filter->n_tags = hands_words(arena_copy(&job->arena, slice_of(words)).data, &job->arena, &filter->tags);
    random_words(walk, 8, words);
    filter->n_any_tags = hands_words(arena_copy(&job->arena, slice_of(words)).data, &job->arena, &filter->any_tags);
    random_words(walk, 12, words);
    filter->n_not_tags = hands_words(arena_copy(&job->arena, slice_of(words)).data, &job->arena, &filter->not_tags);
    if (dice(walk, 3) == 0) {
        filter->from_ms = (int64_t)dice(walk, 60) * 1000 - 10000;
        filter->to_ms = filter->from_ms + 1 + dice(walk, 20) * 1000;
    }
    if (dice(walk, 3) == 0) {
        filter->min = dice(walk, 10);
        filter->max = filter->min + dice(walk, 4);
    }
    filter->ascending = dice(walk, 2);
    filter->limit = dice(walk, 4) == 0 ? 1 + dice(walk, 20) : 1 + dice(walk, FILTER_LIMIT_MAX);
}

/* One page: each metric passes, stands in order, and is met for the first time. Returns how many. */
static unsigned check_page(struct walk *walk, const struct job *job, bool met[], int64_t *last_ms)
{
    for (uint32_t i = 0; i < job->n_metrics; i++) {
        const struct metric *metric = &job->metrics[i];
        struct known *known = known_of(walk, metric->id);
        assert_non_null(known);
        assert_known(known, metric);
        assert_true(passes(known, &job->filter));
        assert_false(met[known - walk->known]);
        met[known - walk->known] = true;
        assert_true(job->filter.ascending ? metric->timestamp_ms >= *last_ms : metric->timestamp_ms <= *last_ms);
        *last_ms = metric->timestamp_ms;
    }
    return job->n_metrics;
}

static void list_all_pages(struct walk *walk)
{
    static bool met[METRICS_MAX];
    struct job *job = hands_job(OP_FIND);
    unsigned n = 0, expected = 0;
    random_filter(walk, job);
    int64_t last_ms = job->filter.ascending ? INT64_MIN : INT64_MAX;
    memset(met, 0, sizeof(met));
    for (bool more = true; more;) {
        job->status = STATUS_OK;
        assert_int_equal(hands_run(walk->hands, job), STATUS_OK);
        n += check_page(walk, job, met, &last_ms);
        more = job->has_next;
        job->filter.has_after = true;
        job->filter.after = job->next;
    }
    for (unsigned i = 0; i < walk->n_known; i++)
        expected += known_of(walk, walk->known[i].id) == &walk->known[i] && passes(&walk->known[i], &job->filter);
    assert_int_equal(n, expected);
    job_fixture_free(&job);
}

static void step(struct walk *walk)
{
    unsigned kind = dice(walk, 100);
    if (kind < 40)
        insert_some(walk, 1);
    else if (kind < 45)
        insert_some(walk, 2 + dice(walk, BATCH_MAX - 1));
    else if (kind < 60)
        update_one(walk);
    else if (kind < 72)
        delete_one(walk);
    else if (kind < 85)
        get_one(walk);
    else if (kind < 95)
        list_all_pages(walk);
    else if (kind < 99)
        walk->hands->ops->tick(walk->hands->writer, clock_ns() + NS_PER_S);
    else
        hands_reopen(walk->hands);
}

static const struct storage_ops *suite_ops;
static unsigned suite_run_rows;

static void store_does_as_the_table_says(void **state)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct walk *walk = calloc(1, sizeof(*walk));
        assert_non_null(walk);
        walk->random = seed * 0x9e3779b97f4a7c15;
        walk->hands = hands_new(suite_ops, suite_run_rows);
        for (unsigned i = 0; i < STEPS / 3; i++)
            step(walk);
        hands_free(&walk->hands);
        free(walk);
    }
}

int storage_contract_model_run(const struct storage_ops *ops, unsigned run_rows)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_does_as_the_table_says),
    };
    suite_ops = ops;
    suite_run_rows = run_rows;
    return cmocka_run_group_tests_name("storage model", tests, NULL, NULL);
}
