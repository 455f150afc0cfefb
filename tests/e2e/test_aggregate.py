"""GET /metrics/aggregate over the real input, against the same worked out in plain Python (reckon.py), with each store."""
import random

import pytest

from problems import assert_problem
from reckon import assert_answer, utc
from wire import target

pytestmark = pytest.mark.stores("sqlite", "mongodb")

ROUNDS = {"sqlite": 120, "mongodb": 40}
SEED = 20260311
AGGS = ["count", "sum", "avg", "min", "max", "stddev", "median", "p0", "p5", "p95", "p99.9", "p100", "rate", "distinct",
        "first", "latest", "names", "tags"]
HOUR, DAY = 3600_000, 86_400_000
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "+05:45"]


def parameters(question):
    """The question as GET /metrics/aggregate takes it."""
    ops = list(question.get("agg", []))
    if question.get("op"):
        ops.insert(random.Random(str(question)).randrange(len(ops) + 1), question["op"])
    asked = {"op": ",".join(ops) or None, "by": question.get("by"), "interval": question.get("bucket"),
             "k": question.get("k"), "tz": question.get("tz"), "name": question.get("name"),
             "tag": question.get("tags"), "any_tag": question.get("any_tags"), "not_tag": question.get("not_tags"),
             "min": question.get("min"), "max": question.get("max"), "from": question.get("from_"), "to": question.get("to")}
    if "compare" in question:
        asked["compare"] = question.get("compare_as") or "{}/{}".format(*question["compare"])
    return {key: value for key, value in asked.items() if value is not None}


def ask(server, question):
    answer = server.request("GET", target("/metrics/aggregate", **parameters(question)))
    assert answer.status == 200, f"{question}: {answer}"
    return answer.json()


def check(asked, question):
    server, metrics = asked
    assert_answer(ask(server, question), question, metrics)


# Any question ---------------------------------------------------------------------------------------------------------


def pick_filter(dice, metrics):
    names = sorted({metric["name"] for metric in metrics})
    tags = sorted({tag for metric in metrics for tag in metric["tags"]})
    chosen = {}
    if dice.random() < 0.6:
        name = dice.choice(names)
        chosen["name"] = name if dice.random() < 0.6 else name[: dice.randrange(1, len(name))] + "*"
    for key, chance in (("tags", 0.2), ("any_tags", 0.15), ("not_tags", 0.2)):
        if dice.random() < chance:
            chosen[key] = dice.sample(tags, dice.randrange(1, 3))
    if dice.random() < 0.2:
        chosen["min"] = round(dice.choice(metrics)["value"], 3)
    if dice.random() < 0.2:
        chosen["max"] = max(chosen.get("min", 0), round(dice.choice(metrics)["value"], 3))
    return chosen


def pick_range(dice, metrics, question):
    """Somewhere there are metrics; whole days, so that buckets and ranges agree on where they begin."""
    days = dice.choice([1, 1, 2, 7, 30, 90])
    start = dice.choice(metrics)["ms"] // DAY * DAY - dice.randrange(days) * DAY
    question.update(from_=start, to=start + days * DAY)
    if dice.random() < 0.15 and "bucket" not in question:
        question["from_"] += dice.randrange(DAY)
    return days


def pick_bucket(dice, question, days):
    usual = ["1h", "6h", "1d", "1w", "1mo", "1q", "1y"] if days > 2 else ["5m", "10m", "1h", "2h", "1d", "1w"]
    question["bucket"] = dice.choice(usual)
    if dice.random() < 0.4:
        question["tz"] = dice.choice([zone for zone in ZONES if zone[0] != "+"])


def pick_question(dice, metrics):
    question = pick_filter(dice, metrics)
    if dice.random() < 0.9:
        question["agg"] = dice.sample(AGGS, dice.randrange(1, 5))
    if dice.random() < 0.6:
        question["by"] = dice.choice(["name", "name", "tag", "series:", "group:", "s"])
    is_ranged = dice.random() < 0.85
    days = pick_range(dice, metrics, question) if is_ranged else 0
    if is_ranged and dice.random() < 0.45:
        pick_bucket(dice, question, days)
    if (question.get("by") or question.get("bucket")) and dice.random() < 0.4:
        question.update(op=dice.choice(["top", "bottom"]), k=dice.choice([1, 2, 3, 10, 100]))
    if is_ranged and dice.random() < 0.25 and "tz" not in question:
        length = question["to"] - question["from_"]
        question.update(compare=(question["from_"] - length, question["from_"]), compare_as="previous")
    if not is_ranged and "rate" in question.get("agg", []):
        question["agg"] = ["count"]  # of an open range only the store knows the length
    return question


def is_reckonable(question):
    """Longer buckets than days cut the two ranges of a comparison into different numbers of them."""
    return not ("compare" in question and question.get("bucket", "1h")[1:] in ("w", "mo", "q", "y"))


def test_any_question(asked, store):
    dice = random.Random(SEED)
    server, metrics = asked
    n_asked = 0
    while n_asked < ROUNDS[store.kind]:
        question = pick_question(dice, metrics)
        if not is_reckonable(question):
            continue
        try:
            check(asked, question)
        except AssertionError as error:
            raise AssertionError(f"seed {SEED}, question {n_asked}: {question}\n{error}") from None
        n_asked += 1


# Certain questions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [
    {},
    {"agg": ["count", "names", "tags", "distinct"]},
    {"op": "top", "by": "name", "k": 3},
    {"op": "bottom", "by": "tag", "k": 5, "agg": ["avg", "count"]},
    {"name": "no.such.metric", "agg": ["count", "avg", "distinct", "latest"]},
    {"name": "no.such.metric", "by": "name"},
    {"name": "traffic.speed", "agg": ["first", "latest"], "by": "series:"},
    {"op": "top", "bucket": "1h", "k": 5, "name": "traffic.*", "from_": utc("2015-09-10"), "to": utc("2015-09-12")},
    {"op": "bottom", "bucket": "1d", "k": 3, "agg": ["avg"], "name": "traffic.speed", "from_": utc("2015-09-01"),
     "to": utc("2015-09-15")},
    # the night of 2014-03-30 has 23 hours in Berlin, and that of 2014-03-09 in New York
    {"bucket": "1d", "tz": "Europe/Berlin", "from_": utc("2014-03-28 23:00"), "to": utc("2014-04-01 22:00")},
    {"bucket": "1d", "tz": "America/New_York", "from_": utc("2014-03-08 05:00"), "to": utc("2014-03-11 04:00")},
    {"bucket": "1mo", "tz": "Asia/Kolkata", "from_": utc("2013-12-31 18:30"), "to": utc("2014-04-30 18:30")},
    {"bucket": "1h", "from_": utc("2014-02-20 00:10"), "to": utc("2014-02-20 02:50"), "agg": ["count", "max"]},
], ids=str)
def test_question(asked, question):
    check(asked, question)


def test_open_range_ends_with_the_first_and_the_last(asked):
    server, metrics = asked
    name = "traffic.occupancy"
    times = [metric["ms"] for metric in metrics if metric["name"] == name]
    body = ask(server, {"name": name})
    assert body["matched"] == len(times)
    start, end = (utc(body["range"][end].rstrip("Z")) for end in ("from", "to"))
    assert start == times[0] and times[-1] <= end <= times[-1] + 1
    nothing = ask(server, {"name": "no.such.metric"})
    assert nothing["range"] == {"from": None, "to": None, "tz": "UTC"} and nothing["rows"] == [[0]]


def test_interval_auto_aims_at_300_points(asked):
    server, _ = asked
    day = utc("2015-09-10")
    for length, wanted in ((HOUR, 60), (DAY, 150), (30 * DAY, 100)):
        path = target("/metrics/aggregate", name="traffic.*", interval="auto", from_=day, to=day + length)
        points = server.request("GET", path).json()["series"][0]["points"]
        assert wanted <= len(points) <= 301, f"{len(points)} points of {length} ms"


def test_trend_of_a_series(asked):
    server, metrics = asked
    start, end = utc("2014-04-10"), utc("2014-04-24")
    path = target("/metrics/aggregate", name="awscloudwatch.elb_request_count", op="sum", interval="1d", trend="true",
                  from_=start, to=end)
    series = server.request("GET", path).json()["series"]
    assert len(series) == 1 and set(series[0]["trend"]) == {"direction", "slope_per_hour", "change_percent"}
    assert series[0]["trend"]["direction"] in ("rising", "falling", "flat")


def test_trend_of_no_buckets_is_null(start):
    """Nothing lies before 1970, so there is nothing to cut into buckets: however it is asked."""
    server = start()
    assert server.request("POST", "/metrics", {"name": "new", "value": 1}).status == 201
    plan = {"op": "aggregate", "agg": ["count"], "trend": True, "range": {"to": "1960-01-01T00:00:00Z"}}
    for answer in (server.request("GET", "/metrics/aggregate?to=1960-01-01&trend=true"),
                   server.request("GET", target("/query", prompt="trend of events before 1960")),
                   server.request("POST", "/query", {"plan": plan})):
        assert answer.status == 200, answer
        body = answer.json()
        assert body["plan"]["trend"] is True and body["range"]["to"] == "1960-01-01T00:00:00.000Z"
        assert body["series"] == [{"group": None, "trend": None, "points": []}] and body["matched"] == 0


def test_every_aggregate_is_cached_until_a_write(asked):
    server, _ = asked
    path = target("/metrics/aggregate", name="traffic.speed", op="avg,p95", by="series:")
    first, second = server.request("GET", path), server.request("GET", path)
    assert second["Cache-Status"] == "telemetry-server; hit" and second.body == first.body
    same = server.request("GET", target("/metrics/aggregate", by="series:", op=["avg", "p95"], name="traffic.speed"))
    assert same["Cache-Status"] == "telemetry-server; hit", "the same question in another order"
    metric = {"name": "traffic.speed", "value": 1, "timestamp": "2001-01-01T00:00:00Z"}
    answer = server.request("POST", "/metrics", metric)
    try:
        assert server.request("GET", path)["Cache-Status"] == "telemetry-server; fwd=miss"
    finally:
        assert server.request("DELETE", "/metrics/" + answer.json()["id"]).status == 204
    assert server.request("GET", path).json()["rows"] == first.json()["rows"]


@pytest.mark.parametrize("query, type_, named", [
    ("op=mode", "bad-plan", "op"), ("by=", "bad-plan", "by"), ("interval=1x", "bad-plan", "interval"),
    ("op=top", "bad-plan", "by"), ("k=5", "bad-plan", "k"), ("tz=Nowhere/City", "bad-plan", "tz"),
    ("compare=previous", "bad-plan", "compare"), ("trend=maybe", "bad-plan", "trend"), ("limit=5", "bad-plan", "limit"),
    ("from=2015-09-10&to=2015-09-09", "bad-filter", "from"), ("min=low", "bad-filter", "min"),
    ("filters={%22$where%22:1}", "bad-filter", "$where"), ("name=a&name=b", "bad-filter", "name"),
    ("interval=1s&from=2011-01-01&to=2015-01-01", "bad-plan", "interval"),
])
def test_refusals_name_the_parameter(asked, query, type_, named):
    answer = asked[0].request("GET", "/metrics/aggregate?" + query)
    assert named in assert_problem(answer, 400, type_)["detail"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_aggregate_is_only_read(asked, method):
    answer = asked[0].request(method, "/metrics/aggregate", {"name": "a", "value": 1})
    assert_problem(answer, 405, "method-not-allowed")
    assert answer["Allow"] == "GET, HEAD, OPTIONS"
