/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "options.h"

enum { WORDS_MAX = 20 };

static char scenario_path[4096];

/* The command line in one text: words divided by blanks, `@` for a scenario that is there. */
static int read_line(struct options *options, const char *line)
{
    static char copy[256];
    static char program[] = "load";
    char *words[WORDS_MAX + 1] = { program }, *rest = NULL;
    int n = 1;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL && n < WORDS_MAX; word = strtok_r(NULL, " ", &rest))
        words[n++] = strcmp(word, "@") == 0 ? scenario_path : word;
    optind = 0; /* glibc: begin anew */
    return options_read(options, n, words);
}

static void read_refuses(void **state)
{
    static const char *const refusals[] = {
        "",
        "@",
        "nowhere.scenario 127.0.0.1:80",
        "--rate",
        "--rate fast @ 127.0.0.1:80",
        "--rate -1 @ 127.0.0.1:80",
        "--connections 0 @ 127.0.0.1:80",
        "--duration 0 @ 127.0.0.1:80",
        "--nonsense @ 127.0.0.1:80",
        "--without nothing @ 127.0.0.1:80",
        "--without post --without list --without get --without put --without delete --without query @ 127.0.0.1:80",
        "--header nothing @ 127.0.0.1:80",
        "@ https://127.0.0.1:80",
        "@ http://",
        "@ http://127.0.0.1:80/metrics",
        "@ http://127.0.0.1:99999999",
        "@ http://127.0.0.1:",
        "@ [::1",
        "@ user@127.0.0.1:80",
    };
    for (size_t i = 0; i < N_CASES(refusals); i++) {
        struct options options;
        if (read_line(&options, refusals[i]) != -1)
            fail_msg("`%s` was not refused", refusals[i]);
        options_free(&options);
    }
}

static void read_overrides_the_scenario(void **state)
{
    struct options options;
    int code = read_line(&options, "--rate 5 --connections=7 --duration 2 --without query --header A:b --json @ "
                                   "http://127.0.0.1:81/ [::1]:82");
    assert_int_equal(code, 0);
    assert_true(options.scenario.rate == 5 && options.scenario.duration_s == 2 && options.scenario.warm_up_s == 2);
    assert_int_equal(options.scenario.connections, 7);
    assert_true(options.scenario.calls[scenario_find_call(&options.scenario, SLICE("query"))].weight == 0);
    assert_true(slice_equal(options.settings.headers, SLICE("A:b\r\n")));
    assert_true(options.json && !options.check);
    assert_string_equal(options.settings.title, "mix.scenario");
    assert_int_equal(options.settings.n_hosts, 2);
    assert_string_equal(options.settings.hosts[0].name, "127.0.0.1:81");
    assert_string_equal(options.settings.hosts[1].name, "[::1]:82");
    assert_int_equal(options.settings.hosts[1].address.ss_family, AF_INET6);
    options_free(&options);
}

static void check_needs_no_host(void **state)
{
    struct options options;
    assert_int_equal(read_line(&options, "--check @"), 0);
    assert_true(options.check);
    options_free(&options);
}

int main(void)
{
    const char *folder = getenv("SCENARIOS");
    snprintf(scenario_path, sizeof(scenario_path), "%s/mix.scenario", folder == NULL ? "." : folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_refuses),
        cmocka_unit_test(read_overrides_the_scenario),
        cmocka_unit_test(check_needs_no_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
