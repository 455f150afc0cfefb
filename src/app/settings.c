/* SPDX-License-Identifier: MIT */
#include "app/settings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sysexits.h>

#include <telemetry/access.h>
#include <telemetry/address.h>
#include <telemetry/clock.h>
#include <telemetry/log.h>
#include <telemetry/zone.h>

#include "app/routes.h"

enum { SPARE_FILES = 64 };
/* This part of the jobs, and one at least, is for health and counters alone. */
enum { OWN_PART = 32 };
/* An old answer is read anew behind this part of the time that it may be old: a read for each write would be too many,
 * and what is left of the time is enough for the read. */
enum { RENEW_PART = 4 };

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

static unsigned own_jobs(const struct config *config)
{
    return config->jobs < OWN_PART ? 1 : (unsigned)config->jobs / OWN_PART;
}

static struct guard_settings guard_settings_of(const struct config *config)
{
    uint64_t burst = config->rate_burst > 0 ? config->rate_burst : config->rate_limit;
    struct guard_settings settings = { .limit = { (uint32_t)config->rate_limit, (uint32_t)burst } };
    const char *fault = networks_parse(slice_of(config->trusted_proxies), &settings.trusted);
    assert(fault == NULL); /* settings_check() has seen to it */
    return settings;
}

struct http_settings http_settings_of(const struct config *config)
{
    return (struct http_settings){
        .connections_max = connections_limit(config),
        .share_max = (unsigned)(config->jobs * config->query_jobs_percent + 99) / 100,
        .shares_max = (unsigned)config->jobs - own_jobs(config),
        .pipeline_max = (unsigned)config->pipeline_max,
        .head = { .target_max_bytes = config->target_max_bytes,
                  .head_max_bytes = config->head_max_bytes,
                  .fields_max = (unsigned)config->head_max_fields },
        .guard = guard_settings_of(config),
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
        .retention_ms = (int64_t)config->retention_days * 24 * 3600 * 1000,
        .zone = config->default_tz,
        .advice_below = config->llm_base_url[0] == '\0' ? 0 : (double)config->llm_confidence / 100,
        .takes_now = strcmp(config->environment, "prod") != 0,
    };
}

struct cache_stage_settings cache_settings_of(const struct config *config)
{
    return (struct cache_stage_settings){ .max_bytes = config->cache_max_bytes,
                                          .ttl_ns = config->cache_ttl_ms * NS_PER_MS,
                                          .stale_ns = config->cache_stale_ms * NS_PER_MS,
                                          .renew_ns = config->cache_stale_ms * NS_PER_MS / RENEW_PART,
                                          .remote = { .uri = config->redis_uri,
                                                      .timeout_ns = config->redis_timeout_ms * NS_PER_MS,
                                                      .tls_ca_file = config->redis_tls_ca_file,
                                                      .tls_cert_file = config->redis_tls_cert_file,
                                                      .tls_key_file = config->redis_tls_key_file,
                                                      .rates_every_ns = config->rate_shared_ms * NS_PER_MS } };
}

void cache_prefix(const struct config *config, bool is_embedded, char ret_prefix[CACHE_PREFIX_BYTES])
{
    uint64_t random;
    if (config->redis_prefix[0] != '\0')
        snprintf(ret_prefix, CACHE_PREFIX_BYTES, "%s", config->redis_prefix);
    else
        snprintf(ret_prefix, CACHE_PREFIX_BYTES, "ts:%s:", config->environment);
    if (!is_embedded)
        return;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        abort(); /* the system promises so few bytes; without them another store's answers could pass for this one's */
    size_t len = strlen(ret_prefix);
    snprintf(ret_prefix + len, CACHE_PREFIX_BYTES - len, "%016llx:", (unsigned long long)random);
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
    bool ran_out = zones == NULL || zones_ran_out(zones);
    zones_free(&zones);
    if (is_known)
        return 0;
    if (ran_out)
        return error_set(error, 1, "no memory for the time zones");
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

static int check_access(const struct config *config, struct error *error)
{
    struct networks networks;
    struct access *access;
    const char *fault = networks_parse(slice_of(config->trusted_proxies), &networks);
    if (fault != NULL)
        return error_set(error, EX_CONFIG, "TRUSTED_PROXIES: %s", fault);
    if (config->rate_shared_ms > 0 && config->redis_uri[0] == '\0')
        return error_set(error, EX_CONFIG,
                         "REDIS_URI is missing: with RATE_SHARED_MS servers tell each other through it");
    if (config->api_keys_file[0] == '\0' && strcmp(config->environment, "prod") == 0 && !config->allow_no_keys)
        return error_set(
            error, EX_CONFIG,
            "API_KEYS_FILE is missing: with APP_ENV=prod requests need keys (telemetry-server --new-key NAME "
            "ROLE makes one); ALLOW_NO_KEYS=1 goes without");
    if (config->api_keys_file[0] == '\0')
        return 0;
    if (access_load(config->api_keys_file, &access, error) != 0)
        return -1;
    access_release(&access);
    return 0;
}

int settings_check(const struct config *config, struct error *error)
{
    if (check_zone(config, error) != 0 || check_assistant(config, error) != 0)
        return -1;
    return check_access(config, error);
}
