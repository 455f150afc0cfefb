/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#include <telemetry/clock.h>
#include <telemetry/reply.h>

#include "cache/redis/value.h"

enum { ROOM = 1024, RANDOM_TEXTS = 200000 };

static const struct value sample = {
    .generation = UINT64_C(0xfedcba9876543210),
    .etag = UINT64_C(0x0123456789abcdef),
    .age_ms = 7,
    .life_ms = 9876,
    .http = 200,
    .media = MEDIA_JSON,
    .has_etag = true,
    .key = { "question", 8 },
    .body = { "{\"metrics\":[]}", 14 },
    .next_cursor = { "cursor", 6 },
};

static struct slice write_to(char room[ROOM], const struct value *value)
{
    size_t bytes = value_bytes(value);
    assert_in_range(bytes, VALUE_HEAD_BYTES, ROOM);
    value_write(value, room);
    return (struct slice){ room, bytes };
}

static void assert_same(const struct value *a, const struct value *b)
{
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->etag, b->etag);
    assert_int_equal(a->age_ms, b->age_ms);
    assert_int_equal(a->life_ms, b->life_ms);
    assert_int_equal(a->http, b->http);
    assert_int_equal(a->media, b->media);
    assert_int_equal(a->has_etag, b->has_etag);
    assert_true(slice_equal(a->key, b->key));
    assert_true(slice_equal(a->body, b->body));
    assert_true(slice_equal(a->next_cursor, b->next_cursor));
}

static void read_gives_what_write_took(void **state)
{
    (void)state;
    char room[ROOM];
    struct value read;
    assert_true(value_read(write_to(room, &sample), sample.key, &read));
    assert_same(&read, &sample);
}

static void read_takes_empty_texts(void **state)
{
    (void)state;
    char room[ROOM];
    struct value value = { .generation = 1, .life_ms = 1, .http = 200, .media = MEDIA_NONE }, read;
    assert_true(value_read(write_to(room, &value), value.key, &read));
    assert_same(&read, &value);
}

static void read_refuses_another_key(void **state)
{
    (void)state;
    char room[ROOM];
    struct value read;
    struct slice bytes = write_to(room, &sample);
    assert_false(value_read(bytes, SLICE("questioN"), &read));
    assert_false(value_read(bytes, SLICE("questio"), &read));
    assert_false(value_read(bytes, SLICE("question{"), &read));
    assert_false(value_read(bytes, SLICE(""), &read));
}

static void read_refuses_every_shorter_and_longer_text(void **state)
{
    (void)state;
    char room[ROOM];
    struct value read;
    struct slice bytes = write_to(room, &sample);
    for (size_t len = 0; len < bytes.len; len++) {
        char *exact = malloc(len + 1); /* so that a read beyond is seen */
        memcpy(exact, room, len);
        assert_false(value_read((struct slice){ exact, len }, sample.key, &read));
        free(exact);
    }
    room[bytes.len] = '\0';
    assert_false(value_read((struct slice){ room, bytes.len + 1 }, sample.key, &read));
}

static void read_refuses_every_changed_bit(void **state)
{
    (void)state;
    char room[ROOM];
    struct value read;
    struct slice bytes = write_to(room, &sample);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        room[bit / 8] = (char)(room[bit / 8] ^ (1 << bit % 8));
        assert_false(value_read(bytes, sample.key, &read));
        room[bit / 8] = (char)(room[bit / 8] ^ (1 << bit % 8));
    }
    assert_true(value_read(bytes, sample.key, &read));
}

/* What carries a right checksum and yet breaks a rule. */
static void read_refuses_fields_out_of_range(void **state)
{
    (void)state;
    char room[ROOM];
    struct value read;
    struct value cases[] = { sample, sample, sample, sample };
    cases[0].http = 500;
    cases[1].media = MEDIA_TEXT + 1;
    cases[2].generation = 0;
    cases[3].life_ms = 0;
    for (size_t i = 0; i < N_CASES(cases); i++)
        assert_false(value_read(write_to(room, &cases[i]), sample.key, &read));
}

static void write_drops_an_etag_that_is_none(void **state)
{
    (void)state;
    char room[ROOM];
    struct value value = sample, read;
    value.has_etag = false;
    assert_true(value_read(write_to(room, &value), value.key, &read));
    assert_false(read.has_etag);
    assert_int_equal(read.etag, 0);
}

static void bytes_refuses_what_the_head_cannot_hold(void **state)
{
    (void)state;
    struct value value = sample;
    value.body.len = (size_t)1 << 40;
    assert_int_equal(value_bytes(&value), 0);
}

/* Random texts, and sound ones with a few bytes changed: never read, and never read beyond. */
static void read_refuses_random_texts(void **state)
{
    (void)state;
    char room[ROOM];
    struct value read;
    unsigned seed = (unsigned)clock_ns();
    print_message("# seed %u\n", seed);
    srandom(seed);
    for (unsigned i = 0; i < RANDOM_TEXTS; i++) {
        struct slice bytes = write_to(room, &sample);
        size_t n_changes = 1 + (size_t)random() % 40;
        for (size_t j = 0; j < n_changes; j++) {
            size_t place = (size_t)random() % bytes.len;
            room[place] = (char)random();
        }
        struct slice cut = { room, bytes.len - (size_t)random() % 3 };
        bool may_be_whole = cut.len == bytes.len; /* changes may undo each other */
        if (value_read(cut, sample.key, &read))
            assert_true(may_be_whole && memcmp(read.body.data, sample.body.data, sample.body.len) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_gives_what_write_took),
        cmocka_unit_test(read_takes_empty_texts),
        cmocka_unit_test(read_refuses_another_key),
        cmocka_unit_test(read_refuses_every_shorter_and_longer_text),
        cmocka_unit_test(read_refuses_every_changed_bit),
        cmocka_unit_test(read_refuses_fields_out_of_range),
        cmocka_unit_test(write_drops_an_etag_that_is_none),
        cmocka_unit_test(bytes_refuses_what_the_head_cannot_hold),
        cmocka_unit_test(read_refuses_random_texts),
    };
    return cmocka_run_group_tests_name("redis value", tests, NULL, NULL);
}
