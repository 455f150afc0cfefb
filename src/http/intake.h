/* SPDX-License-Identifier: MIT */
/* intake: between the files that make jobs of requests. Loop thread. */
#pragma once

#include <telemetry/limiter.h>
#include <telemetry/slice.h>

#include "http/guard.h"
#include "http/head.h"

struct connection;

/* A request is whole: a job goes on its way with it. `body` is used when no body block is held. */
void intake_submit(struct connection *connection, const struct head *head, struct slice body, const struct pass *pass);

/* A whole request is refused: the connection goes on behind the answer. */
void intake_refuse_whole(struct connection *connection, const struct head *head, struct refusal refusal,
                         const struct limit_note *note);
/* As intake_refuse(): for want of memory, or for its size. */
void intake_refuse_for_budget(struct connection *connection, const struct head *head);
void intake_refuse_large(struct connection *connection, const struct head *head);
