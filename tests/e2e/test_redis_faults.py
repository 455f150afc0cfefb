"""Redis fails under load: writes succeed all the time, reads show them, and nothing waits long for it.

The load is of writers, which reckon up at the end, and of readers, which read back at once what they wrote.
"""
import contextlib

import pytest

import wire
from lying_redis import LyingRedis
from processes import FAULTS, Service
from readers import LATE_S, Reader, faults, is_up
from rounds import ROUNDS, run_rounds

pytestmark = pytest.mark.stores("mongodb")
READERS = 2


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    service = Service("redis", tmp_path_factory.mktemp("redis") / "state")
    yield service
    service.close()


@contextlib.contextmanager
def reading(server, title):
    readers = [Reader(server, f"fault.reader{number}") for number in range(READERS)]
    try:
        yield readers
    finally:
        for reader in readers:
            reader.stop()
    slowest = max(reader.slowest_cache for reader in readers)
    print(f"{title}: {sum(4 * reader.rounds for reader in readers)} requests of readers, "
          f"{sum(reader.hits for reader in readers)} from the cache, which took {slowest:.3f} s at most; faults {faults(server)}")
    assert slowest < LATE_S


def run(server, title, fault):
    """Rounds that count as hits what the server says of its cache's faults."""
    before = [sum(faults(server).values())]

    def count_hits(*_):
        now = sum(faults(server).values())
        before.append(now)
        return now - before[-2]

    def fault_once_it_is_up():
        wire.eventually(lambda: is_up(server), 20)
        fault()

    with reading(server, title) as readers:
        tally = run_rounds(title, server, fault_once_it_is_up, count_hits)
    assert set(tally.answers) == {"201"}, "no write fails because of Redis"
    return readers


@pytest.mark.parametrize("name", FAULTS)
def test_redis_fails_under_load(start, redis, name):
    server = start(REDIS_URI=redis.uri)
    readers = run(server, f"Redis {name}", lambda: FAULTS[name](redis))
    assert sum(reader.hits for reader in readers) > 0, "the cache took part"
    wire.eventually(lambda: is_up(server), 20)


def test_redis_answers_garbage_under_load(start, redis):
    liar = LyingRedis(redis.port, seed=ROUNDS)
    server = start(REDIS_URI=liar.uri)

    def some_lies():
        wanted = liar.counts.total() + 5
        wire.eventually(lambda: liar.counts.total() >= wanted, 60)

    try:
        with reading(server, "Redis garbage"):
            tally = run_rounds("Redis garbage", server, some_lies, lambda *_: liar.counts.total())
    finally:
        liar.close()
    print("lies:", dict(liar.counts))
    assert set(tally.answers) == {"201"} and faults(server)["reply"] > 0
