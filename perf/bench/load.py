# SPDX-License-Identifier: MIT
"""wrk, run once: what it counted, and what else the machine did meanwhile."""
import json
import os
import resource
import subprocess
import time
from pathlib import Path

from bench.process import TICKS, Failure

LUA = Path(__file__).resolve().parent.parent / "lua"
NOISY_CPUS = 0.2  # of other processes, and of what the hypervisor kept


def cpu_times():
    """Seconds since boot that the CPUs were busy, interrupts and all (they count as time of the process they met, and much of
    the work on loopback is done in them), and that the hypervisor kept for others."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


def own_seconds():
    """CPU time of this program and of the children it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Meter:
    """What processes other than ours used of the CPUs, in CPUs, between start and stop."""

    def __init__(self, programs):
        self.programs = programs
        self.began = time.monotonic()
        self.busy, self.steal = cpu_times()
        self.ours = self._ours()

    def _ours(self):
        return own_seconds() + sum(program.cpu_seconds() for program in self.programs)

    def stop(self):
        seconds = time.monotonic() - self.began
        busy, steal = cpu_times()
        others = (busy - self.busy) - (self._ours() - self.ours)
        return {"others_cpus": round(max(0.0, others) / seconds, 3),
                "steal_cpus": round((steal - self.steal) / seconds, 3)}


def surroundings(programs, seconds=0.5):
    """The machine before a scenario, while nothing of ours is at work."""
    meter = Meter(programs)
    time.sleep(seconds)
    return {"loadavg": os.getloadavg()[0], **meter.stop()}


def is_noisy(record):
    return record["others_cpus"] + record["steal_cpus"] > NOISY_CPUS


def wrk(script, program, path, connections, seconds, others=()):
    """One run against program. `others` are programs of ours that stand by."""
    meter = Meter([program, *others])
    cpu, own = program.cpu_seconds(), own_seconds()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "10", "-s", str(LUA / script),
               program.url(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    if ended.returncode != 0 or not ended.stdout.strip():
        raise Failure(f"wrk failed: {(ended.stderr or ended.stdout).strip()}")
    result = json.loads(ended.stdout.strip().splitlines()[-1])
    elapsed = result["duration_us"] / 1e6
    result["per_second"] = result["requests"] / elapsed
    result["cpu_us_per_request"] = (program.cpu_seconds() - cpu) / max(1, result["requests"]) * 1e6
    result["program_cpus"] = round((program.cpu_seconds() - cpu) / elapsed, 2)
    result["program_mib"] = round(program.resident_mib(), 1)
    result["wrk_cpus"] = round((own_seconds() - own) / elapsed, 2)
    result["during"] = meter.stop()
    return result


def faults(results, who):
    """Why runs against `who` do not count; empty when they do."""
    totals = ((sum(result[key] for result in results), words) for key, words in
              (("status", "answers of 4xx or 5xx"), ("connect", "failed connects"), ("read", "failed reads"),
               ("write", "failed writes"), ("timeout", "time-outs")))
    wrong = [f"{who}: {total:,} {words}" for total, words in totals if total]
    return wrong if all(result["requests"] for result in results) else wrong + [f"{who}: a run without an answer"]
