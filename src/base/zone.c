/* SPDX-License-Identifier: MIT */
/* zone: a zone is a list of changes and a rule for what comes behind them; a fixed offset is a zone without
 * changes. Finding the stretch of a moment is a binary search, or one year's rule. */
#include <telemetry/zone.h>

#include "zone_own.h"

enum { MS_PER_S = 1000 };

static int64_t clamp(int64_t number, int64_t limit)
{
    return number < -limit ? -limit : number > limit ? limit : number;
}

static int64_t floor_seconds(int64_t ms)
{
    return ms / MS_PER_S - (ms % MS_PER_S < 0);
}

/* How many changes are at this second or before it. */
static uint32_t changes_until(const struct zone *zone, int64_t second)
{
    uint32_t low = 0, high = zone->n_changes;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at_s <= second)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct zone_span span_at(const struct zone *zone, int64_t second)
{
    uint32_t n = changes_until(zone, second);
    struct zone_span span = { .from_s = INT64_MIN, .to_s = INT64_MAX, .offset_s = zone->first_s };
    if (n == zone->n_changes && zone->rule.present)
        span = zone_rule_span(&zone->rule, second);
    else if (n > 0)
        span.offset_s = zone->changes[n - 1].offset_s;
    if (n > 0 && span.from_s < zone->changes[n - 1].at_s)
        span.from_s = zone->changes[n - 1].at_s;
    if (n < zone->n_changes)
        span.to_s = zone->changes[n].at_s;
    return span;
}

struct slice zone_name(const struct zone *zone)
{
    return (struct slice){ zone->name, zone->name_bytes };
}

int64_t zone_offset_ms(const struct zone *zone, int64_t utc_ms)
{
    int64_t second = clamp(floor_seconds(utc_ms), ZONE_SECONDS_MAX);
    return (int64_t)span_at(zone, second).offset_s * MS_PER_S;
}

/* The first moment whose wall clock shows local_ms or later: in each stretch that is when it shows it, or, when it
 * shows more from the start, the start. No stretch further back than the greatest offset can show it. */
int64_t zone_to_utc(const struct zone *zone, int64_t local_ms)
{
    local_ms = clamp(local_ms, ZONE_SECONDS_MAX * MS_PER_S);
    struct zone_span span = span_at(zone, floor_seconds(local_ms) - ZONE_OFFSET_MAX);
    int64_t utc_ms = local_ms - (int64_t)span.offset_s * MS_PER_S;
    while (floor_seconds(utc_ms) >= span.to_s) {
        span = span_at(zone, span.to_s);
        utc_ms = local_ms - (int64_t)span.offset_s * MS_PER_S;
        if (floor_seconds(utc_ms) < span.from_s)
            utc_ms = span.from_s * MS_PER_S;
    }
    return utc_ms;
}
