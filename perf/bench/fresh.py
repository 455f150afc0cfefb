# SPDX-License-Identifier: MIT
"""Does any read show what was there before a write that had been answered? Asked while the load runs.

The checker writes to the names that the load reads, each the likelier the more it is read, and reads the very lists
that the load keeps in the cache, at once, on every server in turn. A list must hold the metric that was written, or
nothing but newer ones. Where old answers are allowed for a time, reads that begin within it may miss the metric, and
are repeated until one has it.
"""
import http.client
import json
import random
import threading
import time

NAMES, PAGE = 200, 100  # as in perf/load/scenarios/cache.scenario
CHECKS_PER_SECOND = 20
AGAIN_S = 0.01  # between reads that may still miss what was written
TIMEOUT_S = 10


class Checker:
    """Use as a context; `stale` and `n_checks` are what came of it."""

    def __init__(self, servers, stale_ms):
        self.connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
                            for server in servers]
        self.stale_s = stale_ms / 1000
        self.n_checks = self.n_reads = self.n_older = 0
        self.stale, self.broken = [], None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        for connection in self.connections:
            connection.close()

    @property
    def failures(self):
        found = [f"{len(self.stale):,} stale answers: {self.stale[0]}"] if self.stale else []
        found += [f"the check of freshness broke off: {self.broken}"] if self.broken else []
        return found if self.n_checks else found + ["freshness was not checked"]

    def _run(self):
        chance, weights = random.Random(20260101), [1 / rank for rank in range(1, NAMES + 1)]
        try:
            while not self.stopping.wait(1 / CHECKS_PER_SECOND):
                number = chance.choices(range(1, NAMES + 1), weights)[0]
                self._check(f"load.{number}", chance.choice(self.connections))
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            self.broken = repr(error)

    def _check(self, name, writer):
        written = call(writer, "POST", "/metrics", json.dumps({"name": name, "value": self.n_checks}))
        answered = time.monotonic()
        self.n_checks += 1
        for connection in self.connections:
            self._read_until_seen(connection, name, written, answered)

    def _read_until_seen(self, connection, name, written, answered):
        while True:
            late_s = time.monotonic() - answered
            page = call(connection, "GET", f"/metrics?name={name}&limit={PAGE}")["metrics"]
            self.n_reads += 1
            if shows(page, written):
                return
            self.n_older += 1
            if late_s > self.stale_s:
                self.stale.append(f"{name}, read {late_s * 1000:.1f} ms after the write on port {connection.port}")
                return
            time.sleep(AGAIN_S)


def shows(page, written):
    """Whether a page of the newest metrics is as new as the one written: it is there, or was pushed out by newer ones."""
    if any(metric["id"] == written["id"] for metric in page):
        return True
    return len(page) == PAGE and page[-1]["timestamp"] >= written["timestamp"]


def call(connection, method, path, body=None):
    """The JSON of an answer of 2xx; ValueError for any other."""
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status not in (200, 201):
        raise ValueError(f"{method} {path} was answered {answer.status}")
    return json.loads(text)
