"""allocation_points: memory fails at one call after the other of a request, and what came of it.

A point is a kind of request, the number of the call that fails first, and how many fail. A crash, a lie, a hang and a
request that does not work afterwards are failures; they are gathered, so that one run shows all of them.
"""
import os
from collections import Counter

from server import Server
from shim import Shim
from wire import Closed, Connection

# Calls that fail, from the chosen one on. A client whose connection cannot be made waits for the next try.
ONE, FEW_CALLS, ALL = 1, 3, 1_000_000
KINDS = ("malloc", "calloc", "realloc", "aligned_alloc", "strdup", "mmap", "thread")
FAILURES_MAX = 12
HANG_S = 15
# A preloaded shim stands before the sanitizer; a crash must end the server at once.
PRELOADED = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "abort_on_error=1") + ":verify_asan_link_order=0"}


class Asking(Connection):
    """A connection whose requests show a key, unless they bring another."""

    def __init__(self, server, key):
        super().__init__(server, timeout=HANG_S)
        self.key = key

    def make(self, method, target, body=None, headers=None, content_type="application/json"):
        key = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return super().make(method, target, body, {**key, **(headers or {})}, content_type)


class Points:
    def __init__(self, folder, settings, key=None, own=False, is_all=False):
        self.folder, self.settings, self.key, self.own, self.is_all = folder, settings, key, own, is_all
        self.shim = Shim("failing-memory", folder / "page")
        self.server = self.connection = None
        self.n_points = self.n_failed = 0
        self.answers, self.sites, self.failures, self.kinds = Counter(), Counter(), [], Counter()
        self.start()

    def start(self):
        self.server = Server(self.folder / "data", **{**self.settings, **self.shim.settings, **PRELOADED})
        self.connect()

    def connect(self):
        if self.connection is not None:
            self.connection.socket.close()
        self.connection = Asking(self.server, self.key)
        return self.connection

    def run(self, call):
        """All points of a kind, or some, ever fewer of the later ones; in both ways of failing."""
        for span in (ONE, FEW_CALLS if call.fresh else ALL):
            number = 1
            while self.point(call, number, span) > 0:
                number += 1 if self.is_all else 1 + number // 8

    def point(self, call, number, span):
        """One request; returns how many calls failed in it."""
        where = f"{call.title}, call {number}, {'that one' if span == ONE else 'and those behind it'}"
        answer, why = None, None
        try:
            call.prepare(self.connection)
            answer = self._meet(call, number, span)
        except TimeoutError:
            why = "no answer"
        except (Closed, OSError):
            pass
        except AssertionError as failure:
            why = f"the answer: {failure}"
        self.shim.disarm()
        self._note(answer)
        try:
            self._after(call, answer, why)
        except (AssertionError, OSError, Closed, ValueError, KeyError) as failure:
            self._fail(where, failure)
        return self.shim.failed

    def _meet(self, call, number, span):
        if call.fresh:
            self.connection.socket.close()
        self.shim.arm(number, span, own=self.own)
        connection = self.connect() if call.fresh else self.connection
        return call.send(connection)

    def _note(self, answer):
        failed = self.shim.failed
        self.n_failed += failed
        if failed == 0:
            return
        self.n_points += 1
        self.kinds.update(self.shim.kinds(KINDS))
        self.shim.clear_kinds()
        self.sites[self.shim.note()] += 1
        self.answers["closed" if answer is None else answer.status] += 1

    def _after(self, call, answer, why):
        assert self.server.process.poll() is None, "the server is gone"
        assert why is None, why
        if answer is None or call.fresh or answer["Connection"] == "close":
            self.connect()
        call.check(self.connection, answer)
        if self.connection.request("GET", "/healthz").status != 200:
            raise AssertionError("the next request fails")

    def _fail(self, where, failure):
        self.failures.append(f"{where} at {self.shim.note()}: {type(failure).__name__} {str(failure)[:300]}")
        print(self.failures[-1])
        if self.server.process.poll() is not None:
            self.server.reader.join(10)
            print("\n".join(self.server.log().splitlines()[-60:]))
            self.start()
        self.connect()
        assert len(self.failures) < FAILURES_MAX, "\n".join(self.failures)

    def close(self):
        """The server must end cleanly, without a leak; then all that was found is told."""
        self.connection.socket.close()
        self.server.stop()
        assert not self.failures, "\n".join(self.failures)
        assert self.n_failed > 0, "no call failed: the test showed nothing"

    def line(self):
        return (f"{self.n_points} points, {self.n_failed} calls failed ({dict(+self.kinds)}) at {len(self.sites)} places; "
                f"answers {dict(self.answers)}; {len(self.failures)} failures")
