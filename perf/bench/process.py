# SPDX-License-Identifier: MIT
"""A program under test: started, asked, watched through /proc, and ended."""
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

ANSWER_TIMEOUT_S = 10
TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """What a user is told in one line."""


class Process:
    """A process that somebody else started."""

    def __init__(self, pid):
        self.pid = pid

    def cpu_seconds(self):
        """Time all threads spent on a CPU, those that have ended too, to the tick."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


class Program(Process):
    """One process of ours. Its log file holds a JSON line with the message "listening" and the port."""

    def __init__(self, command, folder, settings=None):
        """Runs command in folder, with nothing but settings in its environment."""
        self.command = [str(word) for word in command]
        self.log_path = Path(folder) / f"{Path(self.command[0]).name}.log"
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), **(settings or {})}
        with open(self.log_path, "wb") as log:
            self.started = time.perf_counter()
            self.process = subprocess.Popen(self.command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        super().__init__(self.process.pid)
        self.port = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_listening(self):
        """Learns the port from the log."""
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while self.port is None:
            self._check_alive(deadline)
            time.sleep(0.005)
            self.port = port_in_log(self.log_path.read_text(errors="replace"))
        return self

    def wait_ready(self):
        """Waits until its store can be used."""
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while self.get("/readyz")[0] != 200:
            self._check_alive(deadline)
            time.sleep(0.01)
        return self

    def wait_answer(self, port, path="/healthz"):
        """Milliseconds from exec to the first 200."""
        self.port = port
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while True:
            try:
                if self.get(path)[0] == 200:
                    return (time.perf_counter() - self.started) * 1000
            except OSError:
                time.sleep(0.0002)
            self._check_alive(deadline)

    def _check_alive(self, deadline):
        if self.process.poll() is not None:
            last = self.log_path.read_text(errors="replace").strip().splitlines()[-1:] or ["no log"]
            raise Failure(f"{Path(self.command[0]).name} ended with {self.process.returncode}: {last[0]}")
        if time.monotonic() > deadline:
            self.stop()
            raise Failure(f"{Path(self.command[0]).name} gave no answer for {ANSWER_TIMEOUT_S} s")

    def stop(self):
        """SIGTERM, and after a while SIGKILL. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(ANSWER_TIMEOUT_S + 5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def url(self, path=""):
        return f"http://127.0.0.1:{self.port}{path}"

    def request(self, method, path, body=None, media="application/json"):
        """(status, headers, body) of one call on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_TIMEOUT_S)
        try:
            connection.request(method, path, body, {"Content-Type": media} if body is not None else {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def get(self, path):
        status, _, body = self.request("GET", path)
        return status, body

    def counter(self, sample):
        """One of the server's own counters, by its line in the Prometheus text."""
        status, text = self.get("/-/metrics")
        for line in text.decode().splitlines():
            if line.startswith(sample + " "):
                return int(float(line.rsplit(" ", 1)[1]))
        raise Failure(f"/-/metrics ({status}) has no {sample}")

    def cpu_seconds(self):
        """Time all threads spent on a CPU, to the nanosecond; our programs keep theirs until the end."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def resident_mib(self):
        return self._memory_mib("VmRSS")

    def peak_mib(self):
        return self._memory_mib("VmHWM")

    def _memory_mib(self, key):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) / 1024
        raise Failure(f"process {self.pid} has no {key}")


def port_in_log(text):
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("message") == "listening":
            return int(event["port"])
    return None


def free_port():
    """A port that was free a moment ago, for a program whose log would be read too late."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
