"""The server is killed, stopped and ended under load: every metric that was answered is there afterwards, exactly once."""
import random
import signal
import time

import pytest

import wire
from load import Load
from row import KILL_ROUNDS, ROUNDS, within

pytestmark = pytest.mark.stores("sqlite", "mongodb")
MOST_ANSWERS = {"sqlite": 6000, "mongodb": 3000}  # of the time before a fault
PAUSE_S = 1
SETTINGS = {"LOOPS": 2, "PARSER_WORKERS": 2}


def load_until(load, most):
    """A moment that differs from round to round."""
    load.wait_for_more(random.Random(load.name).randint(most // 10, most))


def start_timed(start, data_dir):
    """Another server on what the last one left, and how long it took to be ready."""
    began = time.monotonic()
    return start(data_dir=data_dir, **SETTINGS), time.monotonic() - began


def stored_of_all(server, names):
    """How many metrics each name has, by the server's own counting."""
    answer = server.request("GET", f"/metrics/aggregate?op=count&by=name&name={names}", headers={"Cache-Control": "no-cache"})
    assert answer.status == 200, answer
    return dict(answer.json()["rows"])


def test_kill(start, store, new_row, tmp_path):
    row, found = new_row(f"SIGKILL of the server ({store.kind})", KILL_ROUNDS), {}
    server, _ = start_timed(start, tmp_path / "data")
    for round_ in range(row.wanted):
        with Load(server, f"kill.round{round_}", may_end=True) as load:
            load_until(load, MOST_ANSWERS[store.kind])
            server.kill()
        server, recovery_s = start_timed(start, tmp_path / "data")
        reckoned = load.reckon(server)
        found[load.name] = reckoned.found
        row.add(1, len(load.cut), load.answers, reckoned, recovery_s)
    assert stored_of_all(server, "kill.*") == found, "what was there after one kill is there after all of them"
    assert row.felt > 0, "no request was under way"
    assert row.recovery_s < within(1, 20), "ready again at once"


def test_stop(start, store, new_row):
    """Stopped and continued: whoever waited is answered as if nothing had been."""
    row = new_row(f"SIGSTOP of the server, {PAUSE_S} s ({store.kind})", ROUNDS)
    server = start(**SETTINGS)
    for round_ in range(row.wanted):
        with Load(server, f"stop.round{round_}") as load:
            load_until(load, MOST_ANSWERS[store.kind] // 4)
            began = time.monotonic()
            server.process.send_signal(signal.SIGSTOP)
            time.sleep(PAUSE_S)
            server.process.send_signal(signal.SIGCONT)
            ended = time.monotonic()
            recovery_s = load.wait_for_success_after(ended)
        row.add(1, load.count_affected(began, ended), load.answers, load.reckon(), recovery_s)
    assert row.felt > 0 and row.recovery_s < within(1, 10)


def stop_with_requests(server, load):
    """Stopped for a moment, so that what is sent until then lies there unread when the next signal comes."""
    server.process.send_signal(signal.SIGSTOP)
    wire.eventually(lambda: load.n_sent == load.n_clients)


@pytest.mark.races
def test_end(start, store, new_row, tmp_path):
    """SIGTERM: every request that had been sent whole is answered, and the server ends by itself, soon, with 0."""
    row = new_row(f"SIGTERM of the server ({store.kind})", ROUNDS)
    server, _ = start_timed(start, tmp_path / "data")
    for round_ in range(row.wanted):
        with Load(server, f"end.round{round_}", may_end=True) as load:
            load_until(load, MOST_ANSWERS[store.kind] // 4)
            if round_ % 2 == 0:
                stop_with_requests(server, load)
            began = time.monotonic()
            server.terminate()
            server.process.send_signal(signal.SIGCONT)
            server.stop()
            ended_s = time.monotonic() - began
        unanswered = [sent for sent in load.cut if sent < began]
        assert not unanswered, f"{len(unanswered)} requests that had been sent whole were not answered"
        assert ended_s < within(10, 20), "it ends soon"
        server, _ = start_timed(start, tmp_path / "data")
        row.add(1, load.count_under_way(began), load.answers, load.reckon(server), ended_s)
    assert row.felt > 0, "no request was under way"
