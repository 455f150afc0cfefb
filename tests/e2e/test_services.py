"""scripts/services: what it starts answers, comes back on its port, and is all that it ends."""
import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from server import ROOT

UP_TIMEOUT_S = 300  # the first one installs the stand-in


@pytest.fixture
def services(tmp_path):
    """services("up", "redis") with a state folder of the test's own, taken down at the end."""
    def run(*arguments):
        return subprocess.run([ROOT / "scripts" / "services", *arguments, "--state", tmp_path / "state"],
                              capture_output=True, text=True, timeout=UP_TIMEOUT_S)

    def run_local(command, *arguments):
        local = ("--mongo", "standin", "--redis", "redis", "--free-ports") if command == "up" else ()
        return run(command, *arguments, *local)

    run_local.plain = run
    run_local.state = tmp_path / "state" / "state.json"
    yield run_local
    assert run("down", "--delete-data").returncode == 0
    assert not run_local.state.exists()


def running(done):
    """{name: (pid, port)} of what `up` or `status` printed."""
    rows = re.findall(r"^(\w+) running kind=\w+ pid=(\d+) port=(\d+)$", done.stdout, re.M)
    return {name: (int(pid), int(port)) for name, pid, port in rows}


def ask_redis(port):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(100)


def is_there(pid):
    """True unless the process is gone or has ended and waits to be collected."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_both_come_up_once_and_go(services):
    first = services("up")
    assert first.returncode == 0, first.stderr
    assert "stand-in" in first.stderr and "no MongoDB" in first.stderr, "it says what it is"
    assert running(first).keys() == {"mongo", "redis"}
    assert running(services("up")) == running(first) == running(services("status"))
    ports = {name: port for name, (_, port) in running(first).items()}
    assert services("env").stdout == (f"MONGO_URI=mongodb://127.0.0.1:{ports['mongo']}\n"
                                      f"REDIS_URI=redis://127.0.0.1:{ports['redis']}\n")
    assert ask_redis(ports["redis"]) == b"+PONG\r\n"
    assert services("down").returncode == 0
    assert not any(is_there(pid) for pid, _ in running(first).values())
    assert services("status").returncode == 1 and services("env").returncode == 1
    assert services("down").returncode == 0, "down twice is fine"


def test_a_killed_one_comes_back_on_its_port(services):
    pid, port = running(services("up", "redis"))["redis"]
    os.kill(pid, signal.SIGKILL)
    assert services("status", "redis").returncode == 1
    again = running(services("up", "redis"))["redis"]
    assert again[1] == port and again[0] != pid and ask_redis(port) == b"+PONG\r\n"


def test_a_stopped_one_is_ended(services):
    pid, _ = running(services("up", "redis"))["redis"]
    os.kill(pid, signal.SIGSTOP)
    assert services("down", "redis").returncode == 0 and not is_there(pid)


@pytest.mark.parametrize("change", ["start_time", "boot_id"])
def test_down_spares_who_has_the_pid_now(services, change):
    """A record whose pid belongs to another process, or which is from before a reboot."""
    services("up", "redis")
    services("down", "redis")
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        state = json.loads(services.state.read_text())
        start_time = int(open(f"/proc/{stranger.pid}/stat").read().rsplit(")", 1)[1].split()[19])
        state["services"]["redis"] |= {"pid": stranger.pid, "start_time": start_time - (change == "start_time")}
        state["boot_id"] = "another" if change == "boot_id" else state["boot_id"]
        services.state.write_text(json.dumps(state))
        assert services("status", "redis").returncode == 1
        assert services("down", "redis").returncode == 0
        assert stranger.poll() is None
        assert running(services("up", "redis"))["redis"][0] != stranger.pid
    finally:
        stranger.communicate(b"\n")


def test_a_port_of_another_is_not_taken_for_ours(services):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = services("up", "redis", "--redis-port", str(port))
    assert done.returncode == 1 and f"port {port} is taken" in done.stderr and "--redis-port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def docker_calls(monkeypatch, tmp_path):
    """The file into which a docker writes how it was called; its engine answers and runs what it was asked to."""
    calls = tmp_path / "calls"
    (tmp_path / "docker").write_text(f'#!/bin/sh\necho "$REDIS_PORT $*" >>{calls}\ncase "$*" in *" ps "*) echo redis ;; esac\n')
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return calls


def test_docker_is_used_where_an_engine_answers(docker_calls, services):
    done = services.plain("up", "redis", "--redis-port", "6399")
    assert done.returncode == 0 and done.stdout == "redis running kind=docker port=6399\n", done.stderr
    assert re.search(r"^6399 compose --project-name \S+ --file \S+/docker/compose.dev.yaml up --detach --wait redis$",
                     docker_calls.read_text(), re.M)
    assert services.plain("down").returncode == 0
    assert re.search(r" rm --stop --force redis$", docker_calls.read_text(), re.M)
