"""Redis as the cache: shared answers, and every way in which it fails while requests go on.

A write that was answered is seen by every later read, and no request fails or waits long because of Redis. Each fault
test says how often the fault really happened.
"""
import shutil
import signal
import subprocess
import time

import pytest
import server as server_module
import stores
import wire
from readers import LATE_S, Reader, faults, is_hit, is_up

REDIS = shutil.which("redis-server") or shutil.which("redis-check-rdb")  # the same program, which goes by its name
pytestmark = pytest.mark.skipif(REDIS is None, reason="redis-server is not installed")


class Redis:
    """A redis-server of the test's own on a unix socket."""

    def __init__(self, folder, *options):
        self.folder, self.options = folder, options
        self.socket = folder / "redis.sock"
        self.uri = f"unix://{self.socket}"
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no", "--dir", self.folder,
             *self.options], executable=REDIS, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wire.eventually(self.socket.exists, 10)
        return self

    def say_bytes(self, *words):
        return subprocess.run(["redis-cli", "-s", self.socket, *words], check=True, capture_output=True).stdout

    def say(self, *words):
        return self.say_bytes(*words).decode(errors="replace")

    def end(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None
            self.socket.unlink(missing_ok=True)

    def restart(self):
        self.end()
        self.start()


@pytest.fixture
def redis(tmp_path):
    one = Redis(tmp_path).start()
    yield one
    one.end()


def store(server, name, value):
    assert server.request("POST", "/metrics", {"name": name, "value": value}).status == 201


def test_answers_come_from_redis_until_a_write(start, redis):
    server = start(REDIS_URI=redis.uri)
    wire.eventually(lambda: is_up(server), 10)
    target = wire.target("/metrics", name="redis.hit", limit=5)
    for value in range(5):
        store(server, "redis.hit", value)
        first, second = server.request("GET", target), server.request("GET", target)
        assert not is_hit(first) and is_hit(second)
        assert first.body == second.body and first["ETag"] == second["ETag"]
        assert second.json()["metrics"][0]["value"] == value
    assert int(redis.say("DBSIZE")) > 0
    redis.say("FLUSHALL")
    assert not is_hit(server.request("GET", target))
    assert is_hit(server.request("GET", target))


def test_server_that_keeps_no_answers_tells_those_that_do(start, redis, tmp_path):
    shared = {**stores.open_store("mongodb").fresh(stores.OWN), "REDIS_URI": redis.uri}
    reader = start(data_dir=tmp_path / "reader", **shared)
    writer = start(data_dir=tmp_path / "writer", CACHE_MAX_BYTES=0, **shared)
    wire.eventually(lambda: is_up(reader) and is_up(writer), 10)
    target = wire.target("/metrics", name="redis.told")
    for value in range(5):
        store(writer, "redis.told", value)
        first, second = reader.request("GET", target), reader.request("GET", target)
        assert first.json()["metrics"][0]["value"] == value
        assert not is_hit(first) and is_hit(second)


def test_no_two_embedded_stores_share_answers(start, redis, tmp_path):
    """A host's name and a folder's path are the same in many containers; here one process follows the other."""
    for value in range(2):
        server = start(data_dir=tmp_path / "data", REDIS_URI=redis.uri)
        wire.eventually(lambda: is_up(server), 10)
        store(server, "redis.own", value)
        target = wire.target("/metrics", name="redis.own")
        server.request("GET", target)
        assert is_hit(server.request("GET", target))
        server.stop()
    keys = redis.say("KEYS", "*:v:*").split()
    assert len({key.partition(":v:")[0] for key in keys}) == 2


def test_server_starts_without_redis_and_takes_it_up_later(start, tmp_path):
    redis = Redis(tmp_path)
    server = start(REDIS_URI=redis.uri)
    store(server, "redis.later", 1)
    target = wire.target("/metrics", name="redis.later")
    assert not is_hit(server.request("GET", target)) and not is_hit(server.request("GET", target))
    assert server.counter("telemetry_cache_total", result="error") >= 2
    redis.start()
    try:
        wire.eventually(lambda: is_up(server), 10)
        server.request("GET", target)
        assert is_hit(server.request("GET", target))
    finally:
        redis.end()


def live_through(server, fault, rounds=3):
    """Runs readers through a fault, several times; returns how long the slowest request took."""
    readers = [Reader(server, f"redis.fault{i}") for i in range(3)]
    try:
        for _ in range(rounds):
            hits = sum(reader.hits for reader in readers)
            wire.eventually(lambda: is_up(server) and sum(reader.hits for reader in readers) > hits, 20)
            fault()
            began = time.monotonic()
            wire.eventually(lambda: is_up(server), 20)
            print("up again after", round(time.monotonic() - began, 2), "s")
    finally:
        for reader in readers:
            reader.stop()
    print("requests:", sum(4 * reader.rounds for reader in readers), "hits:", sum(reader.hits for reader in readers),
          "slowest:", round(max(reader.slowest for reader in readers), 3), "s", "faults:", faults(server))
    return max(reader.slowest for reader in readers)


def test_restarts_of_redis_cost_hits_only(start, redis):
    server = start(REDIS_URI=redis.uri)
    assert live_through(server, redis.restart) < LATE_S
    assert faults(server)["connection"] >= 3


def test_stops_of_redis_cost_hits_only(start, redis):
    def stop():
        redis.process.send_signal(signal.SIGSTOP)
        time.sleep(3)
        redis.process.send_signal(signal.SIGCONT)

    server = start(REDIS_URI=redis.uri)
    assert live_through(server, stop) < LATE_S
    assert faults(server)["timeout"] >= 3


def test_flushes_of_redis_cost_hits_only(start, redis):
    server = start(REDIS_URI=redis.uri)
    assert live_through(server, lambda: redis.say("FLUSHALL"), rounds=20) < LATE_S
    assert redis.say("INFO", "commandstats").count("cmdstat_flushall:calls=20") == 1


def test_password_and_database(start, tmp_path):
    redis = Redis(tmp_path, "--requirepass", "hunter2").start()
    try:
        server = start(REDIS_URI=f"unix://:hunter2@{redis.socket}?db=3")
        wire.eventually(lambda: is_up(server), 10)
        store(server, "redis.password", 1)
        server.request("GET", "/metrics?name=redis.password")
        assert is_hit(server.request("GET", "/metrics?name=redis.password"))
        assert "db3:" in redis.say("-a", "hunter2", "INFO", "keyspace")
        assert "hunter2" not in server.log()
    finally:
        redis.end()


@pytest.mark.parametrize("user", ["", ":hunter3@"])
def test_wrong_password_is_one_line(start, tmp_path, user):
    redis = Redis(tmp_path, "--requirepass", "hunter2").start()
    try:
        server = start(REDIS_URI=f"unix://{user}{redis.socket}")
        time.sleep(1)
        assert server.request("GET", "/metrics?name=redis.password").status == 200
        lines = [line for line in server.lines if "Redis" in line]
        assert len(lines) == 1 and ("WRONGPASS" in lines[0] or "NOAUTH" in lines[0]), server.log()
        assert "hunter" not in server.log()
    finally:
        redis.end()


@pytest.mark.parametrize("uri", ["rediss://:hunter2@", "http://hunter2", "redis://:hunter2@:1", "redis://h:x"])
def test_bad_uri_ends_the_start(uri, tmp_path):
    result = server_module.run_binary(REDIS_URI=uri, DATA_DIR=tmp_path)
    assert result.returncode == 78, result
    assert "REDIS_URI" in result.stderr and "hunter2" not in result.stderr
    assert len([line for line in result.stderr.splitlines() if "REDIS_URI" in line]) == 1


def test_print_config_hides_it():
    result = server_module.run_binary("--print-config", REDIS_URI="redis://:hunter2@cache")
    assert result.returncode == 0 and "REDIS_URI=***" in result.stdout and "hunter2" not in result.stdout
