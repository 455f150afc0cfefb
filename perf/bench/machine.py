# SPDX-License-Identifier: MIT
"""What the figures depend on: the machine, the disk, the versions."""
import json
import os
import platform
import re
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent.parent
LLHTTP_HEADERS = ("/usr/include/llhttp.h", "/usr/share/include/llhttp/llhttp.h")


def output_of(*command):
    """What a command says on standard output; empty when it cannot."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def first_match(pattern, path, fallback="unknown"):
    try:
        match = re.search(pattern, Path(path).read_text(encoding="utf-8", errors="replace"), re.M)
    except OSError:
        match = None
    return match.group(1) if match else fallback


def file_system(folder):
    """The type of the file system that holds folder."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, kind = line.split()[:3]
        if Path(folder).resolve().is_relative_to(mount) and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def fdatasync_us(folder, n=300):
    """Microseconds of: append 4 KiB, fdatasync."""
    times = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(n):
            file.write(b"x" * 4096)
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - start) * 1e6)
    times.sort()
    return {"p50": round(median(times)), "p99": round(times[n * 99 // 100])}


def machine(folder):
    return {
        "cpu": first_match(r"^model name\s*:\s*(.+)$", "/proc/cpuinfo", platform.machine()),
        "cores": os.cpu_count(),
        "memory_gib": round(int(first_match(r"^MemTotal:\s*(\d+)", "/proc/meminfo", "0")) / 1024**2, 1),
        "kernel": platform.release(),
        "system": first_match(r'^PRETTY_NAME="?([^"\n]+)', "/etc/os-release"),
        "file_system": file_system(folder),
        "fdatasync_us": [fdatasync_us(folder)],
    }


def llhttp_version():
    for header in LLHTTP_HEADERS:
        parts = [first_match(rf"^#define LLHTTP_VERSION_{part} (\d+)", header, "")
                 for part in ("MAJOR", "MINOR", "PATCH")]
        if all(parts):
            return ".".join(parts)
    return output_of("pkg-config", "--modversion", "libllhttp") or "unknown"


def compiler(build):
    """The first line that the compiler of this build says of itself."""
    try:
        command = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))[0]["command"].split()
    except (OSError, ValueError, LookupError):
        return "unknown"
    program = next(word for word in command if not word.endswith("ccache"))
    return (output_of(program, "--version").splitlines() or ["unknown"])[0]


def build_type(build):
    try:
        options = json.loads(output_of("meson", "introspect", str(build), "--buildoptions"))
    except ValueError:
        return "unknown"
    return next((option["value"] for option in options if option["name"] == "buildtype"), "unknown")


def versions(build):
    wrk = re.search(r"wrk (?:debian/)?(\S+)", subprocess.run(["wrk", "-v"], capture_output=True, text=True,
                                                              check=False).stdout)
    dirty = " with changes not committed" if output_of("git", "status", "--porcelain", "-uno") else ""
    return {
        "git": (output_of("git", "rev-parse", "--short", "HEAD") or "unknown") + dirty,
        "compiler": f"{compiler(build)}, {build_type(build)}",
        "libuv": output_of("pkg-config", "--modversion", "libuv") or "unknown",
        "llhttp": llhttp_version(),
        "sqlite": output_of("pkg-config", "--modversion", "sqlite3") or "unknown",
        "cjson": output_of("pkg-config", "--modversion", "libcjson") or "unknown",
        "wrk": wrk.group(1) if wrk else "unknown",
    }
