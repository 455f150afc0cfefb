/* SPDX-License-Identifier: MIT */
/* key: digests, names, and new keys. */
#include "access.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* OpenSSL's functions of before 3.0 need no memory, so that no digest can fail. */
#define OPENSSL_API_COMPAT 10101
#include <openssl/sha.h>

enum { RANDOM_BYTES = 32, SIX_BITS = 63 };

static const char *const names[] = {
    [ROLE_NONE] = "none", [ROLE_READER] = "reader", [ROLE_WRITER] = "writer", [ROLE_ADMIN] = "admin"
};

const char *role_name(enum role role)
{
    return names[role];
}

enum role role_parse(struct slice name)
{
    for (enum role role = ROLE_READER; role <= ROLE_ADMIN; role++)
        if (slice_equal(name, slice_of(names[role])))
            return role;
    return ROLE_NONE;
}

void access_digest(struct slice text, uint8_t ret_digest[ACCESS_DIGEST_BYTES])
{
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, text.data, text.len);
    SHA256_Final(ret_digest, &context);
}

bool access_name_is_good(struct slice name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] == '\0' || strchr(allowed, name.data[i]) == NULL)
            return false;
    return name.len >= 1 && name.len <= ACCESS_NAME_MAX;
}

/* base64url without padding (RFC 4648, 5) of 32 bytes behind the mark. */
static void write_text(const uint8_t random[RANDOM_BYTES], char ret_text[ACCESS_KEY_TEXT_BYTES])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *place = ret_text;
    uint32_t bits = 0;
    unsigned n_bits = 0;
    memcpy(place, "tsk_", 4);
    place += 4;
    for (unsigned i = 0; i < RANDOM_BYTES; i++) {
        bits = bits << 8 | random[i];
        for (n_bits += 8; n_bits >= 6; n_bits -= 6)
            *place++ = letters[bits >> (n_bits - 6) & SIX_BITS];
    }
    *place++ = letters[bits << (6 - n_bits) & SIX_BITS];
    *place = '\0';
}

int access_new_key(const char *name, const char *role, char ret_text[ACCESS_KEY_TEXT_BYTES], char ret_line[256],
                   struct error *error)
{
    uint8_t random[RANDOM_BYTES], digest[ACCESS_DIGEST_BYTES];
    if (!access_name_is_good(slice_of(name)))
        return error_set(error, 64, "a key's name has 1 to %d letters, digits and - _ .", (int)ACCESS_NAME_MAX);
    if (role_parse(slice_of(role)) == ROLE_NONE)
        return error_set(error, 64, "there are the roles reader, writer and admin");
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return error_set(error, 1, "the system gives no random numbers");
    write_text(random, ret_text);
    access_digest(slice_of(ret_text), digest);
    int len = snprintf(ret_line, 256, "%s %s ", name, role);
    for (unsigned i = 0; i < ACCESS_DIGEST_BYTES; i++)
        len += snprintf(ret_line + len, 256 - (size_t)len, "%02x", digest[i]);
    return 0;
}
