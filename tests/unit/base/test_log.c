/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cJSON.h>

#include "base/log_line.h"
#include <telemetry/clock.h>

#define NOW_MS INT64_C(1795428000123)
#define PREFIX "{\"time\":\"2026-11-23T10:00:00.123Z\",\"level\":\"info\",\"message\":\"m\""

/* One pair as a whole line. */
static const char *line_of(enum log_format format, const char *key, const char *value)
{
    static struct log_line line;
    static char text[LOG_LINE_BYTES + 1];
    log_line_begin(&line, format, LOG_INFO, NOW_MS, "m");
    log_line_pair(&line, key, value);
    log_line_end(&line);
    assert_true(line.len <= LOG_LINE_BYTES);
    memcpy(text, line.text, line.len);
    text[line.len] = '\0';
    return text;
}

static void log_line_json_escapes(void **state)
{
    static const struct {
        const char *value, *json;
    } cases[] = {
        { "plain", "plain" },
        { "", "" },
        { NULL, "" },
        { "a\"b\\c", "a\\\"b\\\\c" },
        { "a\nb\tc\rd\be\ff", "a\\nb\\tc\\rd\\be\\ff" },
        { "\x01\x1b[31m\x7f", "\\u0001\\u001b[31m\\u007f" },
        { "\xc2\x85\xc2\x9b\xc2\xa0", "\\u0085\\u009b\xc2\xa0" },
        { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "a\xff"
          "b",
          "a\xEF\xBF\xBD"
          "b" },
        { "\xc3", "\xEF\xBF\xBD" },
        { "\xe2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xed\xa0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "\xc0\xaf", "\xEF\xBF\xBD\xEF\xBF\xBD" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        char expected[512];
        snprintf(expected, sizeof(expected), PREFIX ",\"key\":\"%s\"}\n", cases[i].json);
        assert_string_equal(line_of(LOG_JSON, "key", cases[i].value), expected);
    }
    assert_string_equal(line_of(LOG_JSON, "k\"", "v"), PREFIX ",\"k\\\"\":\"v\"}\n");
}

static void log_line_text_quotes_where_needed(void **state)
{
    static const struct {
        const char *value, *text;
    } cases[] = {
        { "plain", "plain" },
        { "/metrics?a", "/metrics?a" },
        { "", "\"\"" },
        { NULL, "\"\"" },
        { "a b", "\"a b\"" },
        { "a=b", "\"a=b\"" },
        { "a\"b", "\"a\\\"b\"" },
        { "a\nb", "\"a\\nb\"" },
        { "a\\b", "\"a\\\\b\"" },
        { "\x1b[2J", "\"\\u001b[2J\"" },
        { "\xc3\xa4", "\"\xc3\xa4\"" },
        { "\x80", "\"\xEF\xBF\xBD\"" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        char expected[512];
        snprintf(expected, sizeof(expected), "2026-11-23T10:00:00.123Z INFO m key=%s\n", cases[i].text);
        assert_string_equal(line_of(LOG_TEXT, "key", cases[i].value), expected);
    }
}

static void log_line_cuts_long_values_between_characters(void **state)
{
    char value[2048], expected[4096];
    memset(value, 'a', sizeof(value));
    value[LOG_VALUE_BYTES] = '\0';
    snprintf(expected, sizeof(expected), PREFIX ",\"k\":\"%s\"}\n", value);
    assert_string_equal(line_of(LOG_JSON, "k", value), expected);
    assert_non_null(strstr(line_of(LOG_TEXT, "k", value), "aaa\n"));
    value[LOG_VALUE_BYTES] = 'a';
    value[LOG_VALUE_BYTES + 1] = '\0';
    snprintf(expected, sizeof(expected), PREFIX ",\"k\":\"%.512s\xE2\x80\xA6\"}\n", value);
    assert_string_equal(line_of(LOG_JSON, "k", value), expected);
    assert_non_null(strstr(line_of(LOG_TEXT, "k", value), "aaa\xE2\x80\xA6\"\n"));
    memcpy(value + LOG_VALUE_BYTES - 1, "\xE2\x82\xAC", 4); /* its first byte would fit */
    snprintf(expected, sizeof(expected), PREFIX ",\"k\":\"%.511s\xE2\x80\xA6\"}\n", value);
    assert_string_equal(line_of(LOG_JSON, "k", value), expected);
}

/* One whole JSON object and a newline, within one atomic write to a pipe. */
static void assert_whole(const struct log_line *line)
{
    assert_true(line->len <= PIPE_BUF);
    assert_ptr_equal(memchr(line->text, '\n', line->len), line->text + line->len - 1);
    cJSON *json = cJSON_ParseWithLength(line->text, line->len);
    assert_non_null(json);
    cJSON_Delete(json);
}

static void log_line_leaves_out_pairs_without_room(void **state)
{
    char value[LOG_VALUE_BYTES + 1];
    memset(value, '\x01', sizeof(value)); /* each takes six bytes */
    for (unsigned n = 0; n < 20; n++)
        for (size_t len = 0; len <= LOG_VALUE_BYTES; len += 64) {
            struct log_line line;
            value[len] = '\0';
            log_line_begin(&line, LOG_JSON, LOG_ERROR, NOW_MS, value);
            for (unsigned pair = 0; pair < n; pair++)
                log_line_pair(&line, "key", value);
            log_line_pair(&line, "last", "short");
            log_line_end(&line);
            value[len] = '\x01';
            assert_whole(&line);
        }
}

/* The last pair grows by one byte at a time, over the end of the line. */
static void log_line_is_filled_to_the_last_byte(void **state)
{
    char value[LOG_VALUE_BYTES + 1];
    size_t longest = 0;
    memset(value, 'v', sizeof(value));
    for (size_t len = 0; len <= LOG_VALUE_BYTES; len++) {
        struct log_line line;
        value[LOG_VALUE_BYTES] = '\0';
        log_line_begin(&line, LOG_JSON, LOG_INFO, NOW_MS, "m");
        for (unsigned pair = 0; pair < 7; pair++)
            log_line_pair(&line, "key", value);
        log_line_pair(&line, "last", value + LOG_VALUE_BYTES - len);
        log_line_end(&line);
        assert_whole(&line);
        longest = line.len > longest ? line.len : longest;
    }
    assert_int_equal(longest, PIPE_BUF);
}

static void log_number_prints_extremes(void **state)
{
    char text[LOG_NUMBER_BYTES];
    assert_string_equal(log_number(text, 0), "0");
    assert_string_equal(log_number(text, INT64_MIN), "-9223372036854775808");
    assert_ptr_equal(log_number(text, INT64_MAX), text);
    assert_string_equal(text, "9223372036854775807");
}

/* Standard error as a pipe that the test holds the other end of. */
static struct {
    int kept, read_end;
    pthread_t reader;
    char *text;
    size_t len;
} tap;

static int tap_open(void **state)
{
    int ends[2];
    tap.kept = dup(STDERR_FILENO);
    if (pipe(ends) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
        return -1;
    close(ends[1]);
    tap.read_end = ends[0];
    return 0;
}

static void *tap_read(void *unused)
{
    FILE *out = open_memstream(&tap.text, &tap.len);
    char bytes[4096];
    for (ssize_t n; (n = read(tap.read_end, bytes, sizeof(bytes))) > 0;)
        fwrite(bytes, 1, (size_t)n, out);
    fclose(out);
    return NULL;
}

static void tap_start_reading(void)
{
    assert_int_equal(pthread_create(&tap.reader, NULL, tap_read, NULL), 0);
}

/* Everything that was written; standard error is the old one again. */
static const char *tap_close(void)
{
    dup2(tap.kept, STDERR_FILENO);
    pthread_join(tap.reader, NULL);
    return tap.text;
}

static int tap_free(void **state)
{
    log_stop();
    dup2(tap.kept, STDERR_FILENO);
    close(tap.kept);
    close(tap.read_end);
    free(tap.text);
    tap.text = NULL;
    return 0;
}

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

/* How many lines the log says it dropped; it may say so in several goes. */
static uint64_t told_dropped(const char *text)
{
    static const char report[] = "log lines dropped\",\"count\":\"";
    uint64_t told = 0;
    for (; (text = strstr(text, report)) != NULL; text++)
        told += strtoull(text + strlen(report), NULL, 10);
    return told;
}

/* Lines that are one whole JSON object each, or the test fails. */
static unsigned count_whole_lines(const char *text)
{
    unsigned n = 0;
    for (; *text != '\0'; n++) {
        const char *end = strchr(text, '\n');
        assert_non_null(end);
        cJSON *json = cJSON_ParseWithLength(text, (size_t)(end - text));
        assert_non_null(json);
        cJSON_Delete(json);
        text = end + 1;
    }
    return n;
}

static void log_write_goes_straight_out_before_the_start(void **state)
{
    tap_start_reading();
    log_info("early bird", "key", "value");
    log_debug("too quiet");
    const char *text = tap_close();
    assert_int_equal(count_whole_lines(text), 1);
    assert_non_null(strstr(text, "\"level\":\"info\",\"message\":\"early bird\",\"key\":\"value\"}\n"));
}

static void log_write_arrives_in_order_and_by_level(void **state)
{
    struct error error;
    char number[LOG_NUMBER_BYTES];
    tap_start_reading();
    assert_int_equal(log_start(LOG_WARN, LOG_TEXT, &error), 0);
    for (int i = 0; i < 100; i++)
        log_write(LOG_WARN, NULL, "counted", "i", log_number(number, i), NULL);
    log_info("not written");
    log_error("the end");
    log_stop();
    const char *text = tap_close();
    for (int i = 0; i < 100; i++) {
        char expected[64];
        snprintf(expected, sizeof(expected), " WARN counted i=%d\n", i);
        text = strstr(text, expected);
        assert_non_null(text);
    }
    assert_non_null(strstr(text, " ERROR the end\n"));
    assert_null(strstr(tap.text, "not written"));
    assert_int_equal(count(tap.text, "\n"), 101);
}

static void log_write_limits_each_place(void **state)
{
    struct log_place place = { 0 }, other = { 0 };
    struct error error;
    uint64_t dropped = log_dropped();
    tap_start_reading();
    assert_int_equal(log_start(LOG_INFO, LOG_JSON, &error), 0);
    for (unsigned i = 0; i < LOG_PLACE_BURST + 5; i++)
        log_write(LOG_INFO, &place, "noisy", NULL);
    log_write(LOG_INFO, &other, "calm", NULL);
    assert_int_equal(log_dropped() - dropped, 5);
    atomic_store(&place.window, clock_ns() / NS_PER_S - LOG_PLACE_S);
    log_write(LOG_INFO, &place, "noisy again", NULL);
    log_stop();
    const char *text = tap_close();
    assert_int_equal(count(text, "\"message\":\"noisy\""), LOG_PLACE_BURST);
    assert_int_equal(count(text, "\"message\":\"calm\""), 1);
    assert_int_equal(count(text, "\"message\":\"noisy again\",\"suppressed\":\"5\""), 1);
    assert_int_equal(told_dropped(text), 5);
}

/* Nobody reads standard error: writers must not notice, and what was lost is told afterwards. */
static void log_write_never_waits_for_a_stuck_reader(void **state)
{
    enum { N = 2000 };
    struct error error;
    char value[LOG_VALUE_BYTES + 1];
    uint64_t dropped = log_dropped();
    memset(value, 'v', LOG_VALUE_BYTES);
    value[LOG_VALUE_BYTES] = '\0';
    assert_int_equal(log_start(LOG_INFO, LOG_JSON, &error), 0);
    uint64_t started_ns = clock_ns();
    for (unsigned i = 0; i < N; i++)
        log_write(LOG_INFO, NULL, "flood", "value", value, NULL);
    assert_true(clock_ns() - started_ns < 5 * NS_PER_S);
    dropped = log_dropped() - dropped;
    assert_in_range(dropped, 1, N - 1);
    tap_start_reading();
    log_stop();
    const char *text = tap_close();
    assert_int_equal(count(text, "\"message\":\"flood\"") + dropped, N);
    assert_int_equal(told_dropped(text), dropped);
    count_whole_lines(text);
}

static void log_stop_ends_although_nobody_reads(void **state)
{
    struct error error;
    char value[LOG_VALUE_BYTES + 1];
    memset(value, 'v', LOG_VALUE_BYTES);
    value[LOG_VALUE_BYTES] = '\0';
    assert_int_equal(log_start(LOG_INFO, LOG_JSON, &error), 0);
    for (unsigned i = 0; i < 500; i++)
        log_write(LOG_INFO, NULL, "flood", "value", value, NULL);
    uint64_t started_ns = clock_ns();
    log_stop();
    assert_true(clock_ns() - started_ns < 20 * NS_PER_S);
}

static void *write_lines(void *name)
{
    char number[LOG_NUMBER_BYTES];
    for (int i = 0; i < 500; i++) {
        log_write(LOG_INFO, NULL, "from a thread", "thread", (const char *)name, "i", log_number(number, i), NULL);
        if (i % 50 == 0)
            usleep(1000);
    }
    return NULL;
}

/* Lines of many threads come out whole, while the log starts and stops under them. */
static void log_write_keeps_lines_whole_among_threads(void **state)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    pthread_t threads[4];
    struct error error;
    uint64_t dropped = log_dropped();
    tap_start_reading();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, (void *)(uintptr_t)names[i]), 0);
    for (unsigned round = 0; round < 20; round++) {
        assert_int_equal(log_start(LOG_INFO, LOG_JSON, &error), 0);
        usleep(2000);
        log_stop();
    }
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    const char *text = tap_close();
    count_whole_lines(text);
    assert_int_equal(count(text, "from a thread") + (log_dropped() - dropped), 2000);
}

#define tapped(test) cmocka_unit_test_setup_teardown(test, tap_open, tap_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_line_json_escapes),
        cmocka_unit_test(log_line_text_quotes_where_needed),
        cmocka_unit_test(log_line_cuts_long_values_between_characters),
        cmocka_unit_test(log_line_leaves_out_pairs_without_room),
        cmocka_unit_test(log_line_is_filled_to_the_last_byte),
        cmocka_unit_test(log_number_prints_extremes),
        tapped(log_write_goes_straight_out_before_the_start),
        tapped(log_write_arrives_in_order_and_by_level),
        tapped(log_write_limits_each_place),
        tapped(log_write_never_waits_for_a_stuck_reader),
        tapped(log_stop_ends_although_nobody_reads),
        tapped(log_write_keeps_lines_whole_among_threads),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
