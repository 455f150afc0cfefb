"""While MongoDB is away: requests under way end by their deadline, others are refused at once, and all is well again by
itself when it is back."""
import time

from load import Load
from processes import FAULTS
from wire import eventually

CLIENTS, JOBS, DEADLINE_S = 32, 8, 4
SLACK_S = 4       # of a busy machine under sanitizers
AT_ONCE_S = 1.0   # the same for an answer that waits for nothing
RECOVERY_S = 5
SETTINGS = {"JOBS": JOBS, "REQUEST_TIMEOUT_MS": DEADLINE_S * 1000}


def clients(server, name):
    return Load(server, name, clients=CLIENTS, pause_s=0.2)


def durations(load, kind, since=0.0):
    """Of the answers of a kind to what was sent after a moment, in order."""
    return sorted(answered - sent for sent, answered, known in load.times if known == kind and sent > since)


def p99(numbers):
    return numbers[len(numbers) * 99 // 100]


def has(load, kind, count, since):
    return lambda: sum(known == kind and sent > since for sent, _, known in load.times) >= count


def check_recovery(load, title):
    """How long it took to be well again."""
    recovery_s = load.wait_for_success_after(time.monotonic())
    slowest = max(answered - sent for sent, answered, _ in load.times)
    print(f"{title}: again after {recovery_s:.2f} s, slowest answer of all {slowest:.2f} s")
    assert recovery_s < RECOVERY_S and slowest < DEADLINE_S + SLACK_S
    return recovery_s


def test_a_mongodb_that_is_gone(start, own_mongo, mongo, new_row):
    """Its absence is known as soon as a connection breaks."""
    row = new_row(f"MongoDB ended, {JOBS} jobs and {CLIENTS} clients", 1)
    server = start(**own_mongo, **SETTINGS)
    with clients(server, "away.gone") as load:
        load.wait_for_more(100)
        mongo.end()
        load.wait_until(lambda: load.answers["503 storage-unavailable"] > 0)
        known = time.monotonic()
        load.wait_until(has(load, "503 storage-unavailable", 300, known))
        assert server.request("GET", "/readyz").status == 503 and server.request("GET", "/healthz").status == 200
        began = time.monotonic()
        assert server.request("GET", "/metrics?name=away.gone", headers={"Cache-Control": "no-cache"}).status == 503
        assert time.monotonic() - began < AT_ONCE_S
        refusals = durations(load, "503 storage-unavailable", known)
        print(f"gone: {len(refusals)} refusals, half within {refusals[len(refusals) // 2] * 1000:.1f} ms, "
              f"p99 {p99(refusals) * 1000:.1f} ms")
        assert p99(refusals) < AT_ONCE_S
        mongo.start()
        recovery_s = check_recovery(load, "gone")
        eventually(lambda: server.request("GET", "/readyz").status == 200)
    row.add(1, len(refusals), load.answers, load.reckon(), recovery_s)


def test_a_mongodb_that_is_silent(start, own_mongo, mongo, new_row):
    """Nothing tells that it is away: the queue of requests fills, and who finds it full is told so at once."""
    row = new_row(f"MongoDB silent, {JOBS} jobs and {CLIENTS} clients", 1)
    server = start(**own_mongo, **SETTINGS)
    with clients(server, "away.silent") as load:
        load.wait_for_more(100)
        began = time.monotonic()
        FAULTS["SIGSTOP"](mongo)
        recovery_s = check_recovery(load, "silent")
        refusals = durations(load, "503 overloaded", began)
        late = durations(load, "504 outcome-unknown")
        print(f"silent: {len(refusals)} refusals, half within {refusals[len(refusals) // 2] * 1000:.1f} ms, "
              f"p99 {p99(refusals) * 1000:.1f} ms; {len(late)} answers at the deadline, the last after {late[-1]:.2f} s")
        assert len(refusals) > 100 and p99(refusals) < AT_ONCE_S
        assert 0 < len(late) <= 3 * JOBS and late[-1] < DEADLINE_S + SLACK_S
    row.add(1, len(refusals) + len(late), load.answers, load.reckon(), recovery_s)
