# SPDX-License-Identifier: MIT
"""10,000 keep-alive connections that have asked once and stay: their memory, and what the busy ones notice of them."""
import resource
import socket
from statistics import median

from bench import runner
from bench.figures import figures, latency_us
from bench.load import surroundings
from bench.process import Failure
from bench.row import Row

CROWD, SPARE_FILES = 10_000, 100
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
MEMORY_MIB, NOTICED_MS = 64, 0.3
RATE = 5_000
ASKED_AGAIN = 100  # every so many-th, at the end: all must still be there
TIMEOUT_S = 10


class Crowd:
    """The connections, for as long as the context lasts."""

    def __init__(self, port):
        self.port = port
        self.sockets = []

    def __enter__(self):
        _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
        if allowed < CROWD + SPARE_FILES:
            raise Failure(f"{CROWD:,} connections want as many open files; the limit is {allowed:,} (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
        try:
            for _ in range(CROWD):
                self.sockets.append(socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S))
                ask(self.sockets[-1])
        except BaseException:
            self.__exit__()
            raise
        return self

    def ask_some(self):
        for connection in self.sockets[::ASKED_AGAIN]:
            ask(connection)

    def __exit__(self, *_):
        for connection in self.sockets:
            connection.close()


def ask(connection):
    """One request, answered 200; the answer is small, and the last bytes of its head are not waited for one by one."""
    connection.sendall(REQUEST)
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = connection.recv(4096)
        if not part:
            raise Failure("a connection of the crowd was closed")
        answer += part
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise Failure(f"a connection of the crowd was answered {answer.splitlines()[0].decode(errors='replace')}")


def busy(bench):
    return runner.load(bench, "post_single", [bench.server], "--rate", RATE, standing_by=[bench.floor])


def crowd(bench):
    """Rounds without and with the crowd, by turns."""
    noise, alone, beside, grown, resident = [surroundings([bench.server, bench.floor])], [], [], [], []
    for _ in range(bench.open_rounds):
        alone.append(busy(bench))
        before = bench.server.resident_mib()
        with Crowd(bench.server.port) as people:
            resident.append(bench.server.resident_mib())
            grown.append(resident[-1] - before)
            beside.append(busy(bench))
            people.ask_some()
    noise += [result["during"] for result in alone + beside]
    failures = runner.faults(alone + beside, "server")
    p99s, without = ([latency_us(result, "p99") / 1000 for result in results] for results in (beside, alone))
    return [Row(f"resident memory with {CROWD:,} idle connections, after the load", max(resident), "MiB", MEMORY_MIB, "most",
                noise=noise[:1], detail={"resident_mib": resident, "grown_mib": grown}),
            Row(f"single POST, {RATE:,}/s, 64 connections beside {CROWD:,} idle ones, p99", median(p99s), "ms", NOTICED_MS,
                "within", floor=median(without), beside="without them", spread=(min(p99s), max(p99s)), failures=failures,
                noise=noise, load=figures(beside), detail={"beside the idle": beside, "without them": alone})]
