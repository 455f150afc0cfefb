"""server: one telemetry-server process, started with .env.test on a free port and stopped by its process id."""
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import wire

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("TELEMETRY_SERVER", "build-asan/telemetry-server"))
BINARY = BINARY if BINARY.is_absolute() else ROOT / BINARY

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 60
AGAIN_S = 0.2  # behind a refusal
SANITIZER_WORDS = re.compile(r"ERROR: \w*Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed")


def environment(**settings):
    """The environment of a server: this process's own without its settings, then APP_ENV=test, then `settings`.
    TEST_REDIS_URI gives every server a Redis as its cache."""
    keep = ("PATH", "HOME", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "TMPDIR")
    given = {key: os.environ[key] for key in keep if key in os.environ}
    if os.environ.get("TEST_REDIS_URI"):
        given["REDIS_URI"] = os.environ["TEST_REDIS_URI"]
    # Without it the MongoDB driver's shared memory outlives a killed server, and the next of that pid complains.
    given["MONGOC_DISABLE_SHM"] = "1"
    return {**given, "APP_ENV": "test", **{key: str(value) for key, value in settings.items()}}


def run_binary(*arguments, cwd=ROOT, timeout=START_TIMEOUT_S, **settings):
    """Runs the server until it ends by itself; for what is printed and for boots that fail."""
    env = {key: value for key, value in environment(**settings).items() if value != ""}
    return subprocess.run([BINARY, *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout)


class Calls:
    """What is asked of a server, or of several; over what connect() gives."""

    def request(self, *arguments, **options):
        """One request on a connection of its own."""
        with self.connect() as connection:
            return connection.request(*arguments, **options)

    def store(self, items):
        """Posts one metric or a batch, which must succeed."""
        answer = self.request("POST", "/metrics", items)
        assert answer.status == 201, answer
        return answer

    def list_all(self, patience_s=0, **parameters):
        """Every metric of a list, page by page, past the cache. Who is refused for the moment asks again, for so long."""
        found, cursor = [], {}
        with self.connect() as connection:
            while cursor is not None:
                path = wire.target("/metrics", limit=1000, **parameters, **cursor)
                page = self._page(connection, path, time.monotonic() + patience_s)
                found += page["metrics"]
                cursor = {"cursor": page["next"]} if page["next"] is not None else None
        return found

    @staticmethod
    def _page(connection, path, until):
        while True:
            answer = connection.request("GET", path, headers={"Cache-Control": "no-cache"})
            if answer.status != 503 or time.monotonic() > until:
                assert answer.status == 200, answer
                return answer.json()
            time.sleep(AGAIN_S)

    def take_away(self, name):
        """Every metric of a name, removed, so that what one test let in does not fail the next ones."""
        found = self.list_all(name=name)
        for metric in found:
            self.request("DELETE", f"/metrics/{metric['id']}")
        return found

    def counter(self, name, **labels):
        """One figure of /-/metrics."""
        wanted = name + ("{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else "")
        for line in self.request("GET", "/-/metrics").body.decode().splitlines():
            if line.startswith(wanted + " "):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"/-/metrics has no {wanted}")


class Server(Calls):
    """Started by the constructor, ready when it returns (or whatever else /readyz is to say by then). Settings are
    keyword arguments: Server(dir, JOBS=4)."""

    def __init__(self, data_dir, before_exec=None, readyz=200, **settings):
        self.data_dir = Path(data_dir)
        self.lines = []
        self.changed = threading.Condition()
        self.ended = self.terminated = False
        self.host = "127.0.0.1"
        self.port = None
        env = environment(DATA_DIR=self.data_dir, **settings)
        folder = ROOT
        if env["APP_ENV"] != "test":  # away from the files of other stacks: what is given here is all there is
            folder = self.data_dir
            folder.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [BINARY], cwd=folder, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=before_exec, restore_signals=not before_exec)
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        try:
            self.port = self._wait_for_port()
            wire.eventually(lambda: self.request("GET", "/readyz").status == readyz, START_TIMEOUT_S)
        except BaseException:
            print(self.log())
            self.process.kill()
            self.process.wait()
            raise

    def _read_log(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def _wait_for_port(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        with self.changed:
            while True:
                for line in self.lines:
                    port = port_of(line)
                    if port:
                        return port
                if self.ended or time.monotonic() > deadline:
                    raise AssertionError("the server did not say that it listens:\n" + self.log())
                self.changed.wait(0.5)

    def log(self):
        return "\n".join(self.lines[-200:])

    def connect(self, **options):
        return wire.Connection(self, **options)

    def kill(self):
        """SIGKILL, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_TIMEOUT_S)
        self.reader.join(STOP_TIMEOUT_S)
        self._check_sanitizers()

    def terminate(self):
        """SIGTERM, without waiting; a second one ends the server at once."""
        self.terminated = True
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """SIGTERM; then the server must end by itself, with exit code 0 and nothing a sanitizer objects to."""
        if self.process.returncode is not None:
            return
        if not self.terminated:
            self.terminate()
        try:
            code = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not end on SIGTERM:\n" + self.log()) from None
        self.reader.join(STOP_TIMEOUT_S)
        self._check_sanitizers()
        assert code == 0, f"exit code {code}:\n{self.log()}"

    def _check_sanitizers(self):
        found = [i for i, line in enumerate(self.lines) if SANITIZER_WORDS.search(line)]
        assert not found, "a sanitizer or an assertion spoke:\n" + "\n".join(self.lines[found[0] : found[0] + 60])


class Pair(Calls):
    """Two servers of one store and one cache: writes go to one, reads to the other. What a server writes before it has
    reached Redis, or while it does not, the other may learn late; so both have reached it first, and their
    REDIS_TIMEOUT_MS should be long enough for a busy machine."""

    def __init__(self, writer, reader):
        self.writer, self.reader = writer, reader
        for server in (writer, reader):
            wire.eventually(lambda: server.counter("telemetry_cache_up") == 1)

    def connect(self, **options):
        return PairConnection(self.writer.connect(**options), self.reader.connect(**options))

    def stop(self):
        self.writer.stop()
        self.reader.stop()


class PairConnection:
    def __init__(self, writer, reader):
        self.writer, self.reader = writer, reader

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.writer.socket.close()
        self.reader.socket.close()

    def request(self, method, *arguments, **options):
        return (self.reader if method in ("GET", "HEAD") else self.writer).request(method, *arguments, **options)


def port_of(line):
    """The port in the log line that says where the server listens, or None. LOG_FORMAT may be json or text."""
    try:
        event = json.loads(line)
    except ValueError:
        found = re.search(r" listening .*\bport=(\d+)", line)
        return int(found.group(1)) if found else None
    if "listening" not in json.dumps(event) or "port" not in event:
        return None
    return int(event["port"])
