/* SPDX-License-Identifier: MIT */
/* lossy_vfs: forwards all to the system's VFS. What is remembered belongs to a path, since several
 * connections have one file open and a sync by any of them is a sync of the file. */
#include "lossy_vfs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "lossy_disk.h"

struct lossy_file {
    sqlite3_file base; /* first: SQLite knows only this */
    struct disk_file *disk;
    bool is_log;
    sqlite3_file *real; /* lies behind this struct */
};

static sqlite3_vfs *system_vfs;
static sqlite3_vfs lossy;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int failing_syncs, failing_writes;

/* The end by itself; under the mutex. */
static struct lossy_end end;
static unsigned n_operations;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct lossy_file *)file)->real;
}

/* Before a write of these bytes, or with none before a truncation that drops so many. */
static void remember(struct lossy_file *file, sqlite3_int64 offset, sqlite3_int64 bytes, const void *data)
{
    sqlite3_int64 file_bytes = 0;
    file->real->pMethods->xFileSize(file->real, &file_bytes);
    sqlite3_int64 old = offset >= file_bytes ? 0 : file_bytes - offset < bytes ? file_bytes - offset : bytes;
    size_t new_bytes = data == NULL ? 0 : (size_t)bytes;
    struct change *change = malloc(sizeof(*change) + (size_t)old + new_bytes);
    *change = (struct change){ NULL, offset, file_bytes, (size_t)old, new_bytes };
    if (old > 0)
        file->real->pMethods->xRead(file->real, change->data, (int)old, offset);
    if (new_bytes > 0)
        memcpy(change->data + old, data, new_bytes);
    disk_file_note(file->disk, change);
}

/* Operations ---------------------------------------------------------------- */

/* Counts what changes a disk. Under the mutex, which stays locked at the end: nothing is written any more. */
static void count_operation(void)
{
    if (end.at_operation != 0 && ++n_operations == end.at_operation)
        disk_power_off(&end);
}

static bool refuses(struct lossy_file *file, atomic_int *failing)
{
    if (!file->is_log || atomic_load(failing) <= 0)
        return false;
    atomic_fetch_sub(failing, 1);
    return true;
}

static int lossy_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 offset)
{
    struct lossy_file *self = (struct lossy_file *)file;
    if (refuses(self, &failing_writes))
        return SQLITE_IOERR_WRITE;
    pthread_mutex_lock(&mutex);
    if (self->disk != NULL)
        remember(self, offset, bytes, data);
    count_operation();
    int code = self->real->pMethods->xWrite(self->real, data, bytes, offset);
    pthread_mutex_unlock(&mutex);
    return code;
}

static int lossy_truncate(sqlite3_file *file, sqlite3_int64 bytes)
{
    struct lossy_file *self = (struct lossy_file *)file;
    sqlite3_int64 file_bytes = 0;
    pthread_mutex_lock(&mutex);
    self->real->pMethods->xFileSize(self->real, &file_bytes);
    if (self->disk != NULL && file_bytes > bytes)
        remember(self, bytes, file_bytes - bytes, NULL);
    count_operation();
    int code = self->real->pMethods->xTruncate(self->real, bytes);
    pthread_mutex_unlock(&mutex);
    return code;
}

/* The power that can fail is this layer's, so that nothing need reach the disk below. */
static int lossy_sync(sqlite3_file *file, int flags)
{
    struct lossy_file *self = (struct lossy_file *)file;
    if (refuses(self, &failing_syncs))
        return SQLITE_IOERR_FSYNC;
    pthread_mutex_lock(&mutex);
    count_operation();
    if (self->disk != NULL)
        disk_file_forget(self->disk);
    pthread_mutex_unlock(&mutex);
    return SQLITE_OK;
}

/* Without power nothing is read either: what the disk has lost is for the next process to find. */
static int lossy_read(sqlite3_file *file, void *data, int bytes, sqlite3_int64 offset)
{
    pthread_mutex_lock(&mutex);
    int code = real_of(file)->pMethods->xRead(real_of(file), data, bytes, offset);
    pthread_mutex_unlock(&mutex);
    return code;
}

static int lossy_size(sqlite3_file *file, sqlite3_int64 *ret_bytes)
{
    pthread_mutex_lock(&mutex);
    int code = real_of(file)->pMethods->xFileSize(real_of(file), ret_bytes);
    pthread_mutex_unlock(&mutex);
    return code;
}

/* Forwards ------------------------------------------------------------------ */

static int lossy_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int lossy_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int lossy_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int lossy_check_lock(sqlite3_file *file, int *ret_locked)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_locked);
}

static int lossy_control(sqlite3_file *file, int op, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}

static int lossy_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int lossy_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int lossy_shm_map(sqlite3_file *file, int page, int bytes, int extend, void volatile **ret_memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, bytes, extend, ret_memory);
}

static int lossy_shm_lock(sqlite3_file *file, int first, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), first, n, flags);
}

static void lossy_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int lossy_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = lossy_close,
    .xRead = lossy_read,
    .xWrite = lossy_write,
    .xTruncate = lossy_truncate,
    .xSync = lossy_sync,
    .xFileSize = lossy_size,
    .xLock = lossy_lock,
    .xUnlock = lossy_unlock,
    .xCheckReservedLock = lossy_check_lock,
    .xFileControl = lossy_control,
    .xSectorSize = lossy_sector,
    .xDeviceCharacteristics = lossy_device,
    .xShmMap = lossy_shm_map,
    .xShmLock = lossy_shm_lock,
    .xShmBarrier = lossy_shm_barrier,
    .xShmUnmap = lossy_shm_unmap,
};

static int lossy_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *ret_flags)
{
    struct lossy_file *self = (struct lossy_file *)file;
    *self = (struct lossy_file){ .real = (sqlite3_file *)(self + 1), .is_log = (flags & SQLITE_OPEN_WAL) != 0 };
    memset(self->real, 0, (size_t)system_vfs->szOsFile);
    int code = system_vfs->xOpen(system_vfs, name, self->real, flags, ret_flags);
    if (code != SQLITE_OK)
        return code;
    pthread_mutex_lock(&mutex);
    self->disk = name == NULL ? NULL : disk_file_of(name);
    pthread_mutex_unlock(&mutex);
    self->base.pMethods = &methods;
    return SQLITE_OK;
}

static int lossy_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    pthread_mutex_lock(&mutex);
    disk_file_forget(disk_file_of(name));
    int code = system_vfs->xDelete(system_vfs, name, sync_folder);
    pthread_mutex_unlock(&mutex);
    return code;
}

/* From outside -------------------------------------------------------------- */

void lossy_vfs_power_off(int exit_code)
{
    pthread_mutex_lock(&mutex);
    disk_power_off(&(struct lossy_end){ .exit_code = exit_code });
}

void lossy_vfs_end(const struct lossy_end *wanted)
{
    pthread_mutex_lock(&mutex);
    end = *wanted;
    n_operations = 0;
    pthread_mutex_unlock(&mutex);
}

void lossy_vfs_install(void)
{
    system_vfs = sqlite3_vfs_find(NULL);
    lossy = *system_vfs;
    lossy.zName = "lossy";
    lossy.szOsFile = (int)sizeof(struct lossy_file) + system_vfs->szOsFile;
    lossy.xOpen = lossy_open;
    lossy.xDelete = lossy_delete;
    lossy.pNext = NULL;
    sqlite3_vfs_register(&lossy, 1);
}

void lossy_vfs_fail_syncs(int n)
{
    atomic_store(&failing_syncs, n);
}

void lossy_vfs_fail_writes(int n)
{
    atomic_store(&failing_writes, n);
}
