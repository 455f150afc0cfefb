/* SPDX-License-Identifier: MIT */
/* reason: the phrase behind a status code (RFC 9110, 15). */
#pragma once

/* Static text, for the codes that the server sends. */
const char *reason_phrase(unsigned http);
