/* SPDX-License-Identifier: MIT */
/* access: a set of keys, shared by reference. */
#include "access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

enum { FILE_BYTES_MAX = 1024 * 1024 };

struct access {
    atomic_uint references;
    unsigned n_keys;
    struct access_key keys[];
};

struct access *access_share(struct access *access)
{
    atomic_fetch_add_explicit(&access->references, 1, memory_order_relaxed);
    return access;
}

void access_release(struct access **access)
{
    struct access *held = *access;
    *access = NULL;
    if (held != NULL && atomic_fetch_sub_explicit(&held->references, 1, memory_order_acq_rel) == 1)
        free(held);
}

unsigned access_count(const struct access *access)
{
    return access->n_keys;
}

const struct access_key *access_find(const struct access *access, struct slice presented)
{
    uint8_t digest[ACCESS_DIGEST_BYTES];
    const struct access_key *found = NULL;
    access_digest(presented, digest);
    for (unsigned i = 0; i < access->n_keys; i++)
        if (CRYPTO_memcmp(access->keys[i].digest, digest, ACCESS_DIGEST_BYTES) == 0)
            found = &access->keys[i];
    return found;
}

/* The file ------------------------------------------------------------------- */

/* Reads the whole file into a heap block. */
static int read_file(int fd, const char *path, char **ret_text, size_t *ret_len, struct error *error)
{
    char *text = malloc(FILE_BYTES_MAX + 1);
    size_t len = 0;
    ssize_t n = text == NULL ? -1 : 1;
    while (n > 0 && len <= FILE_BYTES_MAX) {
        n = read(fd, text + len, FILE_BYTES_MAX + 1 - len);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            len += (size_t)n;
    }
    if (n < 0 || len > FILE_BYTES_MAX) {
        free(text);
        return error_set(error, 78, "API_KEYS_FILE: cannot read %s: %s", path,
                         n < 0 ? strerror(errno) : "it is larger than 1 MiB");
    }
    *ret_text = text;
    *ret_len = len;
    return 0;
}

static int open_file(const char *path, char **ret_text, size_t *ret_len, struct error *error)
{
    struct stat state;
    int result = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &state) != 0) {
        error_set(error, 78, "API_KEYS_FILE: cannot read %s: %s", path, strerror(errno));
    } else if (!S_ISREG(state.st_mode)) {
        error_set(error, 78, "API_KEYS_FILE: %s is no plain file", path);
    } else if ((state.st_mode & S_IWOTH) != 0) {
        error_set(error, 78, "API_KEYS_FILE: anybody may write to %s: chmod o-w it", path);
    } else {
        result = read_file(fd, path, ret_text, ret_len, error);
    }
    if (fd >= 0)
        close(fd);
    return result;
}

static bool is_taken(const struct access *access, const struct access_key *key)
{
    for (unsigned i = 0; i < access->n_keys; i++)
        if (strcmp(access->keys[i].name, key->name) == 0 ||
            CRYPTO_memcmp(access->keys[i].digest, key->digest, ACCESS_DIGEST_BYTES) == 0)
            return true;
    return false;
}

/* Takes one line; NULL, or what is wrong with it. */
static const char *add_line(struct access *access, struct slice line)
{
    struct access_key key;
    bool is_empty;
    const char *fault = key_line_parse(line, &key, &is_empty);
    if (fault != NULL || is_empty)
        return fault;
    if (is_taken(access, &key))
        return "a key of this name or with this digest stands above";
    if (access->n_keys == ACCESS_KEYS_MAX)
        return "there are more than 1024 keys";
    access->keys[access->n_keys++] = key;
    return NULL;
}

static int add_lines(struct access *access, const char *path, struct slice text, struct error *error)
{
    unsigned number = 1;
    while (text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        const char *fault = add_line(access, (struct slice){ text.data, len });
        if (fault != NULL)
            return error_set(error, 78, "API_KEYS_FILE: %s, line %u: %s", path, number, fault);
        len += end != NULL;
        text = (struct slice){ text.data + len, text.len - len };
        number++;
    }
    return 0;
}

int access_load(const char *path, struct access **ret_access, struct error *error)
{
    char *text = NULL;
    size_t len = 0;
    if (open_file(path, &text, &len, error) != 0)
        return -1;
    struct access *access = calloc(1, sizeof(*access) + ACCESS_KEYS_MAX * sizeof(access->keys[0]));
    int result = access == NULL ? error_set(error, 1, "no memory for the keys")
                                : add_lines(access, path, (struct slice){ text, len }, error);
    free(text);
    if (result != 0) {
        free(access);
        return -1;
    }
    atomic_init(&access->references, 1);
    *ret_access = access;
    return 0;
}
