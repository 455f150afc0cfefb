/* SPDX-License-Identifier: MIT */
/* config: every setting of the server, in one table.
 *
 * The table is what --help prints, what .env.sample is checked against, and where defaults and
 * bounds stand. G(title) opens a group. X(member, KEY, kind, default as text, min, max, help). Kinds:
 * TEXT (min = 0, max = 0; no control characters), CHOICE (min = 0, max = 0; the words stand in help
 * before a colon, separated by |), SECRET (min = 0, max = 0; a text that is never shown, and that KEY_FILE
 * can name a file of), COUNT, BYTES (k, m, g suffixes), MS, US, DAYS. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <telemetry/status.h>

#define CONFIG_TABLE(G, X)                                                                                             \
    G("Where it runs")                                                                                                 \
    X(environment, "APP_ENV", CHOICE, "local", 0, 0,                                                                   \
      "local|dev|test|staging|prod: which stack this is; ENVIRONMENT means the same")                                  \
    X(host, "HOST", TEXT, "127.0.0.1", 0, 0, "address to listen on; 0.0.0.0 or :: for all")                            \
    X(port, "PORT", COUNT, "8080", 0, 65535, "TCP port; 0: any free one, which the log names")                         \
    X(data_dir, "DATA_DIR", TEXT, "data", 0, 0, "folder of the embedded database")                                     \
    X(retention_days, "RETENTION_DAYS", DAYS, "0", 0, 36500, "older metrics are deleted, and refused; 0: never")       \
    G("Keys and rates")                                                                                                \
    X(api_keys_file, "API_KEYS_FILE", TEXT, "", 0, 0,                                                                  \
      "file of the keys that requests need, read anew on SIGHUP; empty: none is needed")                               \
    X(allow_no_keys, "ALLOW_NO_KEYS", COUNT, "0", 0, 1, "1: APP_ENV=prod starts without API_KEYS_FILE")                \
    X(rate_limit, "RATE_LIMIT", COUNT, "0", 0, 1000000,                                                                \
      "requests a second of one key, or of one client without a key; 0: any number")                                   \
    X(rate_burst, "RATE_BURST", COUNT, "0", 0, 10000000, "requests at once before that counts; 0: as RATE_LIMIT")      \
    X(rate_shared_ms, "RATE_SHARED_MS", MS, "0", 0, 10000,                                                             \
      "how often servers tell each other through REDIS_URI who called, so that rates hold for all; 0: never")          \
    X(trusted_proxies, "TRUSTED_PROXIES", TEXT, "", 0, 0, "10.0.0.0/8, ::1: whose X-Forwarded-For tells the client")   \
    G("Store")                                                                                                         \
    X(mongo_uri, "MONGO_URI", SECRET, "", 0, 0, "mongodb://... or mongodb+srv://...; empty: the embedded database")    \
    X(mongo_shard, "MONGO_SHARD", COUNT, "0", 0, 1, "1: shard the collection, where MongoDB is a sharded cluster")     \
    X(mongo_selection_timeout_ms, "MONGO_SELECTION_TIMEOUT_MS", MS, "2000", 10, 600000,                                \
      "for finding a MongoDB server that takes the call; the URI's own setting goes first")                            \
    X(mongo_socket_timeout_ms, "MONGO_SOCKET_TIMEOUT_MS", MS, "5000", 10, 600000,                                      \
      "for MongoDB to answer a call; the URI's own setting goes first")                                                \
    X(startup_wait_ms, "STARTUP_WAIT_MS", MS, "3000", 0, 600000,                                                       \
      "how long the start waits for the store before it serves without")                                               \
    X(exit_without_store, "EXIT_WITHOUT_STORE", COUNT, "0", 0, 1, "1: after that time it ends instead")                \
    G("Questions")                                                                                                     \
    X(default_tz, "DEFAULT_TZ", TEXT, "UTC", 0, 0,                                                                     \
      "what the wall clock means where a question does not say: Europe/Berlin, UTC, +02:00")                           \
    G("Log")                                                                                                           \
    X(log_level, "LOG_LEVEL", CHOICE, "info", 0, 0, "debug|info|warn|error: least level that is written")              \
    X(log_format, "LOG_FORMAT", CHOICE, "json", 0, 0, "json|text: one line for each event, on standard error")         \
    G("Threads and batches")                                                                                           \
    X(loops, "LOOPS", COUNT, "1", 1, 16, "threads that accept connections and read requests")                          \
    X(parser_workers, "PARSER_WORKERS", COUNT, "1", 1, 16, "threads that read targets and bodies")                     \
    X(storage_workers, "STORAGE_WORKERS", COUNT, "1", 1, 16, "threads that write to the store; sqlite uses 1")         \
    X(query_workers, "QUERY_WORKERS", COUNT, "2", 1, 16,                                                               \
      "threads that read from the store; of several, the first works out no aggregates")                               \
    X(jobs, "JOBS", COUNT, "2048", 4, 65536, "requests under way at once, on each loop")                               \
    X(batch_max, "BATCH_MAX", COUNT, "1024", 1, 4096, "requests that one commit takes at most")                        \
    X(batch_linger_us, "BATCH_LINGER_US", US, "0", 0, 1000000, "how long a commit waits for more requests")            \
    X(query_jobs_percent, "QUERY_JOBS_PERCENT", COUNT, "75", 1, 100,                                                   \
      "of JOBS that queries hold at most, and that writes hold at most; more are answered 503")                        \
    X(codel_target_ms, "CODEL_TARGET_MS", MS, "100", 0, 60000,                                                         \
      "longest queue before the store; what would wait longer is answered 503; 0: none is")                            \
    X(codel_interval_ms, "CODEL_INTERVAL_MS", MS, "500", 1, 600000,                                                    \
      "how long a queue may be longer, for bursts, before that counts")                                                \
    G("Cache")                                                                                                         \
    X(cache_max_bytes, "CACHE_MAX_BYTES", BYTES, "64m", 0, 1099511627776, "memory for cached answers")                 \
    X(cache_ttl_ms, "CACHE_TTL_MS", MS, "10000", 0, 86400000, "a cached answer is not used when it is older")          \
    X(cache_stale_ms, "CACHE_STALE_MS", MS, "0", 0, 86400000,                                                          \
      "how far behind the newest write an answer may be; 0: not at all")                                               \
    X(redis_uri, "REDIS_URI", SECRET, "", 0, 0,                                                                        \
      "redis[s]://[user][:password]@host[:port][/db] or unix:///path[?db=n]; empty: the cache inside the process")     \
    X(redis_timeout_ms, "REDIS_TIMEOUT_MS", MS, "50", 1, 10000, "no request waits longer for Redis")                   \
    X(redis_tls_ca_file, "REDIS_TLS_CA_FILE", TEXT, "", 0, 0,                                                          \
      "for rediss://: whom to trust, in PEM; empty: whom the system trusts")                                           \
    X(redis_tls_cert_file, "REDIS_TLS_CERT_FILE", TEXT, "", 0, 0,                                                      \
      "for rediss://: the certificate to show Redis, in PEM; empty: none")                                             \
    X(redis_tls_key_file, "REDIS_TLS_KEY_FILE", TEXT, "", 0, 0, "its key; empty: in the same file")                    \
    X(redis_prefix, "REDIS_PREFIX", TEXT, "", 0, 0, "of all keys in Redis; empty: ts:${APP_ENV}:")                     \
    G("Limits of requests")                                                                                            \
    X(connections_max, "CONNECTIONS_MAX", COUNT, "16384", 1, 1048576,                                                  \
      "open connections on each loop; more are answered 503")                                                          \
    X(pipeline_max, "PIPELINE_MAX", COUNT, "16", 1, 256,                                                               \
      "unanswered requests on one connection before it is read no further")                                            \
    X(target_max_bytes, "TARGET_MAX_BYTES", BYTES, "8k", 64, 65536, "longest request target; more: 414")               \
    X(head_max_bytes, "HEAD_MAX_BYTES", BYTES, "16k", 256, 65536, "largest request head; more: 431")                   \
    X(head_max_fields, "HEAD_MAX_FIELDS", COUNT, "100", 1, 1000, "header fields of a request; more: 431")              \
    X(body_max_bytes, "BODY_MAX_BYTES", BYTES, "8m", 1024, 1073741824, "largest body, of a batch; more: 413")          \
    X(single_max_bytes, "SINGLE_MAX_BYTES", BYTES, "1m", 1024, 1073741824, "largest body of one metric; more: 413")    \
    X(batch_max_items, "BATCH_MAX_ITEMS", COUNT, "50000", 1, 1000000, "metrics in one request; more: 413")             \
    X(body_budget_bytes, "BODY_BUDGET_BYTES", BYTES, "64m", 65536, 1099511627776,                                      \
      "memory for all bodies and unsent answers, these half of it; none left: 503")                                    \
    X(json_depth_max, "JSON_DEPTH_MAX", COUNT, "32", 2, 1000, "nesting of a JSON body; more: 400")                     \
    X(aggregate_max_bytes, "AGGREGATE_MAX_BYTES", BYTES, "64m", 65536, 1099511627776,                                  \
      "memory for the groups and buckets of one aggregate; more: 400")                                                 \
    G("Language model")                                                                                                \
    X(llm_base_url, "LLM_BASE_URL", TEXT, "", 0, 0,                                                                    \
      "https://host/v1 of an OpenAI-compatible service, asked when the grammar is unsure of a prompt; empty: never")   \
    X(llm_model, "LLM_MODEL", TEXT, "", 0, 0, "name of the model")                                                     \
    X(llm_api_key, "LLM_API_KEY", SECRET, "", 0, 0, "key of the service")                                              \
    X(llm_timeout_ms, "LLM_TIMEOUT_MS", MS, "2000", 10, 60000,                                                         \
      "for the service to answer; then the grammar's word holds")                                                      \
    X(llm_confidence, "LLM_CONFIDENCE_PERCENT", COUNT, "60", 0, 100,                                                   \
      "a prompt that the grammar reads with less confidence goes to the model")                                        \
    G("Limits of metrics")                                                                                             \
    X(name_max_bytes, "NAME_MAX_BYTES", COUNT, "256", 1, 256, "longest metric name")                                   \
    X(tags_max, "TAGS_MAX", COUNT, "32", 0, 32, "tags of one metric")                                                  \
    X(tag_max_bytes, "TAG_MAX_BYTES", COUNT, "128", 1, 128, "longest tag")                                             \
    G("Time-outs")                                                                                                     \
    X(head_timeout_ms, "HEAD_TIMEOUT_MS", MS, "10000", 10, 3600000, "from the first byte of a head to its last")       \
    X(body_timeout_ms, "BODY_TIMEOUT_MS", MS, "30000", 10, 3600000, "for a whole body")                                \
    X(body_min_rate, "BODY_MIN_BYTES_PER_S", BYTES, "1k", 0, 1073741824, "slowest body, after its first 2 s; 0: any")  \
    X(idle_timeout_ms, "IDLE_TIMEOUT_MS", MS, "60000", 10, 86400000, "a connection without a request is closed")       \
    X(write_timeout_ms, "WRITE_TIMEOUT_MS", MS, "10000", 10, 3600000, "for a client to take an answer")                \
    X(request_timeout_ms, "REQUEST_TIMEOUT_MS", MS, "15000", 10, 3600000, "from a whole request to its answer")        \
    X(query_timeout_ms, "QUERY_TIMEOUT_MS", MS, "10000", 10, 3600000, "for one read of the store")                     \
    X(drain_timeout_ms, "DRAIN_TIMEOUT_MS", MS, "10000", 10, 3600000, "for answering what was received, at shutdown")

/* What a loop keeps of heads in part is at most this part of its BODY_BUDGET_BYTES. */
enum { CONFIG_HEADS_PART = 4 };
/* The largest burst of rates that servers share, in what the rate allows in so long. */
enum { CONFIG_SHARED_BURST_S = 1800 };

/* One member for each row; texts are owned by the config. */
struct config {
#define CONFIG_TYPE_TEXT   char *
#define CONFIG_TYPE_CHOICE char *
#define CONFIG_TYPE_SECRET char *
#define CONFIG_TYPE_COUNT  uint64_t
#define CONFIG_TYPE_BYTES  uint64_t
#define CONFIG_TYPE_MS     uint64_t
#define CONFIG_TYPE_US     uint64_t
#define CONFIG_TYPE_DAYS   uint64_t
#define CONFIG_NO_MEMBER(title)
#define CONFIG_MEMBER(member, key, kind, standard, min, max, help) CONFIG_TYPE_##kind member;
    CONFIG_TABLE(CONFIG_NO_MEMBER, CONFIG_MEMBER)
#undef CONFIG_MEMBER
#undef CONFIG_NO_MEMBER
};

/* Reads the process's environment (ENVIRONMENT and APP_ENV are one setting; both with different
 * values are an error) and, in the folder `directory` (NULL: the working directory), the file
 * `.env.${ENVIRONMENT}` or, only if that is absent, `.env`. A set variable is never overridden by a
 * file; an empty variable counts as unset. For a secret, KEY_FILE beside KEY names a file that holds it
 * alone, on one line; both in one source are an error. Unknown keys in a file are an error; unknown variables of
 * the environment are none of ours. On failure -1, error->exit_code 78, nothing to free. */
MUST_CHECK int config_load(struct config *config, char *const environment[], const char *directory,
                           struct error *error);
void config_fini(struct config *config);

/* One line for each key with its value, which a .env file could hold; a secret that is set shows as ***. */
void config_print(const struct config *config, FILE *out);

/* One line for each key with its default and help, as --help shows them. */
void config_help(FILE *out);

/* The text that .env.sample must have. */
void config_sample(FILE *out);
