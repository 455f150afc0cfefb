# SPDX-License-Identifier: MIT
"""The Markdown table, what stands below it, and the files that --save writes."""
import json
import time
from pathlib import Path

from bench.figures import PERCENTILES, figures, middle
from bench.load import NOISY_CPUS
from bench.row import BARS, TARGETS

RESULTS = Path(__file__).resolve().parent.parent / "results"
LOAD_HEAD = ["/s", *PERCENTILES, "max", "CPU", "MiB"]
HEADS = {BARS: None, TARGETS: "**Targets of the task, on both stores**"}


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def cell(value):
    return "" if value is None else number(value)


def figure(value, unit):
    return "" if value is None else f"{number(value)} {unit}".strip()


def bar_text(row):
    if row.kind == "shown":
        return ""
    if row.kind in ("ratio", "times"):
        return f"{'≥' if row.kind == 'ratio' else '≤'} {row.bar} x {row.beside}"
    if row.kind == "within":
        return f"≤ {row.beside} + {figure(row.bar, row.unit)}"
    return f"{'≥' if row.kind == 'least' else '≤'} {figure(row.bar, row.unit)}"


def compared(row):
    """A ratio, or the difference where that is what counts."""
    if row.floor is None or row.kind in ("least", "most"):
        return ""
    return f"{row.value - row.floor:+.3g} {row.unit}" if row.kind == "within" else f"{row.ratio:.2f}"


def load_cells(load):
    """Latencies in ms, CPU in cores."""
    keys = ("per_second", *PERCENTILES, "max", "cpus", "mib")
    return [cell(load.get(key)) for key in keys]


def line(cells):
    return f"| {' | '.join(cells)} |"


def bars_table(rows):
    head = ["scenario", "server", "beside it", "ratio", "bar", "verdict", *LOAD_HEAD, "others"]
    lines = [line(head), "|---|--:|--:|--:|--:|---|" + "--:|" * (len(LOAD_HEAD) + 1)]
    for section, title in HEADS.items():
        chosen = [row for row in rows if row.section == section]
        if title and chosen:
            lines.append(line([title, *[""] * (len(head) - 1)]))
        lines += [line([row.scenario, figure(row.value, row.unit), figure(row.floor, row.unit), compared(row), bar_text(row),
                        row.verdict, *load_cells(row.load), cell(row.others_cpus)]) for row in chosen]
    return lines


# Loads -----------------------------------------------------------------------

def loads_of(rows):
    """(scenario, who, results) of each list of runs in the details."""
    return [(row.scenario, who, results) for row in rows for who, results in row.detail.items()
            if isinstance(results, list) and results and isinstance(results[0], dict) and "per_second" in results[0]]


def load_line(scenario, who, results):
    rates = [result["per_second"] for result in results]
    spread = " to ".join(dict.fromkeys((number(min(rates)), number(max(rates)))))
    lag = middle(results, lambda result: result["client_lag_us"]["p99"] / 1000 if "client_lag_us" in result else None)
    client = middle(results, lambda result: result["client"]["cpus"] if "client" in result else result.get("wrk_cpus"))
    each = middle(results, lambda result: result.get("cpu_us_per_request"))
    return line([f"{scenario}: {who}", spread, *load_cells(figures(results))[1:], cell(lag), cell(client),
                 "" if each is None else f"{each:.1f} µs"])


def loads_table(rows):
    """How each run under load went: medians over the rounds, the longest of all."""
    head = ["load", "/s, lowest to highest", *LOAD_HEAD[1:], "lag of the client, p99", "CPU of the client", "CPU a request"]
    lines = [line(head), "|---|" + "--:|" * (len(head) - 1)]
    lines += [load_line(*told) for told in loads_of(rows)]
    return [*lines, ""] if len(lines) > 2 else []


def millions_text(rows):
    """How fast each million went in."""
    return [f"{row.scenario}, each million: {', '.join(number(rate / 1000) for rate in row.detail['by_million'])} thousand/s.\n"
            for row in rows if "by_million" in row.detail]


def hits_table(rows):
    """How the answers of each hit rate came about, and what the check of freshness did meanwhile."""
    lines = ["| GETs | newest | stale | collapsed | made anew | p50 | p99 | renewed | faults of Redis | "
             "writes checked | their reads | of them older |", "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        if "checks" not in row.detail:
            continue
        call = row.detail["load"]["calls"]["list"]
        total = max(1, sum(call["cached"].values()))
        shares = " | ".join(f"{call['cached'][how] / total * 100:.2f} %" for how in ("hit", "stale", "collapsed", "miss"))
        p50, p99 = (f"{call['latency_us'][percentile] / 1000:.2f} ms" for percentile in ("p50", "p99"))
        counts = " | ".join(f"{row.detail[what]:,}" for what in ("refreshes", "faults", "checks", "reads", "older"))
        lines.append(f"| {row.scenario} | {shares} | {p50} | {p99} | {counts} |")
    return [*lines, ""] if len(lines) > 2 else []


def questions_table(rows):
    """How long questions took: p50 and CPU are medians over the rounds, p99 is that of each."""
    lines = ["| question | asked | p50 | p99, lowest to highest | longest | CPU of each |", "|---|--:|--:|--:|--:|--:|"]
    for row in rows:
        asked = row.detail.get("asked")
        if asked:
            p99s = " to ".join(dict.fromkeys(number(pick(asked["p99_us"])) for pick in (min, max)))
            cpu = f"{number(asked['cpu_us'])} µs" + (f", p99 {number(asked['cpu_p99_us'])}" if "cpu_p99_us" in asked else "")
            lines.append(f"| {row.scenario.removesuffix(', p99')} | {asked['n']:,} | {number(asked['p50_us'])} µs | "
                         f"{p99s} µs | {number(asked['max_us'])} µs | {cpu} |")
    return [*lines, ""] if len(lines) > 2 else []


# The whole -------------------------------------------------------------------

def noise_text(rows):
    noisy = [row.scenario for row in rows if row.noisy]
    worst = max((row.others_cpus for row in rows if row.noise), default=0)
    most = f"Other processes and the hypervisor took at most {worst:.2f} CPUs before or during a scenario"
    if not noisy:
        return f"{most}: the machine was quiet."
    return (f"**The machine was noisy** (more than {NOISY_CPUS} CPUs) in {len(noisy)} of {len(rows)} rows, so marked. {most}: "
            "repeat the run before believing these rows.")


def about_text(about, load):
    before, after = about["fdatasync_us"]
    return [
        f"Machine: {about['cpu']}, {about['cores']} cores, {about['memory_gib']} GiB, {about['system']}, "
        f"Linux {about['kernel']}; {about['file_system']}, 4 KiB append + fdatasync {before['p50']} µs "
        f"(p99 {before['p99']}) before the run, {after['p50']} µs (p99 {after['p99']}) after it.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in about["versions"].items()) + ".",
        f"Load: {load}. Latencies are in ms, CPU in cores; *others* is the most that other processes and the hypervisor took of "
        f"the CPUs, in cores. The whole took {about['took_s'] / 60:.1f} minutes.",
    ]


def markdown(rows, about, load):
    lines = [f"# Figures of {about['date']}", "", *bars_table(rows), "", *millions_text(rows), *loads_table(rows),
             *hits_table(rows), *questions_table(rows), noise_text(rows), ""]
    return "\n".join(lines + about_text(about, load)) + "\n"


def save(rows, about, text):
    """Writes perf/results/<date>-<revision>.md and .json; returns the first's name."""
    RESULTS.mkdir(exist_ok=True)
    base = RESULTS / f"{time.strftime('%Y-%m-%d', time.gmtime())}-{about['versions']['git'].split()[0]}"
    base.with_suffix(".md").write_text(text, encoding="utf-8")
    record = {"about": about, "rows": [row.as_json() for row in rows]}
    base.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return f"perf/results/{base.name}.md"
