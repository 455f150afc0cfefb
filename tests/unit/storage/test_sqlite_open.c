/* SPDX-License-Identifier: MIT */
/* Opening the embedded store: each way it can fail gives one line that says what to mend. */
#include <telemetry/storage.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage_hands.h"
#include "suite.h"

static int set_up(void **state)
{
    *state = hands_new(&storage_sqlite, 0);
    hands_close(*state);
    return 0;
}

static int tear_down(void **state)
{
    hands_free((struct hands **)state);
    return 0;
}

/* Opens the store, which must fail with a line that has these words. */
static void assert_refused(struct hands *hands, const char *words)
{
    struct error error = { .text = "" };
    struct storage *storage = NULL;
    assert_int_equal(hands->ops->open(&hands->settings, &storage, &error), -1);
    assert_null(storage);
    assert_non_null(strstr(error.text, words));
    assert_null(strchr(error.text, '\n'));
    assert_int_not_equal(error.exit_code, 0);
}

static void run_sql(struct hands *hands, const char *sql)
{
    char path[128];
    sqlite3 *handle;
    snprintf(path, sizeof(path), "%s/metrics.db", hands->folder);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

static void write_file(struct hands *hands, const char *text, size_t bytes)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/metrics.db", hands->folder);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, bytes), (ssize_t)bytes);
    close(file);
}

static void second_server_on_a_folder_is_refused(void **state)
{
    struct hands *hands = *state;
    hands_open(hands);
    assert_refused(hands, "another server uses");
    hands_close(hands);
    hands_open(hands);
}

static void file_that_is_no_database_is_refused(void **state)
{
    static const char text[] = "This is no database. It is a text that is longer than the head of one would be, "
                               "so that nobody can take it for an empty file or a short one.";
    write_file(*state, text, sizeof(text));
    assert_refused(*state, "is not a database");
}

static void empty_file_is_a_new_store(void **state)
{
    write_file(*state, "", 0);
    hands_open(*state);
}

static void newer_schema_is_refused(void **state)
{
    run_sql(*state, "PRAGMA user_version=1000");
    assert_refused(*state, "newer version");
}

static void database_of_another_program_is_refused(void **state)
{
    run_sql(*state, "PRAGMA application_id=7");
    assert_refused(*state, "another program");
}

static void folder_in_the_place_of_a_file_is_refused(void **state)
{
    struct hands *hands = *state;
    hands->settings.data_dir = "/dev/null/data";
    assert_refused(hands, "/dev/null");
    hands->settings.data_dir = "";
    assert_refused(hands, "DATA_DIR");
    hands->settings.data_dir = hands->folder;
}

static void folder_that_cannot_be_written_is_refused(void **state)
{
    struct hands *hands = *state;
    if (geteuid() == 0) { /* root may write anywhere, but not here */
        hands->settings.data_dir = "/proc/self";
        assert_refused(hands, "cannot write");
        hands->settings.data_dir = hands->folder;
        return;
    }
    chmod(hands->folder, 0500);
    assert_refused(hands, "cannot write");
    chmod(hands->folder, 0700);
}

static void missing_folders_are_made(void **state)
{
    struct hands *hands = *state;
    char path[128], command[160];
    snprintf(path, sizeof(path), "%s/one/two//three", hands->folder);
    hands->settings.data_dir = path;
    hands_open(hands);
    hands_close(hands);
    snprintf(command, sizeof(command), "rm -r %s/one", hands->folder);
    assert_int_equal(system(command), 0);
    hands->settings.data_dir = hands->folder;
}

static void second_writer_is_refused(void **state)
{
    struct hands *hands = *state;
    struct error error = { .text = "" };
    struct storage_session *session = NULL;
    hands_open(hands);
    assert_int_equal(hands->ops->attach(hands->storage, STORAGE_WRITER, 1, hands->stats, &session, &error), -1);
    assert_non_null(strstr(error.text, "STORAGE_WORKERS=1"));
    hands->ops->detach(&hands->writer);
    assert_int_equal(hands->ops->attach(hands->storage, STORAGE_WRITER, 0, hands->stats, &hands->writer, &error), 0);
}

static void close_leaves_one_file(void **state)
{
    struct hands *hands = *state;
    static const struct spec spec = { "a", "", 1, 1, NULL };
    char path[128];
    hands_open(hands);
    hands_insert(hands, &spec, 1, NULL);
    snprintf(path, sizeof(path), "%s/metrics.db-wal", hands->folder);
    assert_int_equal(access(path, F_OK), 0);
    hands_close(hands);
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(second_server_on_a_folder_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(file_that_is_no_database_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_file_is_a_new_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(newer_schema_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(database_of_another_program_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folder_in_the_place_of_a_file_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folder_that_cannot_be_written_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_folders_are_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(second_writer_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(close_leaves_one_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
