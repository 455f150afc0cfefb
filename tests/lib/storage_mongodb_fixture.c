/* SPDX-License-Identifier: MIT */
#include "storage_mongodb_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mongoc/mongoc.h>

#include <telemetry/clock.h>
#include <telemetry/storage.h>

enum { READY_WAIT_MS = 20000 };

static struct storage_ops wrapped;
static char last_database[64];
static const char *other_uri;

const char *storage_mongodb_fixture_uri(void)
{
    const char *uri = getenv("TEST_MONGO_URI");
    return uri == NULL || *uri == '\0' ? NULL : uri;
}

int storage_mongodb_fixture_skip(void)
{
    puts("1..0 # SKIP TEST_MONGO_URI is not set: it names a MongoDB whose databases telemetry_test_* may be dropped");
    return 0;
}

void storage_mongodb_fixture_database(const char *folder, char ret_name[64])
{
    const char *suffix = strrchr(folder, '-');
    snprintf(ret_name, 64, "telemetry_test_%s_%d", suffix == NULL ? "x" : suffix + 1, (int)getpid());
}

static void drop(const char *database)
{
    mongoc_init();
    mongoc_client_t *client = mongoc_client_new(storage_mongodb_fixture_uri());
    mongoc_database_t *handle = client == NULL ? NULL : mongoc_client_get_database(client, database);
    if (handle != NULL)
        mongoc_database_drop(handle, NULL);
    mongoc_database_destroy(handle);
    mongoc_client_destroy(client);
}

static int open_database(const struct storage_settings *settings, struct storage **ret_storage, struct error *error)
{
    struct storage_settings own = *settings;
    char database[64];
    storage_mongodb_fixture_database(settings->data_dir, database);
    if (strcmp(database, last_database) != 0)
        storage_mongodb_fixture_end();
    strcpy(last_database, database);
    own.uri = other_uri == NULL ? storage_mongodb_fixture_uri() : other_uri;
    own.database = database;
    own.selection_limit_ns = 2 * NS_PER_S;
    own.socket_limit_ns = 60 * NS_PER_S; /* of a machine that does much else */
    return storage_mongodb.open(&own, ret_storage, error);
}

static bool is_usable(const struct storage *storage)
{
    return atomic_load(&storage_mongodb.health(storage)->status) == STATUS_OK;
}

static int attach_when_usable(struct storage *storage, enum storage_role role, unsigned index, struct stats *stats,
                              struct storage_session **ret_session, struct error *error)
{
    for (unsigned waited_ms = 0; waited_ms < READY_WAIT_MS && !is_usable(storage); waited_ms++)
        usleep(1000);
    return storage_mongodb.attach(storage, role, index, stats, ret_session, error);
}

void storage_mongodb_fixture_use(const char *uri)
{
    other_uri = uri;
}

const struct storage_ops *storage_mongodb_fixture(void)
{
    wrapped = storage_mongodb;
    wrapped.open = open_database;
    wrapped.attach = attach_when_usable;
    return &wrapped;
}

void storage_mongodb_fixture_end(void)
{
    if (last_database[0] != '\0')
        drop(last_database);
    last_database[0] = '\0';
}
