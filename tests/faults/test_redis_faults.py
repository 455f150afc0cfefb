"""Redis fails under load: writes succeed all the time, reads show them, and nothing waits long for it.

The load is of writers, which reckon up at the end, and of readers, which read back at once what they wrote.
"""
import contextlib

import pytest

import wire
from lying_redis import LyingRedis
from processes import FAULTS, Service
from readers import LATE_S, Reader, faults, is_up
from row import ROUNDS
from rounds import run_rounds

WRITERS, READERS, LIES = 4, 2, 3
RACES = {"SIGKILL": pytest.mark.races}


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


def run(server, row, fault):
    """Rounds in which counts as felt what the server says of its cache's faults."""
    before = [sum(faults(server).values())]

    def count_faults(*_):
        now = sum(faults(server).values())
        before.append(now)
        return now - before[-2]

    with reading(server, row.fault) as readers:
        run_rounds(row, server, fault, count_faults, clients=WRITERS)
    assert set(row.answers) == {"201"}, "no write fails because of Redis"
    return readers


@pytest.mark.parametrize("name", [pytest.param(name, marks=RACES.get(name, ())) for name in FAULTS])
def test_redis_fails_under_load(start, redis, new_row, name):
    server = start(REDIS_URI=redis.uri)

    def fault_once_it_is_up():
        wire.eventually(lambda: is_up(server), 20)
        FAULTS[name](redis)

    readers = run(server, new_row(f"{name} of Redis", ROUNDS), fault_once_it_is_up)
    assert sum(reader.hits for reader in readers) > 0, "the cache took part"
    wire.eventually(lambda: is_up(server), 20)


@pytest.mark.races
def test_redis_answers_garbage_under_load(start, redis, new_row):
    """Each round goes on until lies were told, and the server has found one of its kind."""
    liar = LyingRedis(redis.port, seed=ROUNDS)
    server = start(REDIS_URI=liar.uri)

    def some_lies():
        wanted, seen = liar.counts.total() + LIES, faults(server)["reply"]
        wire.eventually(lambda: liar.counts.total() >= wanted and faults(server)["reply"] > seen, 60)

    try:
        run(server, new_row(f"garbage of Redis, at least {LIES} times", ROUNDS), some_lies)
    finally:
        liar.close()
    print("lies:", dict(liar.counts))
