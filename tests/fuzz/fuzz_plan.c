/* SPDX-License-Identifier: MIT */
/* Plans that come as JSON: one that is taken is written as JSON and read as the same plan, with the same canonical
 * bytes and the same text, and can be said in English; one that is not names its fault. */
#include <telemetry/plan.h>
#include <telemetry/zone.h>

#include "fuzz.h"
#include "job.h"
#include "parser/plan_json.h"
#include "parser/utf8_text.h"

enum { INPUT_MAX = 2048 };

static struct zones *zones;

static bool read(struct fuzz_job *fuzz, struct slice text, struct plan *ret_plan)
{
    fuzz->parser.zones = zones;
    return plan_json_read(&fuzz->parser, &fuzz->job, text, "/plan", ret_plan);
}

/* What is compared outlives the job. */
static struct exact keep(struct slice text)
{
    assert(text.data != NULL);
    return exact_new(text.data, text.len);
}

static struct exact write_json(const struct plan *plan, struct arena *arena)
{
    struct text text = text_in(arena, 64);
    plan_json(plan, &text);
    assert(!text.failed && utf8_text_valid(text_slice(&text)));
    return keep(text_slice(&text));
}

static void check_english(const struct plan *plan, struct arena *arena)
{
    struct text text = text_in(arena, 64);
    plan_english(plan, &text);
    assert(!text.failed && text.len > 0 && utf8_text_valid(text_slice(&text)));
    assert(!utf8_text_has_control(text_slice(&text)));
}

/* The plan is that of the job, which is used again. */
static void check_plan(struct fuzz_job *fuzz, struct plan *plan)
{
    struct exact canonical = keep(plan_canonical(plan, &fuzz->job.arena));
    struct exact json = write_json(plan, &fuzz->job.arena);
    check_english(plan, &fuzz->job.arena);
    const char *fault = plan_settle(plan, &fuzz->job.arena);
    struct exact settled = keep(plan_canonical(plan, &fuzz->job.arena));
    assert(fault == NULL && slice_equal(exact_slice(&canonical), exact_slice(&settled)));
    fuzz_job_close(fuzz);
    fuzz = fuzz_job_open();
    struct plan again;
    bool good = read(fuzz, exact_slice(&json), &again);
    assert(good);
    struct exact same = keep(plan_canonical(&again, &fuzz->job.arena)), text = write_json(&again, &fuzz->job.arena);
    assert(slice_equal(exact_slice(&canonical), exact_slice(&same)));
    assert(slice_equal(exact_slice(&json), exact_slice(&text)));
    struct exact *all[] = { &canonical, &json, &settled, &same, &text };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        exact_free(all[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan plan;
    if (size > INPUT_MAX)
        return 0;
    if (zones == NULL)
        zones = zones_new(NULL);
    assert(zones != NULL);
    struct exact copy = exact_new(data, size);
    struct fuzz_job *fuzz = fuzz_job_open();
    if (read(fuzz, exact_slice(&copy), &plan)) {
        check_plan(fuzz, &plan);
    } else {
        assert(fuzz->job.status == STATUS_BAD_PLAN || fuzz->job.status == STATUS_BAD_FILTER);
        assert(fuzz->job.reply.detail.len > 0 && utf8_text_valid(fuzz->job.reply.detail));
    }
    fuzz_job_close(fuzz);
    exact_free(&copy);
    return 0;
}
