/* SPDX-License-Identifier: MIT */
/* access: who may do what: the keys of API_KEYS_FILE, and how often each may call.
 *
 * A key is 256 random bits in text; the file has its SHA-256 (FIPS 180-4) only. A set of keys never changes once
 * it is read; who reads the file anew shares the new set and lets go of the old one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <telemetry/slice.h>
#include <telemetry/status.h>

/* Each may do what the ones before it may. */
enum role {
    ROLE_NONE,   /* what needs no key */
    ROLE_READER, /* read and ask */
    ROLE_WRITER, /* store new metrics */
    ROLE_ADMIN   /* replace and delete */
};

enum {
    ACCESS_KEYS_MAX = 1024,
    ACCESS_NAME_MAX = 64,    /* bytes of a key's name */
    ACCESS_PREFIX_MAX = 256, /* of the names it may touch */
    ACCESS_DIGEST_BYTES = 32,
    ACCESS_KEY_TEXT_BYTES = 48 /* "tsk_", 43 letters of base64url, NUL */
};

struct access_key {
    char name[ACCESS_NAME_MAX + 1];     /* letters, digits, - _ . */
    char prefix[ACCESS_PREFIX_MAX + 1]; /* of the metric names it may touch; empty: all */
    uint8_t digest[ACCESS_DIGEST_BYTES];
    uint8_t role;  /* enum role */
    uint32_t rate; /* requests a second; 0: RATE_LIMIT */
};

struct access;

/* Boot or main thread. Gives the keys of a file, one on a line: NAME ROLE SHA256-IN-HEX [prefix=TEXT] [rate=N]; #
 * begins a comment. -1 with error set, which names the line; the file must not be readable for all. */
MUST_CHECK int access_load(const char *path, struct access **ret_access, struct error *error);
/* Any thread. */
struct access *access_share(struct access *access);
/* Lets go of one reference; nulls *access. NULL inside is allowed. */
void access_release(struct access **access);
unsigned access_count(const struct access *access);

/* Any thread. Lends the key that was presented, or NULL. All digests are compared, in a time that does not
 * depend on where they differ. */
const struct access_key *access_find(const struct access *access, struct slice presented);

/* The text of a role; and read: ROLE_NONE when there is none of this name. */
const char *role_name(enum role role);
enum role role_parse(struct slice name);

/* Makes a new key: its text, and the line that API_KEYS_FILE needs of it. -1 with error set: the name or the role
 * is not allowed, or the system has no random numbers. */
MUST_CHECK int access_new_key(const char *name, const char *role, char ret_text[ACCESS_KEY_TEXT_BYTES],
                              char ret_line[256], struct error *error);
