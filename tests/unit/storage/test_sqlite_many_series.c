/* SPDX-License-Identifier: MIT */
/* More series than a selection holds (SELECTION_MAX), and than the dictionary keeps in memory. */
#include <telemetry/storage.h>

#include <stdio.h>

#include "job_fixture.h"
#include "storage/sqlite/selection.h"
#include "storage_hands.h"
#include "suite.h"

enum { SERIES = 70000, CHUNK = 2000 };
_Static_assert((int)SERIES > (int)SELECTION_MAX, "or the test shows nothing");

/* Series n has one metric, at time n; one in a thousand is rare. */
static void insert_all(struct hands *hands)
{
    static struct spec specs[CHUNK];
    static char names[CHUNK][24];
    for (unsigned first = 0; first < SERIES; first += CHUNK) {
        for (unsigned i = 0; i < CHUNK; i++) {
            unsigned n = first + i;
            snprintf(names[i], sizeof(names[i]), "many.%u", n);
            specs[i] = (struct spec){ names[i], n % 1000 == 7 ? "rare" : "common", n, n, NULL };
        }
        hands_insert(hands, specs, CHUNK, NULL);
    }
}

static struct job *list(const char *prefix, const char *tag, const char *not_tag)
{
    struct job *job = hands_job(OP_FIND);
    job->filter.name = slice_of(prefix);
    job->filter.name_is_prefix = true;
    job->filter.n_tags = hands_words(tag, &job->arena, &job->filter.tags);
    job->filter.n_not_tags = hands_words(not_tag, &job->arena, &job->filter.not_tags);
    return job;
}

static void check(struct hands *hands, struct job *job, uint32_t n, unsigned newest, unsigned step)
{
    assert_int_equal(hands_run(hands, job), STATUS_OK);
    assert_int_equal(job->n_metrics, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(job->metrics[i].timestamp_ms, newest - i * step);
    job_fixture_free(&job);
}

static void lists_over_more_series_than_a_selection_holds(void **state)
{
    struct hands *hands = hands_new(&storage_sqlite, 8192);
    insert_all(hands);
    unsigned rare = (SERIES - 1) / 1000 * 1000 + 7;
    rare -= rare >= SERIES ? 1000 : 0;
    check(hands, list("many.", "", ""), 100, SERIES - 1, 1);
    check(hands, list("", "", ""), 100, SERIES - 1, 1);
    check(hands, list("many.", "rare", ""), rare / 1000 + 1, rare, 1000);
    struct job *job = list("many.", "", "rare"); /* judged one by one: the newest before a rare one */
    job->filter.to_ms = rare + 3;
    job->filter.limit = 2;
    check(hands, job, 2, rare + 2, 1);
    job = list("many.", "", "common"); /* few are left, far apart */
    check(hands, job, rare / 1000 + 1, rare, 1000);
    hands_free(&hands);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lists_over_more_series_than_a_selection_holds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
