"""Questions in words over the real input: each prompt with the question that it means, as a person reads it, whose answer is
worked out in plain Python (reckon.py), with each store.

The clock of a prompt is `now`; without one it stands at noon of 2015-09-18, when all measurements have come.
"""
import pytest

from reckon import assert_answer, utc
from wire import target

pytestmark = pytest.mark.stores("sqlite", "mongodb")

NOW = "2015-09-18T12:00:00Z"
THURSDAY = "2014-04-24T12:00:00Z"  # the last full day of the AWS figures is the one before
EC2, RDS, ELB = ("awscloudwatch.ec2_cpu_utilization", "awscloudwatch.rds_cpu_utilization",
                 "awscloudwatch.elb_request_count")
WRITES, NETWORK = "awscloudwatch.ec2_disk_write_bytes", "awscloudwatch.ec2_network_in"
SPEED, OCCUPANCY, TRAVELTIME = "traffic.speed", "traffic.occupancy", "traffic.traveltime"
APRIL = {"from_": "2014-04-01", "to": "2014-05-01"}
ALL_OF_2014 = {"from_": "2014-01-01", "to": "2015-01-01"}


def day(text):
    return {"from_": text, "to": utc(text) + 86_400_000}


QUESTIONS = [
    # how many
    ("how many metrics", {}),
    ("count all events of all time", {}),
    ("how many metrics in 2014", ALL_OF_2014),
    ("how many events in april 2014", APRIL),
    ("number of measurements on 2014-04-15", day("2014-04-15")),
    ("please tell me how many data points came in between 2014-04-01 and 2014-04-10",
     {"from_": "2014-04-01", "to": "2014-04-11"}),
    ("how many metrics from 2014-04-01T06:00:00Z to 2014-04-01T18:30:00Z",
     {"from_": utc("2014-04-01 06:00"), "to": utc("2014-04-01 18:30")}),
    ("how many rds cpu utilization metrics last week", {"name": RDS, "from_": "2014-04-14", "to": "2014-04-21"}, THURSDAY),
    ("how many rds cpu utilization metrics this week",
     {"name": RDS, "from_": "2014-04-21", "to": utc("2014-04-24 12:00")}, THURSDAY),
    ("how many events yesterday", day("2014-04-23"), THURSDAY),
    ("how many events last month", {"from_": "2014-03-01", "to": "2014-04-01"}, THURSDAY),
    ("how many events in the last 3 hours", {"from_": utc("2014-04-23 21:00"), "to": utc("2014-04-24 00:00")},
     "2014-04-24T00:00:00Z"),
    ("how many events since 2014-04-20", {"from_": "2014-04-20", "to": utc("2014-04-24 12:00")}, THURSDAY),
    ("how many events before 2014", {"to": "2014-01-01"}),
    ("how many events tagged group:traffic", {"tags": ["group:traffic"]}),
    ("how many events without tag group:traffic", {"not_tags": ["group:traffic"]}),
    ("how many metrics with tag series:cc0c53", {"tags": ["series:cc0c53"]}),
    ("how many traffic speed metrics above 80", {"name": SPEED, "min": 80.00000000001}),
    ("how many traffic speed metrics between 60 and 70", {"name": SPEED, "min": 60, "max": 70}),
    # top and bottom
    ("top 3 busiest names in april 2014", {"op": "top", "k": 3, "by": "name", **APRIL}),
    ("top 5 names", {"op": "top", "k": 5, "by": "name"}),
    ("top names in 2014", {"op": "top", "k": 10, "by": "name", **ALL_OF_2014}),
    ("top ten tags", {"op": "top", "k": 10, "by": "tag"}),
    ("bottom 3 names of all time", {"op": "bottom", "k": 3, "by": "name"}),
    ("the 4 least active names in september 2015",
     {"op": "bottom", "k": 4, "by": "name", "from_": "2015-09-01", "to": "2015-10-01"}),
    ("top 3 tags by average traffic speed", {"op": "top", "k": 3, "by": "tag", "agg": ["avg"], "name": SPEED}),
    ("top 2 tags by max ec2 cpu utilization in april 2014",
     {"op": "top", "k": 2, "by": "tag", "agg": ["max"], "name": EC2, **APRIL}),
    ("top 5 days by sum of elb request count",
     {"op": "top", "k": 5, "bucket": "1d", "agg": ["sum"], "name": ELB}),
    ("busiest 3 hours on 2014-04-15", {"op": "top", "k": 3, "bucket": "1h", **day("2014-04-15")}),
    # one figure
    ("average ec2 cpu utilization", {"name": EC2, "agg": ["avg"]}),
    ("what was the average ec2 cpu utilization in march 2014?",
     {"name": EC2, "agg": ["avg"], "from_": "2014-03-01", "to": "2014-04-01"}),
    ("mean of awscloudwatch.rds_cpu_utilization in april 2014", {"name": RDS, "agg": ["avg"], **APRIL}),
    ("max of traffic occupancy in september 2015",
     {"name": OCCUPANCY, "agg": ["max"], "from_": "2015-09-01", "to": "2015-10-01"}),
    ("minimum traffic speed", {"name": SPEED, "agg": ["min"]}),
    ("sum of elb request count on 2014-04-15", {"name": ELB, "agg": ["sum"], **day("2014-04-15")}),
    ("median traffic traveltime", {"name": TRAVELTIME, "agg": ["median"]}),
    ("p95 of traffic speed between 2015-09-10 and 2015-09-15",
     {"name": SPEED, "agg": ["p95"], "from_": "2015-09-10", "to": "2015-09-16"}),
    ("99th percentile of ec2 network in", {"name": NETWORK, "agg": ["p99"]}),
    ("99.9 percentile of traffic occupancy", {"name": OCCUPANCY, "agg": ["p99.9"]}),
    ("standard deviation of rds cpu utilization", {"name": RDS, "agg": ["stddev"]}),
    ("latest traffic speed", {"name": SPEED, "agg": ["latest"]}),
    ("first value of awscloudwatch.grok_asg_anomaly", {"name": "awscloudwatch.grok_asg_anomaly", "agg": ["first"]}),
    ("average and max traffic occupancy", {"name": OCCUPANCY, "agg": ["avg", "max"]}),
    ("average rds cpu utilization on series:cc0c53", {"name": RDS, "agg": ["avg"], "tags": ["series:cc0c53"]}),
    ("average ec2 cpu utilization without tag series:fe7f93",
     {"name": EC2, "agg": ["avg"], "not_tags": ["series:fe7f93"]}),
    ("average traffic speed yesterday", {"name": SPEED, "agg": ["avg"], **day("2015-09-16")}, "2015-09-17T08:00:00Z"),
    # distinct
    ("how many different names in 2014", {"agg": ["names"], **ALL_OF_2014}),
    ("number of distinct tags", {"agg": ["tags"]}),
    ("distinct values of traffic speed", {"name": SPEED, "agg": ["distinct"]}),
    # groups
    ("average ec2 cpu utilization by tag in april 2014", {"name": EC2, "agg": ["avg"], "by": "tag", **APRIL}),
    ("count by name", {"by": "name"}),
    ("number of events per name in april 2014", {"by": "name", **APRIL}),
    ("how many events by tag yesterday", {"by": "tag", **day("2014-04-23")}, THURSDAY),
    # over time
    ("average ec2 cpu utilization per hour on 2014-02-20",
     {"name": EC2, "agg": ["avg"], "bucket": "1h", **day("2014-02-20")}),
    ("daily sum of elb request count from 2014-04-11 to 2014-04-20",
     {"name": ELB, "agg": ["sum"], "bucket": "1d", "from_": "2014-04-11", "to": "2014-04-21"}),
    ("events every 15 minutes on 2014-04-15", {"bucket": "15m", **day("2014-04-15")}),
    ("how many events per month in 2014", {"bucket": "1mo", **ALL_OF_2014}),
    ("weekly count of rds cpu utilization in april 2014",
     {"name": RDS, "bucket": "1w", **APRIL}),
    ("p90 of traffic speed per day by tag between 2015-09-08 and 2015-09-10",
     {"name": SPEED, "agg": ["p90"], "bucket": "1d", "by": "tag", "from_": "2015-09-08", "to": "2015-09-11"}),
    ("max rds cpu utilization hourly yesterday", {"name": RDS, "agg": ["max"], "bucket": "1h", **day("2014-04-23")}, THURSDAY),
    # beside another range
    ("how many events yesterday compared to the previous period",
     {**day("2014-04-23"), "compare": ("2014-04-22", "2014-04-23")}, THURSDAY),
    ("average ec2 cpu utilization last week vs the previous period",
     {"name": EC2, "agg": ["avg"], "from_": "2014-04-14", "to": "2014-04-21", "compare": ("2014-04-07", "2014-04-14")},
     THURSDAY),
    ("sum of elb request count on 2014-04-15 compared to the previous period",
     {"name": ELB, "agg": ["sum"], **day("2014-04-15"), "compare": ("2014-04-14", "2014-04-15")}),
    ("how many events in march 2014 compared with the previous period",
     {"from_": "2014-03-01", "to": "2014-04-01", "compare": ("2014-02-01", "2014-03-01")}),
    # zones
    ("how many events on 2014-04-15 in Europe/Berlin",
     {"from_": utc("2014-04-14 22:00"), "to": utc("2014-04-15 22:00")}),
    ("average ec2 cpu utilization per day from 2014-03-28 to 2014-03-31 in Europe/Berlin",
     {"name": EC2, "agg": ["avg"], "bucket": "1d", "tz": "Europe/Berlin", "from_": utc("2014-03-27 23:00"),
      "to": utc("2014-03-31 22:00")}),
    ("how many events yesterday in America/New_York",
     {"from_": utc("2014-04-23 04:00"), "to": utc("2014-04-24 04:00")}, THURSDAY),
    ("sum of elb request count on 2014-04-15 in UTC", {"name": ELB, "agg": ["sum"], **day("2014-04-15")}),
]

# ?tz= says what the prompt does not
ZONED = [
    ("how many events on 2014-04-15", "Europe/Berlin", {"from_": utc("2014-04-14 22:00"), "to": utc("2014-04-15 22:00")}),
    ("how many events on 2014-04-15", "+05:45", {"from_": utc("2014-04-14 18:15"), "to": utc("2014-04-15 18:15")}),
    ("how many events on 2014-04-15 in UTC", "Asia/Kolkata", day("2014-04-15")),
    ("max ec2 cpu utilization per day in march 2014", "America/New_York",
     {"name": EC2, "agg": ["max"], "bucket": "1d", "tz": "America/New_York", "from_": utc("2014-03-01 05:00"),
      "to": utc("2014-04-01 04:00")}),
]

# Each line asks one thing in several ways: one plan, and so one cached answer.
PARAPHRASES = [
    ("top 3 busiest names in april 2014", "show me the 3 most active names during April 2014",
     "Top three names in apr 2014, please"),
    ("average ec2 cpu utilization per hour on 2014-02-20", "hourly mean of awscloudwatch.ec2_cpu_utilization on 2014-02-20"),
    ("how many events yesterday", "count of events yesterday", "YESTERDAY: number of metrics"),
    ("p50 of traffic speed", "median traffic speed", "what is the 50th percentile of traffic.speed?"),
]


def ask(server, prompt, now=NOW, **further):
    answer = server.request("GET", target("/query", prompt=prompt, now=now, **further))
    assert answer.status == 200, f"{prompt}: {answer.status} {answer.body.decode()}"
    return answer


def test_there_are_enough():
    assert len(QUESTIONS) + len(ZONED) >= 60
    assert len({question[0] for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question[0])
def test_question(asked, question):
    server, metrics = asked
    prompt, meaning = question[:2]
    body = ask(server, prompt, *question[2:]).json()
    assert body["prompt"] == prompt and body["unknown_words"] == [] and body["interpretation"]
    assert 0.5 < body["confidence"] <= 1
    assert_answer(body, meaning, metrics)


@pytest.mark.parametrize("prompt, zone, meaning", ZONED, ids=lambda part: part if isinstance(part, str) else "")
def test_question_of_a_zone(asked, prompt, zone, meaning):
    server, metrics = asked
    assert_answer(ask(server, prompt, tz=zone).json(), meaning, metrics)


@pytest.mark.parametrize("prompts", PARAPHRASES, ids=lambda prompts: prompts[0])
def test_paraphrases_share_a_plan_and_its_answer(asked, prompts):
    server, _ = asked
    first = ask(server, prompts[0], THURSDAY)
    for prompt in prompts[1:]:
        other = ask(server, prompt, THURSDAY)
        assert other.json()["plan"] == first.json()["plan"]
        assert other["Cache-Status"] == "telemetry-server; hit", prompt
        assert other.json()["prompt"] == prompt
        assert other["ETag"] != first["ETag"], "another prompt is another entity"


@pytest.mark.parametrize("question", QUESTIONS[::4], ids=lambda question: question[0])
def test_plan_of_an_answer_asks_the_same(asked, question):
    """The plan that an answer shows, sent back as JSON, has the same rows, from the cache."""
    server, _ = asked
    body = ask(server, question[0], *question[2:]).json()
    answer = server.request("POST", "/query", {"plan": body["plan"]})
    assert answer.status == 200, answer
    again = answer.json()
    assert again["plan"] == body["plan"] and again["range"] == body["range"]
    assert again.get("rows") == body.get("rows") and again.get("series") == body.get("series")
    assert not {"prompt", "interpretation", "confidence", "unknown_words"} & again.keys()
    assert answer["Cache-Status"] == "telemetry-server; hit"


def test_trend_tells_the_direction(asked):
    server, _ = asked
    body = ask(server, "trend of rds cpu utilization per day in april 2014").json()
    assert body["plan"]["trend"] is True
    assert body["series"][0]["trend"]["direction"] in ("rising", "falling", "flat")


def test_new_names_are_understood_at_once(asked):
    """A name that a write brought is known to the question behind it."""
    server, _ = asked
    prompt = "how many greenhouse humidity metrics"
    answer = server.request("GET", target("/query", prompt=prompt, now=NOW))
    assert answer.status == 422 or answer.json()["unknown_words"]
    stored = server.request("POST", "/metrics", {"name": "greenhouse.humidity", "value": 40})
    try:
        body = ask(server, prompt).json()
        assert body["plan"]["filter"]["name"] == "greenhouse.humidity" and body["unknown_words"] == []
    finally:
        assert server.request("DELETE", "/metrics/" + stored.json()["id"]).status == 204
