/* SPDX-License-Identifier: MIT */
/* call: one HTTP call of the assistant, by libcurl, without blocking. One thread's own.
 *
 * A hub drives all calls: its file descriptor is readable when one of them can go on, and at due_ns it
 * wants call_hub_run() too. A call has at most CALL_ANSWER_MAX bytes of answer; redirects are not followed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

struct job;

enum { CALL_ANSWER_MAX = 64 * 1024, CALL_URL_MAX = 2048, CALL_KEY_MAX = 1024 };

struct call_hub {
    CURLM *multi;
    int poll_fd; /* an epoll instance over the sockets of all calls */
    uint64_t due_ns;
};

struct call {
    struct call_hub *hub;
    CURL *easy;
    struct curl_slist *headers;
    struct job *job; /* NULL: the call is free */
    char *answer;    /* CALL_ANSWER_MAX bytes */
    size_t answer_bytes;
};

struct call_settings {
    const char *base_url, *api_key;
};

MUST_CHECK int call_hub_open(struct call_hub *hub, struct error *error);
void call_hub_close(struct call_hub *hub);

/* Prepares a call to base_url/chat/completions. -1 with error set; call_close() is due in both cases. */
MUST_CHECK int call_open(struct call *call, struct call_hub *hub, const struct call_settings *settings,
                         struct error *error);
void call_close(struct call *call);

/* Starts to post body (kept until the call has ended) for a job. False when it could not be started. */
bool call_start(struct call *call, struct job *job, struct slice body, uint64_t limit_ns);

/* How a call ended. */
enum call_end { CALL_ANSWERED, CALL_REFUSED, CALL_TIMED_OUT, CALL_FAILED };

/* Goes on with all calls. */
void call_hub_run(struct call_hub *hub, uint64_t now_ns);
/* Lends a call that has ended, free for the next one; its answer lies in it until then. NULL: none. */
struct call *call_hub_ended(struct call_hub *hub, enum call_end *ret_end, const char **ret_reason);
