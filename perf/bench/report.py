# SPDX-License-Identifier: MIT
"""The Markdown table, and the files that --save writes."""
import json
import time
from pathlib import Path
from statistics import median

from bench.load import NOISY_CPUS

RESULTS = Path(__file__).resolve().parent.parent / "results"


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def figure(value, unit):
    return "" if value is None else f"{number(value)} {unit}"


def bar_text(row):
    if row.kind == "ratio":
        return f"≥ {row.bar} x {row.beside}"
    return f"{'≥' if row.kind == 'least' else '≤'} {figure(row.bar, row.unit)}"


def bars_table(rows):
    lines = ["| scenario | server | beside it | ratio | bar | verdict |", "|---|--:|--:|--:|--:|---|"]
    for row in rows:
        ratio = f"{row.ratio:.2f}" if row.kind == "ratio" else ""
        lines.append(f"| {row.scenario} | {figure(row.value, row.unit)} | {figure(row.floor, row.unit)} | {ratio} | "
                     f"{bar_text(row)} | {row.verdict} |")
    return lines


def middle(results, key):
    """The median over the rounds; None where it was not measured."""
    found = [result[key] for result in results if key in result]
    return median(found) if found else None


def load_line(scenario, who, results):
    lowest, highest = (number(pick(result["per_second"] for result in results)) for pick in (min, max))
    p50, p99 = (f"{middle(results, key) / 1000:.2f} ms" if middle(results, key) is not None else ""
                for key in ("p50_us", "p99_us"))
    wrk_cpus = middle(results, "wrk_cpus")
    return (f"| {scenario}: {who} | {lowest} to {highest} /s | {p50} | {p99} | {middle(results, 'program_cpus'):.2f} | "
            f"{'' if wrk_cpus is None else f'{wrk_cpus:.2f}'} | {middle(results, 'cpu_us_per_request'):.1f} µs |")


def loads_table(rows):
    """How each run under load went: medians over the rounds."""
    lines = ["| load | rate, lowest to highest | p50 | p99 | CPU of it | CPU of wrk | CPU a request |",
             "|---|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        lines += [load_line(row.scenario, who, results) for who, results in row.detail.items() if is_load(results)]
    return [*lines, ""] if len(lines) > 2 else []


def is_load(results):
    return isinstance(results, list) and results and isinstance(results[0], dict) and "per_second" in results[0]


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


def noise_text(rows):
    noisy = [row.scenario for row in rows if row.noisy]
    worst = max((record["others_cpus"] + record["steal_cpus"] for row in rows for record in row.noise), default=0)
    most = f"Other processes and the hypervisor took at most {worst:.2f} CPUs before or during a scenario"
    if not noisy:
        return f"{most}: the machine was quiet."
    return (f"**The machine was noisy** (more than {NOISY_CPUS} CPUs) in: {'; '.join(noisy)}. {most}: "
            "repeat the run before believing these rows.")


def about_text(about, load):
    before, after = about["fdatasync_us"]
    return [
        f"Machine: {about['cpu']}, {about['cores']} cores, {about['memory_gib']} GiB, {about['system']}, "
        f"Linux {about['kernel']}; {about['file_system']}, 4 KiB append + fdatasync {before['p50']} µs "
        f"(p99 {before['p99']}) before the run, {after['p50']} µs (p99 {after['p99']}) after it.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in about["versions"].items()) + ".",
        f"Load: {load}.",
    ]


def markdown(rows, about, load):
    lines = [f"# Figures of {about['date']}", "", *bars_table(rows), "", *loads_table(rows), *hits_table(rows),
             *questions_table(rows), noise_text(rows), ""]
    return "\n".join(lines + about_text(about, load)) + "\n"


def save(rows, about, text):
    """Writes perf/results/<date>-<revision>.md and .json; returns the first's name."""
    RESULTS.mkdir(exist_ok=True)
    base = RESULTS / f"{time.strftime('%Y-%m-%d', time.gmtime())}-{about['versions']['git'].split()[0]}"
    base.with_suffix(".md").write_text(text, encoding="utf-8")
    record = {"about": about, "rows": [row.as_json() for row in rows]}
    base.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return f"perf/results/{base.name}.md"
