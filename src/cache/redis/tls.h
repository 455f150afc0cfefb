/* SPDX-License-Identifier: MIT */
/* tls: whom rediss:// trusts, and as whom it shows itself; and the sessions made of that.
 *
 * A certificate must be valid, lead to a certificate authority that is trusted (the system's, or those of one
 * file alone) and bear the name or the address that the URI names. There is no way to switch that off. TLS 1.2
 * or newer. One thread's own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include <telemetry/status.h>

struct cache_remote;

/* Whether any of its settings is set. */
bool tls_is_wanted(const struct cache_remote *remote);

/* Reads the files that the settings name. Gives *ret_context, freed by SSL_CTX_free(); on failure -1 and
 * error->exit_code 78. */
MUST_CHECK int tls_open(const struct cache_remote *remote, SSL_CTX **ret_context, struct error *error);

/* Gives a session with a server of that name or address on a connected socket, before its handshake, freed by
 * SSL_free(); NULL without memory. Keeps fd until then, and does not close it. */
SSL *tls_session(SSL_CTX *context, const char *host, int fd);

/* Says why the last call for the session failed, by the errno that it left. */
void tls_explain(const SSL *session, int saved_errno, char *ret_text, size_t bytes);
