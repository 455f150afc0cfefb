"""MONGO_SHARD: the collection is sharded by a hash of _id where MongoDB is a router, and nowhere else.

There is no sharded cluster here. A proxy before the MongoDB says that it is a router (`msg: "isdbgrid"`), takes the two
commands that only a router knows and the hashed index that the stand-in does not, and keeps what it was asked. It also says
what routers say when a shard fails: ok to the call, and the shard's error for each of its documents.
"""
import struct
import threading

import bson
import processes
import pymongo
import pytest
import wire
from cutting_proxy import CuttingProxy, command_of, has_more, read_message

OP_REPLY, OP_MSG = 1, 2013
BODY_OFFSETS = {OP_REPLY: 36, OP_MSG: 21}
OF_REPLICA_SETS = ("setName", "setVersion", "hosts", "primary", "me", "electionId", "secondary", "passives", "arbiters",
                   "topologyVersion", "lastWrite")
ALREADY_INITIALIZED = {"ok": 0.0, "code": 23, "codeName": "AlreadyInitialized", "errmsg": "it is sharded already"}


def document_of(message):
    start = BODY_OFFSETS[struct.unpack_from("<i", message, 12)[0]]
    return bson.decode(message[start : start + struct.unpack_from("<i", message, start)[0]])


def with_document(message, document):
    """The message with another document in place of its own."""
    operation = struct.unpack_from("<i", message, 12)[0]
    body = bson.encode(document)
    head = message[4 : BODY_OFFSETS[operation]]
    return struct.pack("<i", 4 + len(head) + len(body)) + head + body


def answer_to(message, document):
    body = bson.encode(document)
    return struct.pack("<iiiiiB", 21 + len(body), 0, struct.unpack_from("<i", message, 4)[0], OP_MSG, 0, 0) + body


def is_hashed(call):
    """Whether a createIndexes makes the index that a shard key by hash needs."""
    return "indexes" in call and [dict(index["key"]) for index in call["indexes"]] == [{"_id": "hashed"}]


class Twist:
    """The next `count` calls of a command that hold the bytes `about` are carried out, and answered with these members in place
    of the server's; or with nothing but them, and not carried out."""

    def __init__(self, command, members, count=1, about=b"", is_carried_out=True):
        self.command, self.members, self.about, self.is_carried_out = command, members, about, is_carried_out
        self.n_left, self.n_met, self.lock = count, 0, threading.Lock()

    def takes(self, message):
        with self.lock:
            is_meant = self.n_left > 0 and command_of(message) == self.command and self.about in message
            self.n_left -= is_meant
            self.n_met += is_meant
            return is_meant

    def answer(self, message, server):
        if not self.is_carried_out:
            return answer_to(message, self.members)
        server.sendall(message)
        answer = read_message(server)
        return with_document(answer, {**document_of(answer), **self.members})


class Router(CuttingProxy):
    """`answer` is what it says to enableSharding and shardCollection; `calls` is what it was asked."""

    def __init__(self, port, answer=None):
        self.answer, self.calls, self.twists, self.is_router = answer or {"ok": 1.0}, [], [], True
        super().__init__(port)

    def asked(self, command):
        return [call for call in self.calls if command in call]

    def twist(self, *arguments, **options):
        self.twists.append(Twist(*arguments, **options))
        return self.twists[-1]

    def _pass_call(self, client, server):
        message = read_message(client)
        if not message:
            return False
        for twist in self.twists:
            if twist.takes(message):
                client.sendall(twist.answer(message, server))
                return self._pass_call(client, server)
        command = command_of(message)
        call = document_of(message) if command in ("createIndexes", "enableSharding", "shardCollection") else None
        if call:
            self.calls.append(call)
        if call and (command != "createIndexes" or is_hashed(call)):
            client.sendall(answer_to(message, {"ok": 1.0} if is_hashed(call) else self.answer))
            return self._pass_call(client, server)
        server.sendall(message)
        return True

    def _pass_answer(self, client, server):
        message = read_message(server)
        if not message:
            return False
        assert not has_more(message)
        document = document_of(message)
        if "ismaster" in document or "isWritablePrimary" in document:
            document = {key: value for key, value in document.items() if key not in OF_REPLICA_SETS}
            message = with_document(message, {**document, **({"msg": "isdbgrid"} if self.is_router else {})})
        client.sendall(message)
        return True


@pytest.fixture(scope="module")
def mongo(tmp_path_factory):
    one = processes.Service("mongo", tmp_path_factory.mktemp("mongo"))
    yield one
    one.close()


@pytest.fixture
def router(mongo):
    """router(answer) stands before the MongoDB."""
    routers = []

    def make(answer=None):
        routers.append(Router(mongo.port, answer))
        return routers[-1]

    yield make
    for one in routers:
        one.close()


@pytest.mark.parametrize("answer", [None, ALREADY_INITIALIZED])
def test_collection_is_sharded_by_a_hash_of_id(start, router, answer, name):
    front = router(answer)
    server = start(MONGO_URI=front.uri, MONGO_SHARD=1)
    database = next(call["$db"] for call in front.calls if is_hashed(call))
    assert [call["enableSharding"] for call in front.asked("enableSharding")] == [database]
    assert [(call["shardCollection"], dict(call["key"])) for call in front.asked("shardCollection")] == [
        (f"{database}.metrics", {"_id": "hashed"})]
    server.store({"name": name, "value": 1})
    assert len(server.list_all(name=name)) == 1
    assert "has no effect" not in server.log()


def test_router_that_refuses_to_shard_is_told(start, router):
    front = router({"ok": 0.0, "code": 13, "codeName": "Unauthorized", "errmsg": "not authorized"})
    server = start(MONGO_URI=front.uri, MONGO_SHARD=1, readyz=503, STARTUP_WAIT_MS=100)
    wire.eventually(lambda: "no right" in server.request("GET", "/readyz").json()["detail"], 10)
    front.answer = {"ok": 1.0}
    wire.eventually(lambda: server.request("GET", "/readyz").status == 200, 20)


def test_nothing_is_sharded_unasked(start, router):
    front = router()
    start(MONGO_URI=front.uri)
    assert all("createIndexes" in call and not is_hashed(call) for call in front.calls)


def test_without_a_router_it_has_no_effect_and_says_so(start, mongo):
    server = start(MONGO_URI=mongo.uri, MONGO_SHARD=1)
    assert len([line for line in server.lines if "MONGO_SHARD=1 has no effect" in line]) == 1


# A shard that fails ------------------------------------------------------------------------

# What became of the shard's part of the call is not known: network errors, time limits, ends and elections, a killed call.
CODES_OF_SHARDS = (6, 7, 89, 202, 9001, 11600, 91, 11602, 189, 10107)
FOREVER = 1_000_000


def errors_of_shard(code, n=1):
    return {"n": 0, "writeErrors": [{"index": i, "code": code, "errmsg": "of a shard"} for i in range(n)]}


def test_metric_is_stored_once_when_a_shard_fails_behind_it(start, router, name):
    front = router()
    server = start(MONGO_URI=front.uri)
    for n_stored, code in enumerate(CODES_OF_SHARDS, 1):
        twist = front.twist("insert", errors_of_shard(code))
        server.store({"name": name, "value": code})
        assert twist.n_met == 1
        assert len(server.list_all(name=name)) == n_stored, code


def test_batch_is_stored_once_when_a_shard_refuses_the_rest_of_it(start, router, name):
    front = router()
    server = start(MONGO_URI=front.uri)
    twist = front.twist("insert", errors_of_shard(11601, 2))
    server.store([{"name": name, "value": 1}, {"name": name, "value": 2}])
    assert twist.n_met == 1
    assert len(server.list_all(name=name)) == 2


def test_metric_is_in_doubt_when_a_shard_fails_behind_it_for_good(start, router, name):
    front = router()
    server = start(MONGO_URI=front.uri, REQUEST_TIMEOUT_MS=2000)
    twist = front.twist("insert", errors_of_shard(6), FOREVER)
    assert server.request("POST", "/metrics", {"name": name, "value": 1}).status == 504
    assert twist.n_met > 1
    twist.n_left = 0
    assert len(server.list_all(name=name)) == 1


@pytest.mark.parametrize("code, certain", [(11601, 503), (14031, 507)], ids=["refused", "full"])
@pytest.mark.parametrize("is_router", [True, False], ids=["router", "plain"])
def test_only_a_router_leaves_doubt_of_what_it_refuses(start, router, name, is_router, code, certain):
    front = router()
    front.is_router = is_router
    server = start(MONGO_URI=front.uri)
    front.twist("insert", {"ok": 1.0, **errors_of_shard(code, 2)}, FOREVER, is_carried_out=False)
    batch = [{"name": name, "value": 1}, {"name": name, "value": 2}]
    assert server.request("POST", "/metrics", batch).status == (504 if is_router else certain)


# Confirmation --------------------------------------------------------------------------------

# A router that could do nothing of a call does not say that a shard's wait for its copies timed out. So each write that is
# found done is confirmed by an update that matches nothing, and that names its id, for the id leads to the shard.
UNCONFIRMED = {"writeConcernError": {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting for replication timed out"}}
ID, OTHER_ID = "0123456789abcdef01234567", "0123456789abcdef01234568"
ABOUT_ID, ABOUT_ANY = bytes.fromhex(ID), b"$in"


@pytest.fixture
def unsafe(start, router, mongo):
    """A server that is not patient, and what stands before an empty MongoDB."""
    with pymongo.MongoClient(mongo.uri) as client:
        client.drop_database("telemetry_server_test")
    front = router()
    return start(MONGO_URI=front.uri, REQUEST_TIMEOUT_MS=2000), front


@pytest.mark.parametrize("given, about", [({"id": ID}, ABOUT_ID), ({}, ABOUT_ANY)], ids=["given", "minted"])
def test_metric_that_only_a_primary_has_is_in_doubt(unsafe, name, given, about):
    server, front = unsafe
    first, second = front.twist("insert", UNCONFIRMED), front.twist("update", UNCONFIRMED, FOREVER, about)
    assert server.request("POST", "/metrics", {"name": name, "value": 1, **given}).status == 504
    assert first.n_met == 1 and second.n_met > 1


@pytest.mark.parametrize("given, about", [({"id": ID}, ABOUT_ID), ({}, ABOUT_ANY)], ids=["given", "minted"])
def test_metric_that_is_confirmed_late_is_stored_once(unsafe, name, given, about):
    server, front = unsafe
    first, second = front.twist("insert", UNCONFIRMED), front.twist("update", UNCONFIRMED, 2, about)
    server.store({"name": name, "value": 1, **given})
    assert first.n_met == 1 and second.n_met == 2
    assert len(server.list_all(name=name)) == 1


def test_metric_that_existed_is_answered_for_when_it_is_safe(unsafe, name):
    server, front = unsafe
    metrics = [{"id": ID, "name": name, "value": 1, "timestamp": 1}, {"id": OTHER_ID, "name": name, "value": 2, "timestamp": 2}]
    server.store(metrics[0])
    twist = front.twist("update", UNCONFIRMED, FOREVER, ABOUT_ID)
    assert server.request("POST", "/metrics", metrics[0]).status == 503
    assert server.request("POST", "/metrics", metrics).status == 504  # the other one is stored, where all is well
    assert twist.n_met > 1
    twist.n_left = 0
    assert server.request("POST", "/metrics", metrics[0]).status == 200
    server.store(metrics)
    assert len(server.list_all(name=name)) == 2


@pytest.mark.parametrize("method, command, body", [("PUT", "update", {"value": 2}), ("DELETE", "delete", {})],
                         ids=["PUT", "DELETE"])
def test_change_that_only_a_primary_has_is_in_doubt(unsafe, name, method, command, body):
    server, front = unsafe
    server.store({"id": ID, "name": name, "value": 1})
    first, second = front.twist(command, UNCONFIRMED, 1, ABOUT_ID), front.twist("update", UNCONFIRMED, FOREVER, ABOUT_ID)
    assert server.request(method, f"/metrics/{ID}", body and {"name": name, **body}).status == 504
    assert first.n_met == 1 and second.n_met > 0


def test_plain_metrics_are_confirmed_by_their_own_call(unsafe, name):
    server, front = unsafe
    twist = front.twist("update", {}, FOREVER, ABOUT_ANY)
    server.store({"name": name, "value": 1})
    server.store({"id": ID, "name": name, "value": 2})
    server.store([{"name": name, "value": 3}, {"id": OTHER_ID, "name": name, "value": 4}])
    assert twist.n_met == 0


# Users -------------------------------------------------------------------------------------------

def test_retention_is_set_by_a_user_who_may_not_change_collections(start, router, mongo):
    front = router()
    twist = front.twist("collMod", {"ok": 0.0, "code": 13, "codeName": "Unauthorized", "errmsg": "not authorized"}, FOREVER,
                        is_carried_out=False)
    for days in (0, 30, 7):
        start(MONGO_URI=front.uri, RETENTION_DAYS=days).stop()
        with pymongo.MongoClient(mongo.uri) as client:
            index = client.telemetry_server_test.metrics.index_information()["timestamp_1"]
        assert index.get("expireAfterSeconds", 0) == days * 86400
    assert twist.n_met == 2
