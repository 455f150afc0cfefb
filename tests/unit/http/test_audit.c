/* SPDX-License-Identifier: MIT */
/* audit: the line says what the store did, not what the client was told; LOG_LEVEL does not keep it out. */
#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <telemetry/access.h>
#include <telemetry/log.h>

#include "http/audit.h"
#include "job_fixture.h"

/* What is written to the log for one job, which is a change by an admin's key but for what the case says. */
static const char *line_for(enum method method, enum status status, const char *key, enum role role)
{
    static char text[1024];
    struct error error;
    struct job *job = job_fixture_new();
    FILE *file = tmpfile();
    int standard_error = dup(STDERR_FILENO);
    assert_non_null(file);
    job->status = status;
    job->request.method = method;
    job->request.target = SLICE("/metrics/0");
    job->n_metrics = 3;
    job->access = (struct job_access){ .role = (uint8_t)role, .key = slice_of(key) };
    job->home.expired = true;
    assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(log_start(LOG_ERROR, LOG_TEXT, &error), 0);
    audit(job);
    log_stop();
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    job_fixture_free(&job);
    return text;
}

static void audit_says_what_the_store_did(void **state)
{
    static const struct {
        enum method method;
        enum status status;
        const char *line;
    } cases[] = {
        { METHOD_POST, STATUS_OK, " audit key=ops change=stored target=/metrics/0 metrics=3 outcome=done\n" },
        { METHOD_PUT, STATUS_OK, " audit key=ops change=replaced target=/metrics/0 metrics=3 outcome=done\n" },
        { METHOD_DELETE, STATUS_OK, " audit key=ops change=deleted target=/metrics/0 metrics=1 outcome=done\n" },
        { METHOD_DELETE, STATUS_OUTCOME_UNKNOWN,
          " audit key=ops change=deleted target=/metrics/0 metrics=1 outcome=unknown\n" },
    };
    (void)state;
    for (size_t i = 0; i < N_CASES(cases); i++)
        assert_non_null(strstr(line_for(cases[i].method, cases[i].status, "ops", ROLE_ADMIN), cases[i].line));
}

static void audit_is_silent_where_nothing_changed(void **state)
{
    (void)state;
    assert_string_equal(line_for(METHOD_GET, STATUS_OK, "ops", ROLE_ADMIN), "");
    assert_string_equal(line_for(METHOD_DELETE, STATUS_NOT_FOUND, "ops", ROLE_ADMIN), "");
    assert_string_equal(line_for(METHOD_DELETE, STATUS_EXPIRED, "ops", ROLE_ADMIN), "");
    assert_string_equal(line_for(METHOD_POST, STATUS_OK, "ci", ROLE_WRITER), "");
    assert_string_equal(line_for(METHOD_POST, STATUS_OK, "", ROLE_ADMIN), ""); /* no keys are asked for */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audit_says_what_the_store_did),
        cmocka_unit_test(audit_is_silent_where_nothing_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
