/* SPDX-License-Identifier: MIT */
/* zone: time zones, from the system's tzdata (TZif, RFC 9636) and without the process's own zone.
 *
 * A table of zones belongs to one thread, which finds zones by name in it; a zone that was found never
 * changes and may be read by any thread until the table is freed. Times are milliseconds since
 * 1970-01-01T00:00:00Z; local times are what a wall clock shows, counted as if it were UTC. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

struct zone;
struct zones;

/* Gives a table over a folder of tzdata (keeps the path; NULL: the system's), freed by zones_free(); NULL
 * without memory. Without tzdata there are UTC and fixed offsets only. */
MUST_CHECK struct zones *zones_new(const char *folder);
void zones_free(struct zones **zones);

/* Owner thread. Lends the zone of an IANA name ("Europe/Berlin", in any case), "UTC", "Z" or an offset ("+02:00",
 * "-0330", "+02"; up to 18 hours), until zones_free(). NULL when there is none, the name is no plain relative name,
 * the file is not TZif, or memory is exhausted. The first look at a name reads files. */
const struct zone *zones_find(struct zones *zones, struct slice name);
/* Owner thread. Whether a zone was not found for want of memory or of open files since the last call. */
bool zones_ran_out(struct zones *zones);

/* Any thread -------------------------------------------------------------- */
/* The canonical spelling: an IANA name, "UTC", or "+02:00". */
struct slice zone_name(const struct zone *zone);
/* What the wall clock is ahead of UTC at this moment. Any number is a moment: those outside of what RFC 3339 can write
 * have the offset, and in zone_to_utc() the local time, of some moment near its ends. */
int64_t zone_offset_ms(const struct zone *zone, int64_t utc_ms);
/* The moment at which the wall clock shows this. Skipped times give the moment of the jump, times shown
 * twice the first of the two. */
int64_t zone_to_utc(const struct zone *zone, int64_t local_ms);
