/* SPDX-License-Identifier: MIT */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0750, FILE_MODE = 0640 };

int folder_make(const char *path, struct error *error)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(part))
        return error_set(error, 78, "DATA_DIR is empty or too long");
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, FOLDER_MODE) != 0 && errno != EEXIST)
            return error_set(error, 1, "cannot make the folder %s: %s", part, strerror(errno));
    }
    return 0;
}

int folder_lock(const char *path, int *ret_lock, struct error *error)
{
    char file[PATH_MAX];
    if (snprintf(file, sizeof(file), "%s/metrics.lock", path) >= (int)sizeof(file))
        return error_set(error, 78, "DATA_DIR is too long");
    int lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (lock < 0)
        return error_set(error, 1, "cannot write to the data folder: %s: %s", file, strerror(errno));
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        int failure = errno;
        close(lock);
        return failure == EWOULDBLOCK ? error_set(error, 1, "another server uses the data folder %s", path)
                                      : error_set(error, 1, "cannot lock %s: %s", file, strerror(failure));
    }
    *ret_lock = lock;
    return 0;
}
