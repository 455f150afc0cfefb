/* SPDX-License-Identifier: MIT */
/* A random walk of changes and plans. The test keeps a table of what must be stored, and works each number of a result
 * out by going through all of the table. Values are quarters, so that their sums are exact. */
#include "storage_contract.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <telemetry/clock.h>

#include "job_fixture.h"
#include "storage_hands.h"
#include "storage_questions.h"
#include "suite.h"

enum { WALKS = 3, METRICS_MAX = 4096, BATCH_MAX = 30, TIME_MS = 60000, NAMES = 5, TAGS = 6, GROUPS_MAX = 8 };

static const char *const names[NAMES] = { "cpu", "cpu.user", "cpu.system", "mem", "disk" };
static const char *const tags[TAGS] = { "host:a", "host:b", "host:c", "zone:1", "zone:2", "x" };
static const char *const tag_sets[] = { "",       "host:a",   "host:b",         "host:a zone:1", "host:b zone:2",
                                        "zone:1", "host:c x", "host:a host:b x" };

struct known {
    struct spec spec;
    struct metric_id id;
    bool gone;
};

struct walk {
    struct hands *hands;
    uint64_t random;
    unsigned n_known; /* in order of arrival */
    struct known known[METRICS_MAX];
};

static unsigned dice(struct walk *walk, unsigned sides)
{
    walk->random ^= walk->random << 13;
    walk->random ^= walk->random >> 7;
    walk->random ^= walk->random << 17;
    return (unsigned)((walk->random >> 33) % sides);
}

static int64_t random_ms(struct walk *walk)
{
    return dice(walk, TIME_MS / 10) * 10;
}

static struct spec random_spec(struct walk *walk)
{
    return (struct spec){ names[dice(walk, NAMES)], tag_sets[dice(walk, N_CASES(tag_sets))], random_ms(walk),
                          (double)dice(walk, 200) / 4 - 10, NULL };
}

/* Changes ----------------------------------------------------------------- */

static void insert_some(struct walk *walk)
{
    struct spec specs[BATCH_MAX];
    struct metric_id ids[BATCH_MAX];
    unsigned n = 1 + dice(walk, BATCH_MAX);
    if (walk->n_known + n > METRICS_MAX)
        return;
    for (unsigned i = 0; i < n; i++)
        specs[i] = random_spec(walk);
    hands_insert(walk->hands, specs, n, ids);
    for (unsigned i = 0; i < n; i++)
        walk->known[walk->n_known++] = (struct known){ specs[i], ids[i], false };
}

static void change_one(struct walk *walk)
{
    struct known *known = walk->n_known == 0 ? NULL : &walk->known[dice(walk, walk->n_known)];
    if (known == NULL || known->gone)
        return;
    if (dice(walk, 2) == 0) {
        assert_int_equal(hands_delete(walk->hands, known->id), STATUS_OK);
        known->gone = true;
        return;
    }
    known->spec = random_spec(walk);
    assert_int_equal(hands_update(walk->hands, known->id, &known->spec), STATUS_OK);
}

/* What passes ------------------------------------------------------------- */

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static bool passes(const struct plan_words *plan, const struct known *known)
{
    const struct spec *spec = &known->spec;
    size_t len = plan->name == NULL ? 0 : strlen(plan->name);
    bool prefix = len > 0 && plan->name[len - 1] == '*';
    if (known->gone || (prefix && strncmp(spec->name, plan->name, len - 1) != 0))
        return false;
    if (len > 0 && !prefix && strcmp(spec->name, plan->name) != 0)
        return false;
    if ((plan->tags != NULL && !has_word(spec->tags, plan->tags)) ||
        (plan->not_tags != NULL && has_word(spec->tags, plan->not_tags)) ||
        (plan->any_tags != NULL && !has_word(spec->tags, "host:a") && !has_word(spec->tags, "zone:2")))
        return false;
    return plan->min == plan->max || (spec->value >= plan->min && spec->value <= plan->max);
}

/* A group and a stretch of time, of which numbers are worked out. */
struct corner {
    const char *group; /* NULL: all */
    int64_t from_ms, to_ms;
    int64_t span_ms; /* for rates; 0: none */
};

static bool in_corner(const struct plan_words *plan, const struct corner *corner, const struct known *known)
{
    int64_t at_ms = known->spec.timestamp_ms;
    if (at_ms < corner->from_ms || at_ms >= corner->to_ms || !passes(plan, known))
        return false;
    if (corner->group == NULL)
        return true;
    return strcmp(plan->group, "name") == 0 ? strcmp(known->spec.name, corner->group) == 0
                                            : has_word(known->spec.tags, corner->group);
}

/* Numbers ------------------------------------------------------------------ */

static int compare_numbers(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double distinct_of(double values[], unsigned n)
{
    unsigned distinct = 0;
    qsort(values, n, sizeof(values[0]), compare_numbers);
    for (unsigned i = 0; i < n; i++)
        distinct += i == 0 || values[i] > values[i - 1];
    return distinct;
}

static double deviation(const double values[], unsigned n)
{
    double mean = 0, squares = 0;
    for (unsigned i = 0; i < n; i++)
        mean += values[i] / n;
    for (unsigned i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / n);
}

/* Different names, or tags (of the group's kind), of the metrics in a corner. */
static double texts_of(const struct walk *walk, const struct plan_words *plan, const struct corner *corner,
                       bool of_names)
{
    bool of_host = plan->group != NULL && strcmp(plan->group, "host:") == 0;
    unsigned n = 0;
    for (unsigned k = 0; k < (of_names ? (unsigned)NAMES : (unsigned)TAGS); k++) {
        bool met = false;
        for (unsigned i = 0; i < walk->n_known; i++) {
            const struct spec *spec = &walk->known[i].spec;
            if (!met && in_corner(plan, corner, &walk->known[i]))
                met = of_names ? strcmp(spec->name, names[k]) == 0
                               : has_word(spec->tags, tags[k]) && (!of_host || strncmp(tags[k], "host:", 5) == 0);
        }
        n += met;
    }
    return n;
}

/* The value of the first or the newest metric in a corner; the order of arrival decides among equal times. */
static double end_of(const struct walk *walk, const struct plan_words *plan, const struct corner *corner, bool newest)
{
    const struct known *end = NULL;
    for (unsigned i = 0; i < walk->n_known; i++) {
        const struct known *known = &walk->known[i];
        if (!in_corner(plan, corner, known))
            continue;
        if (end == NULL || (newest ? known->spec.timestamp_ms >= end->spec.timestamp_ms
                                   : known->spec.timestamp_ms < end->spec.timestamp_ms))
            end = known;
    }
    return end == NULL ? NAN : end->spec.value;
}

static double number_of(const struct walk *walk, const struct plan_words *plan, const struct corner *corner,
                        const struct plan_measure *measure)
{
    static double values[METRICS_MAX];
    unsigned n = 0, rank = 0;
    double sum = 0;
    for (unsigned i = 0; i < walk->n_known; i++)
        if (in_corner(plan, corner, &walk->known[i]))
            sum += values[n++] = walk->known[i].spec.value;
    switch ((enum plan_aggregate)measure->aggregate) {
    case AGGREGATE_COUNT:
        return n;
    case AGGREGATE_RATE:
        return n == 0 ? 0 : corner->span_ms == 0 ? NAN : n * 1000.0 / (double)corner->span_ms;
    case AGGREGATE_DISTINCT:
        return distinct_of(values, n);
    case AGGREGATE_NAMES:
    case AGGREGATE_TAGS:
        return texts_of(walk, plan, corner, measure->aggregate == AGGREGATE_NAMES);
    case AGGREGATE_FIRST:
    case AGGREGATE_LATEST:
        return end_of(walk, plan, corner, measure->aggregate == AGGREGATE_LATEST);
    case AGGREGATE_STDDEV:
        return n == 0 ? NAN : deviation(values, n);
    case AGGREGATE_SUM:
        return n == 0 ? NAN : sum;
    case AGGREGATE_AVG:
        return n == 0 ? NAN : sum / n;
    default:
        break;
    }
    qsort(values, n, sizeof(values[0]), compare_numbers);
    unsigned hundredths = measure->aggregate == AGGREGATE_MAX ? 10000 : measure->hundredths;
    while (rank * 10000 < hundredths * n)
        rank++;
    return n == 0 ? NAN : values[rank == 0 ? 0 : rank - 1];
}

/* Plans -------------------------------------------------------------------- */

/* A plan of the walk, and its ranges with open ends closed by what the table holds. */
struct asked {
    struct plan_words plan;
    char measures[64];
    int64_t length_ms; /* of a bucket; 0: none */
    int64_t from_ms[2], to_ms[2];
    bool nothing_bounds; /* but one single metric */
};

static void random_measures(struct walk *walk, struct asked *asked)
{
    static const char *const all[] = { "count", "sum",  "avg",      "min",   "max",    "p0",    "p50",  "p99.9",
                                       "p100",  "rate", "distinct", "first", "latest", "names", "tags", "stddev" };
    asked->measures[0] = '\0';
    unsigned n = 1 + dice(walk, 4), first = dice(walk, N_CASES(all) - 1); /* not by stddev, which rounds */
    for (unsigned i = 0; i < n; i++) {
        unsigned at = i == 0 ? first : (first + i * 5) % (unsigned)N_CASES(all);
        snprintf(asked->measures + strlen(asked->measures), 12, "%s%s", i == 0 ? "" : " ", all[at]);
    }
    asked->plan.measures = asked->measures;
}

static void random_filter(struct walk *walk, struct plan_words *plan)
{
    static const char *const prefixes[] = { "cpu*", "cpu.*", "*", "nothing*" };
    unsigned kind = dice(walk, 8);
    if (kind < 4)
        plan->name = kind < 2 ? names[dice(walk, NAMES)] : prefixes[dice(walk, 4)];
    if (dice(walk, 4) == 0)
        plan->tags = tags[dice(walk, TAGS)];
    if (dice(walk, 5) == 0)
        plan->any_tags = "host:a zone:2";
    if (dice(walk, 5) == 0)
        plan->not_tags = tags[dice(walk, TAGS)];
    if (dice(walk, 4) == 0) {
        plan->min = (double)dice(walk, 100) / 4 - 10;
        plan->max = plan->min + 1 + (double)dice(walk, 60) / 4;
    }
}

static void random_range(struct walk *walk, struct plan_words *plan)
{
    plan->from_ms = random_ms(walk);
    plan->to_ms = plan->from_ms + 1 + random_ms(walk);
    unsigned kind = dice(walk, 6);
    if (kind < 2)
        plan->from_ms = INT64_MIN;
    if (kind == 1 || kind == 2)
        plan->to_ms = INT64_MAX;
    if (dice(walk, 4) != 0)
        return;
    plan->compare_from_ms = random_ms(walk);
    plan->compare_to_ms = plan->compare_from_ms + 1 + random_ms(walk);
}

static void random_plan(struct walk *walk, struct asked *asked)
{
    static const char *const groups[] = { NULL, NULL, "name", "tag", "host:" }, *const buckets[] = { "5s", "7s",
                                                                                                     "30s" };
    static const int64_t lengths[] = { 5000, 7000, 30000 };
    *asked = (struct asked){ .plan.group = groups[dice(walk, N_CASES(groups))] };
    if (dice(walk, 2) == 0) {
        unsigned at = dice(walk, N_CASES(buckets));
        asked->plan.bucket = buckets[at];
        asked->length_ms = lengths[at];
    }
    random_measures(walk, asked);
    random_filter(walk, &asked->plan);
    random_range(walk, &asked->plan);
    if (asked->plan.group != NULL && dice(walk, 3) == 0) {
        asked->plan.op = dice(walk, 2) == 0 ? PLAN_TOP : PLAN_BOTTOM;
        asked->plan.k = 1 + dice(walk, 4);
    }
}

static void close_ranges(const struct walk *walk, struct asked *asked)
{
    const struct plan_words *plan = &asked->plan;
    int64_t first_ms = INT64_MAX, last_ms = INT64_MIN;
    const struct corner all = { NULL, plan->from_ms, plan->to_ms, 0 };
    for (unsigned i = 0; i < walk->n_known; i++) {
        int64_t at_ms = walk->known[i].spec.timestamp_ms;
        if (!in_corner(plan, &all, &walk->known[i]))
            continue;
        first_ms = at_ms < first_ms ? at_ms : first_ms;
        last_ms = at_ms > last_ms ? at_ms : last_ms;
    }
    bool none = first_ms > last_ms;
    int64_t when_none = plan->to_ms == INT64_MAX ? 0 : plan->to_ms;
    asked->from_ms[0] = plan->from_ms != INT64_MIN ? plan->from_ms : none ? when_none : first_ms;
    asked->to_ms[0] = plan->to_ms != INT64_MAX ? plan->to_ms : none ? asked->from_ms[0] : last_ms + 1;
    asked->from_ms[1] = plan->compare_from_ms;
    asked->to_ms[1] = plan->compare_to_ms;
    asked->nothing_bounds = plan->from_ms == INT64_MIN && plan->to_ms == INT64_MAX && first_ms == last_ms;
}

/* Bucket i of a range, or all of it when there are none. All times are in the first day. */
static struct corner corner_of(const struct asked *asked, unsigned range, unsigned i, const char *group)
{
    int64_t from_ms = asked->from_ms[range], to_ms = asked->to_ms[range];
    struct corner corner = { group, from_ms, to_ms, 0 };
    if (asked->length_ms > 0) {
        int64_t start_ms = (from_ms / asked->length_ms + i) * asked->length_ms;
        corner.from_ms = start_ms > from_ms ? start_ms : from_ms;
        corner.to_ms = start_ms + asked->length_ms < to_ms ? start_ms + asked->length_ms : to_ms;
    }
    corner.span_ms = asked->nothing_bounds && range == 0 && asked->length_ms == 0 ? 0 : corner.to_ms - corner.from_ms;
    return corner;
}

/* Checks ------------------------------------------------------------------- */

static void assert_number(double found, double wanted)
{
    if (isnan(found) != isnan(wanted) || fabs(found - wanted) > 1e-9 * (1 + fabs(wanted)))
        fail_msg("%.17g instead of %.17g", found, wanted);
}

static void check_row(const struct walk *walk, const struct asked *asked, const struct job *job, uint32_t group)
{
    const struct result *result = job->result;
    char text[METRIC_NAME_MAX + 1] = "";
    if (result->groups != NULL)
        memcpy(text, result->groups[group].data, result->groups[group].len);
    for (uint32_t b = 0; b < result->n_buckets; b++) {
        for (unsigned m = 0; m < job->plan->n_measures; m++) {
            size_t at = ((size_t)group * result->n_buckets + b) * job->plan->n_measures + m;
            struct corner corner = corner_of(asked, 0, b, result->groups == NULL ? NULL : text);
            assert_number(result->values[at], number_of(walk, &asked->plan, &corner, &job->plan->measures[m]));
            if (result->previous == NULL)
                continue;
            corner = corner_of(asked, 1, b, corner.group);
            if (corner.to_ms < corner.from_ms) /* the range compared with has fewer buckets */
                corner.to_ms = corner.span_ms = corner.from_ms;
            assert_number(result->previous[at], number_of(walk, &asked->plan, &corner, &job->plan->measures[m]));
        }
    }
}

struct ranked {
    const char *text;
    double key;
};

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct ranked *)left)->text, ((const struct ranked *)right)->text);
}

/* All groups that have metrics, by name; returns how many. */
static unsigned list_groups(const struct walk *walk, const struct asked *asked, const struct plan_measure *measure,
                            struct ranked ret_groups[GROUPS_MAX])
{
    bool of_names = strcmp(asked->plan.group, "name") == 0;
    unsigned n = 0;
    for (unsigned k = 0; k < (of_names ? (unsigned)NAMES : (unsigned)TAGS); k++) {
        const struct plan_measure count = { AGGREGATE_COUNT, 0 };
        struct corner corner = { of_names ? names[k] : tags[k], asked->from_ms[0], asked->to_ms[0], 0 };
        corner.span_ms = asked->nothing_bounds ? 0 : corner.to_ms - corner.from_ms;
        if (!of_names && strcmp(asked->plan.group, "host:") == 0 && strncmp(tags[k], "host:", 5) != 0)
            continue;
        if (number_of(walk, &asked->plan, &corner, &count) > 0)
            ret_groups[n++] = (struct ranked){ corner.group, number_of(walk, &asked->plan, &corner, measure) };
    }
    qsort(ret_groups, n, sizeof(ret_groups[0]), by_name);
    return n;
}

/* Moves the best of groups[0..n) to the front; the first of equals. */
static void pick_best(struct ranked groups[], unsigned n, double sign)
{
    unsigned best = 0;
    for (unsigned i = 1; i < n; i++)
        if (sign * groups[i].key > sign * groups[best].key || (isnan(groups[best].key) && !isnan(groups[i].key)))
            best = i;
    struct ranked picked = groups[best];
    memmove(groups + 1, groups, best * sizeof(groups[0]));
    groups[0] = picked;
}

static void check_groups(const struct walk *walk, const struct asked *asked, const struct job *job)
{
    struct ranked groups[GROUPS_MAX];
    unsigned n_all = list_groups(walk, asked, &job->plan->measures[0], groups);
    unsigned n = job->plan->op != PLAN_AGGREGATE && job->plan->k < n_all ? job->plan->k : n_all;
    assert_int_equal(job->result->n_groups_all, n_all);
    assert_int_equal(job->result->n_groups, n);
    for (unsigned i = 0; i < n; i++) {
        if (job->plan->op != PLAN_AGGREGATE)
            pick_best(groups + i, n_all - i, job->plan->op == PLAN_TOP ? 1 : -1);
        assert_true(slice_equal(job->result->groups[i], slice_of(groups[i].text)));
    }
}

static void ask(struct walk *walk)
{
    struct asked asked;
    const struct plan_measure count = { AGGREGATE_COUNT, 0 };
    random_plan(walk, &asked);
    close_ranges(walk, &asked);
    struct job *job = questions_job(&asked.plan);
    assert_int_equal(hands_run(walk->hands, job), STATUS_OK);
    const struct corner all = { NULL, asked.from_ms[0], asked.to_ms[0], 0 };
    assert_number((double)job->result->n_metrics, number_of(walk, &asked.plan, &all, &count));
    assert_int_equal(job->result->from_ms, asked.from_ms[0]);
    assert_int_equal(job->result->to_ms, asked.to_ms[0]);
    assert_false(job->result->approximate);
    if (asked.plan.group != NULL)
        check_groups(walk, &asked, job);
    for (uint32_t i = 0; i < job->result->n_groups; i++)
        check_row(walk, &asked, job, i);
    job_fixture_free(&job);
}

static void step(struct walk *walk)
{
    unsigned kind = dice(walk, 100);
    if (kind < 20)
        insert_some(walk);
    else if (kind < 50)
        change_one(walk);
    else if (kind < 95)
        ask(walk);
    else if (kind < 99)
        walk->hands->ops->tick(walk->hands->writer, clock_ns() + NS_PER_S);
    else
        hands_reopen(walk->hands);
}

static const struct storage_ops *suite_ops;
static unsigned suite_run_rows;
static unsigned suite_steps;

static void results_are_what_the_table_gives(void **state)
{
    for (uint64_t seed = 1; seed <= WALKS; seed++) {
        struct walk *walk = calloc(1, sizeof(*walk));
        assert_non_null(walk);
        walk->random = seed * 0x9e3779b97f4a7c15;
        walk->hands = hands_new(suite_ops, suite_run_rows);
        for (unsigned i = 0; i < suite_steps; i++)
            step(walk);
        hands_free(&walk->hands);
        free(walk);
    }
}

int storage_contract_aggregates_model_run(const struct storage_ops *ops, unsigned run_rows, unsigned n_steps)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_what_the_table_gives),
    };
    suite_ops = ops;
    suite_run_rows = run_rows;
    suite_steps = n_steps;
    return cmocka_run_group_tests_name("storage aggregates model", tests, NULL, NULL);
}
