/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dotenv.h"

/* The value of KEY in one line each, its line ending left out. */
static void dotenv_parse_reads_values(void **state)
{
    static const struct {
        const char *line, *value;
    } cases[] = {
        { "KEY=value", "value" },
        { "KEY=", "" },
        { "KEY=   ", "" },
        { "KEY = value", "value" },
        { "\tKEY=value\t", "value" },
        { "export KEY=value", "value" },
        { "export \t KEY=value", "value" },
        { "KEY=a b  c", "a b  c" },
        { "KEY=a=b=c", "a=b=c" },
        { "KEY=a#b", "a#b" },
        { "KEY=a #b", "a" },
        { "KEY=a\t# b # c", "a" },
        { "KEY=#a", "#a" },
        { "KEY= #a", "" },
        { "KEY=a\"b\"", "a\"b\"" },
        { "KEY=a'b'", "a'b'" },
        { "KEY=a\\nb", "a\\nb" },
        { "KEY=\"\"", "" },
        { "KEY=''", "" },
        { "KEY=\" a b \"", " a b " },
        { "KEY=\"a#b #c\"", "a#b #c" },
        { "KEY=\"a\" # comment", "a" },
        { "KEY=\"a\"   ", "a" },
        { "KEY=  \"a\"", "a" },
        { "KEY=\"a\\nb\\tc\\\"d\\\\e\"", "a\nb\tc\"d\\e" },
        { "KEY=\"\\\\\"", "\\" },
        { "KEY=\"it's\"", "it's" },
        { "KEY='a \"b\" \\n # c'", "a \"b\" \\n # c" },
        { "KEY=\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac" },
        { "\xEF\xBB\xBFKEY=bom", "bom" },
    };
    static const char *const endings[] = { "", "\n", "\r\n", "\n\n# end", "\r\n   \r\n" };
    for (size_t i = 0; i < N_CASES(cases); i++)
        for (size_t end = 0; end < N_CASES(endings); end++) {
            struct dotenv dotenv;
            struct error error = { 0 };
            char text[256];
            size_t len = (size_t)snprintf(text, sizeof(text), "%s%s", cases[i].line, endings[end]);
            assert_int_equal(dotenv_parse(&dotenv, "f", text, len, &error), 0);
            assert_int_equal(dotenv.n_entries, 1);
            assert_string_equal(dotenv.entries[0].key, "KEY");
            assert_string_equal(dotenv.entries[0].value, cases[i].value);
            assert_int_equal(dotenv.entries[0].line, 1);
            dotenv_fini(&dotenv);
        }
}

static void dotenv_parse_names_line_key_and_reason(void **state)
{
    static const struct {
        const char *text, *where;
    } cases[] = {
        { "KEY", "f:1: a line is KEY=value" },
        { "=value", "f:1: a line is KEY=value" },
        { "\n\nA=1\nwhat is this", "f:4: a line is KEY=value" },
        { "# c\r\n9KEY=1", "f:2: a line is" },
        { "KEY-A=1", "f:1: a line is" },
        { "export=1=", NULL },
        { "export KEY", "f:1: a line is" },
        { "exportKEY=1", NULL },
        { "K\xc3\xa4=1", "f:1: a line is" },
        { "KEY=\"a", "f:1: KEY: the closing quote is missing" },
        { "KEY=\"a\\", "f:1: KEY: in double quotes a backslash" },
        { "KEY=\"a\\\"", "f:1: KEY: the closing quote is missing" },
        { "KEY='a\nb'", "f:1: KEY: the closing quote is missing" },
        { "A=1\nKEY=\"a\\x\"", "f:2: KEY: in double quotes a backslash" },
        { "KEY=\"a\"b", "f:1: KEY: something stands behind the closing quote" },
        { "KEY=\"a\"#b", "f:1: KEY: something stands behind the closing quote" },
        { "KEY=a\rb", "f:1: the line holds a control character" },
        { "KEY=a\x1b[31m", "f:1: the line holds a control character" },
        { "\n# comment with \x7f", "f:2: the line holds a control character" },
        { "KEY=1\n\xEF\xBB\xBFKEY=2", "f:2: a line is" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        struct dotenv dotenv;
        struct error error = { 0 };
        int result = dotenv_parse(&dotenv, "f", cases[i].text, strlen(cases[i].text), &error);
        assert_int_equal(result, cases[i].where == NULL ? 0 : -1);
        if (result == 0) {
            dotenv_fini(&dotenv);
            continue;
        }
        assert_int_equal(error.exit_code, 78);
        if (strncmp(error.text, cases[i].where, strlen(cases[i].where)) != 0)
            fail_msg("%s, not %s", error.text, cases[i].where);
        assert_null(strchr(error.text, '\n'));
    }
}

static void dotenv_parse_refuses_nul(void **state)
{
    struct dotenv dotenv;
    struct error error;
    assert_int_equal(dotenv_parse(&dotenv, "f", "A=1\nB=\0002", 8, &error), -1);
    assert_string_equal(error.text, "f:2: the line holds a control character");
}

static void dotenv_find_takes_the_last(void **state)
{
    static const char text[] = "A=1\nB=2\n#A=3\nexport A=4\nB=\n";
    struct dotenv dotenv;
    struct error error;
    assert_int_equal(dotenv_parse(&dotenv, "f", text, sizeof(text) - 1, &error), 0);
    assert_int_equal(dotenv.n_entries, 4);
    assert_string_equal(dotenv_find(&dotenv, "A")->value, "4");
    assert_int_equal(dotenv_find(&dotenv, "A")->line, 4);
    assert_string_equal(dotenv_find(&dotenv, "B")->value, "");
    assert_null(dotenv_find(&dotenv, "C"));
    assert_null(dotenv_find(&dotenv, "a"));
    dotenv_fini(&dotenv);
}

static void dotenv_parse_takes_nothing_and_much(void **state)
{
    enum { N = 20000 };
    struct dotenv dotenv;
    struct error error;
    assert_int_equal(dotenv_parse(&dotenv, "f", NULL, 0, &error), 0);
    assert_int_equal(dotenv.n_entries, 0);
    dotenv_fini(&dotenv);
    assert_int_equal(dotenv_parse(&dotenv, "f", "\xEF\xBB\xBF", 3, &error), 0);
    assert_int_equal(dotenv.n_entries, 0);
    dotenv_fini(&dotenv);
    char *text = malloc(4 * N);
    for (unsigned i = 0; i < N; i++)
        memcpy(text + 4 * i, "K=v\n", 4);
    assert_int_equal(dotenv_parse(&dotenv, "f", text, 4 * N, &error), 0);
    assert_int_equal(dotenv.n_entries, N);
    assert_int_equal(dotenv_find(&dotenv, "K")->line, N);
    dotenv_fini(&dotenv);
    free(text);
}

static void dotenv_read_tells_absent_from_unreadable(void **state)
{
    char folder[] = "/tmp/test_dotenv_XXXXXX", path[64];
    struct dotenv dotenv;
    struct error error;
    bool found = true;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/.env", folder);
    assert_int_equal(dotenv_read(&dotenv, path, &found, &error), 0);
    assert_false(found);
    assert_null(dotenv_find(&dotenv, "A"));
    dotenv_fini(&dotenv);
    assert_int_equal(dotenv_read(&dotenv, folder, &found, &error), -1);
    assert_int_equal(error.exit_code, 78);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < 1024 * 1024 + 1; i++)
        fputc('#', file);
    fclose(file);
    assert_int_equal(dotenv_read(&dotenv, path, &found, &error), -1);
    assert_non_null(strstr(error.text, "larger than"));
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("A=1\r\nB='2'", file);
    fclose(file);
    assert_int_equal(dotenv_read(&dotenv, path, &found, &error), 0);
    assert_true(found);
    assert_string_equal(dotenv_find(&dotenv, "B")->value, "2");
    dotenv_fini(&dotenv);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dotenv_parse_reads_values),
        cmocka_unit_test(dotenv_parse_names_line_key_and_reason),
        cmocka_unit_test(dotenv_parse_refuses_nul),
        cmocka_unit_test(dotenv_find_takes_the_last),
        cmocka_unit_test(dotenv_parse_takes_nothing_and_much),
        cmocka_unit_test(dotenv_read_tells_absent_from_unreadable),
    };
    return cmocka_run_group_tests_name("dotenv", tests, NULL, NULL);
}
