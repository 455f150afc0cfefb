/* SPDX-License-Identifier: MIT */
/* plan_fixture: an arena, a table of zones, and moments as texts. */
#pragma once

#include "suite.h"

#include <stdio.h>
#include <string.h>

#include <telemetry/arena.h>
#include <telemetry/metric.h>
#include <telemetry/rfc3339.h>
#include <telemetry/zone.h>

static _Alignas(16) char block[1 << 20];
static struct arena arena;
static struct zones *zones;

static int fixture_open(void **state)
{
    arena_init(&arena, block, sizeof(block));
    zones = zones_new(NULL);
    return zones == NULL ? -1 : 0;
}

static int fixture_close(void **state)
{
    arena_reset(&arena);
    zones_free(&zones);
    return 0;
}

static const struct zone *zone_of(const char *name)
{
    const struct zone *zone = zones_find(zones, slice_of(name));
    if (zone == NULL)
        fail_msg("no zone %s", name);
    return zone;
}

/* The moment of a date-time with its offset; without one it is UTC. */
static int64_t ms_of(const char *text)
{
    char utc[64];
    int64_t ms;
    snprintf(utc, sizeof(utc), "%sZ", text);
    if (!rfc3339_parse(slice_of(text), &ms) && !rfc3339_parse(slice_of(utc), &ms))
        fail_msg("no time %s", text);
    return ms;
}
