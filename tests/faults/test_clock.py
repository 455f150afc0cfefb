"""The wall clock jumps by hours, forward and back, under load: ids stay unique, lists in order, and whatever waits or ends
goes by the other clock."""
import mmap
import struct
import time
from email.utils import parsedate_to_datetime

import pytest

from load import Load
from row import ROUNDS
from server import BINARY, ROOT
from wire import eventually

HOUR_S = 3600
JUMPS_H = [3, -6, 48, -1, 0]  # from the true time
MOST_WAITS = 3                # rounds that wait for a time to live
BETWEEN = 100                 # metrics that are acknowledged between two jumps


class Clock:
    """The wall clock of the servers that get `settings`."""

    def __init__(self, path):
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self.page = mmap.mmap(file.fileno(), 8)
        places = [folder / "tests" / "libjumping-clock.so" for folder in (BINARY.parent, ROOT / "build-asan", ROOT / "build-clang")]
        self.settings = {"CLOCK_OFFSET": path, "LD_PRELOAD": next(place for place in places if place.exists()),
                         "ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.offset_s = 0

    def set(self, hours):
        self.offset_s = hours * HOUR_S
        struct.pack_into("=q", self.page, 0, self.offset_s * 10**9)

    def jump(self, server, hours):
        """Sets it so far from the true time; returns when an answer shows it."""
        self.set(hours)
        eventually(lambda: abs(self.seconds_off(server)) < 5)

    def seconds_off(self, server):
        """By how much the server's clock is not what was set."""
        shown = parsedate_to_datetime(server.request("GET", "/healthz")["Date"]).timestamp()
        return shown - time.time() - self.offset_s


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / "clock")


def jump_about(clock, server, load):
    for hours in JUMPS_H:
        load.wait_for_more(BETWEEN)
        clock.jump(server, hours)
    load.wait_for_more(BETWEEN)


@pytest.mark.stores("sqlite", "mongodb")
def test_jumps_under_load(start, store, clock, new_row):
    row = new_row(f"jumps of the clock by up to 48 h ({store.kind})", ROUNDS)
    server = start(**clock.settings)
    for round_ in range(row.wanted):
        with Load(server, f"clock.round{round_}") as load:
            began = time.monotonic()
            jump_about(clock, server, load)
            felt = sum(sent > began for sent, _, _ in load.times)
        row.add(len(JUMPS_H), felt, load.answers, load.reckon())
        stamps = [metric["timestamp"] for metric in server.list_all(name=load.name)]
        assert stamps == sorted(stamps, reverse=True), "newest first"
        assert len({stamp[:13] for stamp in stamps}) >= len(JUMPS_H), "each jump shows in what was stored"
    assert set(row.answers) == {"201"}, "nothing waited too long by a clock that jumps"
    server.stop()
    clock.set(-7)
    again = start(data_dir=server.data_dir, **clock.settings)
    with Load(again, "clock.before") as load:
        load.wait_for_more(BETWEEN)
    load.reckon()
    metrics = again.list_all(name="clock.*")
    assert len({metric["id"] for metric in metrics}) == len(metrics), "ids are unique, also of a clock that shows the same again"


def test_what_waits_goes_by_the_other_clock(start, clock, new_row):
    row = new_row("jumps of the clock, beside what waits or ends", min(ROUNDS, MOST_WAITS))
    server = start(**clock.settings, RATE_LIMIT=1000, RATE_BURST=1000, CACHE_TTL_MS=3000, REDIS_URI="")
    with server.connect() as connection:
        for round_ in range(row.wanted):
            answers = [check_cache(clock, server, connection, f"waits{round_}", hours) for hours in (6, -6)]
            answers.append(check_resend(clock, server, connection, f"waits{round_}"))
            row.add(3, 3, [str(answer.status) for answer in answers])
        assert connection.request("GET", "/healthz").status == 200, "the connection of before all jumps"


def is_hit(connection, name):
    return "; hit" in connection.request("GET", f"/metrics?name={name}")["Cache-Status"]


def check_cache(clock, server, connection, name, hours):
    """An answer in the cache is there behind a jump, and ends in its time."""
    clock.jump(server, 0)
    answer = connection.request("POST", "/metrics", {"name": name, "value": hours})
    eventually(lambda: not is_hit(connection, name) and is_hit(connection, name))
    clock.jump(server, hours)
    assert is_hit(connection, name)
    eventually(lambda: not is_hit(connection, name), 20)
    return answer


def check_resend(clock, server, connection, name):
    """A request with a key is the same behind a jump, and so is the time of arrival that it was given."""
    def send():
        return connection.request("POST", "/metrics", {"name": name, "value": 7}, headers={"Idempotency-Key": name})

    clock.jump(server, 0)
    first = send()
    clock.jump(server, -6)
    second = send()
    assert (first.status, second.status) == (201, 200) and first.json() == second.json()
    return second


def test_rates_go_by_the_other_clock(start, clock, new_row):
    """Forward brings nobody anything; back makes nobody wait."""
    row = new_row("jumps of the clock, beside a rate of calls", ROUNDS)
    server = start(**clock.settings, RATE_LIMIT=1, RATE_BURST=5)
    with server.connect() as connection:
        def status():
            return connection.request("GET", "/metrics?limit=1").status

        for _ in range(row.wanted):
            clock.jump(server, 0)
            answers = []
            eventually(lambda: answers.append(status()) or answers[-1] == 429)
            clock.jump(server, 6)
            began = time.monotonic()
            after = [status() for _ in range(5)]
            assert after.count(200) <= 1 + time.monotonic() - began, after
            clock.jump(server, -6)
            eventually(lambda: status() == 200, 10)
            row.add(2, len(after), [str(answer) for answer in answers + after])
