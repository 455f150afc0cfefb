# SPDX-License-Identifier: MIT
"""MongoDB and Redis to measure on: those of scripts/services, or the MongoDB of PERF_MONGO_URI."""
import os
import subprocess
import tempfile

from bench.machine import ROOT
from bench.process import Failure, Process

URI_VARIABLE = "PERF_MONGO_URI"
NAMES = {"standin": "a stand-in, SecantusDB in Python", "rust": "a stand-in, SecantusDB in Rust",
         "mongod": "mongod", "docker": "MongoDB by docker"}


class Services:
    """Services of scripts/services on free ports, for as long as the context lasts; their data goes with them. `uris` are
    settings of the server, `processes` what runs on this machine, `name` is what the table calls the MongoDB."""

    keeps_data = False

    def __init__(self, folder, *names):
        self.state = tempfile.mkdtemp(prefix="services-", dir=folder)
        self.names = names
        self.uris, self.processes, self.name = {}, [], None

    def _run(self, command, *options):
        done = subprocess.run([ROOT / "scripts" / "services", command, *self.names, "--state", self.state, *options],
                              stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"scripts/services {command} ended with {done.returncode}; the lines above say why")
        return done.stdout

    def __enter__(self):
        try:
            for line in self._run("up", "--free-ports", "--mongo", "fastest").splitlines():
                self._note(line.split())
            self.uris = dict(line.split("=", 1) for line in self._run("env").splitlines())
        except BaseException:
            self.__exit__()
            raise
        return self

    def _note(self, words):
        """One line of `up`: `mongo running kind=rust pid=1 port=2`."""
        said = dict(word.split("=", 1) for word in words if "=" in word)
        if words[0] == "mongo":
            self.name = NAMES[said["kind"]]
        if "pid" in said:
            self.processes.append(Process(int(said["pid"])))

    def __exit__(self, *_):
        self._run("down", "--delete-data")


class WithGiven:
    """The same with the MongoDB of PERF_MONGO_URI, which is not ours to start or end. Where it is on this machine,
    its CPU time counts as noise."""

    keeps_data = True

    def __init__(self, uri, others):
        self.others = others
        self.uris, self.processes, self.name = {"MONGO_URI": uri}, [], f"that of {URI_VARIABLE}"

    def __enter__(self):
        if self.others:
            self.others.__enter__()
            self.uris |= self.others.uris
            self.processes = self.others.processes
        return self

    def __exit__(self, *reason):
        if self.others:
            self.others.__exit__(*reason)


def services(folder, with_redis=False):
    """The MongoDB to measure on, as a context."""
    given = os.environ.get(URI_VARIABLE)
    if given:
        return WithGiven(given, Services(folder, "redis") if with_redis else None)
    return Services(folder, "mongo", *(["redis"] if with_redis else []))


def is_standin(found):
    return found.name in (NAMES["standin"], NAMES["rust"])


def is_slow(found):
    """Whether the MongoDB is one that takes a few thousand calls a second at most."""
    return found.name == NAMES["standin"]
