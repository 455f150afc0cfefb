/* SPDX-License-Identifier: MIT */
/* call: libcurl tells which sockets it waits for and until when; the epoll instance waits for them. */
#include "assistant/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <telemetry/clock.h>

enum { EVENTS_MAX = 16 };

/* The hub ------------------------------------------------------------------ */

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct call_hub *hub = context;
    struct epoll_event event = { .data.fd = fd };
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(hub->poll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events =
        ((what & CURL_POLL_IN) != 0 ? (uint32_t)EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? (uint32_t)EPOLLOUT : 0U);
    if (epoll_ctl(hub->poll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    return epoll_ctl(hub->poll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct call_hub *hub = context;
    hub->due_ns = timeout_ms < 0 ? UINT64_MAX : clock_ns() + (uint64_t)timeout_ms * NS_PER_MS;
    return 0;
}

int call_hub_open(struct call_hub *hub, struct error *error)
{
    *hub = (struct call_hub){ .poll_fd = epoll_create1(EPOLL_CLOEXEC), .due_ns = UINT64_MAX };
    if (hub->poll_fd < 0)
        return error_set(error, 1, "cannot wait for connections of the assistant: %s", strerror(errno));
    hub->multi = curl_multi_init();
    if (hub->multi == NULL) {
        close(hub->poll_fd);
        return error_set(error, 1, "no memory for the assistant");
    }
    curl_multi_setopt(hub->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(hub->multi, CURLMOPT_SOCKETDATA, hub);
    curl_multi_setopt(hub->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(hub->multi, CURLMOPT_TIMERDATA, hub);
    return 0;
}

void call_hub_close(struct call_hub *hub)
{
    curl_multi_cleanup(hub->multi);
    close(hub->poll_fd);
}

static int curl_events(uint32_t events)
{
    return ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
           ((events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
}

void call_hub_run(struct call_hub *hub, uint64_t now_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int n_running;
    int n = epoll_wait(hub->poll_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < n; i++)
        curl_multi_socket_action(hub->multi, events[i].data.fd, curl_events(events[i].events), &n_running);
    if (now_ns < hub->due_ns)
        return;
    hub->due_ns = UINT64_MAX;
    curl_multi_socket_action(hub->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
}

static enum call_end end_of(CURLcode code, long http, const char **ret_reason)
{
    *ret_reason = code == CURLE_OK ? "the service answered with an error status" : curl_easy_strerror(code);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return CALL_TIMED_OUT;
    if (code != CURLE_OK)
        return CALL_FAILED;
    return http == 200 ? CALL_ANSWERED : CALL_REFUSED;
}

struct call *call_hub_ended(struct call_hub *hub, enum call_end *ret_end, const char **ret_reason)
{
    struct CURLMsg *message;
    int n_left;
    while ((message = curl_multi_info_read(hub->multi, &n_left)) != NULL) {
        struct call *call;
        long http = 0;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &http);
        *ret_end = end_of(message->data.result, http, ret_reason);
        curl_multi_remove_handle(hub->multi, call->easy);
        return call;
    }
    return NULL;
}

/* One call ----------------------------------------------------------------- */

/* Too long an answer ends the call. */
static size_t take_answer(char *data, size_t one, size_t bytes, void *context)
{
    struct call *call = context;
    if (bytes > CALL_ANSWER_MAX - call->answer_bytes)
        return 0;
    memcpy(call->answer + call->answer_bytes, data, bytes);
    call->answer_bytes += bytes;
    return bytes;
}

static bool add_header(struct call *call, const char *line)
{
    struct curl_slist *headers = curl_slist_append(call->headers, line);
    if (headers != NULL)
        call->headers = headers;
    return headers != NULL;
}

static bool add_headers(struct call *call, const char *api_key)
{
    char line[CALL_KEY_MAX + 32];
    bool ok = add_header(call, "Content-Type: application/json") && add_header(call, "Expect:");
    if (!ok || api_key[0] == '\0')
        return ok;
    snprintf(line, sizeof(line), "Authorization: Bearer %s", api_key);
    ok = add_header(call, line);
    explicit_bzero(line, sizeof(line));
    return ok;
}

static void set_options(struct call *call, const char *url)
{
    curl_easy_setopt(call->easy, CURLOPT_URL, url);
    curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(call->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(call->easy, CURLOPT_USERAGENT, "telemetry-server/" TELEMETRY_VERSION);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
}

int call_open(struct call *call, struct call_hub *hub, const struct call_settings *settings, struct error *error)
{
    char url[CALL_URL_MAX];
    size_t len = strlen(settings->base_url);
    const char *joint = len > 0 && settings->base_url[len - 1] == '/' ? "" : "/";
    *call = (struct call){ .hub = hub, .easy = curl_easy_init(), .answer = malloc(CALL_ANSWER_MAX) };
    if (strlen(settings->api_key) > CALL_KEY_MAX)
        return error_set(error, 78, "LLM_API_KEY has more than %d bytes", (int)CALL_KEY_MAX);
    if (snprintf(url, sizeof(url), "%s%schat/completions", settings->base_url, joint) >= (int)sizeof(url))
        return error_set(error, 78, "LLM_BASE_URL has more than %d bytes", (int)CALL_URL_MAX);
    if (call->easy == NULL || call->answer == NULL || !add_headers(call, settings->api_key))
        return error_set(error, 1, "no memory for the assistant");
    set_options(call, url);
    return 0;
}

void call_close(struct call *call)
{
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    free(call->answer);
}

bool call_start(struct call *call, struct job *job, struct slice body, uint64_t limit_ns)
{
    call->answer_bytes = 0;
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE, (long)body.len);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, body.data);
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, (long)(limit_ns / NS_PER_MS));
    if (curl_multi_add_handle(call->hub->multi, call->easy) != CURLM_OK)
        return false;
    call->job = job;
    return true;
}
