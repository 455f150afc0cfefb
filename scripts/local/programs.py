# SPDX-License-Identifier: MIT
"""Which program serves as MongoDB and which as Redis here, and what installs it."""
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import compose

TOP = Path(__file__).resolve().parents[2]
VENV = TOP / ".venv"
STANDIN = "secantusdb==0.7.0b3"
RUST = ("secantus-mdb", "0.5.3-beta.196")
RUST_ROOT = TOP / "build-cargo"

NOTES = {
    "standin": f"a stand-in that speaks MongoDB's protocol ({STANDIN}), no MongoDB: about 3,500 inserts/s",
    "rust": f"a stand-in that speaks MongoDB's protocol ({RUST[0]} {RUST[1]}), no MongoDB",
}


class Unavailable(Exception):
    """What was asked for cannot be had here; the text says why."""


def need_packages(*packages):
    """Installs by apt, or says what to install: scripts/lib.sh knows how."""
    script = '. scripts/lib.sh; need_packages "$@"'
    if subprocess.run(["bash", "-c", script, "services", *packages], cwd=TOP, stdout=sys.stderr).returncode != 0:
        raise Unavailable(f"without these packages it does not go on: {' '.join(packages)}")


def choose(name, wanted):
    """The kind of program that serves as `name`."""
    if wanted not in ("auto", "fastest"):
        return wanted
    if compose.engine_answers():
        return "docker"
    if name == "redis":
        return "redis"
    if shutil.which("mongod"):
        return "mongod"
    return "rust" if wanted == "fastest" and rust_program() else "standin"


def mongod(port, folder):
    program = shutil.which("mongod")
    if not program:
        raise Unavailable("there is no mongod on this machine")
    (folder / "data").mkdir(exist_ok=True)
    return [program, "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(folder / "data"), "--quiet"], program


def standin(port, folder):
    program = VENV / "bin" / "secantusd-py"
    package, version = STANDIN.split("==")
    # One at a time: several may come up at once, each with a state of its own.
    lock = os.open(Path(__file__).parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists() or not list(VENV.glob(f"lib/*/site-packages/{package}-{version}.dist-info")):
            install_standin()
    finally:
        os.close(lock)
    return [str(program), "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder / "data")], str(program)


def install_standin():
    if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL).returncode != 0:
        need_packages("python3-venv")
    print(f"services: installing {STANDIN} into .venv", file=sys.stderr, flush=True)
    for step in ([sys.executable, "-m", "venv", VENV],
                 [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", STANDIN]):
        if subprocess.run(step, stdout=sys.stderr).returncode != 0:
            raise Unavailable(f"{STANDIN} could not be installed")


def rust_program():
    """The one that `up --mongo rust` built, or one of this machine; None when there is none."""
    return shutil.which("secantusd-rs", path=f"{RUST_ROOT / 'bin'}:{os.environ.get('PATH', '')}")


def rust(port, folder):
    program = rust_program()
    if not program:
        cargo = shutil.which("cargo", path=f"{os.environ.get('PATH', '')}:{Path.home() / '.cargo' / 'bin'}")
        if not cargo:
            raise Unavailable(f"{RUST[0]} is built by cargo, which is not installed")
        print(f"services: building {RUST[0]} {RUST[1]}, about 10 minutes", file=sys.stderr, flush=True)
        install = [cargo, "install", "--quiet", "--root", RUST_ROOT, RUST[0], "--version", RUST[1], "--ignore-rust-version"]
        if subprocess.run(install, stdout=sys.stderr).returncode != 0:
            raise Unavailable(f"{RUST[0]} could not be built")
        program = str(RUST_ROOT / "bin" / "secantusd-rs")
    return [program, "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder / "data"),
            "--sync-on-commit"], program


def redis(port, folder):
    """Redis as a cache: nothing goes to disk. Debian's redis-tools holds the server too, which looks at the name that it
    is started by; unlike the package redis-server it starts no service of the machine on port 6379."""
    def find():
        return shutil.which("redis-server") or shutil.which("valkey-server") or shutil.which("redis-check-rdb")
    if not find():
        need_packages("redis-tools")
    program = find()
    if not program:
        raise Unavailable("there is neither redis-server nor valkey-server on this machine")
    name = "valkey-server" if program.endswith("valkey-server") else "redis-server"
    return [name, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--appendonly", "no",
            "--save", "", "--daemonize", "no"], program


MAKE = {"mongod": mongod, "standin": standin, "rust": rust, "redis": redis}


def command_of(kind, port, folder):
    """(argv, file to execute) of a program, which is installed first where it can be."""
    return MAKE[kind](port, folder)
