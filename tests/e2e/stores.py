"""stores: where the servers of a test store: in a folder of their own, or in a database of TEST_MONGO_URI.

A server calls its database telemetry_server_${APP_ENV}, so servers that run at the same time and are not to meet differ in
APP_ENV: `test` is what many tests share, `staging` is one test's own, `dev` is of the real input.
"""
import itertools
import os

import pytest

# The stand-in for MongoDB reads much of a collection for a page, which takes its time on a busy machine.
PATIENCE = {"MONGO_SOCKET_TIMEOUT_MS": 19_000, "QUERY_TIMEOUT_MS": 19_000, "REQUEST_TIMEOUT_MS": 19_000}

SHARED, OWN, REAL_INPUT = "test", "staging", "dev"

prefixes = itertools.count(1)


class Sqlite:
    kind = "sqlite"

    def fresh(self, stack):
        """Settings of servers with an empty store; here their folder is all there is to it."""
        return {}


class Mongodb:
    kind = "mongodb"

    def __init__(self, uri):
        self.uri = uri

    def fresh(self, stack, patience=PATIENCE):
        """Settings of servers with an empty store: the database goes, and so does what a Redis may know of it."""
        self.drop(stack)
        prefix = f"e2e:{os.getpid()}:{next(prefixes)}:"
        return {"MONGO_URI": self.uri, "APP_ENV": stack, "PORT": 0, "REDIS_PREFIX": prefix, **patience}

    def drop(self, stack):
        with self.client() as client:
            client.drop_database(f"telemetry_server_{stack}")

    def client(self, **options):
        import pymongo  # only who has a MongoDB needs it
        return pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=20_000, **options)


def open_store(kind):
    if kind == "sqlite":
        return Sqlite()
    if not os.environ.get("TEST_MONGO_URI"):
        pytest.skip("TEST_MONGO_URI is not set: it names a MongoDB whose databases telemetry_server_* may be dropped")
    return Mongodb(os.environ["TEST_MONGO_URI"])
