/* SPDX-License-Identifier: MIT */
/* What the runner sends, what it makes of answers, and how it counts what goes wrong. Runs of a fraction of a second.
 */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"

#define SHORT "rate 1000\nconnections 4\nwarm-up 0\nduration 0.3\nnames all 20 zipf 1\n"

enum { N_SENT = 300, IDS_GIVEN = 10000 };

/* A store of metrics that knows only whether an id is there. */
struct store {
    unsigned n_ids, n_wrong, n_calls[4];
    bool there[IDS_GIVEN];
};

static unsigned id_in(const char *text)
{
    const char *id = strstr(text, "/metrics/");
    return id == NULL ? 0 : (unsigned)strtoul(id + strlen("/metrics/"), NULL, 16) % IDS_GIVEN;
}

static int respond(char *answer, const char *status, const char *head, const char *body)
{
    return sprintf(answer, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, head, strlen(body), body);
}

static int post_to_store(struct store *store, const char *text, char *answer)
{
    unsigned first = ++store->n_ids;
    char head[128] = "", body[256] = "{}";
    store->there[first % IDS_GIVEN] = true;
    if (strstr(text, "return=ids") == NULL) {
        snprintf(head, sizeof(head), "location: /metrics/%024x\r\n", first);
    } else {
        store->there[++store->n_ids % IDS_GIVEN] = true;
        snprintf(body, sizeof(body), "{\"accepted\":2,\"ids\":[\"%024x\",\"%024x\"]}", first, first + 1);
    }
    return respond(answer, "201 Created", head, body);
}

static int answer_as_store(const struct stub_request *request, void *state, char *answer)
{
    struct store *store = state;
    char method = request->text[0] == 'P' ? request->text[1] : request->text[0];
    store->n_calls[method == 'O' ? 0 : method == 'G' ? 1 : method == 'U' ? 2 : 3]++;
    if (method == 'O')
        return post_to_store(store, request->text, answer);
    unsigned id = id_in(request->text);
    bool found = store->there[id];
    store->n_wrong += !found;
    if (method == 'D') {
        store->there[id] = false;
        return sprintf(answer, "HTTP/1.1 %s\r\n\r\n", found ? "204 No Content" : "404 Not Found\r\nContent-Length: 0");
    }
    return respond(answer, found ? "200 OK" : "404 Not Found", "", "{}");
}

static void run_on_store(const char *post)
{
    static struct store store;
    char text[1024];
    store = (struct store){ 0 };
    snprintf(text, sizeof(text),
             SHORT "prepare 5 post\n%s"
                   "call get\n request GET /metrics/{id}\n expect 200\n"
                   "call put\n request PUT /metrics/{id}\n body metric all\n expect 200\n"
                   "call delete\n request DELETE /metrics/{id}\n expect 204\n",
             post);
    struct trial trial = trial_run(text, &(struct stub_rules){ .answer = answer_as_store, .state = &store }, NULL);
    assert_int_equal(trial.result->n_errors, 0);
    assert_int_equal(store.n_wrong, 0);
    assert_int_equal(trial.n_requests, N_SENT + 5);
    assert_int_equal(trial.result->total.total, N_SENT); /* what was prepared is not measured */
    for (unsigned i = 1; i < 4; i++)
        assert_true(store.n_calls[i] > 20);
    trial_free(&trial);
}

static void ids_of_locations_are_used_and_deleted_once(void **state)
{
    run_on_store("call post\n request POST /metrics\n body metric all\n expect 201\n ids location\n");
}

static void ids_of_bodies_are_used_and_deleted_once(void **state)
{
    run_on_store("call post\n request POST /metrics?return=ids\n body batch 2 all\n expect 201\n ids body\n");
}

static void a_call_without_an_id_at_hand_is_sent_as_its_giver(void **state)
{
    static struct store store;
    store = (struct store){ 0 };
    struct trial trial = trial_run(SHORT "call post\n weight 0\n request POST /\n body metric all\n ids location\n"
                                         "call delete\n request DELETE /metrics/{id}\n",
                                   &(struct stub_rules){ .answer = answer_as_store, .state = &store }, NULL);
    assert_int_equal(trial.result->n_errors, 0);
    assert_true(trial.result->n_substituted >= N_SENT / 2);
    assert_int_equal(store.n_calls[0], trial.result->n_substituted);
    trial_free(&trial);
}

/* Keeps the last request that came. */
static int answer_and_keep(const struct stub_request *request, void *state, char *answer)
{
    snprintf(state, STUB_BYTES_MAX, "%s", request->text);
    return respond(answer, "200 OK", "", "");
}

static void requests_are_as_the_scenario_says(void **state)
{
    static char last[STUB_BYTES_MAX];
    struct settings settings = { .timeout_s = 5, .drain_s = 5, .headers = SLICE("X-All: 1\r\n") };
    struct trial trial =
        trial_run(SHORT "call post\n request POST /metrics?n={all}\n body batch 3 all\n header X-One: 2\n",
                  &(struct stub_rules){ .answer = answer_and_keep, .state = last }, &settings);
    assert_int_equal(trial.result->n_errors, 0);
    assert_ptr_equal(strstr(last, "POST /metrics?n=load."), last);
    assert_non_null(strstr(last, " HTTP/1.1\r\nHost: 127.0.0.1:"));
    assert_non_null(strstr(last, "\r\nX-All: 1\r\nX-One: 2\r\nContent-Type: application/x-ndjson\r\nContent-Length: "));
    const char *line = strstr(last, "\r\n\r\n") + 4;
    for (unsigned i = 0; i < 3; i++) {
        unsigned name, host, year;
        double value;
        int end = 0;
        sscanf(line,
               "{\"name\":\"load.%u\",\"tags\":[\"host:web-%u\",\"region:%*[a-z-]\"],\"value\":%lf,"
               "\"timestamp\":\"%u-%*u-%*uT%*u:%*u:%*fZ\"}%n",
               &name, &host, &value, &year, &end);
        assert_true(end > 0 && line[end] == '\n');
        assert_true(name >= 1 && name <= 20 && host == name % 50 && year >= 2024);
        line += end + 1;
    }
    assert_string_equal(line, "");
    trial_free(&trial);
}

/* Cache-Status ------------------------------------------------------------- */
static int answer_with_status(const struct stub_request *request, void *state, char *answer)
{
    static const char *const fields[] = {
        "Cache-Status: s; hit\r\n",
        "cache-status: s;hit; detail=stale\r\n",
        "Cache-Status: s; fwd=miss; collapsed\r\n",
        "Cache-Status: s; fwd=miss\r\n",
        "Cache-Status: hit; fwd=bypass\r\n",
        "X-Cache-Status: s; hit\r\n",
    };
    return respond(answer, "200 OK", fields[request->number % 6], "");
}

static void answers_are_counted_by_how_they_came_about(void **state)
{
    struct trial trial = trial_run(SHORT "call get\n request GET /\n expect 200\n",
                                   &(struct stub_rules){ .answer = answer_with_status }, NULL);
    const struct call_result *call = &trial.result->calls[0];
    assert_int_equal(call->n_good, N_SENT);
    assert_int_equal(call->cached[CACHED_HIT], N_SENT / 6);
    assert_int_equal(call->cached[CACHED_STALE], N_SENT / 6);
    assert_int_equal(call->cached[CACHED_COLLAPSED], N_SENT / 6);
    assert_int_equal(call->cached[CACHED_MISS], N_SENT / 3);
    assert_true(result_cached_percent(call, CACHED_MISS) == 40);
    trial_free(&trial);
}

/* Faults ------------------------------------------------------------------ */
static int answer_503_at_times(const struct stub_request *request, void *state, char *answer)
{
    return respond(answer, request->number % 10 == 0 ? "503 Service Unavailable" : "200 OK", "", "");
}

static int answer_garbage_at_times(const struct stub_request *request, void *state, char *answer)
{
    return request->number % 10 == 0 ? sprintf(answer, "SSH-2.0-OpenSSH\r\n") : respond(answer, "200 OK", "", "");
}

static int close_at_times(const struct stub_request *request, void *state, char *answer)
{
    return request->number % 10 == 0 ? -1 : respond(answer, "200 OK", "", "");
}

static int answer_until_the_end_of_the_connection(const struct stub_request *request, void *state, char *answer)
{
    return sprintf(answer, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
}

static int answer_nothing(const struct stub_request *request, void *state, char *answer)
{
    return 0;
}

static uint64_t faults_of(stub_answer *answer, enum fault fault, double timeout_s)
{
    struct settings settings = { .timeout_s = timeout_s, .drain_s = 1 };
    struct trial trial =
        trial_run(SHORT "call get\n request GET /\n expect 200\n", &(struct stub_rules){ .answer = answer }, &settings);
    uint64_t n = trial.result->calls[0].faults[fault];
    assert_int_equal(trial.result->calls[0].n_good + trial.result->n_errors, N_SENT);
    trial_free(&trial);
    return n;
}

static void wrong_statuses_are_errors(void **state)
{
    assert_int_equal(faults_of(answer_503_at_times, FAULT_STATUS, 5), N_SENT / 10);
}

static void broken_connections_are_errors_and_opened_again(void **state)
{
    uint64_t n = faults_of(close_at_times, FAULT_BROKEN, 5);
    assert_true(n > N_SENT / 10 - 5 && n <= N_SENT / 10);
}

static void garbage_is_an_error(void **state)
{
    assert_true(faults_of(answer_garbage_at_times, FAULT_MALFORMED, 5) > N_SENT / 10 - 5);
}

static void answers_that_end_the_connection_are_good(void **state)
{
    assert_int_equal(faults_of(answer_until_the_end_of_the_connection, FAULT_BROKEN, 5), 0);
}

static void silence_is_an_error_and_the_run_ends(void **state)
{
    uint64_t began_ns = uv_hrtime();
    assert_true(faults_of(answer_nothing, FAULT_TIMEOUT, 0.2) >= 4);
    assert_true(uv_hrtime() - began_ns < 4 * UINT64_C(1000000000));
}

/* What was never sent is in the histogram with the time it had waited. */
static void unsent_requests_are_errors_and_measured(void **state)
{
    struct settings settings = { .timeout_s = 5, .drain_s = 0.3 };
    struct trial trial = trial_run(SHORT "call get\n request GET /\n expect 200\n",
                                   &(struct stub_rules){ .stall_every = 1, .stall_ms = 20 }, &settings);
    const struct call_result *call = &trial.result->calls[0];
    assert_true(call->faults[FAULT_UNSENT] > 200);
    assert_int_equal(call->latency.total, N_SENT);
    assert_true(histogram_percentile(&call->latency, 50) > 200 * UINT64_C(1000000));
    trial_free(&trial);
}

/* Long before the time is over, and the rate is that of the time it took. */
static void a_run_ends_behind_its_number_of_requests(void **state)
{
    enum { N = 40 };
    struct settings settings = { .timeout_s = 5, .drain_s = 1, .n_requests = N };
    struct trial trial =
        trial_run("rate 0\nconnections 4\nwarm-up 0\nduration 60\ncall get\n request GET /\n expect 200\n",
                  &(struct stub_rules){ .stall_every = 0 }, &settings);
    assert_int_equal(trial.code, 0);
    assert_int_equal(trial.n_requests, N);
    assert_int_equal(trial.result->calls[0].n_good, N);
    assert_true(trial.result->measured_s < 10);
    trial_free(&trial);
}

static void a_run_without_a_server_does_not_begin(void **state)
{
    char complaint[COMPLAINT_BYTES];
    struct scenario scenario;
    struct settings settings = { .n_hosts = 1, .timeout_s = 1, .drain_s = 1 };
    assert_int_equal(scenario_parse(&scenario, SHORT "call get\n request GET /\n", "trial", complaint), 0);
    uv_ip4_addr("127.0.0.1", 1, (struct sockaddr_in *)&settings.hosts[0].address);
    snprintf(settings.hosts[0].name, sizeof(settings.hosts[0].name), "127.0.0.1:1");
    struct result *result = result_new(&scenario);
    assert_int_equal(runner_run(&scenario, &settings, result), -1);
    result_free(result);
    scenario_free(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_locations_are_used_and_deleted_once),
        cmocka_unit_test(ids_of_bodies_are_used_and_deleted_once),
        cmocka_unit_test(a_call_without_an_id_at_hand_is_sent_as_its_giver),
        cmocka_unit_test(requests_are_as_the_scenario_says),
        cmocka_unit_test(answers_are_counted_by_how_they_came_about),
        cmocka_unit_test(wrong_statuses_are_errors),
        cmocka_unit_test(broken_connections_are_errors_and_opened_again),
        cmocka_unit_test(garbage_is_an_error),
        cmocka_unit_test(answers_that_end_the_connection_are_good),
        cmocka_unit_test(silence_is_an_error_and_the_run_ends),
        cmocka_unit_test(unsent_requests_are_errors_and_measured),
        cmocka_unit_test(a_run_ends_behind_its_number_of_requests),
        cmocka_unit_test(a_run_without_a_server_does_not_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
