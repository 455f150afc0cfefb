/* SPDX-License-Identifier: MIT */
#include "http/guard.h"

#include <strings.h>

#include <telemetry/hash.h>

#include "http/head.h"
#include "http/loop.h"

/* The key that is shown, or an empty text. */
static struct slice shown_key(const struct head *head)
{
    static const struct slice scheme = { "Bearer ", 7 };
    struct slice authorization = head->authorization;
    if (authorization.len == 0)
        return head->api_key;
    if (authorization.len < scheme.len || strncasecmp(authorization.data, scheme.data, scheme.len) != 0)
        return (struct slice){ NULL, 0 };
    return (struct slice){ authorization.data + scheme.len, authorization.len - scheme.len };
}

static bool shows_nothing(const struct head *head)
{
    return head->authorization.len == 0 && head->api_key.len == 0;
}

static bool has_body(const struct head *head)
{
    return head->chunked || head->content_length > 0;
}

enum status guard_identify(const struct loop *loop, const struct head *head, struct pass *ret_pass)
{
    *ret_pass = (struct pass){ .role = ROLE_ADMIN };
    if (loop->access == NULL)
        return STATUS_OK;
    ret_pass->role = ROLE_NONE;
    bool is_keyless = shows_nothing(head);
    if (!is_keyless)
        ret_pass->key = access_find(loop->access, shown_key(head));
    if (ret_pass->key != NULL)
        ret_pass->role = ret_pass->key->role;
    ret_pass->is_stranger = ret_pass->key == NULL && (!is_keyless || has_body(head));
    return ret_pass->is_stranger ? STATUS_UNAUTHORIZED : STATUS_OK;
}

/* Counting ------------------------------------------------------------------- */

/* Sets a client's wrong keys apart from its calls. */
static const uint64_t stranger_mark = 0x9e3779b97f4a7c15;

static uint64_t client_of(const struct guard_settings *settings, const struct head *head, struct address peer)
{
    struct address client = client_address(&settings->trusted, peer, head->forwarded_for);
    return address_hash(&client);
}

static bool count(const struct loop *loop, uint64_t who, struct limit limit, struct limit_note *note)
{
    if (loop->settings->guard.limiter == NULL || limit.rate == 0)
        return true;
    note->limit = limit;
    return limiter_take(loop->settings->guard.limiter, who, &limit, loop_now_ns(loop), &note->left);
}

bool guard_count(const struct loop *loop, const struct head *head, struct address peer, struct pass *pass)
{
    const struct guard_settings *settings = &loop->settings->guard;
    struct limit limit = settings->limit;
    if (pass->key == NULL)
        return count(loop, client_of(settings, head, peer), limit, &pass->note);
    if (pass->key->rate > 0)
        limit = (struct limit){ pass->key->rate, pass->key->rate };
    struct slice digest = { (const char *)pass->key->digest, ACCESS_DIGEST_BYTES };
    return count(loop, hash_stable(digest), limit, &pass->note);
}

bool guard_count_stranger(const struct loop *loop, const struct head *head, struct address peer, struct pass *pass)
{
    const struct guard_settings *settings = &loop->settings->guard;
    return count(loop, client_of(settings, head, peer) ^ stranger_mark, settings->limit, &pass->note);
}
