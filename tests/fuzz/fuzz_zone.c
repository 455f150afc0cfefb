/* SPDX-License-Identifier: MIT */
/* Zones: a TZif file, or a rule alone, that is taken has an offset within bounds for every moment, and its stretches
 * lie side by side without a gap. */
#include <telemetry/zone.h>

#include "base/zone_own.h"
#include "fuzz.h"

enum { INPUT_MAX = 8192 };

static const int64_t moments[] = {
    INT64_MIN,  -62135596800, -2208988800,  -86401,          -1, 0, 1, 1, 951782399, 1078012800, 1795428000, 2147483647,
    4102444799, 32503680000,  253402300799, INT64_MAX / 1000
};

static void check_rule(struct slice text)
{
    struct zone_rule rule;
    if (!zone_rule_parse(text, &rule))
        return;
    for (size_t i = 1; i + 1 < sizeof(moments) / sizeof(moments[0]); i++) {
        struct zone_span span = zone_rule_span(&rule, moments[i]);
        assert(span.from_s <= moments[i] && moments[i] < span.to_s);
        assert(span.offset_s == rule.standard_s || (rule.has_dst && span.offset_s == rule.dst_s));
        if (span.from_s == INT64_MIN || span.to_s == INT64_MAX)
            continue;
        struct zone_span first = zone_rule_span(&rule, span.from_s), last = zone_rule_span(&rule, span.to_s - 1);
        assert(first.offset_s == span.offset_s && last.offset_s == span.offset_s);
    }
}

static void check_moment(const struct zone *zone, int64_t ms)
{
    int64_t offset_ms = zone_offset_ms(zone, ms);
    assert(offset_ms >= ZONE_OFFSET_MIN * INT64_C(1000) && offset_ms <= ZONE_OFFSET_MAX * INT64_C(1000));
    int64_t utc_ms = zone_to_utc(zone, ms);
    if (ms >= INT64_C(-62135596800000) && ms <= INT64_C(253402300799999))
        assert(utc_ms + zone_offset_ms(zone, utc_ms) >= ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    struct exact copy = exact_new(data, size);
    check_rule(exact_slice(&copy));
    struct zone *zone = zone_tzif_read(exact_slice(&copy));
    exact_free(&copy); /* the zone holds nothing of it */
    for (size_t i = 0; zone != NULL && i < sizeof(moments) / sizeof(moments[0]); i++) {
        int64_t ms;
        if (!__builtin_mul_overflow(moments[i], 1000, &ms))
            check_moment(zone, ms);
    }
    for (uint32_t i = 0; zone != NULL && i < zone->n_changes && i < 64; i++)
        for (int64_t near = -1; near <= 1; near++) {
            int64_t ms;
            if (!__builtin_mul_overflow(zone->changes[i].at_s, 1000, &ms) && !__builtin_add_overflow(ms, near, &ms))
                check_moment(zone, ms);
        }
    free(zone);
    return 0;
}
