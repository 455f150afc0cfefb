/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config_table.h"
#include "base/nearest.h"

static char folder[64];
static struct config config;
static struct error error;

static int folder_make(void **state)
{
    strcpy(folder, "/tmp/test_config_XXXXXX");
    error = (struct error){ 0 };
    return mkdtemp(folder) == NULL;
}

static int folder_remove(void **state)
{
    static const char *const names[] = { ".env", ".env.local", ".env.dev", ".env.test", ".env.prod" };
    char path[128];
    for (size_t i = 0; i < N_CASES(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void file_write(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Loads with these variables, separated by one blank each. */
static int load(const char *variables)
{
    char text[1024], *environment[32] = { NULL };
    unsigned n = 0;
    strcpy(text, variables);
    for (char *variable = strtok(text, " "); variable != NULL; variable = strtok(NULL, " "))
        environment[n++] = variable;
    return config_load(&config, environment, folder, &error);
}

/* The line of the error without the folder's name. */
static const char *refusal(void)
{
    size_t len = strlen(folder);
    assert_int_equal(error.exit_code, 78);
    assert_null(strchr(error.text, '\n'));
    return strncmp(error.text, folder, len) == 0 ? error.text + len + 1 : error.text;
}

static void assert_loads(const char *variables, const char *environment, uint64_t port)
{
    if (load(variables) < 0)
        fail_msg("%s: %s", variables, error.text);
    assert_string_equal(config.environment, environment);
    assert_int_equal(config.port, port);
    config_fini(&config);
}

static void assert_refused(const char *variables, const char *expected)
{
    if (load(variables) == 0)
        fail_msg("%s is taken", variables);
    assert_string_equal(refusal(), expected);
}

static void config_load_has_defaults(void **state)
{
    assert_int_equal(load("PATH=/bin PORTS=1 XPORT=2 PORT="), 0);
    assert_string_equal(config.environment, "local");
    assert_string_equal(config.host, "127.0.0.1");
    assert_int_equal(config.port, 8080);
    assert_string_equal(config.data_dir, "data");
    assert_int_equal(config.cache_max_bytes, 64 * 1024 * 1024);
    assert_int_equal(config.drain_timeout_ms, 10000);
    config_fini(&config);
    assert_null(config.host);
    config_fini(&config);
}

/* Every default of the table passes its own bounds: the row's own text through the environment. */
static void config_load_takes_every_default_and_bound(void **state)
{
    for (const struct config_row *row = config_rows; row->title != NULL || row->key != NULL; row++) {
        char variables[256];
        if (row->key == NULL || config_is_text(row))
            continue;
        snprintf(variables, sizeof(variables), "BODY_BUDGET_BYTES=1024g %s=%llu", row->key,
                 (unsigned long long)row->max);
        assert_int_equal(load(variables), 0);
        if (strcmp(row->key, "BODY_BUDGET_BYTES") != 0)
            assert_int_equal(*config_number(&config, row), row->max);
        config_fini(&config);
        snprintf(variables, sizeof(variables), "BODY_MAX_BYTES=1k %s=%llu", row->key, (unsigned long long)row->min);
        assert_int_equal(load(variables), 0);
        assert_int_equal(*config_number(&config, row), row->min);
        config_fini(&config);
        snprintf(variables, sizeof(variables), "%s=%llu", row->key, (unsigned long long)row->max + 1);
        assert_int_equal(load(variables), -1);
        snprintf(variables, sizeof(variables), "%s=%lld", row->key, (long long)row->min - 1);
        assert_int_equal(load(variables), -1);
    }
}

static void config_load_prefers_environment_then_stack_file_then_env(void **state)
{
    assert_loads("", "local", 8080);
    file_write(".env", "PORT=1\n");
    assert_loads("", "local", 1);
    assert_loads("PORT=9", "local", 9);
    assert_loads("ENVIRONMENT=test", "test", 1);
    file_write(".env.test", "PORT=2\n");
    assert_loads("ENVIRONMENT=test", "test", 2);
    assert_loads("APP_ENV=test", "test", 2);
    assert_loads("APP_ENV=test PORT=9", "test", 9);
    assert_loads("APP_ENV=test PORT=", "test", 2);
    assert_loads("APP_ENV=dev", "dev", 1);
    file_write(".env.test", "# no port here\n"); /* .env is not read when this file is there */
    assert_loads("APP_ENV=test", "test", 8080);
    file_write(".env.test", "PORT=3\nPORT=\n");
    assert_loads("APP_ENV=test", "test", 8080);
    file_write(".env.local", "PORT=4\nPORT=5\n");
    assert_loads("", "local", 5);
}

static void config_load_knows_two_names_of_the_stack(void **state)
{
    assert_loads("ENVIRONMENT=prod APP_ENV=prod", "prod", 8080);
    assert_loads("ENVIRONMENT= APP_ENV=prod", "prod", 8080);
    assert_refused("ENVIRONMENT=prod APP_ENV=dev", "environment: ENVIRONMENT: differs from APP_ENV, and both name one "
                                                   "setting: set only one of them");
    assert_refused("ENVIRONMENT=Prod", "environment: ENVIRONMENT: \"Prod\" is not one of local|dev|test|staging|prod");
    assert_refused("APP_ENV=../../etc",
                   "environment: APP_ENV: \"../../etc\" is not one of local|dev|test|staging|prod");
    file_write(".env", "ENVIRONMENT=dev\nPORT=7\n");
    assert_loads("", "dev", 7);
    assert_loads("APP_ENV=prod", "prod", 7);
    file_write(".env", "ENVIRONMENT=dev\nAPP_ENV=test\n");
    assert_refused("", ".env:1: ENVIRONMENT: differs from APP_ENV, and both name one setting: set only one of them");
}

static void config_load_refuses_a_file_of_another_stack(void **state)
{
    file_write(".env.test", "PORT=2\nAPP_ENV=prod\n");
    assert_refused("APP_ENV=test", ".env.test:2: APP_ENV: must be test in this file, as its name says");
    file_write(".env.test", "ENVIRONMENT=test\nAPP_ENV=test\n");
    assert_loads("APP_ENV=test", "test", 8080);
}

static void config_load_refuses_values(void **state)
{
    static const struct {
        const char *variables, *line;
    } cases[] = {
        { "PORT=65536", "environment: PORT: \"65536\" is not a whole number from 0 to 65535" },
        { "PORT=-1", "environment: PORT: \"-1\" is not a whole number from 0 to 65535" },
        { "PORT=+1", "environment: PORT: \"+1\" is not a whole number from 0 to 65535" },
        { "PORT=8k", "environment: PORT: \"8k\" is not a whole number from 0 to 65535" },
        { "PORT=0x50", "environment: PORT: \"0x50\" is not a whole number from 0 to 65535" },
        { "PORT=80.0", "environment: PORT: \"80.0\" is not a whole number from 0 to 65535" },
        { "PORT=18446744073709551616",
          "environment: PORT: \"18446744073709551616\" is not a whole number from 0 to 65535" },
        { "PORT=http", "environment: PORT: \"http\" is not a whole number from 0 to 65535" },
        { "LOG_LEVEL=INFO", "environment: LOG_LEVEL: \"INFO\" is not one of debug|info|warn|error" },
        { "LOG_LEVEL=inf", "environment: LOG_LEVEL: \"inf\" is not one of debug|info|warn|error" },
        { "LOG_LEVEL=least", "environment: LOG_LEVEL: \"least\" is not one of debug|info|warn|error" },
        { "LOG_LEVEL=debug|info", "environment: LOG_LEVEL: \"debug|info\" is not one of debug|info|warn|error" },
        { "CACHE_TTL_MS=10s", "environment: CACHE_TTL_MS: \"10s\" is not a number of milliseconds from 0 to 86400000" },
        { "BATCH_LINGER_US=1000001",
          "environment: BATCH_LINGER_US: \"1000001\" is not a number of microseconds from 0 to 1000000" },
        { "RETENTION_DAYS=36501", "environment: RETENTION_DAYS: \"36501\" is not a number of days from 0 to 36500" },
        { "TARGET_MAX_BYTES=65k",
          "environment: TARGET_MAX_BYTES: \"65k\" is not a size in bytes (suffixes k, m, g) from 64 to 64k" },
        { "TARGET_MAX_BYTES=1kb",
          "environment: TARGET_MAX_BYTES: \"1kb\" is not a size in bytes (suffixes k, m, g) from 64 to 64k" },
        { "TARGET_MAX_BYTES=k",
          "environment: TARGET_MAX_BYTES: \"k\" is not a size in bytes (suffixes k, m, g) from 64 to 64k" },
        { "TARGET_MAX_BYTES=17179869184g",
          "environment: TARGET_MAX_BYTES: \"17179869184g\" is not a size in bytes (suffixes k, m, g) from 64 to 64k" },
        { "HOST=a\tb", "environment: HOST: \"a?b\" is not a text without control characters" },
        { "PORT=123456789012345678901234567890123456789012345678901234567890",
          "environment: PORT: \"123456789012345678901234567890123456789012345678...\" is not a whole number from 0 to "
          "65535" },
        { "BODY_MAX_BYTES=128m",
          "environment: BODY_MAX_BYTES: BODY_MAX_BYTES must not be larger than BODY_BUDGET_BYTES / LOOPS" },
        { "BODY_BUDGET_BYTES=1m",
          "environment: BODY_BUDGET_BYTES: BODY_MAX_BYTES must not be larger than BODY_BUDGET_BYTES / LOOPS" },
        { "LOOPS=9", "environment: LOOPS: BODY_MAX_BYTES must not be larger than BODY_BUDGET_BYTES / LOOPS" },
        { "HEAD_MAX_BYTES=64k BODY_MAX_BYTES=64k BODY_BUDGET_BYTES=128k",
          "environment: HEAD_MAX_BYTES: HEAD_MAX_BYTES must not be larger than a quarter of BODY_BUDGET_BYTES / "
          "LOOPS" },
        { "RATE_LIMIT=2 RATE_BURST=3601 RATE_SHARED_MS=100",
          "environment: RATE_BURST: RATE_BURST must not be more than RATE_LIMIT allows in half an hour where "
          "RATE_SHARED_MS is set" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++)
        assert_refused(cases[i].variables, cases[i].line);
}

static void config_load_takes_sizes(void **state)
{
    static const struct {
        const char *variable;
        uint64_t bytes;
    } cases[] = {
        { "CACHE_MAX_BYTES=0", 0 },         { "CACHE_MAX_BYTES=1", 1 },
        { "CACHE_MAX_BYTES=1k", 1024 },     { "CACHE_MAX_BYTES=1K", 1024 },
        { "CACHE_MAX_BYTES=3m", 3 << 20 },  { "CACHE_MAX_BYTES=3M", 3 << 20 },
        { "CACHE_MAX_BYTES=1g", 1 << 30 },  { "CACHE_MAX_BYTES=1G", 1 << 30 },
        { "CACHE_MAX_BYTES=0064k", 65536 }, { "CACHE_MAX_BYTES=1024g", 1ULL << 40 },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        assert_int_equal(load(cases[i].variable), 0);
        assert_int_equal(config.cache_max_bytes, cases[i].bytes);
        config_fini(&config);
    }
}

static void config_load_refuses_files(void **state)
{
    static const struct {
        const char *text, *line;
    } cases[] = {
        { "# c\n\nPORT=70000\n", ".env:3: PORT: \"70000\" is not a whole number from 0 to 65535" },
        { "PROT=1\n", ".env:1: PROT: there is no such setting; did you mean PORT?" },
        { "port=1\n", ".env:1: port: there is no such setting; did you mean PORT?" },
        { "\nRETENTION_DAY=1\n", ".env:2: RETENTION_DAY: there is no such setting; did you mean RETENTION_DAYS?" },
        { "ENVIROMENT=dev\n", ".env:1: ENVIROMENT: there is no such setting; did you mean ENVIRONMENT?" },
        { "COLOUR=red\n", ".env:1: COLOUR: there is no such setting" },
        { "PORT=\"1\n", ".env:1: PORT: the closing quote is missing" },
        { "PORT=1\nwhat\n", ".env:2: a line is KEY=value or a # comment" },
        { "DATA_DIR=\"a\\nb\"\n", ".env:1: DATA_DIR: \"a?b\" is not a text without control characters" },
        { "BODY_BUDGET_BYTES=64k\n",
          ".env:1: BODY_BUDGET_BYTES: BODY_MAX_BYTES must not be larger than BODY_BUDGET_BYTES / LOOPS" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        file_write(".env", cases[i].text);
        assert_refused("", cases[i].line);
    }
    file_write(".env", "PORT=70000\n"); /* a value that is not used is not looked at */
    assert_loads("PORT=5", "local", 5);
}

/* What config_print() writes is a file that loads as the same configuration. */
static void config_print_can_be_read_back(void **state)
{
    char *text = NULL, *again = NULL;
    size_t len;
    file_write(".env",
               "DATA_DIR='/a dir/\"x\"\\n # y'\nHOST=::1\nCACHE_MAX_BYTES=1536\nBODY_MIN_BYTES_PER_S=0\nPORT=\"0\"\n");
    assert_int_equal(load(""), 0);
    assert_string_equal(config.data_dir, "/a dir/\"x\"\\n # y");
    FILE *out = open_memstream(&text, &len);
    config_print(&config, out);
    fclose(out);
    config_fini(&config);
    assert_non_null(strstr(text, "\nDATA_DIR=\"/a dir/\\\"x\\\"\\\\n # y\"\n"));
    assert_non_null(strstr(text, "\nCACHE_MAX_BYTES=1536\n"));
    file_write(".env", text);
    assert_int_equal(load(""), 0);
    out = open_memstream(&again, &len);
    config_print(&config, out);
    fclose(out);
    config_fini(&config);
    assert_string_equal(text, again);
    free(text);
    free(again);
}

static void config_load_takes_secrets_of_files(void **state)
{
    char variable[128];
    file_write(".env.prod", "a secret \"of\" a file\r\n"); /* any name that is removed again */
    snprintf(variable, sizeof(variable), "MONGO_URI_FILE=%s/.env.prod", folder);
    assert_int_equal(load(variable), 0);
    assert_string_equal(config.mongo_uri, "a secret \"of\" a file");
    config_fini(&config);
    file_write(".env", "MONGO_URI=mongodb://of-the-file\n"); /* the environment goes first in either form */
    assert_int_equal(load(variable), 0);
    assert_string_equal(config.mongo_uri, "a secret \"of\" a file");
    config_fini(&config);
    assert_int_equal(load("MONGO_URI=mongodb://of-the-environment"), 0);
    assert_string_equal(config.mongo_uri, "mongodb://of-the-environment");
    config_fini(&config);
    assert_int_equal(load("MONGO_URI="), 0);
    assert_string_equal(config.mongo_uri, "mongodb://of-the-file");
    config_fini(&config);
    file_write(".env", variable);
    assert_int_equal(load(""), 0);
    assert_string_equal(config.mongo_uri, "a secret \"of\" a file");
    config_fini(&config);
}

static void config_load_refuses_secrets_without_showing_them(void **state)
{
    char variables[256], expected[256];
    assert_refused("MONGO_URI=hush\thush",
                   "environment: MONGO_URI: it must be one line of text without control characters");
    assert_refused("MONGO_URI=hush MONGO_URI_FILE=/dev/null",
                   "environment: MONGO_URI_FILE: MONGO_URI is set too: set only one of them");
    assert_refused("MONGO_URI_FILE=/dev/null",
                   "environment: MONGO_URI_FILE: /dev/null must hold one line of 1 to 4096 bytes");
    assert_refused("MONGO_URI_FILE=/dev/zero",
                   "environment: MONGO_URI_FILE: /dev/zero must hold one line of 1 to 4096 bytes");
    assert_refused("MONGO_URI_FILE=/nowhere/at-all",
                   "environment: MONGO_URI_FILE: cannot read /nowhere/at-all: No such file or directory");
    assert_refused("MONGO_URI_FILE=a\tb",
                   "environment: MONGO_URI_FILE: \"a?b\" is not a text without control characters");
    assert_refused("MONGO_URI_FILE=/tmp", "environment: MONGO_URI_FILE: cannot read /tmp");
    snprintf(variables, sizeof(variables), "MONGO_URI_FILE=%s/.env.prod", folder);
    snprintf(expected, sizeof(expected),
             "environment: MONGO_URI_FILE: it must be one line of text without control characters");
    file_write(".env.prod", "hush\nhush\n");
    assert_refused(variables, expected);
    file_write(".env", "MONGO_URI=hush\nMONGO_URI_FILE=x\n");
    assert_refused("", ".env:2: MONGO_URI_FILE: MONGO_URI is set too: set only one of them");
}

static void config_print_hides_secrets(void **state)
{
    char *text = NULL;
    size_t len;
    for (unsigned is_set = 0; is_set < 2; is_set++) {
        assert_int_equal(load(is_set ? "MONGO_URI=mongodb://user:hush@host" : "MONGO_URI="), 0);
        FILE *out = open_memstream(&text, &len);
        config_print(&config, out);
        fclose(out);
        config_fini(&config);
        assert_null(strstr(text, "hush"));
        assert_non_null(strstr(text, is_set ? "\nMONGO_URI=***\n" : "\nMONGO_URI=\n"));
        free(text);
    }
}

static void config_help_names_every_key_and_bound(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    config_help(out);
    fclose(out);
    for (const struct config_row *row = config_rows; row->title != NULL || row->key != NULL; row++)
        assert_non_null(strstr(text, row->key == NULL ? row->title : row->key));
    assert_non_null(strstr(text, "which the log names (0 to 65535)\n"));
    free(text);
}

/* The sample in the root of the source is the one the table makes, and with every line uncommented
 * it is the configuration without a file. */
static void config_sample_is_what_the_sample_file_holds(void **state)
{
    char *text = NULL, path[1024], kept[65536];
    size_t len;
    FILE *out = open_memstream(&text, &len);
    config_sample(out);
    fclose(out);
    assert_non_null(getenv("SOURCE_ROOT"));
    snprintf(path, sizeof(path), "%s/.env.sample", getenv("SOURCE_ROOT"));
    FILE *sample = fopen(path, "r");
    assert_non_null(sample);
    kept[fread(kept, 1, sizeof(kept) - 1, sample)] = '\0';
    fclose(sample);
    assert_string_equal(kept, text);
    for (char *line = text; (line = strstr(line, "\n#")) != NULL; line++)
        if (line[2] >= 'A' && line[2] <= 'Z')
            line[1] = ' ';
    file_write(".env", text);
    assert_loads("", "local", 8080);
    free(text);
}

static void config_load_takes_the_test_file_of_the_source(void **state)
{
    char *environment[] = { (char[]){ "ENVIRONMENT=test" }, NULL };
    assert_non_null(getenv("SOURCE_ROOT"));
    if (config_load(&config, environment, getenv("SOURCE_ROOT"), &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(config.environment, "test");
    assert_int_equal(config.port, 0);
    config_fini(&config);
}

static void nearest_distance_counts_slips(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned distance;
    } cases[] = {
        { "", "", 0 },         { "", "ab", 2 },        { "PORT", "port", 0 },
        { "PORT", "PROT", 1 }, { "PORT", "PORTS", 1 }, { "PORT", "POR", 1 },
        { "PORT", "SORT", 1 }, { "PORT", "HOST", 2 },  { "kitten", "sitting", 3 },
        { "ca", "abc", 3 },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        assert_int_equal(nearest_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(nearest_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    char longest[NEAREST_FAR + 2];
    memset(longest, 'a', sizeof(longest));
    longest[NEAREST_FAR] = '\0';
    assert_int_equal(nearest_distance(longest, longest), 0);
    longest[NEAREST_FAR] = 'a';
    longest[NEAREST_FAR + 1] = '\0';
    assert_int_equal(nearest_distance(longest, longest), NEAREST_FAR);
}

#define in_folder(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_folder(config_load_has_defaults),
        in_folder(config_load_takes_every_default_and_bound),
        in_folder(config_load_prefers_environment_then_stack_file_then_env),
        in_folder(config_load_knows_two_names_of_the_stack),
        in_folder(config_load_refuses_a_file_of_another_stack),
        in_folder(config_load_refuses_values),
        in_folder(config_load_takes_sizes),
        in_folder(config_load_refuses_files),
        in_folder(config_print_can_be_read_back),
        in_folder(config_load_takes_secrets_of_files),
        in_folder(config_load_refuses_secrets_without_showing_them),
        in_folder(config_print_hides_secrets),
        in_folder(config_help_names_every_key_and_bound),
        in_folder(config_sample_is_what_the_sample_file_holds),
        in_folder(config_load_takes_the_test_file_of_the_source),
        cmocka_unit_test(nearest_distance_counts_slips),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
