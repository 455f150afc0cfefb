"""Rates that servers count together through Redis (RATE_SHARED_MS), and what happens when it is away.

The bound is the one of rates.h: R * W + B + (n - 1) * (B + R * D).
"""
import contextlib
import itertools
import time

import pytest
import server as server_module
import wire
from test_keys import Keys, call
from test_redis import REDIS, Redis

pytestmark = pytest.mark.skipif(REDIS is None, reason="redis-server is not installed")

RATE, BURST, TURN_MS, PATIENCE_MS = 40, 20, 50, 250
DELAY_S = 2 * (TURN_MS + PATIENCE_MS) / 1000
HAMMER_S = 5


@pytest.fixture
def redis(tmp_path):
    one = Redis(tmp_path).start()
    yield one
    one.end()


@pytest.fixture
def together(start, redis, tmp_path):
    """Starts servers that share the Redis, and waits until they tell each other."""
    def start_some(n=2, key=None, **settings):
        rates = {"RATE_LIMIT": RATE, "RATE_BURST": BURST, "RATE_SHARED_MS": TURN_MS, "REDIS_TIMEOUT_MS": PATIENCE_MS}
        given = {"REDIS_URI": redis.uri, "TRUSTED_PROXIES": "127.0.0.1", **rates, **settings}
        servers = [start(data_dir=tmp_path / f"data{i}", **given) for i in range(n)]
        for server in servers:
            if settings.get("RATE_SHARED_MS") != 0:
                wire.eventually(lambda: figure(server, "telemetry_rates_shared", key) == 1, 10)
        return servers
    return start_some


watchers = itertools.count(1)


def figure(server, name, key=None, **labels):
    """One counter, asked for by a client that has called nobody yet, or by a key."""
    wanted = name + ("{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else "")
    watcher = next(watchers)
    fields = {"X-Forwarded-For": f"198.18.{watcher >> 8}.{watcher & 255}", **({"X-API-Key": key} if key else {})}
    answer = server.request("GET", "/-/metrics", headers=fields)
    return float(next(line for line in answer.body.decode().splitlines() if line.startswith(wanted + " ")).rsplit(" ", 1)[1])


def ask(connection, client):
    return connection.request("GET", "/healthz", headers={"X-Forwarded-For": client}).status


def hear_all(here, there, key=None):
    """Whatever was taken here is known there: a message is read no later than the next but one is made."""
    for _ in range(3):
        heard = figure(there, "telemetry_rates_total", key, way="heard")
        figure(here, "telemetry_rates_shared", key)  # somebody to tell of
        wire.eventually(lambda: figure(there, "telemetry_rates_total", key, way="heard") > heard, 10)


def hammer(servers, client, seconds=HAMMER_S):
    """Calls the servers in turn without a pause; returns how many calls each let through, and the time it took."""
    passed = [0] * len(servers)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for server in servers]
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            for i, connection in enumerate(connections):
                status = ask(connection, client)
                assert status in (200, 429)
                passed[i] += status == 200
        took = time.monotonic() - began
    print(f"{passed} of {client} passed in {took:.2f} s")
    return passed, took


def bound(n, seconds):
    return RATE * seconds + BURST + (n - 1) * (BURST + RATE * DELAY_S)


@pytest.mark.parametrize("n", [2, 3])
def test_servers_together_let_through_one_rate(together, n):
    servers = together(n)
    passed, took = hammer(servers, "192.0.2.1")
    assert RATE * took * 0.7 <= sum(passed) <= bound(n, took)
    assert sum(figure(server, "telemetry_rates_total", way="heard") for server in servers) > 0
    assert all(figure(server, "telemetry_rates_faults_total") == 0 for server in servers)


def test_without_it_each_server_counts_for_itself(together):
    servers = together(RATE_SHARED_MS=0)
    passed, took = hammer(servers, "192.0.2.1")
    assert sum(passed) > bound(2, took) and all(RATE * took * 0.7 <= one <= RATE * took + BURST for one in passed)
    assert figure(servers[0], "telemetry_rates_shared") == 0


def test_a_server_knows_what_a_client_took_elsewhere(together):
    here, there = together(RATE_LIMIT=1, RATE_BURST=BURST)
    with here.connect() as connection:
        assert [ask(connection, "192.0.2.1") for _ in range(BURST)] == [200] * BURST
    hear_all(here, there)
    with there.connect() as connection:
        assert [ask(connection, "192.0.2.1") for _ in range(BURST)].count(200) <= BURST / 2  # time goes on: one a second
        assert ask(connection, "192.0.2.2") == 200


def test_who_keeps_to_the_rate_is_refused_by_none(together):
    servers = together()
    began, n = time.monotonic(), 0
    with servers[0].connect() as one, servers[1].connect() as other:
        while time.monotonic() - began < 3:
            assert [ask(one, "192.0.2.1"), ask(other, "192.0.2.1")] == [200, 200]
            n += 2
            time.sleep(max(0, began + n / (RATE / 2) - time.monotonic()))  # half of what it may: the pace is what is tested
    assert n > RATE


def test_keys_are_counted_together_and_told_to_nobody(together, redis, tmp_path):
    keys = Keys(tmp_path)
    keys.write([f"{line} rate=1000" if line.startswith("admin ") else line for line in keys.lines])
    here, there = together(key=keys.of["admin"], API_KEYS_FILE=keys.path, RATE_LIMIT=1, RATE_BURST=BURST)

    def passed(server):
        return [call(server, keys.of["reader"], "GET", "/metrics").status for _ in range(BURST)].count(200)

    assert passed(here) == BURST
    hear_all(here, there, keys.of["admin"])
    assert passed(there) <= BURST / 2
    assert call(there, keys.of["writer"], "GET", "/metrics").status == 200
    said = redis.say("--raw", "XRANGE", "ts:test:rates", "-", "+") + redis.say("KEYS", "*")
    digests = [line.split()[2] for line in keys.lines[1:]]
    assert said and not any(secret in said for secret in ["127.0.0.1", keys.of["reader"], *digests])
    raw = redis.say_bytes("--raw", "XRANGE", "ts:test:rates", "-", "+")
    assert not any(bytes.fromhex(digest) in raw for digest in digests) and bytes([127, 0, 0, 1]) not in raw
    assert 0 < int(redis.say("PTTL", "ts:test:rates")) <= 60_000


def test_without_redis_each_server_limits_alone_and_comes_back(together, redis):
    servers = together()
    redis.end()
    wire.eventually(lambda: all(figure(server, "telemetry_rates_shared") == 0 for server in servers), 10)
    passed, took = hammer(servers, "192.0.2.1", 3)
    assert all(RATE * took * 0.7 <= one <= RATE * took + BURST for one in passed)
    redis.start()
    wire.eventually(lambda: all(figure(server, "telemetry_rates_shared") == 1 for server in servers), 20)
    passed, took = hammer(servers, "192.0.2.2")
    assert RATE * took * 0.7 <= sum(passed) <= bound(2, took)


def test_what_was_taken_alone_is_not_told_afterwards(together, redis):
    here, there = together(RATE_LIMIT=1, RATE_BURST=BURST)
    redis.end()
    wire.eventually(lambda: figure(here, "telemetry_rates_shared") == 0, 10)
    with here.connect() as connection:
        assert [ask(connection, "192.0.2.1") for _ in range(BURST)] == [200] * BURST
    redis.start()
    wire.eventually(lambda: all(figure(server, "telemetry_rates_shared") == 1 for server in (here, there)), 20)
    told = figure(here, "telemetry_rates_total", way="told")
    wire.eventually(lambda: figure(here, "telemetry_rates_total", way="told") > told, 10)  # of the watchers
    with there.connect() as connection:
        assert [ask(connection, "192.0.2.1") for _ in range(BURST)] == [200] * BURST


def test_a_redis_that_refuses_is_one_line_and_the_cache_goes_on(start, redis):
    redis.say("ACL", "SETUSER", "default", "-xadd")
    server = start(REDIS_URI=redis.uri, RATE_LIMIT=1000, RATE_SHARED_MS=TURN_MS)
    wire.eventually(lambda: server.counter("telemetry_rates_faults_total") > 0, 10)
    assert server.counter("telemetry_rates_shared") == 0 and server.counter("telemetry_cache_up") == 1
    lines = [line for line in server.lines if "takes no rates" in line]
    assert len(lines) == 1 and "NOPERM" in lines[0]
    redis.say("ACL", "SETUSER", "default", "+xadd")
    wire.eventually(lambda: server.counter("telemetry_rates_shared") == 1, 20)


def test_messages_that_are_none_are_counted_and_read_over(together, redis):
    (server,) = together(1)
    for text in ("garbage", "x" * 24, "y" * 100_000):
        redis.say("XADD", "ts:test:rates", "*", "u", text)
    redis.say("XADD", "ts:test:rates", "*", "u", "v", "other", "w")
    wire.eventually(lambda: figure(server, "telemetry_rates_faults_total") >= 4, 10)
    wire.eventually(lambda: figure(server, "telemetry_rates_shared") == 1, 20)
    assert figure(server, "telemetry_cache_up") == 1


def test_it_needs_a_redis(tmp_path):
    ended = server_module.run_binary("--check-config", DATA_DIR=tmp_path, RATE_SHARED_MS="100", REDIS_URI="")
    assert ended.returncode == 78 and ended.stderr.count("\n") == 1
    assert "REDIS_URI is missing" in ended.stderr and "RATE_SHARED_MS" in ended.stderr
