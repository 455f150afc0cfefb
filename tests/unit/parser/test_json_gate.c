/* SPDX-License-Identifier: MIT */
/* json_gate: what it takes and refuses, against RFC 8259 and against cJSON. Every text is read from a
 * heap block of just its size. */
#include "parser_fixture.h"

#include <stdio.h>

#include "parser/json_gate.h"

enum { DEPTH = 32 };

struct verdict {
    bool good;
    size_t offset;
    const char *reason;
    struct json_value value; /* text is gone */
};

static struct verdict judge_at_depth(struct slice text, unsigned depth_max)
{
    struct verdict verdict = { 0 };
    struct json_gate gate;
    char *copy = exact_copy(text);
    gate_open(&gate, (struct slice){ copy, text.len }, depth_max);
    verdict.good = gate_value(&gate, &verdict.value) && gate_end(&gate);
    verdict.offset = gate_offset(&gate);
    verdict.reason = gate.reason;
    assert_true(verdict.good == (gate.reason == NULL));
    free(copy);
    return verdict;
}

static struct verdict judge(struct slice text)
{
    return judge_at_depth(text, DEPTH);
}

static bool cjson_takes(struct slice text)
{
    struct arena arena;
    _Alignas(16) char block[1024];
    cJSON *tree = NULL;
    char *copy = exact_copy(text);
    arena_init(&arena, block, sizeof(block));
    enum status status = json_parse((struct slice){ copy, text.len }, &arena, &tree);
    arena_reset(&arena);
    free(copy);
    return status == STATUS_OK;
}

/* clang-format off */
static const char *const good_texts[] = {
    "{}", "[]", "\"\"", "0", "-0", "1", "true", "false", "null", " [ ] ", "\t{\r\n}\n", "[[]]", "[{},{}]", "[1,2]",
    "{\"a\":1}", "{\"a\" : 1 , \"b\" :[ 2 ] }", "{\"\":0}", "[-1.5e-3]", "[1E5]", "[1e+05]", "[0e1]", "[0.0]",
    "[123e0]", "[1.7976931348623157e308]", "[-1.7976931348623157e308]", "[5e-324]", "[1e-9999]", "[0e9999]",
    "[9007199254740993]", "[123456789012345678901234567890]", "[\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\"]",
    "[\"\\u0061\\u00e9\\u20AC\"]", "[\"\\uD83D\\uDE00\"]", "[\"\\uDBFF\\uDFFF\"]", "[\"\xC3\xA9\"]",
    "[\"\xE2\x82\xAC\"]", "[\"\xF0\x9F\x98\x80\"]", "[\"\xF4\x8F\xBF\xBF\"]", "[\"\xEE\x80\x80\"]", "[\"\x7F\"]",
    "[\"\xC2\x80\"]", "[\"\xE2\x80\xA8\"]", "{\"a\":{\"a\":{\"a\":1}}}", "[{\"a\":1},{\"a\":1}]",
    "{\"a\":[{\"b\":1},{\"b\":2}],\"b\":3}",
    "{\"name\":\"cpu\",\"tags\":[\"h:a\",\"h:b\"],\"value\":1.5,\"timestamp\":1700000000000}",
    "[\"0123456789012345678901234567890123456789\"]", "{\"n\\u0061me\":1,\"nam\":2}", "[\"\\uFFFF\"]", "[\"\\u0001\"]",
};

static const char *const bad_texts[] = {
    "", " ", "{", "[", "}", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1,,2]", "[1}", "{]", "{\"a\"}",
    "{\"a\":}", "{\"a\":1,}", "{,\"a\":1}", "{a:1}", "{'a':1}", "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{\"a\"::1}",
    "{\"a\":1", "[1]x", "[] []", "{}{}", "1 2", "[01]", "[-01]", "[00]", "[+1]", "[.5]", "[-.5]", "[1.]", "[-]", "[1e]",
    "[1e+]", "[1.e5]", "[1e5.5]", "[0x10]", "[1_000]", "[--1]", "[1-1]", "[Infinity]", "[-Infinity]", "[NaN]", "[nan]",
    "[1e999]", "[-1e999]", "[1e309]", "[1.7976931348623159e308]", "[99999999999999999999e300]", "[truE]", "[tru]",
    "[True]", "[nul]", "[undefined]", "'a'", "\"a", "[\"a]", "[\"a\n\"]", "[\"\t\"]", "[\"\x01\"]", "[\"\\x41\"]",
    "[\"\\a\"]", "[\"\\\"]", "[\"\\u12\"]", "[\"\\u12g4\"]", "[\"\\U0061\"]", "[\"\\u0000\"]", "[\"a\\u0000b\"]",
    "[\"\\uD800\"]", "[\"\\uDC00\"]", "[\"\\uD800\\u0041\"]", "[\"\\uD800\\uD800\"]", "[\"\\uD83Dx\"]",
    "[\"\\uD83D\\n\"]", "[\"\x80\"]", "[\"\xFF\"]", "[\"\xC0\x80\"]", "[\"\xC1\xBF\"]", "[\"\xC3\"]", "[\"\xC3(\"]",
    "[\"\xE0\x80\x80\"]", "[\"\xE0\x9F\xBF\"]", "[\"\xED\xA0\x80\"]", "[\"\xED\xBF\xBF\"]", "[\"\xE2\x82\"]",
    "[\"\xF0\x80\x80\x80\"]", "[\"\xF0\x8F\xBF\xBF\"]", "[\"\xF4\x90\x80\x80\"]", "[\"\xF5\x80\x80\x80\"]",
    "[\"\xF0\x9F\x98\"]", "\xEF\xBB\xBF{}", "\xC3\xA9", "[\x0C]", "[1]\x0B", "/* c */ {}", "{} // c", "[1]#",
    "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":1}", "{\"a\":{},\"b\":1,\"a\":{}}", "{\"x\":{\"a\":1,\"a\":1}}",
    "[{\"k\":[1,{\"a\":1,\"b\":2,\"a\":3}]}]", "{\"\":1,\"\":2}", "{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}",
    "{\"a/b\":1,\"a\\/b\":2}", "*", "<a>", "\xA0[]",
};
/* clang-format on */

static void gate_takes_what_rfc_8259_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good_texts) / sizeof(good_texts[0]); i++) {
        struct verdict verdict = judge(slice_of(good_texts[i]));
        if (!verdict.good)
            fail_msg("%s refused at byte %zu: %s", good_texts[i], verdict.offset, verdict.reason);
    }
}

static void gate_refuses_what_rfc_8259_or_cjson_bears_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++)
        if (judge(slice_of(bad_texts[i])).good)
            fail_msg("%s taken", bad_texts[i]);
}

static void gate_refuses_nul_anywhere(void **state)
{
    (void)state;
    assert_false(judge(SLICE("\0")).good);
    assert_false(judge(SLICE("{}\0")).good);
    assert_false(judge(SLICE("[\"a\0b\"]")).good);
    assert_false(judge(SLICE("[1,\0 2]")).good);
    assert_false(judge(SLICE("{\"a\0\":1}")).good);
}

static void gate_refuses_every_beginning_of_a_container(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good_texts) / sizeof(good_texts[0]); i++) {
        struct slice text = slice_of(good_texts[i]);
        if (text.data[0] != '{' && text.data[0] != '[')
            continue;
        for (size_t len = 0; len < text.len; len++)
            if (judge((struct slice){ text.data, len }).good)
                fail_msg("%.*s taken", (int)len, text.data);
    }
}

static void gate_reads_every_beginning_of_bad_text_within_its_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++)
        for (size_t len = 0; len <= strlen(bad_texts[i]); len++)
            (void)judge((struct slice){ bad_texts[i], len });
}

static void gate_takes_only_what_cjson_takes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good_texts) / sizeof(good_texts[0]); i++) {
        struct slice text = slice_of(good_texts[i]);
        struct json_gate gate;
        struct json_value value;
        gate_open(&gate, text, DEPTH);
        assert_true(gate_value(&gate, &value));
        if (!cjson_takes(value.text))
            fail_msg("cJSON refuses %s", good_texts[i]);
    }
}

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Good texts with one to three bytes changed, taken out or doubled. */
static void gate_and_cjson_agree_on_mutations(void **state)
{
    static const char alphabet[] = "{}[]\",:\\u0019eE+-. tfn\t\n\x80\xC3\xE2\xED\xF0";
    uint64_t seed = 88172645463325252ULL;
    unsigned n_taken = 0;
    (void)state;
    for (unsigned round = 0; round < 40000; round++) {
        const char *base = good_texts[random_next(&seed) % (sizeof(good_texts) / sizeof(good_texts[0]))];
        char text[160];
        size_t len = strlen(base);
        memcpy(text, base, len);
        for (unsigned change = 0; change <= random_next(&seed) % 3 && len > 0 && len < 120; change++) {
            size_t at = random_next(&seed) % len;
            uint64_t kind = random_next(&seed) % 3;
            if (kind == 0) {
                text[at] = alphabet[random_next(&seed) % (sizeof(alphabet) - 1)];
            } else if (kind == 1) {
                memmove(text + at, text + at + 1, len - at - 1);
                len--;
            } else {
                memmove(text + at + 1, text + at, len - at);
                len++;
            }
        }
        struct json_gate gate;
        struct json_value value;
        char *copy = exact_copy((struct slice){ text, len });
        gate_open(&gate, (struct slice){ copy, len }, DEPTH);
        if (gate_value(&gate, &value) && gate_end(&gate)) {
            n_taken++;
            if (!cjson_takes(value.text))
                fail_msg("cJSON refuses %.*s", (int)len, text);
        }
        free(copy);
    }
    assert_true(n_taken > 1000);
}

static void assert_refused(const char *text, size_t offset, const char *reason)
{
    struct verdict verdict = judge(slice_of(text));
    assert_false(verdict.good);
    assert_string_equal(verdict.reason, reason);
    assert_int_equal(verdict.offset, offset);
}

static void gate_says_where_and_why(void **state)
{
    (void)state;
    assert_refused("", 0, "expected a value, but the text ends");
    assert_refused("[1,]", 3, "expected a value");
    assert_refused("{\"a\" 1}", 5, "expected a colon");
    assert_refused("{\"a\":1,}", 7, "expected a member name in quotes");
    assert_refused("[1 2]", 3, "expected a comma or ]");
    assert_refused("{\"a\":1]", 6, "expected a comma or }");
    assert_refused("[\"ab\xFF\"]", 4, "bytes that are not UTF-8");
    assert_refused("[\"ab\\q\"]", 4, "an escape that JSON does not have");
    assert_refused("[\"\\u0000\"]", 2, "the character U+0000 is not taken");
    assert_refused("[\"\\ud800x\"]", 2, "half of a surrogate pair");
    assert_refused("[\"a\tb\"]", 3, "a control character in a string; write it as an escape");
    assert_refused("{\"a\":1,\"a\":2}", 7, "a member name stands twice in one object");
    assert_refused("[1,1e999]", 3, "a number is too large for a double");
    assert_refused("{}x", 2, "text behind the end of the value");
    assert_refused("[\"abc", 5, "the text ends inside of a string");
}

static struct slice nested(char *place, unsigned depth)
{
    memset(place, '[', depth);
    memset(place + depth, ']', depth);
    return (struct slice){ place, 2 * (size_t)depth };
}

static void gate_bounds_depth(void **state)
{
    char text[2200];
    (void)state;
    assert_true(judge(nested(text, DEPTH)).good);
    assert_false(judge(nested(text, DEPTH + 1)).good);
    assert_true(judge_at_depth(nested(text, 1000), 1000).good);
    assert_true(cjson_takes(nested(text, 1000)));
    assert_false(judge_at_depth(nested(text, 1001), 5000).good);
    assert_true(judge_at_depth(SLICE("{\"a\":1}"), 1).good);
    assert_false(judge_at_depth(SLICE("{\"a\":{}}"), 1).good);
}

static void gate_keeps_objects_and_arrays_apart_at_any_depth(void **state)
{
    char text[400] = "";
    (void)state;
    for (unsigned i = 0; i < 70; i++)
        strcat(text, i % 2 == 0 ? "{\"a\":" : "[");
    strcat(text, "1");
    for (unsigned i = 70; i-- > 0;)
        strcat(text, i % 2 == 0 ? "}" : "]");
    assert_true(judge_at_depth(slice_of(text), 70).good);
    text[strlen(text) - 1] = ']';
    assert_false(judge_at_depth(slice_of(text), 70).good);
}

/* {"m0":0,"m1":0,...} */
static size_t many_members(char *place, unsigned n)
{
    size_t len = 0;
    for (unsigned i = 0; i < n; i++)
        len += (size_t)sprintf(place + len, "%s\"m%u\":0", i == 0 ? "{" : ",", i);
    place[len++] = '}';
    return len;
}

static void gate_bounds_members(void **state)
{
    char text[2048];
    (void)state;
    assert_true(judge((struct slice){ text, many_members(text, GATE_NAMES_MAX) }).good);
    assert_false(judge((struct slice){ text, many_members(text, GATE_NAMES_MAX + 1) }).good);
}

static void gate_bounds_names_and_numbers(void **state)
{
    char text[400];
    (void)state;
    sprintf(text, "{\"%0256d\":1}", 0);
    assert_true(judge(slice_of(text)).good);
    sprintf(text, "{\"%0257d\":1}", 0);
    assert_false(judge(slice_of(text)).good);
    sprintf(text, "[1%062d]", 0);
    assert_true(judge(slice_of(text)).good);
    assert_true(cjson_takes(slice_of(text)));
    sprintf(text, "[1%063d]", 0);
    assert_false(judge(slice_of(text)).good);
}

static void gate_counts_values_and_marks_members(void **state)
{
    static const char text[] = " {\"a\": 1, \"b\":[1,[2]] ,\"c\":{\"d\":\"x\"}} ";
    struct json_gate gate;
    struct json_value value;
    (void)state;
    gate_open(&gate, slice_of(text), DEPTH);
    assert_true(gate_value(&gate, &value));
    assert_true(gate_end(&gate));
    assert_int_equal(value.kind, JSON_OBJECT);
    assert_int_equal(value.n_members, 3);
    assert_int_equal(value.n_values, 8);
    assert_int_equal(*value.members[0], '1');
    assert_int_equal(*value.members[1], '[');
    assert_int_equal(*value.members[2], '{');
    assert_int_equal(value.text.len, sizeof(text) - 3);
}

static void gate_says_the_kind(void **state)
{
    (void)state;
    assert_int_equal(judge(SLICE("{}")).value.kind, JSON_OBJECT);
    assert_int_equal(judge(SLICE(" []")).value.kind, JSON_ARRAY);
    assert_int_equal(judge(SLICE("\"a\"")).value.kind, JSON_STRING);
    assert_int_equal(judge(SLICE("-1")).value.kind, JSON_NUMBER);
    assert_int_equal(judge(SLICE("null")).value.kind, JSON_WORD);
}

/* Items read, or -1. */
static int count_items(struct slice text)
{
    struct json_gate gate;
    struct json_value value;
    int n = 0;
    char *copy = exact_copy(text);
    gate_open(&gate, (struct slice){ copy, text.len }, DEPTH);
    bool is_list = gate_list(&gate);
    while (is_list && gate_next(&gate) && gate_value(&gate, &value))
        n++;
    bool good = is_list && gate_end(&gate);
    free(copy);
    return good ? n : -1;
}

static void gate_walks_a_list(void **state)
{
    (void)state;
    assert_int_equal(count_items(SLICE("[]")), 0);
    assert_int_equal(count_items(SLICE(" [ ] ")), 0);
    assert_int_equal(count_items(SLICE("[1]")), 1);
    assert_int_equal(count_items(SLICE("[ 1 , {} ,[2,3]\n]")), 3);
    assert_int_equal(count_items(SLICE("{}")), -1);
    assert_int_equal(count_items(SLICE("")), -1);
}

static void gate_refuses_broken_lists_item_by_item(void **state)
{
    static const char *const lists[] = { "[",     "[1",  "[1,",  "[1,]", "[,]",   "[,1]", "[1,,2]",
                                         "[1 2]", "[1}", "[1]]", "[1],", "[1] 2", "[{]",  "[1,2" };
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (count_items(slice_of(lists[i])) >= 0)
            fail_msg("%s taken", lists[i]);
}

static void gate_counts_the_list_as_one_level(void **state)
{
    struct json_gate gate;
    struct json_value value;
    (void)state;
    gate_open(&gate, SLICE("[{\"a\":[]}]"), 3);
    assert_true(gate_list(&gate) && gate_next(&gate) && gate_value(&gate, &value));
    gate_open(&gate, SLICE("[{\"a\":[]}]"), 2);
    assert_true(gate_list(&gate) && gate_next(&gate));
    assert_false(gate_value(&gate, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gate_takes_what_rfc_8259_takes),
        cmocka_unit_test(gate_refuses_what_rfc_8259_or_cjson_bears_not),
        cmocka_unit_test(gate_refuses_nul_anywhere),
        cmocka_unit_test(gate_refuses_every_beginning_of_a_container),
        cmocka_unit_test(gate_reads_every_beginning_of_bad_text_within_its_bounds),
        cmocka_unit_test(gate_takes_only_what_cjson_takes),
        cmocka_unit_test(gate_and_cjson_agree_on_mutations),
        cmocka_unit_test(gate_says_where_and_why),
        cmocka_unit_test(gate_bounds_depth),
        cmocka_unit_test(gate_keeps_objects_and_arrays_apart_at_any_depth),
        cmocka_unit_test(gate_bounds_members),
        cmocka_unit_test(gate_bounds_names_and_numbers),
        cmocka_unit_test(gate_counts_values_and_marks_members),
        cmocka_unit_test(gate_says_the_kind),
        cmocka_unit_test(gate_walks_a_list),
        cmocka_unit_test(gate_refuses_broken_lists_item_by_item),
        cmocka_unit_test(gate_counts_the_list_as_one_level),
    };
    json_init();
    return cmocka_run_group_tests_name("json_gate", tests, NULL, NULL);
}
