/* SPDX-License-Identifier: MIT */
#include "storage/mongodb/uri.h"

#include <stdlib.h>
#include <string.h>

#include <telemetry/clock.h>
#include <telemetry/storage.h>

#include "suite.h"

static struct error error;

static mongoc_uri_t *read_uri(const char *text)
{
    struct storage_settings settings = { .uri = text,
                                         .selection_limit_ns = 2000 * NS_PER_MS,
                                         .socket_limit_ns = 5000 * NS_PER_MS };
    mongoc_uri_t *uri = NULL;
    error = (struct error){ .text = "" };
    return uri_read(&settings, &uri, &error) == 0 ? uri : NULL;
}

static void read_sets_what_the_uri_leaves_open(void **state)
{
    mongoc_uri_t *uri = read_uri("mongodb://user:hush@a:1,b:2/?replicaSet=r");
    assert_non_null(uri);
    assert_string_equal(mongoc_uri_get_appname(uri), "telemetry-server");
    assert_int_equal(mongoc_uri_get_option_as_int32(uri, "serverselectiontimeoutms", 0), 2000);
    assert_int_equal(mongoc_uri_get_option_as_int32(uri, "connecttimeoutms", 0), 5000);
    assert_int_equal(mongoc_uri_get_option_as_int32(uri, "waitqueuetimeoutms", 0), 2000);
    assert_int_equal(mongoc_uri_get_option_as_int32(uri, "sockettimeoutms", 0), 5000);
    assert_false(mongoc_uri_get_option_as_bool(uri, "retrywrites", true));
    const mongoc_write_concern_t *concern = mongoc_uri_get_write_concern(uri);
    assert_true(mongoc_write_concern_get_wmajority(concern));
    assert_true(mongoc_write_concern_get_journal(concern));
    assert_int_equal(mongoc_write_concern_get_wtimeout_int64(concern), 4000);
    char *servers = uri_servers(uri);
    assert_string_equal(servers, "a:1,b:2");
    free(servers);
    mongoc_uri_destroy(uri);
}

static void read_keeps_what_the_uri_says(void **state)
{
    mongoc_uri_t *uri = read_uri("mongodb://a/?w=2&appname=mine&serverSelectionTimeoutMS=7&connectTimeoutMS=8&"
                                 "socketTimeoutMS=9&waitQueueTimeoutMS=10&wtimeoutMS=11&readPreference=primary&"
                                 "retryWrites=true");
    assert_non_null(uri);
    assert_true(mongoc_uri_get_option_as_bool(uri, "retrywrites", false));
    assert_string_equal(mongoc_uri_get_appname(uri), "mine");
    assert_int_equal(mongoc_uri_get_option_as_int32(uri, "serverselectiontimeoutms", 0), 7);
    assert_int_equal(mongoc_uri_get_option_as_int32(uri, "connecttimeoutms", 0), 8);
    assert_int_equal(mongoc_uri_get_option_as_int32(uri, "sockettimeoutms", 0), 9);
    assert_int_equal(mongoc_uri_get_option_as_int32(uri, "waitqueuetimeoutms", 0), 10);
    const mongoc_write_concern_t *concern = mongoc_uri_get_write_concern(uri);
    assert_int_equal(mongoc_write_concern_get_w(concern), 2);
    assert_false(mongoc_write_concern_journal_is_set(concern));
    assert_int_equal(mongoc_write_concern_get_wtimeout_int64(concern), 11);
    mongoc_uri_destroy(uri);
    uri = read_uri("mongodb://a/?journal=false");
    assert_true(mongoc_write_concern_get_wmajority(mongoc_uri_get_write_concern(uri)));
    assert_false(mongoc_write_concern_get_journal(mongoc_uri_get_write_concern(uri)));
    mongoc_uri_destroy(uri);
}

static void read_refuses_without_showing_the_password(void **state)
{
    static const char *const uris[] = {
        "http://user:hush@host/",          "mongodb://user:hu/hush@host/",  "mongodb://user:hush%zz@h/",
        "mongodb://user:hush@host:99999/", "mongodb://user:hush@",          "mongodb://user:hush@h/?w=0",
        "mongodb://us%zer:hush@host",      "mongodb+srv://user:hush@host/", "user:hush@host",
        "mongodb://user:hush@h/?tls=hush"
    };
    for (unsigned i = 0; i < N_CASES(uris); i++) {
        mongoc_uri_t *uri = read_uri(uris[i]);
        if (uri != NULL)
            fail_msg("%s is taken", uris[i]);
        assert_int_equal(error.exit_code, 78);
        assert_int_equal(strncmp(error.text, "MONGO_URI: ", 11), 0);
        assert_true(strlen(error.text) > 16);
        assert_null(strchr(error.text, '\n'));
        if (strstr(error.text, "hush") != NULL)
            fail_msg("%s", error.text);
    }
}

static void mask_hides_credentials(void **state)
{
    static const struct {
        const char *text, *password, *masked;
    } cases[] = {
        { "", NULL, "" },
        { "nothing to hide", NULL, "nothing to hide" },
        { "mongodb://user:hush@host:1/db", NULL, "mongodb://***@host:1/db" },
        { "at mongodb://user:hush@host and mongodb://me@there", NULL, "at mongodb://***@host and mongodb://***@there" },
        { "mongodb://host/ no user", NULL, "mongodb://host/ no user" },
        { "mongodb://user:h@u/sh@host/", NULL, "mongodb://***@host/" },
        { "wrong: hush, hushhush", "hush", "wrong: ***, ******" },
        { "wrong: hush", "", "wrong: hush" },
        { "://", NULL, "://" },
    };
    for (unsigned i = 0; i < N_CASES(cases); i++) {
        char masked[128];
        uri_mask(cases[i].text, cases[i].password, masked, sizeof(masked));
        assert_string_equal(masked, cases[i].masked);
    }
}

static void mask_cuts_to_fit(void **state)
{
    static const char text[] = "at mongodb://user:hush@host and hush again";
    for (size_t bytes = 1; bytes < 60; bytes++) {
        char *masked = malloc(bytes); /* of the exact size, for the sanitizer */
        uri_mask(text, "hush", masked, bytes);
        assert_true(strlen(masked) < bytes);
        assert_null(strstr(masked, "hush"));
        assert_null(strstr(masked, "user"));
        free(masked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_sets_what_the_uri_leaves_open),
        cmocka_unit_test(read_keeps_what_the_uri_says),
        cmocka_unit_test(read_refuses_without_showing_the_password),
        cmocka_unit_test(mask_hides_credentials),
        cmocka_unit_test(mask_cuts_to_fit),
    };
    mongoc_init();
    return cmocka_run_group_tests_name("MongoDB URIs", tests, NULL, NULL);
}
