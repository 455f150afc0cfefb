/* SPDX-License-Identifier: MIT */
/* storage_mongodb_fixture: the MongoDB backend as the contract suites want a store: a database of its own
 * for each folder, empty at first, and usable as soon as the writer is attached. */
#pragma once

#include <stdbool.h>

struct storage_ops;

/* The URI of the server to test against, of the environment's TEST_MONGO_URI; or NULL. */
const char *storage_mongodb_fixture_uri(void);

/* In place of a suite without a server: says in TAP that it is skipped, and why. Returns 0. cmocka's skip()
 * writes `not ok`, which counts as a failure. */
int storage_mongodb_fixture_skip(void);

/* The ops, with `open` and `attach` wrapped. */
const struct storage_ops *storage_mongodb_fixture(void);

/* From now on stores are opened at this URI (borrowed; NULL: that of the environment again). */
void storage_mongodb_fixture_use(const char *uri);

/* The name of the database that belongs to a folder of hands_new(). */
void storage_mongodb_fixture_database(const char *folder, char ret_name[64]);

/* Drops the databases that were made. */
void storage_mongodb_fixture_end(void);
