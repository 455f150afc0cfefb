"""boot: one start of the server with memory that fails meanwhile: it serves, or ends with one line that says why."""
import signal
import subprocess
import time

import wire
from allocation_points import PRELOADED
from server import BINARY, ROOT, SANITIZER_WORDS, Calls, environment, port_of

LATEST_S = 30


class Boot(Calls):
    """Begins to start; outcome() waits for what comes of it."""

    def __init__(self, shim, **settings):
        self.host, self.port, self.lines = "127.0.0.1", None, []
        env = environment(**{**settings, **shim.settings, **PRELOADED})
        self.process = subprocess.Popen([BINARY], cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def connect(self, **options):
        return wire.Connection(self, **options)

    def outcome(self):
        """The port on which it listens, or None when it has ended."""
        for line in self.process.stderr:
            self.lines.append(line.decode(errors="replace").rstrip("\n"))
            self.port = port_of(self.lines[-1])
            if self.port:
                return self.port
        self.process.wait(LATEST_S)
        return None

    def assert_refused(self):
        """It ended by itself, with one line for a person behind what the log had said."""
        said = [line for line in self.lines if line.startswith("telemetry-server: ")]
        assert self.process.returncode in (1, 78), f"exit code {self.process.returncode}:\n{self.log()}"
        assert len(said) == 1 and len(said[0]) > len("telemetry-server: "), f"no line says why:\n{self.log()}"

    def assert_serves(self, name):
        deadline = time.monotonic() + LATEST_S
        while self.request("GET", "/readyz").status != 200:
            assert time.monotonic() < deadline, "it does not become ready"
            time.sleep(0.01)
        answer = self.request("POST", "/metrics", {"name": name, "value": 1})
        assert answer.status == 201, answer
        assert self.request("GET", f"/metrics/{answer.json()['id']}").status == 200

    def assert_ends(self):
        self.process.send_signal(signal.SIGTERM)
        self.lines += [line.decode(errors="replace").rstrip("\n") for line in self.process.stderr]
        code = self.process.wait(LATEST_S)
        assert code == 0, f"exit code {code}:\n{self.log()}"

    def assert_clean(self):
        """No sanitizer and no assertion has spoken."""
        assert not any(SANITIZER_WORDS.search(line) for line in self.lines), self.log()

    def log(self):
        return "\n".join(self.lines[:60])

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
