/* SPDX-License-Identifier: MIT */
/* zone_table: zones by name. What is asked for is looked up in the table, then read as an offset, then searched in the
 * folder of tzdata, whose own spelling of a name counts: "europe/berlin" is "Europe/Berlin". Names that are not there
 * leave nothing behind, so the table is bounded by tzdata and by the offsets there are. */
#include <telemetry/zone.h>

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zone_own.h"

#define TZDATA_FOLDER "/usr/share/zoneinfo"

enum { BUCKETS = 64, FILE_BYTES_MAX = 64 * 1024, OFFSET_MINUTES_MAX = 18 * 60, PATH_BYTES = 4096 };

struct zones {
    const char *folder;
    struct zone utc;
    struct zone *buckets[BUCKETS];
    bool ran_out; /* of memory or of open files, at a name that may exist */
};

static void zone_set_name(struct zone *zone, struct slice name)
{
    memcpy(zone->name, name.data, name.len);
    zone->name_bytes = (uint8_t)name.len;
}

struct zones *zones_new(const char *folder)
{
    struct zones *zones = calloc(1, sizeof(*zones));
    if (zones == NULL)
        return NULL;
    zones->folder = folder == NULL ? TZDATA_FOLDER : folder;
    zone_set_name(&zones->utc, SLICE("UTC"));
    return zones;
}

void zones_free(struct zones **zones)
{
    for (unsigned i = 0; *zones != NULL && i < BUCKETS; i++)
        for (struct zone *zone = (*zones)->buckets[i], *next; zone != NULL; zone = next) {
            next = zone->next;
            free(zone);
        }
    free(*zones);
    *zones = NULL;
}

static struct zone **bucket_of(struct zones *zones, struct slice name)
{
    unsigned sum = 0;
    for (size_t i = 0; i < name.len; i++)
        sum = sum * 31 + (unsigned char)name.data[i];
    return &zones->buckets[sum % BUCKETS];
}

static const struct zone *look_up(struct zones *zones, struct slice name)
{
    const struct zone *zone = *bucket_of(zones, name);
    while (zone != NULL && !slice_equal(zone_name(zone), name))
        zone = zone->next;
    return zone;
}

/* Takes zone, which may be NULL. */
static const struct zone *keep(struct zones *zones, struct zone *zone, struct slice name)
{
    if (zone == NULL)
        return NULL;
    struct zone **bucket = bucket_of(zones, name);
    zone_set_name(zone, name);
    zone->next = *bucket;
    *bucket = zone;
    return zone;
}

static bool two_digits(const char *place, int *ret_number)
{
    if (place[0] < '0' || place[0] > '9' || place[1] < '0' || place[1] > '9')
        return false;
    *ret_number = (place[0] - '0') * 10 + (place[1] - '0');
    return true;
}

/* +hh, +hhmm or +hh:mm, up to 18 hours on either side. */
static bool offset_parse(struct slice text, int *ret_minutes)
{
    int hours, minutes = 0;
    bool colon = text.len == 6;
    if ((text.len != 3 && text.len != 5 && !colon) || (text.data[0] != '+' && text.data[0] != '-') ||
        (colon && text.data[3] != ':') || !two_digits(text.data + 1, &hours) ||
        (text.len > 3 && !two_digits(text.data + text.len - 2, &minutes)) || minutes > 59 ||
        hours * 60 + minutes > OFFSET_MINUTES_MAX)
        return false;
    *ret_minutes = (text.data[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

static const struct zone *fixed_zone(struct zones *zones, int minutes)
{
    char text[16];
    unsigned size = (unsigned)abs(minutes);
    if (minutes == 0)
        return &zones->utc;
    int len = snprintf(text, sizeof(text), "%c%02u:%02u", minutes < 0 ? '-' : '+', size / 60, size % 60);
    struct slice name = { text, (size_t)len };
    const struct zone *known = look_up(zones, name);
    if (known != NULL)
        return known;
    struct zone *zone = calloc(1, sizeof(*zone));
    if (zone != NULL)
        zone->first_s = minutes * 60;
    return keep(zones, zone, name);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_letters(struct slice a, struct slice b)
{
    for (size_t i = 0; a.len == b.len && i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return a.len == b.len;
}

/* Letters, digits, _ + - and single slashes between them: no dot, so no way out of the folder. */
static bool name_is_plain(struct slice name)
{
    if (name.len == 0 || name.len > ZONE_NAME_MAX || name.data[0] == '/' || name.data[name.len - 1] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = lower(name.data[i]);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
        if (!plain && (c != '/' || name.data[i - 1] == '/'))
            return false;
    }
    return true;
}

/* Puts the folder's own spelling of one part of a path over it: the very same if there, else one in other case. */
static bool spell_part(const char *folder, char *part, size_t len)
{
    bool found = false;
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return false;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (!same_letters(slice_of(entry->d_name), (struct slice){ part, len }))
            continue;
        found = true;
        if (memcmp(entry->d_name, part, len) == 0)
            break;
        memcpy(part, entry->d_name, len);
    }
    closedir(entries);
    return found;
}

/* path is the folder, a slash, and from `name` on the name, all with a NUL behind. */
static bool spell(char *path, char *name)
{
    for (char *part = name; part != NULL;) {
        char *end = strchr(part, '/');
        size_t len = end == NULL ? strlen(part) : (size_t)(end - part);
        part[-1] = '\0';
        bool found = spell_part(path, part, len);
        part[-1] = '/';
        if (!found)
            return false;
        part = end == NULL ? NULL : end + 1;
    }
    return true;
}

/* Bytes of a regular file that is not too large; -1 when it is none. A pipe or a device would not end. */
static ssize_t read_whole(const char *path, char *place)
{
    struct stat about;
    ssize_t len = 0, n = -1;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return -1;
    if (fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_size <= FILE_BYTES_MAX)
        while ((n = read(file, place + len, (size_t)(FILE_BYTES_MAX - len))) > 0)
            len += n;
    close(file);
    return n < 0 ? -1 : len;
}

static struct zone *read_zone(const char *path)
{
    char *bytes = malloc(FILE_BYTES_MAX);
    ssize_t len = bytes == NULL ? -1 : read_whole(path, bytes);
    struct zone *zone = len < 0 ? NULL : zone_tzif_read((struct slice){ bytes, (size_t)len });
    free(bytes);
    return zone;
}

static const struct zone *tzdata_zone(struct zones *zones, struct slice wanted)
{
    char path[PATH_BYTES];
    int len = snprintf(path, sizeof(path), "%s/%.*s", zones->folder, (int)wanted.len, wanted.data);
    if (len < 0 || (size_t)len >= sizeof(path))
        return NULL;
    struct slice name = { path + (size_t)len - wanted.len, wanted.len };
    if (!spell(path, path + (size_t)len - wanted.len))
        return NULL;
    const struct zone *known = look_up(zones, name);
    return known != NULL ? known : keep(zones, read_zone(path), name);
}

static const struct zone *find(struct zones *zones, struct slice name)
{
    int minutes;
    if (same_letters(name, SLICE("UTC")) || same_letters(name, SLICE("Z")))
        return &zones->utc;
    if (offset_parse(name, &minutes))
        return fixed_zone(zones, minutes);
    /* What this machine's own clock shows would be another zone on the next machine. */
    if (!name_is_plain(name) || same_letters(name, SLICE("localtime")))
        return NULL;
    const struct zone *known = look_up(zones, name);
    return known != NULL ? known : tzdata_zone(zones, name);
}

const struct zone *zones_find(struct zones *zones, struct slice name)
{
    assert(zones != NULL);
    errno = 0;
    const struct zone *zone = find(zones, name);
    if (zone == NULL && (errno == ENOMEM || errno == EMFILE || errno == ENFILE))
        zones->ran_out = true;
    return zone;
}

bool zones_ran_out(struct zones *zones)
{
    bool ran_out = zones->ran_out;
    zones->ran_out = false;
    return ran_out;
}
