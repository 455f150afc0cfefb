/* SPDX-License-Identifier: MIT */
/* grant: what a key with a prefix may know of a catalogue, made once for each catalogue and prefix. */
#include "suite.h"

#include <string.h>

#include <telemetry/catalogue.h>
#include <telemetry/job.h>

#include "parser/grant.h"
#include "parser/parser.h"

static struct parser parser;
static struct job job;

static struct catalogue *catalogue_of(uint64_t version, uint64_t made_ns)
{
    struct slice names[] = { SLICE("team.b"), SLICE("other.a"), SLICE("team.a"), SLICE("teamwork") };
    struct slice tags[] = { SLICE("room:kitchen") };
    struct catalogue *catalogue = catalogue_new(names, N_CASES(names), tags, N_CASES(tags), true, version);
    assert_non_null(catalogue);
    catalogue->made_ns = made_ns;
    return catalogue;
}

static const struct catalogue *granted(const char *prefix, struct catalogue *catalogue)
{
    job.access.prefix = slice_of(prefix);
    const struct catalogue *part = grant_catalogue(&parser, &job, catalogue);
    assert_non_null(part);
    return part;
}

static void forget(void)
{
    catalogue_release(&parser.granted);
}

static void catalogue_is_all_without_a_prefix_and_its_names_with_one(void **state)
{
    struct catalogue *catalogue = catalogue_of(1, 1);
    assert_ptr_equal(granted("", catalogue), catalogue);
    const struct catalogue *part = granted("team.", catalogue);
    assert_int_equal(part->n_names, 2);
    assert_true(catalogue_has_name(part, SLICE("team.a")) && catalogue_has_name(part, SLICE("team.b")));
    assert_int_equal(part->n_tags, 0);
    assert_int_equal(granted("nobody", catalogue)->n_names, 0);
    forget();
    catalogue_release(&catalogue);
}

static void catalogue_is_kept_for_its_prefix(void **state)
{
    struct catalogue *catalogue = catalogue_of(1, 1);
    const struct catalogue *part = granted("team.", catalogue);
    char same[] = "team."; /* of the next job, elsewhere in memory */
    assert_ptr_equal(granted(same, catalogue), part);
    assert_int_equal(granted("team", catalogue)->n_names, 3);
    assert_int_equal(granted("team.", catalogue)->n_names, 2);
    forget();
    catalogue_release(&catalogue);
}

static void catalogue_is_made_anew_of_another(void **state)
{
    static const uint64_t moments[][2] = { { 2, 1 }, { 1, 2 } }; /* version, made_ns */
    for (unsigned i = 0; i < N_CASES(moments); i++) {
        struct catalogue *first = catalogue_of(1, 1), *second = catalogue_of(moments[i][0], moments[i][1]);
        struct catalogue *kept = catalogue_share((struct catalogue *)(uintptr_t)granted("team.", first));
        const struct catalogue *part = granted("team.", second);
        assert_ptr_not_equal(part, kept);
        assert_int_equal(part->version, second->version);
        forget();
        catalogue_release(&kept);
        catalogue_release(&first);
        catalogue_release(&second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalogue_is_all_without_a_prefix_and_its_names_with_one),
        cmocka_unit_test(catalogue_is_kept_for_its_prefix),
        cmocka_unit_test(catalogue_is_made_anew_of_another),
    };
    return cmocka_run_group_tests_name("grant", tests, NULL, NULL);
}
