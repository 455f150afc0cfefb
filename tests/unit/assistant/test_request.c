/* SPDX-License-Identifier: MIT */
#include "assistant/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cjson/cJSON.h>

#include <telemetry/catalogue.h>
#include <telemetry/clock.h>
#include <telemetry/inquiry.h>
#include <telemetry/zone.h>

#include "suite.h"

enum { BLOCK_BYTES = 64 * 1024, MANY = 1000, TEXT_BYTES = 32, PROMPT_WORDS = 256 };

#define CPU_MAX_NS (100 * NS_PER_MS)

struct house {
    struct arena arena;
    struct zones *zones;
    struct inquiry inquiry;
    void *block;
};

static int set_up(void **state)
{
    struct house *house = calloc(1, sizeof(*house));
    house->block = malloc(BLOCK_BYTES);
    arena_init(&house->arena, house->block, BLOCK_BYTES);
    house->zones = zones_new(NULL);
    house->inquiry = (struct inquiry){ .prompt = SLICE("how \"busy\" was the disk?"),
                                       .now_ms = 1764072000000,
                                       .zone = zones_find(house->zones, SLICE("UTC")) };
    *state = house;
    return 0;
}

static int tear_down(void **state)
{
    struct house *house = *state;
    arena_reset(&house->arena);
    zones_free(&house->zones);
    free(house->block);
    free(house);
    return 0;
}

/* Gives the body as a tree, freed by cJSON_Delete(). */
static cJSON *body_of(struct house *house, const struct catalogue *catalogue)
{
    struct slice body = request_body("model-\"x\"", &house->inquiry, catalogue, &house->arena);
    assert_non_null(body.data);
    cJSON *tree = cJSON_ParseWithLength(body.data, body.len);
    assert_non_null(tree);
    return tree;
}

static const char *content(const cJSON *tree, int message)
{
    const cJSON *messages = cJSON_GetObjectItem(tree, "messages");
    return cJSON_GetObjectItem(cJSON_GetArrayItem(messages, message), "content")->valuestring;
}

static void request_body_is_a_strict_call(void **state)
{
    cJSON *tree = body_of(*state, NULL);
    const cJSON *format = cJSON_GetObjectItem(cJSON_GetObjectItem(tree, "response_format"), "json_schema");
    assert_string_equal(cJSON_GetObjectItem(tree, "model")->valuestring, "model-\"x\"");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(format, "strict")));
    assert_true(cJSON_IsObject(cJSON_GetObjectItem(cJSON_GetObjectItem(format, "schema"), "properties")));
    assert_string_equal(content(tree, 1), "how \"busy\" was the disk?");
    assert_non_null(strstr(content(tree, 0), "2025-11-25T12:00:00.000Z"));
    cJSON_Delete(tree);
}

static void request_body_names_what_the_store_knows(void **state)
{
    struct slice names[] = { SLICE("cpu"), SLICE("disk.read") }, tags[] = { SLICE("host:\"a\"") };
    struct catalogue *catalogue = catalogue_new(names, 2, tags, 1, true, 1);
    cJSON *tree = body_of(*state, catalogue);
    assert_non_null(strstr(content(tree, 0), "Names:\ndisk.read\ncpu\nTags:\nhost:\"a\""));
    cJSON_Delete(tree);
    catalogue_release(&catalogue);
}

static void request_body_takes_related_names_of_many(void **state)
{
    static char texts[MANY][16];
    struct slice names[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        int len = snprintf(texts[i], sizeof(texts[i]), "%s%03u", i == MANY - 1 ? "zz.Disk" : "node", i);
        names[i] = (struct slice){ texts[i], (size_t)len };
    }
    struct catalogue *catalogue = catalogue_new(names, MANY, NULL, 0, true, 1);
    cJSON *tree = body_of(*state, catalogue);
    const char *scene = content(tree, 0);
    assert_non_null(strstr(scene, "Names:\nzz.Disk999\n"));
    unsigned n = 0;
    for (const char *at = scene; (at = strstr(at, "node")) != NULL; at++)
        n++;
    assert_int_equal(n, REQUEST_TEXTS_MAX - 1);
    cJSON_Delete(tree);
    catalogue_release(&catalogue);
}

/* A word counts wherever it stands, in whatever case, and if a word of the name only begins with it; not within one. */
static void request_body_relates_by_how_words_begin(void **state)
{
    static const char *const related[] = { "Disk", "a.DISK.b", "a-diskette", "x_disk0" };
    static char texts[MANY][TEXT_BYTES];
    struct house *house = *state;
    struct slice names[MANY];
    for (unsigned i = 0; i < MANY; i++)
        names[i] = (struct slice){ texts[i], (size_t)snprintf(texts[i], TEXT_BYTES, "!node.mydisk.di.sk.%03u", i) };
    for (unsigned i = 0; i < N_CASES(related); i++)
        names[i] = slice_of(related[i]);
    struct catalogue *catalogue = catalogue_new(names, MANY, NULL, 0, true, 1);
    house->inquiry.prompt = SLICE("is the DisK of a b di sk?");
    cJSON *tree = body_of(house, catalogue);
    assert_non_null(strstr(content(tree, 0), "Names:\nDisk\na-diskette\na.DISK.b\nx_disk0\n!node"));
    cJSON_Delete(tree);
    catalogue_release(&catalogue);
}

/* The processor's time for a prompt of PROMPT_WORDS words, each of this form with a number. */
static uint64_t cpu_of_prompt(struct house *house, const struct catalogue *catalogue, const char *format)
{
    char prompt[PROMPT_WORDS * TEXT_BYTES];
    size_t len = 0;
    struct timespec start, end;
    for (unsigned i = 0; i < PROMPT_WORDS; i++)
        len += (size_t)snprintf(prompt + len, TEXT_BYTES, format, i);
    house->inquiry.prompt = (struct slice){ prompt, len };
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    struct slice body = request_body("model", &house->inquiry, catalogue, &house->arena);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    assert_non_null(body.data);
    return (uint64_t)(end.tv_sec - start.tv_sec) * NS_PER_S + (uint64_t)end.tv_nsec - (uint64_t)start.tv_nsec;
}

/* Words that no name has, that all have, and that begin very many words of names. */
static void request_body_of_many_words_over_a_full_catalogue_is_quick(void **state)
{
    char(*texts)[TEXT_BYTES] = malloc(CATALOGUE_TEXTS_MAX * sizeof(*texts));
    struct slice *names = malloc(CATALOGUE_TEXTS_MAX * sizeof(names[0]));
    assert_true(texts != NULL && names != NULL);
    for (unsigned i = 0; i < CATALOGUE_TEXTS_MAX; i++)
        names[i] = (struct slice){ texts[i], (size_t)snprintf(texts[i], TEXT_BYTES, "service.latency.n%06u", i) };
    struct catalogue *catalogue = catalogue_new(names, CATALOGUE_TEXTS_MAX, NULL, 0, true, 1);
    assert_non_null(catalogue);
    assert_in_range(cpu_of_prompt(*state, catalogue, "z%02x "), 0, CPU_MAX_NS);
    assert_in_range(cpu_of_prompt(*state, catalogue, "latency service %.0u"), 0, CPU_MAX_NS);
    assert_in_range(cpu_of_prompt(*state, catalogue, "n%02u "), 0, CPU_MAX_NS);
    catalogue_release(&catalogue);
    free(names);
    free(texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(request_body_is_a_strict_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(request_body_names_what_the_store_knows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(request_body_takes_related_names_of_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(request_body_relates_by_how_words_begin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(request_body_of_many_words_over_a_full_catalogue_is_quick, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
