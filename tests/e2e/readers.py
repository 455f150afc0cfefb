"""readers: clients that read back what they wrote while the cache fails, and the server's figures of its cache."""
import re
import threading
import time

import wire

LATE_S = 2.0  # what a request may take on a busy machine under sanitizers; Redis is given 50 ms of it


def is_up(server):
    return server.counter("telemetry_cache_up") == 1


def faults(server):
    kinds = ("connection", "timeout", "reply", "value")
    return {kind: int(server.counter("telemetry_cache_faults_total", fault=kind)) for kind in kinds}


def is_hit(answer):
    return answer["Cache-Status"].endswith("; hit")


def seconds_in_cache(answer):
    """What a request spent waiting for the cache, by the server's own account."""
    times = re.findall(r"\bcache;dur=([0-9.]+)", answer["Server-Timing"] or "")
    return sum(map(float, times)) / 1000


class Reader:
    """Writes ever larger values and reads them back, on connections of their own; says what went wrong, if anything."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.stopping = threading.Event()
        self.rounds, self.hits, self.slowest, self.slowest_cache, self.failure = 0, 0, 0.0, 0.0, None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def timed(self, connection, *arguments):
        began = time.monotonic()
        answer = connection.request(*arguments)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.slowest_cache = max(self.slowest_cache, seconds_in_cache(answer))
        return answer

    def run(self):
        target = wire.target("/metrics", name=self.name, limit=1)
        try:
            with self.server.connect() as writer, self.server.connect() as reader:
                while not self.stopping.is_set():
                    self.rounds += 1
                    item = {"name": self.name, "value": self.rounds, "timestamp": 1_700_000_000_000 + self.rounds}
                    answer = self.timed(writer, "POST", "/metrics", item)
                    assert answer.status == 201, answer
                    for _ in range(3):
                        answer = self.timed(reader, "GET", target)
                        assert answer.status == 200, answer
                        assert answer.json()["metrics"][0]["value"] == self.rounds, (answer, self.rounds)
                        self.hits += is_hit(answer)
        except BaseException as failure:  # noqa: BLE001 - told by the test
            self.failure = failure

    def stop(self):
        self.stopping.set()
        self.thread.join()
        if self.failure:
            raise self.failure
