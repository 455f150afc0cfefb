"""Users, passwords and TLS towards MongoDB and Redis: what works as the URI says, and what is refused with one clear line
while the server keeps trying.

The MongoDB is the stand-in, with users and TLS switched on; the Redis is a redis-server with a TLS port. Certificates are
made by the test.
"""
import shutil
import socket
import subprocess
import time
from collections import namedtuple
from urllib.parse import quote_plus

import pymongo
import pytest
import server as server_module
import wire
from server import ROOT
from test_redis import REDIS, Redis, is_hit, is_up

STANDIN = ROOT / ".venv" / "bin" / "secantusd-py"  # scripts/services up installs it
DATABASE = "telemetry_server_test"
PASSWORD = "hush/hush@hush"
Place = namedtuple("Place", "port files")

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
needs_standin = pytest.mark.skipif(not STANDIN.exists(), reason="the stand-in for MongoDB is not installed")
needs_redis = pytest.mark.skipif(REDIS is None, reason="redis-server is not installed")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([ROOT / "tests" / "lib" / "make-certificates", folder], check=True)
    return folder


# MongoDB ----------------------------------------------------------------------------------------


class Standin:
    """A stand-in for MongoDB on a port of its own, with its data in `folder`."""

    def __init__(self, folder, port, *options, **client_options):
        self.log = open(folder / "log", "ab")
        self.process = subprocess.Popen(
            [STANDIN, "--host", "127.0.0.1", "--port", str(port), "--storage-path", folder / "data", *options],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.client = pymongo.MongoClient(f"mongodb://127.0.0.1:{port}", serverSelectionTimeoutMS=500, **client_options)
        try:
            wire.eventually(self.answers, 60)
        except BaseException:
            self.end()
            raise

    def answers(self):
        assert self.process.poll() is None, "the stand-in ended"
        try:
            return self.client.admin.command("ping")
        except pymongo.errors.ServerSelectionTimeoutError:
            return False

    def end(self):
        """By SIGTERM: killed, it would forget its users."""
        self.client.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def add_user(client, name, role, database="admin"):
    client[database].command("createUser", name, pwd=PASSWORD, roles=[{"role": role, "db": DATABASE}])


@pytest.fixture(scope="module")
def mongo(tmp_path_factory, files):
    """One that wants a user and speaks TLS; `root` may do all."""
    folder, port = tmp_path_factory.mktemp("mongo"), free_port()
    open_one = Standin(folder, port)
    open_one.client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
    add_user(open_one.client, "writer", "readWrite")
    add_user(open_one.client, "reader", "read")
    add_user(open_one.client, "local", "readWrite", DATABASE)
    open_one.end()
    one = Standin(folder, port, "--auth", "--tls-cert-file", files / "server.pem", "--tls-key-file", files / "server.key",
                  tls=True, tlsCAFile=str(files / "ca.pem"), username="root", password=PASSWORD)
    one.place = Place(port, files)
    yield one
    one.end()


def uri_of(place, user="writer", password=PASSWORD, host="127.0.0.1", ca="ca.pem", **options):
    login = f"{quote_plus(user)}:{quote_plus(password)}@" if user else ""
    options = {**({"tls": "true", "tlsCAFile": place.files / ca} if ca else {}), **options}
    return f"mongodb://{login}{host}:{place.port}/?" + "&".join(f"{key}={value}" for key, value in options.items())


def refusals(server):
    return [line for line in server.lines if "the store cannot be used" in line]


GOOD = {
    "SCRAM-SHA-256 over TLS": {},
    "a host name": {"host": "localhost"},
    "the mechanism by name": {"authMechanism": "SCRAM-SHA-256"},
    "a user of the database itself": {"user": "local", "authSource": DATABASE},
    "a replica set": {"replicaSet": "secantus"},
    "a replica set of which one server is away": {"replicaSet": "secantus", "host": "127.0.0.1:1,127.0.0.1"},
    "options that the driver reads": {"retryWrites": "false", "appName": "another", "maxPoolSize": "20"},
}


@needs_openssl
@needs_standin
@pytest.mark.parametrize("form", GOOD)
def test_mongodb_is_used_as_the_uri_says(start, mongo, form, name):
    server = start(MONGO_URI=uri_of(mongo.place, **GOOD[form]))
    server.store({"name": name, "value": 1})
    assert [metric["value"] for metric in server.list_all(name=name)] == [1]
    assert not refusals(server) and "hush" not in server.log()


BAD = {
    "a wrong password": ({"password": "hushed"}, "wrong user or password"),
    "an unknown user": ({"user": "nobody"}, "wrong user or password"),
    "a user of another database": ({"authSource": "another"}, "wrong user or password"),
    "no user": ({"user": None}, "no right to read or write the database"),
    "a user who may only read": ({"user": "reader"}, "no right to read or write the database"),
    "another authority": ({"ca": "other-ca.pem"}, "no server can be reached"),
    "another host name": ({"host": "127.1.1.1"}, "no server can be reached"),
    "no TLS": ({"ca": None}, "no server can be reached"),
    "another replica set": ({"replicaSet": "other"}, "no server can be reached"),
}


def said_of(server):
    """What /readyz says while it is 503."""
    answer = server.request("GET", "/readyz")
    return answer.json()["detail"] if answer.status == 503 else ""


def assert_refused(server, reason):
    """Not ready and says why, refuses writes, and has one line about it after several attempts."""
    wire.eventually(lambda: reason in said_of(server), 10)
    assert server.request("GET", "/healthz").status == 200
    answer = server.request("POST", "/metrics", {"name": "refused", "value": 1})
    assert answer.status == 503 and answer["Retry-After"], answer
    time.sleep(1.5)  # what must not come has to be waited for: four attempts and more
    assert len(refusals(server)) == 1 and reason in refusals(server)[0], server.log()
    assert "hush" not in server.log()


@needs_openssl
@needs_standin
@pytest.mark.parametrize("form", BAD)
def test_what_mongodb_refuses_is_one_line(start, mongo, form):
    options, reason = BAD[form]
    server = start(readyz=503, MONGO_URI=uri_of(mongo.place, **options), MONGO_SELECTION_TIMEOUT_MS=300, STARTUP_WAIT_MS=100)
    assert_refused(server, reason)


def test_unreachable_mongodb_is_one_line(start):
    server = start(readyz=503, MONGO_URI=f"mongodb://me:hush@127.0.0.1:{free_port()}", MONGO_SELECTION_TIMEOUT_MS=300,
                   STARTUP_WAIT_MS=100)
    assert_refused(server, "no server can be reached")


@needs_openssl
@needs_standin
def test_user_who_comes_later_is_let_in(start, mongo, name):
    server = start(readyz=503, MONGO_URI=uri_of(mongo.place, user="later"), STARTUP_WAIT_MS=100)
    wire.eventually(lambda: "wrong user or password" in said_of(server), 10)
    add_user(mongo.client, "later", "readWrite")
    wire.eventually(lambda: server.request("GET", "/readyz").status == 200, 20)
    server.store({"name": name, "value": 1})


@needs_standin
def test_read_only_mongodb_is_one_line(start, tmp_path, name):
    """A server that has lost its primacy, as its fail point plays it."""
    port = free_port()
    mongo = Standin(tmp_path, port, "--enable-test-commands")
    try:
        mongo.client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn",
                                   data={"failCommands": ["update", "insert"], "errorCode": 10107})
        server = start(readyz=503, MONGO_URI=f"mongodb://127.0.0.1:{port}", STARTUP_WAIT_MS=100)
        assert_refused(server, "it is not the primary")
        mongo.client.admin.command("configureFailPoint", "failCommand", mode="off")
        wire.eventually(lambda: server.request("GET", "/readyz").status == 200, 20)
        server.store({"name": name, "value": 1})
    finally:
        mongo.end()


def test_exit_without_store_ends_the_start(tmp_path):
    began = time.monotonic()
    result = server_module.run_binary(MONGO_URI=f"mongodb://me:hush@127.0.0.1:{free_port()}", DATA_DIR=tmp_path,
                                      MONGO_SELECTION_TIMEOUT_MS=300, STARTUP_WAIT_MS=800, EXIT_WITHOUT_STORE=1)
    assert result.returncode not in (0, 78) and result.returncode > 0, result
    assert 0.7 < time.monotonic() - began < 10
    assert "no server can be reached" in result.stderr and "hush" not in result.stderr


# Redis --------------------------------------------------------------------------------------------


@pytest.fixture
def redis(tmp_path, files):
    port = free_port()
    one = Redis(tmp_path, "--tls-port", str(port), "--tls-cert-file", files / "server.pem", "--tls-key-file",
                files / "server.key", "--tls-ca-cert-file", files / "ca.pem", "--requirepass", PASSWORD).start()
    one.place = Place(port, files)
    yield one
    one.end()


def redis_settings(redis, ca="ca.pem", **files):
    settings = {"REDIS_URI": f"rediss://:{quote_plus(PASSWORD)}@localhost:{redis.place.port}/2"}
    for setting, name in {"CA": ca, **files}.items():
        if name:
            settings[f"REDIS_TLS_{setting}_FILE"] = redis.place.files / name
    return settings


@needs_openssl
@needs_redis
@pytest.mark.parametrize("client", [{"CERT": "client.pem", "KEY": "client.key"}, {"CERT": "both.pem"}])
def test_redis_through_tls(start, redis, client, name):
    server = start(**redis_settings(redis, **client))
    wire.eventually(lambda: is_up(server), 10)
    target = wire.target("/metrics", name=name)
    for value in range(3):
        server.store({"name": name, "value": value})
        assert not is_hit(server.request("GET", target)) and is_hit(server.request("GET", target))
    assert server.counter("telemetry_cache_total", result="hit") >= 3
    assert "hush" not in server.log()


REFUSED = {
    "another authority": ({"ca": "other-ca.pem", "CERT": "both.pem"}, "its certificate is refused"),
    "unknown to the system": ({"ca": None, "CERT": "both.pem"}, "its certificate is refused"),
    "no certificate of ours": ({}, "certificate required"),
    "one that Redis does not trust": ({"CERT": "stranger.pem", "KEY": "stranger.key"}, "unknown ca"),
}


@needs_openssl
@needs_redis
@pytest.mark.parametrize("form", REFUSED)
def test_what_redis_refuses_is_one_line_and_requests_go_on(start, redis, form, name):
    options, reason = REFUSED[form]
    server = start(**redis_settings(redis, **options))
    target = wire.target("/metrics", name=name)
    until = time.monotonic() + 2
    for value in range(1000):
        server.store({"name": name, "value": value, "timestamp": value})
        answer = server.request("GET", target)
        assert answer.json()["metrics"][0]["value"] == value and not is_hit(answer)
        if time.monotonic() > until:
            break
    lines = [line for line in server.lines if "Redis" in line]
    assert len(lines) == 1 and reason in lines[0], server.log()
    assert not is_up(server) and "hush" not in server.log()


@pytest.mark.parametrize("settings", [{"REDIS_TLS_CA_FILE": "/no/such/file"}, {"REDIS_TLS_KEY_FILE": "/no/such/file"}])
def test_files_that_are_not_there_end_the_start(settings, tmp_path):
    result = server_module.run_binary(REDIS_URI="rediss://localhost", DATA_DIR=tmp_path, **settings)
    assert result.returncode == 78 and next(iter(settings)) in result.stderr, result
