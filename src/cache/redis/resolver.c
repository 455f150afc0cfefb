/* SPDX-License-Identifier: MIT */
#include "cache/redis/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_BYTES = 1024, PORT_BYTES = 8 };

/* Owned by both sides; who lets go last frees it. */
struct resolver {
    atomic_int n_owners;
    atomic_bool is_answered; /* what follows is written before, by the thread */
    int result;              /* of getaddrinfo() */
    struct addresses addresses;
    char host[HOST_BYTES];
    char port[PORT_BYTES];
};

static void let_go(struct resolver *resolver)
{
    if (atomic_fetch_sub(&resolver->n_owners, 1) == 1)
        free(resolver);
}

static void *resolve(void *context)
{
    struct resolver *resolver = context;
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    resolver->result = getaddrinfo(resolver->host, resolver->port, &hints, &found);
    struct addresses *addresses = &resolver->addresses;
    for (struct addrinfo *info = found; info != NULL && addresses->n < ADDRESSES_MAX; info = info->ai_next) {
        struct address *address = &addresses->list[addresses->n++];
        address->len = info->ai_addrlen;
        memcpy(&address->socket, info->ai_addr, info->ai_addrlen);
    }
    if (found != NULL)
        freeaddrinfo(found);
    atomic_store(&resolver->is_answered, true);
    let_go(resolver);
    return NULL;
}

struct resolver *resolver_start(const char *host, unsigned port)
{
    pthread_t thread;
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    if (resolver == NULL || strlen(host) >= HOST_BYTES) {
        free(resolver);
        return NULL;
    }
    memcpy(resolver->host, host, strlen(host) + 1);
    snprintf(resolver->port, sizeof(resolver->port), "%u", port % 65536);
    atomic_init(&resolver->n_owners, 2);
    if (pthread_create(&thread, NULL, resolve, resolver) != 0) {
        free(resolver);
        return NULL;
    }
    pthread_detach(thread);
    return resolver;
}

int resolver_poll(struct resolver *resolver, struct addresses *ret_addresses, const char **ret_reason)
{
    if (!atomic_load(&resolver->is_answered))
        return 1;
    if (resolver->result != 0) {
        *ret_reason = gai_strerror(resolver->result);
        return -1;
    }
    *ret_addresses = resolver->addresses;
    return 0;
}

void resolver_drop(struct resolver **resolver)
{
    if (*resolver != NULL)
        let_go(*resolver);
    *resolver = NULL;
}
