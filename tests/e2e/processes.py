"""processes: a MongoDB and a Redis of a test's own, which it may stop, kill and start again.

scripts/services starts them: it finds or installs the program, waits until it answers, and brings one that was killed
back on its port with its data. TEST_MONGO_KIND chooses the MongoDB (standin, rust, mongod, fastest; default: mongod where
there is one).
"""
import os
import re
import shutil
import signal
import subprocess
import time

from server import ROOT
from wire import eventually

UP_TIMEOUT_S = 300  # the first one may have to install the stand-in
RUST_PATH = f"{ROOT / 'build-cargo' / 'bin'}:{os.environ.get('PATH', '')}"  # as scripts/services looks for it


def mongo_kind():
    """What scripts/services would choose, but for one in a container, which is not ours to kill."""
    wanted = os.environ.get("TEST_MONGO_KIND", "auto")
    if wanted not in ("auto", "docker", "fastest"):
        return wanted
    if shutil.which("mongod"):
        return "mongod"
    return "rust" if wanted == "fastest" and shutil.which("secantusd-rs", path=RUST_PATH) else "standin"


KINDS = {"mongo": mongo_kind(), "redis": "redis"}


class Service:
    """name: mongo or redis. Up when the constructor returns, and when restart() and start() do."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.pid = self.port = None
        self.start()
        self.uri = {"mongo": f"mongodb://127.0.0.1:{self.port}", "redis": f"redis://127.0.0.1:{self.port}"}[name]

    def _services(self, command, *options):
        return subprocess.run([ROOT / "scripts" / "services", command, self.name, "--state", self.folder, *options],
                              capture_output=True, text=True, timeout=UP_TIMEOUT_S)

    def start(self):
        done = self._services("up", "--free-ports", f"--{self.name}", KINDS[self.name])
        assert done.returncode == 0, done.stderr
        self.pid, self.port = map(int, re.search(r"pid=(\d+) port=(\d+)", done.stdout).groups())

    def kill(self):
        """SIGKILL; returns when it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        eventually(lambda: not self.is_alive(), 20)

    def end(self):
        """SIGTERM, and waits."""
        assert self._services("down").returncode == 0

    def pause(self, seconds):
        """Stops it for a while, during which its connections stay open and silent."""
        os.kill(self.pid, signal.SIGSTOP)
        eventually(lambda: self.state() == "T", 5)
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGCONT)

    def close(self):
        assert self._services("down", "--delete-data").returncode == 0

    def state(self):
        """As the kernel names it: T when stopped, Z when ended and not collected; None when there is none."""
        try:
            with open(f"/proc/{self.pid}/stat") as file:
                return file.read().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return None

    def is_alive(self):
        return self.state() not in ("Z", "X", None)


def kill_and_start(service):
    service.kill()
    service.start()


def end_and_start(service):
    service.end()
    service.start()


def pause(service):
    service.pause(5)


FAULTS = {"SIGKILL": kill_and_start, "restart": end_and_start, "SIGSTOP": pause}
