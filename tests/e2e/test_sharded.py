"""MONGO_SHARD: the collection is sharded by a hash of _id where MongoDB is a router, and nowhere else.

There is no sharded cluster here. A proxy before the MongoDB says that it is a router (`msg: "isdbgrid"`), takes the two
commands that only a router knows and the hashed index that the stand-in does not, and keeps what it was asked.
"""
import struct

import bson
import processes
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


class Router(CuttingProxy):
    """`answer` is what it says to enableSharding and shardCollection; `calls` is what it was asked."""

    def __init__(self, port, answer=None):
        self.answer, self.calls = answer or {"ok": 1.0}, []
        super().__init__(port)

    def asked(self, command):
        return [call for call in self.calls if command in call]

    def _pass_call(self, client, server):
        message = read_message(client)
        if not message:
            return False
        command = command_of(message)
        call = document_of(message) if command in ("createIndexes", "enableSharding", "shardCollection") else None
        if call:
            self.calls.append(call)
        if call and (command != "createIndexes" or is_hashed(call)):
            client.sendall(answer_to(message, {"ok": 1.0} if is_hashed(call) else self.answer))
            return self._pass_call(client, server)
        server.sendall(message)
        return True

    @staticmethod
    def _pass_answer(client, server):
        message = read_message(server)
        if not message:
            return False
        assert not has_more(message)
        document = document_of(message)
        if "ismaster" in document or "isWritablePrimary" in document:
            document = {key: value for key, value in document.items() if key not in OF_REPLICA_SETS}
            message = with_document(message, {**document, "msg": "isdbgrid"})
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
