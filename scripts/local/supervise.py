# SPDX-License-Identifier: MIT
"""Starts a service, waits until it answers, and ends it.

A program is started on its port, its identity is kept at once, and it counts as up when it holds the port itself and
answers a command. One that ends before that says why in its log; another free port is tried where any port will do.
"""
import subprocess
import time
from pathlib import Path

import compose
from answers import answers
from processes import end_process, free_port, is_alive, listener_inodes, owns_port, start_time_of
from programs import Unavailable, command_of

READY_WAIT_S = 60
END_WAIT_S = 15
PORT_TRIES = 5


def is_running(service):
    """True while what the record names runs, and holds its port."""
    if service.get("kind") == "docker":
        return compose.is_running(service)
    return ("pid" in service and is_alive(service["pid"], service["start_time"])
            and owns_port(service["pid"], service["port"]))


def start(name, kind, port, state):
    if name in state.services:
        end(name, state.services[name], state)
    if kind == "docker":
        port = port or free_port()
        state.keep(name, {"kind": kind, "name": name, "port": port, "project": compose.project_of(state.folder)})
        compose.up(state.services[name])
        return
    for left in reversed(range(PORT_TRIES if port == 0 else 1)):
        try:
            start_program(name, kind, port or free_port(), state)
            return
        except PortTaken as error:
            if left == 0:
                raise Unavailable(f"{name}: {error}; end what uses it, or choose another: --{name}-port PORT, "
                                  "--free-ports") from None


class PortTaken(Exception):
    pass


def start_program(name, kind, port, state):
    if listener_inodes(port):
        raise PortTaken(f"port {port} is taken by another process")
    folder = state.folder_of(name)
    argv, program = command_of(kind, port, folder)
    with open(folder / "log", "ab") as log:
        process = subprocess.Popen(argv, executable=program, cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, start_new_session=True)
    state.keep(name, {"kind": kind, "port": port, "pid": process.pid, "start_time": start_time_of(process.pid)})
    wait_until_ready(name, state, process)


def wait_until_ready(name, state, process):
    port = state.services[name]["port"]
    until = time.monotonic() + READY_WAIT_S
    while not (owns_port(process.pid, port) and answers(name, port)):
        if process.poll() is not None:
            if listener_inodes(port):
                raise PortTaken(f"port {port} was taken by another process meanwhile")
            raise Unavailable(f"{name} ended with {process.returncode} at its start:\n{end_of_log(state, name)}")
        if time.monotonic() > until:
            end(name, state.services[name], state)
            raise Unavailable(f"{name} does not answer after {READY_WAIT_S} s:\n{end_of_log(state, name)}")
        time.sleep(0.02)


def end_of_log(state, name):
    text = Path(state.folder / name / "log").read_text(errors="replace")
    return "\n".join(f"    {line}" for line in text.splitlines()[-10:])


def end(name, service, state):
    """Ends what the record names; the record keeps port and kind for the next start."""
    if service["kind"] == "docker":
        compose.down(service)
    elif "pid" in service:
        end_process(service["pid"], service["start_time"], END_WAIT_S)
        state.keep(name, {key: value for key, value in service.items() if key not in ("pid", "start_time")})


def delete_data(name, service, state):
    if service["kind"] == "docker":
        compose.delete_data(service)
    state.forget(name)
