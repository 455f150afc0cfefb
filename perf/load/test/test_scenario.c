/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

#define CALL "call get\n request GET /\n"

static const struct {
    const char *text, *complaint; /* how it begins behind the name; what follows is for people */
} refusals[] = {
    { "", "0: there is no call" },
    { "# nothing\n\n", "2: there is no call" },
    { "speed 5\n", "1: `speed` means nothing here" },
    { "rate\n", "1: requests a second: `` is no number from 0 to" },
    { "rate fast\n", "1: requests a second: `fast` is no number" },
    { "rate 5x\n", "1: requests a second: `5x`" },
    { "rate -1\n", "1: requests a second: `-1`" },
    { "rate nan\n", "1: requests a second: `nan`" },
    { "rate 10 20\n", "1: too much: `20`" },
    { "connections 0\n", "1: connections: `0`" },
    { "connections 1.5\n", "1: connections: 1.5 is not a whole number" },
    { "duration 0\n", "1: seconds: `0`" },
    { "warm-up -2\n", "1: seconds: `-2`" },
    { "names\n", "1: names need a key" },
    { "names id 5 uniform\n", "1: names need a key" },
    { "names a 5 uniform\nnames a 6 uniform\n", "2: names need a key of their own" },
    { "names a 0 uniform\n", "1: names: `0`" },
    { "names a 5\n", "1: a choice is `uniform` or `zipf EXPONENT`" },
    { "names a 5 zipf\n", "1: exponent: ``" },
    { "names a 5 zipf 0\n", "1: exponent: `0`" },
    { "names a 5 uniform a/b\n", "1: a prefix has" },
    { "weight 5\n", "1: `weight` belongs to a `call` above it" },
    { "call\n", "1: a call needs a key" },
    { CALL CALL, "3: a call needs a key of its own" },
    { "call get\n", "1: the call has no `request`" },
    { "call get\n weight 1\n" CALL, "3: a call needs a key of its own" },
    { "call get\n request FETCH /\n", "2: `request` is followed by GET" },
    { "call get\n request GET metrics\n", "2: `request` is followed by" },
    { "call get\n request GET\n", "2: `request` is followed by" },
    { CALL " request GET /\n", "3: the call has a `request` already" },
    { CALL " weight -1\n", "3: weight: `-1`" },
    { CALL " weight 0\n", "1: there is no call with a weight above 0" },
    { "call get\n request GET /{name}\n", "2: {name} is neither {id} nor a `names` line above" },
    { "call get\n request GET /{id\n", "1: the call needs an {id}, and no call" },
    { "call get\n request GET /{id}\n", "1: the call needs an {id}, and no call" },
    { "call get\n request GET /{id}\n ids location\n", "1: the call needs an {id}, and no call that needs none" },
    { CALL " body\n", "3: a body is `metric NAMES`" },
    { CALL " body form\n", "3: a body is `metric NAMES`" },
    { CALL " body metric\n", "3: no line above says `names `" },
    { CALL " body metric a\n", "3: no line above says `names a`" },
    { "names a 5 uniform\n" CALL " body batch a\n", "4: metrics in a batch: `a`" },
    { "names a 5 uniform\n" CALL " body batch 5 a 6\n", "4: too much: `6`" },
    { CALL " body text x\n body text y\n", "4: the call has a `body` already" },
    { CALL " header nothing\n", "3: a header is `Name: value`" },
    { CALL " header : value\n", "3: a header is `Name: value`" },
    { CALL " expect\n", "3: `expect` names no status" },
    { CALL " expect ok\n", "3: `expect` is followed by up to 8 statuses" },
    { CALL " expect 100\n", "3: `expect` is followed by" },
    { CALL " expect 200 201 202 203 204 205 206 207 208\n", "3: `expect` is followed by up to 8" },
    { CALL " ids\n", "3: ids come from `location` or `body`" },
    { "prepare 10\n" CALL, "1: `prepare COUNT CALL` lacks the call" },
    { "prepare 10 post\n" CALL, "1: `prepare` needs a call of this file" },
    { CALL "rate 5 # five\n nonsense\n", "4: `nonsense` means nothing here" },
};

static void parse_refuses(void **state)
{
    for (size_t i = 0; i < N_CASES(refusals); i++) {
        char complaint[COMPLAINT_BYTES] = "", wanted[COMPLAINT_BYTES];
        struct scenario scenario;
        snprintf(wanted, sizeof(wanted), "trial:%s", refusals[i].complaint);
        int code = scenario_parse(&scenario, refusals[i].text, "trial", complaint);
        if (code != -1 || strncmp(complaint, wanted, strlen(wanted)) != 0)
            fail_msg("%s\nwas answered %d `%s` and not `%s`", refusals[i].text, code, complaint, wanted);
    }
}

static void read_refuses_what_is_no_file(void **state)
{
    char complaint[COMPLAINT_BYTES] = "";
    struct scenario scenario;
    assert_int_equal(scenario_read(&scenario, "/nowhere/at.all", complaint), -1);
    assert_string_equal(complaint, "/nowhere/at.all: cannot be read");
    assert_int_equal(scenario_read(&scenario, "/dev/zero", complaint), -1);
    assert_string_equal(complaint, "/dev/zero: too large, or no text");
}

static struct scenario parsed(const char *text)
{
    char complaint[COMPLAINT_BYTES] = "";
    struct scenario scenario = { 0 };
    int code = scenario_parse(&scenario, text, "trial", complaint);
    assert_string_equal(complaint, "");
    assert_int_equal(code, 0);
    return scenario;
}

static void parse_reads_every_line(void **state)
{
    struct scenario scenario = parsed("rate 250.5 # a comment\r\nconnections 7\nwarm-up 0\nduration 0.5\n"
                                      "names reads 200 zipf 1.1 web.\n\nprepare 30 post\n"
                                      "call post\n\tweight 0.5\n\trequest POST /metrics?return=ids\n"
                                      "\tbody batch 12 reads\n\theader A: b # c\n\texpect 201 200\n\tids body\n"
                                      "call put\n request PUT /metrics/{id}?x={reads}\n body text {\"a\":{reads}} \n");
    const struct call *post = &scenario.calls[0], *put = &scenario.calls[1];
    assert_true(scenario.rate == 250.5 && scenario.warm_up_s == 0 && scenario.duration_s == 0.5);
    assert_int_equal(scenario.connections, 7);
    assert_int_equal(scenario.sets[0].n, 200);
    assert_true(scenario.sets[0].exponent == 1.1);
    assert_true(slice_equal(scenario.sets[0].prefix, SLICE("web.")));
    assert_int_equal(scenario.n_prepared, 30);
    assert_int_equal(scenario.n_calls, 2);
    assert_true(post->weight == 0.5 && put->weight == 1);
    assert_int_equal(post->body, BODY_BATCH);
    assert_int_equal(post->n_items, 12);
    assert_int_equal(post->ids_from, IDS_BODY);
    assert_true(slice_equal(post->headers[0], SLICE("A: b # c")));
    assert_true(call_expects(post, 200) && call_expects(post, 201) && !call_expects(post, 202));
    assert_true(call_expects(put, 204) && !call_expects(put, 404));
    assert_true(put->needs_id && !post->needs_id);
    assert_int_equal(put->target.n, 4);
    assert_int_equal(put->text.n, 3);
    assert_true(slice_equal(put->text.pieces[2].literal, SLICE("}")));
    scenario_free(&scenario);
}

static void committed_scenarios_are_good(void **state)
{
    const char *folder = getenv("SCENARIOS");
    unsigned n = 0;
    assert_non_null(folder);
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char path[4096], complaint[COMPLAINT_BYTES] = "";
        struct scenario scenario = { 0 };
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (scenario_read(&scenario, path, complaint) != 0)
            fail_msg("%s", complaint);
        scenario_free(&scenario);
        n++;
    }
    closedir(entries);
    assert_true(n >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_refuses),
        cmocka_unit_test(read_refuses_what_is_no_file),
        cmocka_unit_test(parse_reads_every_line),
        cmocka_unit_test(committed_scenarios_are_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
