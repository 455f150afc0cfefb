/* SPDX-License-Identifier: MIT */
/* probe: whether the store can be used, by asking it. `ping` needs no user, so it tells nothing: a probe
 * is a read of the collection and an update that matches no document. */
#pragma once

#include "failure.h"

struct link;

enum server_kind { SERVER_PLAIN, SERVER_ROUTER }; /* a router: mongos, in front of a sharded cluster */

/* Reads and writes nothing in particular. The thread of the link. On failure error holds its text. */
enum failure probe_run(struct link *link, enum server_kind *ret_kind, bson_error_t *error);

/* Returns FAILURE_NONE when what was written under some ids is confirmed as the write concern asks for. `ids` is a
 * condition on _id alone. It waits for the newest write of each server that has them: MongoDB takes that for the
 * write to wait for where an update changes nothing (LastOpFixer), and a router sends it to the shards of the ids. */
enum failure probe_confirm(struct link *link, const bson_t *ids, bson_error_t *error);

/* Tells a set of servers without a primary from one of which none answers. */
enum failure probe_refine(mongoc_client_t *client, enum failure failure);
