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
    if (shows_nothing(head))
        return has_body(head) ? STATUS_UNAUTHORIZED : STATUS_OK;
    ret_pass->key = access_find(loop->access, shown_key(head));
    if (ret_pass->key == NULL)
        return STATUS_UNAUTHORIZED;
    ret_pass->role = ret_pass->key->role;
    return STATUS_OK;
}

static uint64_t caller_of(const struct guard_settings *settings, const struct head *head, struct address peer,
                          const struct access_key *key)
{
    if (key != NULL)
        return hash_seeded((struct slice){ (const char *)key->digest, ACCESS_DIGEST_BYTES });
    struct address client = client_address(&settings->trusted, peer, head->forwarded_for);
    return address_hash(&client);
}

bool guard_count(const struct loop *loop, const struct head *head, struct address peer, struct pass *pass)
{
    const struct guard_settings *settings = &loop->settings->guard;
    struct limit limit = settings->limit;
    if (pass->key != NULL && pass->key->rate > 0)
        limit = (struct limit){ pass->key->rate, pass->key->rate };
    if (settings->limiter == NULL || limit.rate == 0)
        return true;
    pass->note.limit = limit;
    return limiter_take(settings->limiter, caller_of(settings, head, peer, pass->key), &limit, loop_now_ns(loop),
                        &pass->note.left);
}
