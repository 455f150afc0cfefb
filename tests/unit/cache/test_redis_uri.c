/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <string.h>

#include "cache/redis/uri.h"

struct sound {
    const char *text, *user, *password, *host, *path, *shown;
    unsigned port, db;
};

static void assert_text(const char *text, const char *expected)
{
    if (expected == NULL)
        assert_null(text);
    else
        assert_string_equal(text, expected);
}

static void parse_reads_every_form(void **state)
{
    (void)state;
    static const struct sound cases[] = {
        { "redis://cache", NULL, NULL, "cache", NULL, "redis://cache:6379/0", 6379, 0 },
        { "redis://cache/", NULL, NULL, "cache", NULL, "redis://cache:6379/0", 6379, 0 },
        { "redis://127.0.0.1:7000/3", NULL, NULL, "127.0.0.1", NULL, "redis://127.0.0.1:7000/3", 7000, 3 },
        { "redis://[::1]:7000", NULL, NULL, "::1", NULL, "redis://[::1]:7000/0", 7000, 0 },
        { "redis://[::1]/2", NULL, NULL, "::1", NULL, "redis://[::1]:6379/2", 6379, 2 },
        { "redis://:secret@cache", NULL, "secret", "cache", NULL, "redis://cache:6379/0", 6379, 0 },
        { "redis://me:secret@cache:1/1", "me", "secret", "cache", NULL, "redis://cache:1/1", 1, 1 },
        { "redis://:a%40b%2F%25:c@cache", NULL, "a@b/%:c", "cache", NULL, "redis://cache:6379/0", 6379, 0 },
        { "redis://:p@ss@cache", NULL, "p@ss", "cache", NULL, "redis://cache:6379/0", 6379, 0 },
        { "redis://@cache", NULL, NULL, "cache", NULL, "redis://cache:6379/0", 6379, 0 },
        { "rediss://cache", NULL, NULL, "cache", NULL, "rediss://cache:6379/0", 6379, 0 },
        { "rediss://me:secret@[::1]:1/1", "me", "secret", "::1", NULL, "rediss://[::1]:1/1", 1, 1 },
        { "unix:///run/redis.sock", NULL, NULL, NULL, "/run/redis.sock", "unix:///run/redis.sock?db=0", 0, 0 },
        { "redis+unix:///run/r?db=5", NULL, NULL, NULL, "/run/r", "unix:///run/r?db=5", 0, 5 },
        { "unix://:secret@/run/a@b", NULL, "secret", NULL, "/run/a@b", "unix:///run/a@b?db=0", 0, 0 },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        struct redis_uri uri;
        struct error error;
        assert_int_equal(redis_uri_parse(cases[i].text, &uri, &error), 0);
        assert_text(uri.user, cases[i].user);
        assert_text(uri.password, cases[i].password);
        assert_text(uri.host, cases[i].host);
        assert_text(uri.path, cases[i].path);
        assert_text(uri.shown, cases[i].shown);
        assert_int_equal(uri.port, cases[i].port);
        assert_int_equal(uri.db, cases[i].db);
        assert_int_equal(uri.is_tls, strncmp(cases[i].text, "rediss:", 7) == 0);
        redis_uri_fini(&uri);
    }
}

static void parse_refuses_without_showing_the_password(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "cache:6379",
        "http://:hunter2@cache",
        "rediss:/:hunter2@cache",
        "rediss://:hunter2@",
        "redis://",
        "redis://:hunter2@",
        "redis://hunter2@cache",
        "redis://hunter2:@cache",
        "redis://:hunter2%@cache",
        "redis://:hunter2%4@cache",
        "redis://:hunter2%zz@cache",
        "redis://:hunter2%00@cache",
        "redis://:hunter2@cache:",
        "redis://:hunter2@cache:0",
        "redis://:hunter2@cache:65536",
        "redis://:hunter2@cache:99999999999999999999",
        "redis://:hunter2@cache:+1",
        "redis://:hunter2@cache/x",
        "redis://:hunter2@cache/-1",
        "redis://:hunter2@cache/0?db=1",
        "redis://:hunter2@[::1",
        "redis://:hunter2@[::1]6379",
        "unix://:hunter2@relative",
        "unix://:hunter2@",
        "unix:///run/r?db=",
        "unix:///run/r?db=x",
        "unix:///run/r?database=1",
        "unix:///"
        "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789",
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        struct redis_uri uri;
        struct error error = { 0 };
        if (redis_uri_parse(cases[i], &uri, &error) == 0)
            fail_msg("taken: %s", cases[i]);
        assert_int_equal(error.exit_code, 78);
        assert_memory_equal(error.text, "REDIS_URI: ", 11);
        assert_null(strstr(error.text, "hunter2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_reads_every_form),
        cmocka_unit_test(parse_refuses_without_showing_the_password),
    };
    return cmocka_run_group_tests_name("redis uri", tests, NULL, NULL);
}
