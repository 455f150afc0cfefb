/* SPDX-License-Identifier: MIT */
#include "app/settings.h"

#include <sys/resource.h>
#include <sysexits.h>

#include <telemetry/clock.h>
#include <telemetry/log.h>
#include <telemetry/zone.h>

#include "app/routes.h"

enum { SPARE_FILES = 64 };

/* As many files as the system allows, and no more connections than that. */
static unsigned connections_limit(const struct config *config)
{
    struct rlimit files;
    uint64_t limit = config->connections_max;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return (unsigned)limit;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
    uint64_t spare = files.rlim_cur > 2 * SPARE_FILES ? SPARE_FILES : files.rlim_cur / 2;
    uint64_t allowed = (files.rlim_cur - spare) / config->loops;
    if (allowed < limit) {
        char number[LOG_NUMBER_BYTES];
        log_info("CONNECTIONS_MAX is lowered to what the limit on open files (ulimit -n) allows", "connections",
                 log_number(number, (int64_t)allowed));
        limit = allowed;
    }
    return (unsigned)limit;
}

struct http_settings http_settings_of(const struct config *config)
{
    return (struct http_settings){
        .connections_max = connections_limit(config),
        .pipeline_max = (unsigned)config->pipeline_max,
        .head = { .target_max_bytes = config->target_max_bytes,
                  .head_max_bytes = config->head_max_bytes,
                  .fields_max = (unsigned)config->head_max_fields },
        .body_max_bytes = config->body_max_bytes,
        .body_budget_bytes = config->body_budget_bytes / config->loops,
        .body_min_rate = config->body_min_rate,
        .head_ns = config->head_timeout_ms * NS_PER_MS,
        .body_ns = config->body_timeout_ms * NS_PER_MS,
        .idle_ns = config->idle_timeout_ms * NS_PER_MS,
        .write_ns = config->write_timeout_ms * NS_PER_MS,
        .request_ns = config->request_timeout_ms * NS_PER_MS,
        .drain_ns = config->drain_timeout_ms * NS_PER_MS,
    };
}

struct parser_settings parser_settings_of(const struct config *config)
{
    return (struct parser_settings){
        .routes = routes,
        .n_routes = n_routes,
        .single_max_bytes = config->single_max_bytes,
        .batch_max_items = (uint32_t)config->batch_max_items,
        .json_depth_max = (unsigned)config->json_depth_max,
        .name_max_bytes = (unsigned)config->name_max_bytes,
        .tags_max = (unsigned)config->tags_max,
        .tag_max_bytes = (unsigned)config->tag_max_bytes,
        .zone = config->default_tz,
        .advice_below = config->llm_base_url[0] == '\0' ? 0 : (double)config->llm_confidence / 100,
        .takes_now = strcmp(config->environment, "prod") != 0,
    };
}

struct assistant_settings assistant_settings_of(const struct config *config)
{
    return (struct assistant_settings){ .base_url = config->llm_base_url,
                                        .model = config->llm_model,
                                        .api_key = config->llm_api_key,
                                        .timeout_ns = config->llm_timeout_ms * NS_PER_MS };
}

static int check_zone(const struct config *config, struct error *error)
{
    struct zones *zones = zones_new(NULL);
    bool is_known = zones != NULL && zones_find(zones, slice_of(config->default_tz)) != NULL;
    zones_free(&zones);
    if (is_known)
        return 0;
    return error_set(error, EX_CONFIG,
                     "DEFAULT_TZ: \"%s\" is no time zone such as Europe/Berlin, UTC or +02:00 (names need tzdata)",
                     config->default_tz);
}

static int check_assistant(const struct config *config, struct error *error)
{
    struct slice url = slice_of(config->llm_base_url);
    if (url.len == 0)
        return 0;
    if (!slice_starts_with(url, SLICE("http://")) && !slice_starts_with(url, SLICE("https://")))
        return error_set(error, EX_CONFIG, "LLM_BASE_URL: it must begin with https:// (or http://)");
    if (config->llm_model[0] == '\0')
        return error_set(error, EX_CONFIG, "LLM_MODEL is missing: LLM_BASE_URL needs the name of a model");
    return 0;
}

int settings_check(const struct config *config, struct error *error)
{
    return check_zone(config, error) != 0 ? -1 : check_assistant(config, error);
}
