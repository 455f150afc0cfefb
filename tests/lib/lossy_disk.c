/* SPDX-License-Identifier: MIT */
#include "lossy_disk.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR_BYTES = 512, MAP_BYTES = 32 * 1024, MAP_SPOILS = 64, CANNOT = 99 };

struct disk_file {
    struct disk_file *next;
    struct change *newest;
    char path[];
};

static struct disk_file *disk_files;
static uint64_t state; /* of chance */

struct disk_file *disk_file_of(const char *path)
{
    for (struct disk_file *file = disk_files; file != NULL; file = file->next)
        if (strcmp(file->path, path) == 0)
            return file;
    size_t bytes = strlen(path) + 1;
    struct disk_file *file = calloc(1, sizeof(*file) + bytes);
    memcpy(file->path, path, bytes);
    file->next = disk_files;
    disk_files = file;
    return file;
}

void disk_file_note(struct disk_file *file, struct change *change)
{
    change->older = file->newest;
    file->newest = change;
}

void disk_file_forget(struct disk_file *file)
{
    while (file->newest != NULL) {
        struct change *change = file->newest;
        file->newest = change->older;
        free(change);
    }
}

/* Power --------------------------------------------------------------------- */

/* xorshift (Marsaglia 2003). */
static uint64_t random_below(uint64_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % limit;
}

static void must(bool done)
{
    if (!done)
        _exit(CANNOT);
}

static void put(int file, const char *data, size_t bytes, int64_t offset)
{
    must(pwrite(file, data, bytes, offset) == (ssize_t)bytes);
}

static void undo(int file, const struct change *change)
{
    struct stat now;
    put(file, change->data, change->old_bytes, change->offset);
    must(fstat(file, &now) == 0);
    must(now.st_size <= change->old_file_bytes || ftruncate(file, change->old_file_bytes) == 0);
}

/* A disk writes sectors, and perhaps not all of them. */
static void redo(int file, const struct change *change)
{
    size_t bytes = change->new_bytes;
    if (random_below(4) == 0)
        bytes = random_below(bytes / SECTOR_BYTES + 1) * SECTOR_BYTES;
    if (change->new_bytes == 0)
        must(ftruncate(file, change->offset) == 0);
    else
        put(file, change->data + change->old_bytes, bytes, change->offset);
}

/* Oldest first. */
static void redo_some(int file, const struct change *newest, unsigned kept_percent)
{
    unsigned n = 0, at = 0;
    for (const struct change *change = newest; change != NULL; change = change->older)
        n++;
    const struct change **changes = calloc(n, sizeof(changes[0]));
    must(changes != NULL);
    for (const struct change *change = newest; change != NULL; change = change->older)
        changes[n - 1 - at++] = change;
    for (unsigned i = 0; i < n; i++)
        if (random_below(100) < kept_percent)
            redo(file, changes[i]);
    free(changes);
}

/* The map of a log is never synced: it is gone, or holds anything. */
static void spoil_map(const char *log_path)
{
    char path[4096];
    size_t len = strlen(log_path);
    if (len < 4 || len >= sizeof(path) || strcmp(log_path + len - 4, "-wal") != 0)
        return;
    memcpy(path, log_path, len + 1);
    memcpy(path + len - 3, "shm", 3);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    for (unsigned i = 0; file >= 0 && i < MAP_SPOILS; i++)
        put(file, (const char[]){ (char)random_below(256) }, 1, (int64_t)random_below(MAP_BYTES));
    if (file >= 0)
        close(file);
    if (random_below(2) == 0)
        unlink(path);
}

static void lose(const struct disk_file *disk, const struct lossy_end *end)
{
    int file = open(disk->path, O_RDWR | O_CLOEXEC);
    if (end->kept_percent > 0)
        spoil_map(disk->path);
    if (file < 0)
        return;
    for (const struct change *change = disk->newest; change != NULL; change = change->older)
        undo(file, change);
    if (end->kept_percent > 0)
        redo_some(file, disk->newest, end->kept_percent);
    close(file);
}

/* ThreadSanitizer waits a second for late races at the end of each process, and here many end. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "atexit_sleep_ms=0";
}

void disk_power_off(const struct lossy_end *end)
{
    state = end->seed;
    for (const struct disk_file *disk = disk_files; disk != NULL; disk = disk->next)
        lose(disk, end);
    _exit(end->exit_code);
}
