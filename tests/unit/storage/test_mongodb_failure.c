/* SPDX-License-Identifier: MIT */
#include "storage/mongodb/failure.h"

#include <stdio.h>
#include <string.h>

#include "suite.h"

static void failure_of_tells_what_may_have_happened(void **state)
{
    static const struct {
        uint32_t domain, code;
        enum failure failure;
        bool doubt;
    } cases[] = {
        { MONGOC_ERROR_SERVER_SELECTION, 13053, FAILURE_UNREACHABLE, false },
        { MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, FAILURE_LOST, true },
        { MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_CONNECT, FAILURE_UNREACHABLE, false },
        { MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_NAME_RESOLUTION, FAILURE_UNREACHABLE, false },
        { MONGOC_ERROR_PROTOCOL, MONGOC_ERROR_PROTOCOL_INVALID_REPLY, FAILURE_LOST, true },
        { MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, FAILURE_LOGIN, false },
        { MONGOC_ERROR_SCRAM, 1, FAILURE_LOGIN, false },
        { MONGOC_ERROR_SERVER, 18, FAILURE_LOGIN, false },
        { MONGOC_ERROR_SERVER, 13, FAILURE_FORBIDDEN, false },
        { MONGOC_ERROR_SERVER, 50, FAILURE_TOO_SLOW, true },
        { MONGOC_ERROR_SERVER, 10107, FAILURE_STEPPED_DOWN, true },
        { MONGOC_ERROR_SERVER, 11600, FAILURE_LOST, true },
        { MONGOC_ERROR_SERVER, 202, FAILURE_LOST, true },
        { MONGOC_ERROR_SERVER, 14031, FAILURE_FULL, true },
        { MONGOC_ERROR_SERVER, 112, FAILURE_REFUSED, true },
        { MONGOC_ERROR_WRITE_CONCERN, 64, FAILURE_UNCONFIRMED, true },
        { MONGOC_ERROR_SERVER, 100, FAILURE_UNCONFIRMED, true },
    };
    for (unsigned i = 0; i < N_CASES(cases); i++) {
        bson_error_t error = { .domain = cases[i].domain, .code = cases[i].code };
        assert_int_equal(failure_of(&error), cases[i].failure);
        assert_int_equal(failure_leaves_doubt(cases[i].failure), cases[i].doubt);
    }
}

static void selection_behind_a_refused_login_is_a_refused_login(void **state)
{
    static const char *const texts[] = {
        "No suitable servers found: `serverSelectionTimeoutMS` expired: [authentication failed]",
        "No suitable servers found: `serverSelectionTimeoutMS` expired: [Authentication failed. calling hello on "
        "'h:1']",
    };
    for (unsigned i = 0; i < N_CASES(texts); i++) {
        bson_error_t error = { .domain = MONGOC_ERROR_SERVER_SELECTION, .code = 13053 };
        snprintf(error.message, sizeof(error.message), "%s", texts[i]);
        assert_int_equal(failure_of(&error), FAILURE_LOGIN);
    }
}

/* A resend may cure each of them, so none is an error of the server. */
static void failure_status_is_never_internal(void **state)
{
    for (enum failure failure = FAILURE_UNREACHABLE; failure < FAILURE_COUNT; failure++) {
        unsigned http = status_http(failure_status(failure));
        assert_true(http == 503 || http == 507);
        assert_true(strlen(failure_text(failure)) > 0);
    }
    assert_int_equal(failure_status(FAILURE_NONE), STATUS_OK);
    assert_string_equal(failure_text(FAILURE_NONE), "");
}

static void codes_of_documents_are_told_apart(void **state)
{
    assert_true(failure_is_duplicate(11000));
    assert_false(failure_is_duplicate(121));
    assert_true(failure_is_of_document(121));
    assert_false(failure_is_of_document(11000));
    assert_false(failure_is_of_document(10107));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failure_of_tells_what_may_have_happened),
        cmocka_unit_test(selection_behind_a_refused_login_is_a_refused_login),
        cmocka_unit_test(failure_status_is_never_internal),
        cmocka_unit_test(codes_of_documents_are_told_apart),
    };
    return cmocka_run_group_tests_name("MongoDB failures", tests, NULL, NULL);
}
