"""More clients than the server may open files, and clients that reset in the middle: beside them, others are served, and what
was answered to those is stored."""
import contextlib
import os
import random
import resource
import socket
import struct
import time
from collections import Counter
from pathlib import Path

from load import Load
from problems import assert_problem
from row import ROUNDS
from slow_clients import raise_files_limit
from test_many import mixed_request
from wire import Connection, eventually

FILES, CROWD = 128, 1000
REST_S, REST_CPU = 2, 0.05  # while nobody asks, of one processor
RESETS, PIPELINED = 150, 4  # in a round
SEED = 20261123


def cpu_seconds(server):
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def first_status(connection):
    """The status of its one request, or 0 when the server closed without an answer."""
    with contextlib.suppress(OSError):
        connection.send(connection.make("GET", "/healthz"))
    try:
        return connection.read_answer().status
    except Exception:  # noqa: BLE001  closed or reset, in one of many ways
        return 0


def is_served(server):
    with contextlib.suppress(OSError), Connection(server, timeout=5) as connection:
        return first_status(connection) == 200
    return False


def rest(server):
    """How much of a processor the server takes while its clients only sit there."""
    begun = cpu_seconds(server)
    time.sleep(REST_S)
    return (cpu_seconds(server) - begun) / REST_S


def test_more_clients_than_open_files(start, new_row):
    """Some are served, the others told or closed; nothing spins, and who was there before is served all the time."""
    raise_files_limit()
    rounds = min(ROUNDS, 5)
    row = new_row(f"{CROWD:,} clients of a server that may open {FILES} files", rounds)
    server = start(before_exec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES)))
    for round_ in range(rounds):
        with contextlib.ExitStack() as crowd:
            with Load(server, f"files.round{round_}") as load:
                load.wait_for_more(100)
                held = [crowd.enter_context(Connection(server, timeout=5)) for _ in range(CROWD)]
                statuses = Counter(first_status(connection) for connection in held)
                load.wait_for_more(100)
            assert set(load.answers) == {"201"}
            assert statuses[200] >= 32 and statuses[200] + statuses[503] + statuses[0] == CROWD
            assert rest(server) <= REST_CPU
        eventually(lambda: is_served(server))
        told = {f"{'closed' if status == 0 else status} (crowd)": count for status, count in statuses.items()}
        row.add(CROWD, statuses[503] + statuses[0], load.answers + Counter(told), load.reckon())


def reset(connection):
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()


def reset_some(server, rng, host, number):
    """So many clients go away in the middle of a request, or with answers under way."""
    doomed = [server.connect() for _ in range(PIPELINED)]
    for i, connection in enumerate(doomed):
        _, data, _ = mixed_request(rng, "reset", host, f"lost-{number}-{i}")
        connection.send(data[: rng.randrange(1, len(data) + 1)] if rng.random() < 0.5 else data * 3)
    for connection in doomed:
        reset(connection)


def come_next(server, rng, host, number):
    """A client in a place that has just become free; returns what was answered, each to its own request."""
    requests = [mixed_request(rng, "reset", host, f"kept-{number}-{i}") for i in range(PIPELINED)]
    statuses = []
    with server.connect() as connection:
        connection.send(b"".join(data for _, data, _ in requests))
        for i, (method, _, _) in enumerate(requests):
            answer = connection.read_answer(method)
            statuses.append(str(answer.status))
            if answer["X-Request-Id"] != f"kept-{number}-{i}":  # refused at the door: no slot was free yet
                assert_problem(answer, 503)
                break
    return statuses


def test_resets_in_the_middle_and_slots_used_again_at_once(start, new_row):
    """Few connections and jobs, so that each one's place is the next one's; a late answer would be the wrong one's."""
    row = new_row("clients that reset in the middle of a request", ROUNDS)
    server = start(CONNECTIONS_MAX=24, JOBS=32)
    rng, host = random.Random(SEED), f"{server.host}:{server.port}"
    for round_ in range(row.wanted):
        answers = Counter()
        with Load(server, f"resets.round{round_}", clients=4) as load:
            for number in range(RESETS):
                reset_some(server, rng, host, f"{round_}-{number}")
                answers.update(come_next(server, rng, host, f"{round_}-{number}"))
            load.wait_for_more(50)
        assert answers.total() > RESETS * PIPELINED / 2
        row.add(RESETS * PIPELINED, answers.total(), answers + load.answers, load.reckon())
    eventually(lambda: server.counter("telemetry_jobs_in_use") <= 1)
    eventually(lambda: server.counter("telemetry_connections") <= 1)
