/* SPDX-License-Identifier: MIT */
/* uri: the connection string, with what this server needs where it says nothing, and texts without its
 * password. Any thread. */
#pragma once

#include <stddef.h>

#include <mongoc/mongoc.h>

#include <telemetry/status.h>

struct storage_settings;

/* Reads settings->uri and sets what it leaves open: application name, time-outs, and a write concern of
 * majority with journal. Gives *ret_uri, freed by mongoc_uri_destroy(), or -1 with one line that does
 * not show the password, exit code 78. */
MUST_CHECK int uri_read(const struct storage_settings *settings, mongoc_uri_t **ret_uri, struct error *error);

/* Where the servers are, `a:27017,b:27017`, for the log. Gives text freed by free(); NULL without memory. */
char *uri_servers(const mongoc_uri_t *uri);

/* Copies text, cut to fit, with *** in place of what stands before the @ of a URI and of each `password`
 * (NULL or empty: none). */
void uri_mask(const char *text, const char *password, char *ret_text, size_t bytes);
