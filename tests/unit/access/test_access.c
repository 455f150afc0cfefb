/* SPDX-License-Identifier: MIT */
#include <telemetry/access.h>

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "access/access.h"
#include "suite.h"

/* Known answers: FIPS 180-4 for "abc"; sha256sum for the others. */
#define ABC  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define FOO  "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

/* Writes a file and loads it. */
static int load(const char *text, mode_t mode, struct access **ret_access, struct error *error)
{
    char path[] = "/tmp/access-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
    int result = access_load(path, ret_access, error);
    unlink(path);
    return result;
}

static void access_find_knows_keys_by_their_digest(void **state)
{
    struct access *access;
    struct error error;
    assert_int_equal(
        load("# who may\n\nci writer " ABC " prefix=ci. rate=100 # the build\r\nops admin " FOO, 0600, &access, &error),
        0);
    assert_int_equal(access_count(access), 2);
    const struct access_key *key = access_find(access, SLICE("abc"));
    assert_non_null(key);
    assert_string_equal(key->name, "ci");
    assert_int_equal(key->role, ROLE_WRITER);
    assert_string_equal(key->prefix, "ci.");
    assert_int_equal(key->rate, 100);
    assert_string_equal(access_find(access, SLICE("foo"))->name, "ops");
    assert_int_equal(access_find(access, SLICE("foo"))->role, ROLE_ADMIN);
    assert_null(access_find(access, SLICE("abd")));
    assert_null(access_find(access, SLICE("")));
    assert_null(access_find(access, SLICE("abc ")));
    access_release(&access);
}

/* A prefix is kept as a C string: cut at a NUL it would be one of more names, or of all. */
static void key_line_parse_takes_no_nul_in_a_prefix(void **state)
{
    static const char line[] = "a reader " ABC " prefix=\0b";
    struct access_key key;
    bool empty;
    const char *fault = key_line_parse((struct slice){ line, sizeof(line) - 1 }, &key, &empty);
    assert_non_null(fault);
    assert_non_null(strstr(fault, "NUL"));
}

/* Whoever compares digests as texts takes all for equal that begin with a zero byte. */
static void access_find_compares_behind_zero_bytes(void **state)
{
    struct access *access;
    struct error error;
    char text[16];
    uint8_t digest[ACCESS_DIGEST_BYTES] = { 1 };
    assert_int_equal(load("zero admin " ZERO, 0600, &access, &error), 0);
    for (unsigned i = 0; digest[0] != 0; i++) {
        snprintf(text, sizeof(text), "%u", i);
        access_digest(slice_of(text), digest);
    }
    assert_null(access_find(access, slice_of(text)));
    access_release(&access);
}

static void access_load_names_the_bad_line(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "a reader " ABC "\nb king " FOO, "line 2: behind the name comes reader" },
        { "a reader abc", "line 1: behind the role come the 64" },
        { "a reader " ABC "0", "64 hex digits" },
        { "a/b reader " ABC, "the name has letters" },
        { "a reader " ABC " prefix=", "a prefix has" },
        { "a reader " ABC " rate=0", "a rate is" },
        { "a reader " ABC " rate=12345678", "a rate is" },
        { "a reader " ABC " colour=red", "there may be prefix=TEXT" },
        { "a reader " ABC " prefix=abc prefix=x", "a prefix is given once" },
        { "a reader " ABC " rate=5 rate=6", "a rate is given once" },
        { "a reader " ABC "\na writer " FOO, "line 2: a key of this name" },
        { "a reader " ABC "\nb writer " ABC, "line 2: a key of this name or with this digest" },
    };
    for (size_t i = 0; i < N_CASES(cases); i++) {
        struct access *access = NULL;
        struct error error;
        assert_int_equal(load(cases[i].text, 0600, &access, &error), -1);
        assert_int_equal(error.exit_code, 78);
        assert_non_null(strstr(error.text, cases[i].words));
    }
}

static void access_load_refuses_a_file_that_anybody_may_change(void **state)
{
    struct access *access;
    struct error error;
    assert_int_equal(load("a reader " ABC, 0602, &access, &error), -1);
    assert_non_null(strstr(error.text, "chmod o-w"));
    assert_int_equal(access_load("/nonexistent/keys", &access, &error), -1);
    assert_int_equal(access_load("/tmp", &access, &error), -1);
}

static void access_new_key_is_taken_by_a_file_with_its_line(void **state)
{
    char key[ACCESS_KEY_TEXT_BYTES], other[ACCESS_KEY_TEXT_BYTES], line[256];
    struct access *access;
    struct error error;
    assert_int_equal(access_new_key("dash.board_1", "reader", other, line, &error), 0);
    assert_int_equal(access_new_key("dash.board_1", "reader", key, line, &error), 0);
    assert_string_not_equal(key, other);
    assert_int_equal(strlen(key), ACCESS_KEY_TEXT_BYTES - 1);
    assert_null(strstr(line, key));
    assert_int_equal(load(line, 0600, &access, &error), 0);
    assert_string_equal(access_find(access, slice_of(key))->name, "dash.board_1");
    assert_null(access_find(access, slice_of(other)));
    access_release(&access);
    assert_int_equal(access_new_key("a b", "reader", key, line, &error), -1);
    assert_int_equal(access_new_key("a", "none", key, line, &error), -1);
}

static void access_share_keeps_the_set(void **state)
{
    struct access *access, *other;
    struct error error;
    assert_int_equal(load("a reader " ABC, 0600, &access, &error), 0);
    other = access_share(access);
    access_release(&access);
    assert_null(access);
    assert_non_null(access_find(other, SLICE("abc")));
    access_release(&other);
}

static bool has_memory = true;

static void *give(size_t bytes, const char *file, int line)
{
    (void)file, (void)line;
    return has_memory ? malloc(bytes) : NULL;
}

static void *give_more(void *memory, size_t bytes, const char *file, int line)
{
    (void)file, (void)line;
    return has_memory ? realloc(memory, bytes) : NULL;
}

static void take_back(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

/* A digest that could not be made would be what the stack holds: that of the key before. */
static void access_find_needs_no_memory(void **state)
{
    struct access *access;
    struct error error;
    assert_int_equal(load("a reader " ABC, 0600, &access, &error), 0);
    assert_non_null(access_find(access, SLICE("abc")));
    has_memory = false;
    const struct access_key *stranger = access_find(access, SLICE("abd")), *known = access_find(access, SLICE("abc"));
    has_memory = true;
    assert_null(stranger);
    assert_non_null(known);
    access_release(&access);
}

int main(void)
{
    assert(CRYPTO_set_mem_functions(give, give_more, take_back) == 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_find_knows_keys_by_their_digest),
        cmocka_unit_test(key_line_parse_takes_no_nul_in_a_prefix),
        cmocka_unit_test(access_find_compares_behind_zero_bytes),
        cmocka_unit_test(access_load_names_the_bad_line),
        cmocka_unit_test(access_load_refuses_a_file_that_anybody_may_change),
        cmocka_unit_test(access_new_key_is_taken_by_a_file_with_its_line),
        cmocka_unit_test(access_share_keeps_the_set),
        cmocka_unit_test(access_find_needs_no_memory),
    };
    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
