/* SPDX-License-Identifier: MIT */
/* fuzz_prompt: whatever bytes a prompt is made of, what is promised about reading it holds. Seeds are the prompts of
 * tests/unit/query/prompt.golden. */
#include <stdio.h>
#include <stdlib.h>

#include "query/prompt/prompt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES = 1 << 18, N_SETTINGS = 4 };

static const char *const names[] = { "awscloudwatch.ec2_cpu_utilization",
                                     "awscloudwatch.ec2_network_in",
                                     "cpu.usage",
                                     "host.cpu.idle",
                                     "host.cpu.user",
                                     "http.requests",
                                     "Latency",
                                     "queue.depth",
                                     "room.temperature",
                                     "traffic.speed" };
static const char *const tags[] = { "host:web-1", "host:web-2",   "env:prod", "region:us-east",
                                    "dc:us-east", "room:kitchen", "beta" };
static const struct {
    int64_t now_ms;
    const char *zone;
    bool complete; /* the catalogue */
} settings[N_SETTINGS] = { { INT64_C(1795602030500), "UTC", true },
                           { INT64_C(1774857600000), "Europe/Berlin", true },
                           { INT64_C(253402300799999), "America/New_York", false },
                           { INT64_C(-62135596800000), "Asia/Kathmandu", true } };

#define HOLD(condition) ((condition) ? (void)0 : broken(#condition, __LINE__))

static void broken(const char *condition, int line)
{
    fprintf(stderr, "fuzz_prompt.c:%d: %s does not hold\n", line, condition);
    abort();
}

static struct catalogue *catalogue_make(bool complete)
{
    enum { N_NAMES = sizeof(names) / sizeof(names[0]), N_TAGS = sizeof(tags) / sizeof(tags[0]) };
    struct slice name_slices[N_NAMES], tag_slices[N_TAGS];
    for (unsigned i = 0; i < N_NAMES; i++)
        name_slices[i] = slice_of(names[i]);
    for (unsigned i = 0; i < N_TAGS; i++)
        tag_slices[i] = slice_of(tags[i]);
    return catalogue_new(name_slices, N_NAMES, tag_slices, N_TAGS, complete, 1);
}

static struct slice canonical_of(const struct prompt_reading *reading, struct arena *arena)
{
    struct slice bytes = plan_canonical(&reading->plan, arena);
    HOLD(bytes.data != NULL);
    return bytes;
}

static void check_understood(struct prompt_reading *reading, struct arena *arena)
{
    struct slice before = canonical_of(reading, arena);
    HOLD(reading->confidence > 0 && reading->confidence <= 1);
    HOLD(plan_settle(&reading->plan, arena) == NULL);
    HOLD(slice_equal(before, canonical_of(reading, arena)));
}

static void check_refused(const struct prompt_reading *reading, const struct prompt_setting *setting,
                          struct arena *arena)
{
    struct prompt_reading other;
    HOLD(reading->confidence == 0 && reading->detail.len > 0);
    HOLD(reading->n_suggestions <= PROMPT_SUGGESTIONS);
    for (unsigned i = 0; i < reading->n_suggestions; i++) {
        HOLD(prompt_read(reading->suggestions[i], setting, arena, &other));
        HOLD(other.understood);
    }
}

static void check_unknown(const struct prompt_reading *reading, struct slice prompt)
{
    HOLD(reading->n_unknown <= PROMPT_UNKNOWN_MAX);
    for (unsigned i = 0; i < reading->n_unknown; i++)
        HOLD(memmem(prompt.data, prompt.len, reading->unknown[i].data, reading->unknown[i].len) != NULL);
}

static void check_again(const struct prompt_reading *one, struct slice prompt, const struct prompt_setting *setting,
                        struct arena *arena)
{
    struct prompt_reading other;
    HOLD(prompt_read(prompt, setting, arena, &other));
    HOLD(one->understood == other.understood && one->confidence == other.confidence);
    HOLD(slice_equal(one->detail, other.detail) && one->n_unknown == other.n_unknown);
    HOLD(!one->understood || slice_equal(canonical_of(one, arena), canonical_of(&other, arena)));
}

static void read_with(struct slice prompt, const struct prompt_setting *setting)
{
    static _Alignas(16) char block[ARENA_BYTES];
    struct arena arena;
    struct prompt_reading reading;
    arena_init(&arena, block, sizeof(block));
    HOLD(prompt_read(prompt, setting, &arena, &reading));
    check_unknown(&reading, prompt);
    check_again(&reading, prompt, setting, &arena);
    if (reading.understood)
        check_understood(&reading, &arena);
    else
        check_refused(&reading, setting, &arena);
    arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zones *zones; /* as long as the process */
    static struct catalogue *catalogues[2];
    if (zones == NULL) {
        zones = zones_new(NULL);
        catalogues[0] = catalogue_make(false);
        catalogues[1] = catalogue_make(true);
    }
    unsigned i = (unsigned)(size % N_SETTINGS);
    struct prompt_setting setting = { catalogues[settings[i].complete], zones,
                                      zones_find(zones, slice_of(settings[i].zone)), settings[i].now_ms };
    read_with((struct slice){ (const char *)data, size }, &setting);
    return 0;
}
