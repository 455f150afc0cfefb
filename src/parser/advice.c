/* SPDX-License-Identifier: MIT */
#include "advice.h"

#include "json.h"
#include "json_gate.h"
#include "plan_json.h"

enum { ANSWER_DEPTH_MAX = 16 };

/* choices[0].message.content, in the job's arena; data is NULL when the answer has none. */
static struct slice content_of(struct job *job)
{
    const struct slice nothing = { NULL, 0 };
    struct json_gate gate;
    struct json_value value;
    cJSON *tree = NULL;
    gate_open(&gate, job->inquiry->advice, ANSWER_DEPTH_MAX);
    if (!gate_value(&gate, &value) || !gate_end(&gate) || json_parse(value.text, &job->arena, &tree) != STATUS_OK)
        return nothing;
    const cJSON *choice = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(tree, "choices"), 0);
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(choice, "message");
    const cJSON *content = cJSON_GetObjectItemCaseSensitive(message, "content");
    return cJSON_IsString(content) ? slice_of(content->valuestring) : nothing;
}

static bool tags_are_known(const struct catalogue *catalogue, const struct slice tags[], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!catalogue_has_tag(catalogue, tags[i]))
            return false;
    return true;
}

/* A prefix may be of names to come. */
static bool name_is_known(const struct catalogue *catalogue, const struct filter *filter)
{
    return filter->name.len == 0 || filter->name_is_prefix || catalogue_has_name(catalogue, filter->name);
}

static bool all_is_known(const struct catalogue *catalogue, const struct filter *filter)
{
    return name_is_known(catalogue, filter) && tags_are_known(catalogue, filter->tags, filter->n_tags) &&
           tags_are_known(catalogue, filter->any_tags, filter->n_any_tags) &&
           tags_are_known(catalogue, filter->not_tags, filter->n_not_tags);
}

bool advice_read(struct parser *parser, struct job *job, const struct catalogue *catalogue, struct plan *ret_plan)
{
    struct slice content = job->inquiry->advice.len == 0 ? (struct slice){ NULL, 0 } : content_of(job);
    if (content.data == NULL)
        return false;
    bool is_good = plan_json_read(parser, job, content, "", ret_plan);
    if (!is_good) { /* the refusal was the model's, not the client's */
        job->status = STATUS_OK;
        job->reply = (struct reply){ 0 };
    }
    return is_good && all_is_known(catalogue, &ret_plan->filter);
}
