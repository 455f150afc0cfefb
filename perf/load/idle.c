/* SPDX-License-Identifier: MIT */
#include "idle.h"

#include <stdlib.h>

void idle_init(struct idle *idle, unsigned n_connections)
{
    *idle = (struct idle){ .ring = zeroed(n_connections, sizeof(*idle->ring)), .size = n_connections };
}

void idle_free(struct idle *idle)
{
    free(idle->ring);
    *idle = (struct idle){ 0 };
}

void idle_push(struct idle *idle, struct connection *connection)
{
    if (connection->queued)
        return;
    connection->queued = true;
    idle->ring[(idle->first + idle->n++) % idle->size] = connection;
}

static void drop_first(struct idle *idle)
{
    idle->ring[idle->first]->queued = false;
    idle->first = (idle->first + 1) % idle->size;
    idle->n--;
}

struct connection *idle_peek(struct idle *idle)
{
    while (idle->n > 0 && idle->ring[idle->first]->state != CONNECTION_IDLE)
        drop_first(idle);
    return idle->n > 0 ? idle->ring[idle->first] : NULL;
}

struct connection *idle_pop(struct idle *idle)
{
    struct connection *connection = idle_peek(idle);
    if (connection != NULL)
        drop_first(idle);
    return connection;
}
