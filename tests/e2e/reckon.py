"""reckon: what a question comes to, worked out over all measurements one by one, in plain Python.

A question is a dict: op (aggregate, top, bottom), k, agg, by, bucket, tz, from_, to, compare, name, tags, any_tags,
not_tags, min, max; whatever is left out is not asked. Times are texts of the question's zone, or epoch milliseconds.
"""
import math
import re
from bisect import bisect_left
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

SECONDS = {"s": 1, "m": 60, "h": 3600}
COUNTING = ("count", "distinct", "names", "tags", "rate")


def zone_of(question):
    return ZoneInfo(question.get("tz", "UTC"))


def to_ms(moment):
    return round(moment.timestamp() * 1000)


def ms_of(time, zone):
    """Epoch milliseconds of a wall-clock text such as 2014-02-20 or 2014-02-20 10:30, or of what is a number already."""
    if time is None or isinstance(time, int):
        return time
    return to_ms(datetime.fromisoformat(time).replace(tzinfo=zone))


def passes(metric, question):
    name, tags = question.get("name"), metric["tags"]
    if name is not None and not (metric["name"].startswith(name[:-1]) if name.endswith("*") else metric["name"] == name):
        return False
    if any(tag not in tags for tag in question.get("tags", ())) or any(tag in tags for tag in question.get("not_tags", ())):
        return False
    if question.get("any_tags") and not any(tag in tags for tag in question["any_tags"]):
        return False
    return question.get("min", -math.inf) <= metric["value"] <= question.get("max", math.inf)


def within(metrics, start, end):
    """Those of [start, end), which stand together: metrics are in the order of time."""
    first, last = (bisect_left(metrics, ms, key=lambda metric: metric["ms"]) for ms in (start, end))
    return metrics[first:last]


# Measures -------------------------------------------------------------------------------------------------------------


def quantile(values, percent):
    ordered = sorted(values)
    return ordered[max(math.ceil(round(percent * len(ordered), 6) / 100), 1) - 1]


def stddev(values):
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


def measure(agg, metrics, seconds, tag_prefix=""):
    """One figure; None where there is none."""
    values = [metric["value"] for metric in metrics]
    if not values and agg not in COUNTING:
        return None
    if agg == "median" or re.fullmatch(r"p[\d.]+", agg):
        return quantile(values, 50 if agg == "median" else float(agg[1:]))
    return {
        "count": lambda: len(values),
        "sum": lambda: math.fsum(values),
        "avg": lambda: math.fsum(values) / len(values),
        "min": lambda: min(values),
        "max": lambda: max(values),
        "stddev": lambda: stddev(values),
        "rate": lambda: len(values) / seconds,
        "distinct": lambda: len(set(values)),
        "first": lambda: metrics[0]["value"],
        "latest": lambda: metrics[-1]["value"],
        "names": lambda: len({metric["name"] for metric in metrics}),
        "tags": lambda: len({tag for metric in metrics for tag in metric["tags"] if tag.startswith(tag_prefix)}),
    }[agg]()


def prefix_of(question):
    by = question.get("by")
    return "" if by in (None, "name", "tag") else by


def measures(question, metrics, start, end):
    return [measure(agg, metrics, (end - start) / 1000, prefix_of(question)) for agg in question.get("agg", ["count"])]


# Groups and buckets ---------------------------------------------------------------------------------------------------


def groups_of(question, metrics):
    """{group: its metrics}; a metric is in the group of each of its tags."""
    by = question.get("by")
    if by is None:
        return {None: metrics}
    groups = {}
    for metric in metrics:
        keys = [metric["name"]] if by == "name" else [tag for tag in metric["tags"] if tag.startswith(prefix_of(question))]
        for key in keys:
            groups.setdefault(key, []).append(metric)
    return groups


def next_day(day, count, unit):
    if unit == "d":
        return day + timedelta(days=count)
    if unit == "w":
        return day + timedelta(weeks=count)
    months = day.year * 12 + day.month - 1 + count * {"mo": 1, "q": 3, "y": 12}[unit]
    return day.replace(year=months // 12, month=months % 12 + 1)


def edges_of(question, start, end):
    """The edges of the buckets over [start, end)."""
    count, unit = re.fullmatch(r"(\d+)(\w+)", question["bucket"]).groups()
    zone = zone_of(question)
    first = datetime.fromtimestamp(start / 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if unit in SECONDS:
        step = int(count) * SECONDS[unit] * 1000
        edge = to_ms(first.replace(tzinfo=zone))
        edge += (start - edge) // step * step
        edges = [edge]
        while edges[-1] < end:
            edges.append(edges[-1] + step)
        return edges
    assert count == "1", "buckets of several days have an origin of their own"
    if unit == "w":
        first -= timedelta(days=first.weekday())
    elif unit != "d":
        month = {"mo": first.month, "q": (first.month - 1) // 3 * 3 + 1, "y": 1}[unit]
        first = first.replace(day=1, month=month)
    edges = [first]
    while to_ms(edges[-1].replace(tzinfo=zone)) < end:
        edges.append(next_day(edges[-1], 1, unit))
    return [to_ms(edge.replace(tzinfo=zone)) for edge in edges]


# Answers --------------------------------------------------------------------------------------------------------------


def rank(question, rows, key, name):
    """The k first by key; what has none comes last, equals stand in the order of their names."""
    if question.get("op", "aggregate") == "aggregate":
        return sorted(rows, key=name)
    sign = -1 if question["op"] == "top" else 1
    rows = sorted(rows, key=lambda row: (key(row) is None, sign * (key(row) or 0), name(row)))
    return rows[: question.get("k", 10)]


def ends_of(question, chosen):
    """The range; an open end is closed by the first or last metric."""
    zone = zone_of(question)
    start, end = ms_of(question.get("from_"), zone), ms_of(question.get("to"), zone)
    if start is None:
        start = chosen[0]["ms"] if chosen else 0
    if end is None:
        end = chosen[-1]["ms"] + 1 if chosen else 1
    return start, end


def reckon_rows(question, chosen, start, end):
    def row_of(group, metrics):
        row = [] if group is None else [group]
        row += measures(question, metrics, start, end)
        if "compare" in question:
            was = [ms_of(time, zone_of(question)) for time in question["compare"]]
            before = groups_of(question, within(chosen, *was)).get(group, [])
            row += measures(question, before, *was)
        return row

    n_keys = 0 if question.get("by") is None else 1
    rows = [row_of(group, metrics) for group, metrics in groups_of(question, within(chosen, start, end)).items()]
    return rank(question, rows, lambda row: row[n_keys], lambda row: row[:n_keys])


def points_of(question, metrics, start, end):
    """A rate is that of what the range covers of a bucket."""
    edges = edges_of(question, start, end)
    inside = within(metrics, start, end)
    return [[edge, *measures(question, within(inside, edge, after), max(edge, start), min(after, end))]
            for edge, after in zip(edges, edges[1:])]


def reckon_series(question, chosen, start, end):
    whole = [(group, metrics, measures(question, metrics, start, end)[0])
             for group, metrics in groups_of(question, within(chosen, start, end)).items()]
    series = []
    for group, metrics, _ in rank(question, whole, lambda row: row[2], lambda row: row[0] or ""):
        points = points_of(question, metrics, start, end)
        if "compare" in question:
            was = [ms_of(time, zone_of(question)) for time in question["compare"]]
            before = points_of(question, groups_of(question, chosen).get(group, []), *was)
            assert len(before) == len(points), "such ranges are compared by the tests of the store"
            points = [now + then[1:] for now, then in zip(points, before)]
        series.append((group, points))
    return series


def reckon_ranked_buckets(question, chosen, start, end):
    edges = edges_of(question, start, end)
    ends = dict(zip(edges, edges[1:]))
    rows = [[point[0], ends[point[0]], *point[1:]] for point in points_of(question, chosen, start, end)]
    rows = [row for row in rows if row[2] is not None]  # a bucket without a value has no rank
    return rank(question, rows, lambda row: row[2], lambda row: row[0])


def reckon(question, metrics):
    """{"rows": [...]} or {"series": [(group, points)]}, times in milliseconds. `metrics` are in the order of time, equal
    times in the order in which they were stored."""
    chosen = [metric for metric in metrics if passes(metric, question)]
    start, end = ends_of(question, chosen)
    if "bucket" not in question:
        return {"rows": reckon_rows(question, chosen, start, end)}
    if question.get("op", "aggregate") != "aggregate" and question.get("by") is None:
        return {"rows": reckon_ranked_buckets(question, chosen, start, end)}
    return {"series": reckon_series(question, chosen, start, end)}


# Comparing with an answer ---------------------------------------------------------------------------------------------


def columns_of(question):
    aggs = ["p50" if agg == "median" else agg for agg in question.get("agg", ["count"])]
    by = question.get("by")
    if "bucket" not in question:
        keys = [] if by is None else ["name" if by == "name" else "tag"]
    else:
        keys = ["time"] if by is not None or question.get("op", "aggregate") == "aggregate" else ["from", "to"]
    if "compare" in question:
        aggs = aggs + [f"previous_{agg}" for agg in aggs] + [f"change_{agg}" for agg in aggs]
    return keys + aggs


def close(found, wanted, tolerance):
    if isinstance(wanted, str) or wanted is None or found is None:
        return found == wanted
    if isinstance(found, str):
        return to_ms(datetime.fromisoformat(found.replace("Z", "+00:00"))) == wanted
    return math.isclose(found, wanted, rel_tol=tolerance, abs_tol=1e-9)


def change_of(now, before):
    return None if now is None or not before else 100 * (now - before) / abs(before)


def assert_row(question, columns, found, wanted, approximate):
    if "compare" in question:
        n = len(question.get("agg", ["count"]))
        wanted = wanted + [change_of(now, before) for now, before in zip(found[-3 * n : -2 * n], found[-2 * n : -n])]
    assert len(found) == len(columns) == len(wanted), f"{columns}: {found} for {wanted}"
    for column, one, other in zip(columns, found, wanted):
        sketched = approximate and re.fullmatch(r"(previous_)?(p[\d.]+|distinct|names|tags)", column)
        assert close(one, other, 0.0101 if sketched else 1e-9), f"{column} is {one}, not {other}: {found} for {wanted}"


def assert_rows(question, columns, found, wanted, approximate):
    assert len(found) == len(wanted), f"{len(found)} for {len(wanted)}: {found[:5]} for {wanted[:5]}"
    for one, other in zip(found, wanted):
        assert_row(question, columns, one, other, approximate)


def assert_answer(body, question, metrics):
    """Holds the body of an answer against what the question comes to."""
    wanted, columns = reckon(question, metrics), body["columns"]
    assert columns == columns_of(question)
    if "rows" in wanted:
        assert "series" not in body
        assert_rows(question, columns, body["rows"], wanted["rows"], body["approximate"])
        return
    assert "rows" not in body
    assert [one["group"] for one in body["series"]] == [group for group, _ in wanted["series"]]
    for one, (_, points) in zip(body["series"], wanted["series"]):
        assert_rows(question, columns, one["points"], points, body["approximate"])


def utc(text):
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=timezone.utc))
