"""Time-outs, memory limits, overload, full disks and shutdown, each with small limits of its own."""
import contextlib
import resource
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from problems import assert_problem
from test_overload import SLOW_STORE
from wire import Closed, eventually, ndjson

BOTH = pytest.mark.stores("sqlite", "mongodb")


def values_of(server, name):
    return [metric["value"] for metric in server.list_all(name=name)]


def can_connect(server):
    try:
        return server.request("GET", "/healthz").status == 200
    except (Closed, OSError):
        return False


# Time-outs ------------------------------------------------------------------------------------------------------------


def read_until_closed(connection):
    """Everything that comes before the server closes, which it must do within the connection's time limit."""
    try:
        while True:
            connection.more()
    except Closed as closed:
        return closed.early


def drip(connection, data):
    """Sends a byte every 50 ms until the server answers or closes; returns after how many seconds that was."""
    begun = time.monotonic()
    connection.socket.settimeout(0.05)
    for i in range(len(data)):
        try:
            connection.send(data[i : i + 1])
            connection.more()
            break
        except socket.timeout:
            continue
        except (Closed, BrokenPipeError, ConnectionResetError):
            break
    return time.monotonic() - begun


def test_unfinished_head_times_out(start):
    server = start(HEAD_TIMEOUT_MS=300)
    with server.connect() as connection:
        begun = time.monotonic()
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        assert_problem(connection.read_answer(), 408, "request-timeout")
        assert 0.25 < time.monotonic() - begun < 5
        assert connection.is_closed()
    assert server.counter("telemetry_timeouts_total", wait="head") == 1


def test_dripping_head_times_out(start):
    """A byte now and then does not extend the time: this is the slow-loris."""
    server = start(HEAD_TIMEOUT_MS=500)
    with server.connect() as connection:
        assert 0.4 < drip(connection, b"GET /" + b"x" * 200) < 5
    assert server.counter("telemetry_timeouts_total", wait="head") == 1


def test_unfinished_body_times_out(start, name):
    server = start(BODY_TIMEOUT_MS=500)
    with server.connect() as connection:
        begun = time.monotonic()
        request = connection.make("POST", "/metrics", {"name": name, "value": 1})
        connection.send(request[:-1])
        assert_problem(connection.read_answer(), 408, "request-timeout")
        assert 0.4 < time.monotonic() - begun < 5
        assert connection.is_closed()
    assert values_of(server, name) == []
    assert server.counter("telemetry_timeouts_total", wait="body") == 1


def test_dripping_body_falls_below_the_least_rate(start, name):
    server = start(BODY_MIN_BYTES_PER_S="10k")
    with server.connect() as connection:
        connection.send(connection.make("POST", "/metrics", b" " * 100_000)[:-99_999])
        assert 1.5 < drip(connection, b" " * 300) < 10, "it ends soon after its first 2 s"
    assert server.counter("telemetry_timeouts_total", wait="body") == 1


def test_idle_connections_are_closed(start):
    server = start(IDLE_TIMEOUT_MS=300)
    with server.connect() as silent, server.connect() as used:
        assert used.request("GET", "/healthz").status == 200
        assert read_until_closed(silent) == b""
        assert read_until_closed(used) == b""
    eventually(lambda: server.counter("telemetry_timeouts_total", wait="idle") >= 2)


def test_slow_reader_is_cut_off(start, name):
    """A client that asks for much and reads nothing is closed; others are served meanwhile."""
    server = start(WRITE_TIMEOUT_MS=500)
    items = [{"name": name, "tags": ["t" * 120], "value": i} for i in range(1000)]
    server.store(items)
    with server.connect(receive_buffer=4096) as slow:
        request = slow.make("GET", f"/metrics?name={name}&limit=1000")
        slow.socket.settimeout(0.5)
        try:
            for _ in range(200):
                slow.send(request)
        except (socket.timeout, BrokenPipeError, ConnectionResetError):
            pass  # the server reads no further, or has closed: both bound what it must remember
        eventually(lambda: server.counter("telemetry_timeouts_total", wait="write") >= 1)
        assert server.counter("telemetry_jobs_in_use") <= 1
        assert len(values_of(server, name)) == 1000


def test_a_slow_but_steady_reader_gets_everything(start, name):
    server = start()
    server.store([{"name": name, "tags": ["t" * 120], "value": i} for i in range(1000)])
    whole = server.request("GET", f"/metrics?name={name}&limit=1000").body
    with server.connect(receive_buffer=4096) as slow:
        slow.send(slow.make("GET", f"/metrics?name={name}&limit=1000") * 20)
        for _ in range(20):
            time.sleep(0.02)
            assert slow.read_answer().body == whole


# Limits ---------------------------------------------------------------------------------------------------------------


@BOTH
def test_more_requests_than_jobs_are_answered_or_refused_but_never_lost(start, name):
    server = start(JOBS=4)

    def post(worker):
        answers = []
        with server.connect() as connection:
            for i in range(40):
                value = worker * 100 + i
                answers.append((value, connection.request("POST", "/metrics", {"name": name, "value": value})))
        return answers

    with ThreadPoolExecutor(16) as pool:
        answers = [answer for worker in pool.map(post, range(16)) for answer in worker]
    stored = [value for value, answer in answers if answer.status == 201]
    for value, answer in answers:
        if answer.status != 201:
            assert_problem(answer, 503, "overloaded")
    assert stored, "some must come through"
    assert sorted(values_of(server, name)) == sorted(stored)
    eventually(lambda: server.counter("telemetry_jobs_in_use") <= 1)


def test_health_is_answered_when_all_else_is_stuck(start, name):
    server = start(JOBS=4, QUERY_JOBS_PERCENT=100, **{**SLOW_STORE, "SLOW_SYNC_US": 1_000_000})
    connections = [server.connect() for _ in range(6)]
    for i, connection in enumerate(connections):
        connection.send(connection.make("POST", "/metrics", {"name": name, "value": i}))
    eventually(lambda: server.counter("telemetry_refused_total", reason="no_job") >= 1)
    assert server.request("GET", "/healthz").status == 200
    statuses = [connection.read_answer().status for connection in connections]
    assert set(statuses) == {201, 503}, statuses


def test_bodies_share_one_budget(start, name):
    """With the budget held by bodies that stay unfinished, the next large body is refused at once with 503."""
    server = start(BODY_BUDGET_BYTES=200_000, BODY_MAX_BYTES=150_000, SINGLE_MAX_BYTES=150_000)
    batch = ndjson([{"name": name, "tags": ["x" * 100], "value": i} for i in range(600)])
    assert 80_000 < len(batch) < 150_000
    with server.connect() as holder:
        holder.send(holder.make("POST", "/metrics", batch, content_type="application/x-ndjson")[:-10])
        eventually(lambda: server.counter("telemetry_body_bytes") > 50_000)
        with server.connect() as other:
            other.send(other.make("POST", "/metrics", b" " * 140_000))
            answer = other.read_answer()
            assert_problem(answer, 503, "overloaded")
        assert server.request("GET", "/healthz").status == 200
        holder.send(batch[-10:])
        assert holder.read_answer().status == 201
    eventually(lambda: server.counter("telemetry_body_bytes") == 0)
    assert server.request("POST", "/metrics", batch, content_type="application/x-ndjson").status == 201


def test_connections_beyond_the_limit_are_refused(start):
    """Each gets a 503, not a reset, and room that becomes free is given again."""
    server = start(CONNECTIONS_MAX=8)
    held = [server.connect() for _ in range(12)]
    statuses = []
    for connection in held:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.send(connection.make("GET", "/healthz"))
        statuses.append(connection.read_answer().status)
    assert 7 <= statuses.count(200) <= 8 and statuses.count(503) == 12 - statuses.count(200), statuses
    for connection in held:
        connection.socket.close()
    eventually(lambda: can_connect(server))


# The disk -------------------------------------------------------------------------------------------------------------


def test_full_disk_refuses_writes_keeps_reads_and_recovers(start, name):
    """A file size limit stands in for a full disk; lifting it must heal the server without a restart."""
    server = start(before_exec=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
    batch = [{"name": name, "tags": ["x" * 100], "value": i} for i in range(200)]
    server.store(batch)
    pid, unlimited = server.process.pid, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    accepted, refused = 200, 0
    for i in range(200):
        items = [{"name": name + ".more", "tags": ["y" * 100, f"n:{i}"], "value": i * 100 + j} for j in range(100)]
        answer = server.request("POST", "/metrics", items)
        if answer.status == 201:
            accepted += 100
            continue
        assert_problem(answer, (503, 507))
        refused += 1
        if refused == 5:
            break
    assert refused == 5, "the limit was met"
    assert len(values_of(server, name)) == 200, "reads go on"
    assert server.request("GET", "/healthz").status == 200
    resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    eventually(lambda: server.request("POST", "/metrics", {"name": name + ".after", "value": 1}).status == 201)
    eventually(lambda: server.request("GET", "/readyz").status == 200)
    assert server.counter("telemetry_metrics_total", change="inserted") == accepted + 1
    server.kill()
    again = start(data_dir=server.data_dir)
    assert len(values_of(again, name + "*")) >= accepted + 1, "what was answered is there"


# Shutdown -------------------------------------------------------------------------------------------------------------


@BOTH
def test_sigterm_answers_what_was_received_and_ends(start, name):
    server = start()
    connections = [server.connect() for _ in range(20)]
    for connection in connections:
        assert connection.request("GET", "/healthz").status == 200
    for i, connection in enumerate(connections):
        connection.send(connection.make("POST", "/metrics", {"name": name, "value": i}))
    eventually(lambda: server.counter("telemetry_requests_total") >= 40)
    server.terminate()
    answered = sum(connection.read_answer().status == 201 for connection in connections)
    assert answered == 20
    server.stop()
    again = start(data_dir=server.data_dir)
    assert sorted(values_of(again, name)) == list(range(20))


@BOTH
def test_sigterm_under_load_loses_nothing_answered(start, name):
    server = start()
    answered, running = [], threading.Event()

    def post(worker):
        number = worker * 100_000
        try:
            with server.connect() as connection:
                while True:
                    answer = connection.request("POST", "/metrics", {"name": name, "value": number})
                    if answer.status == 201:
                        answered.append(number)
                    else:
                        assert_problem(answer, 503, "draining")
                        return
                    number += 1
                    if len(answered) > 200:
                        running.set()
        except (Closed, OSError):
            pass  # closed between two requests: allowed

    threads = [threading.Thread(target=post, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    assert running.wait(20)
    server.terminate()
    for thread in threads:
        thread.join(20)
    server.stop()
    again = start(data_dir=server.data_dir)
    found = values_of(again, name)
    assert set(answered) <= set(found) and len(found) == len(set(found))


def test_sigterm_does_not_wait_for_idle_or_stuck_clients(start):
    server = start(DRAIN_TIMEOUT_MS=500)
    with server.connect() as idle, server.connect() as stuck:
        assert idle.request("GET", "/healthz").status == 200
        stuck.send(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        begun = time.monotonic()
        server.stop()
        assert time.monotonic() - begun < 10


def test_second_sigterm_ends_at_once(start):
    server = start(DRAIN_TIMEOUT_MS=60_000)
    with server.connect() as stuck:
        stuck.send(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        eventually(lambda: server.counter("telemetry_connections") >= 2)
        server.terminate()
        eventually(lambda: not can_connect(server))
        server.terminate()
        assert server.process.wait(10) != 0


def test_sighup_does_not_end_a_drain(start, name):
    """Keys may be renewed at any time; the server that ends has no use for them, and answers on."""
    server = start(DRAIN_TIMEOUT_MS=60_000, **{**SLOW_STORE, "SLOW_SYNC_US": 500_000})
    connections = [server.connect() for _ in range(5)]
    for i, connection in enumerate(connections):
        connection.send(connection.make("POST", "/metrics", {"name": name, "value": i}))
    eventually(lambda: server.counter("telemetry_jobs_in_use") >= 3)
    server.terminate()
    eventually(lambda: not can_connect(server))
    server.process.send_signal(signal.SIGHUP)
    assert [connection.read_answer().status for connection in connections] == [201] * 5
    server.stop()


@BOTH
def test_an_idle_server_uses_no_processor_time(start):
    server = start()

    def ticks():
        fields = open(f"/proc/{server.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    time.sleep(0.5)
    before = ticks()
    time.sleep(2)
    assert ticks() - before <= 4, "two seconds of rest cost at most 2 % of one processor"
