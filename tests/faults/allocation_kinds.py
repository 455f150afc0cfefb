"""allocation_kinds: the requests that memory runs out under, one list for all stores."""
from allocation_calls import (NDJSON, NO_CACHE, Change, Conflict, NewZone, Pieces, Pipeline, Read, Store, array, base, fresh_items, lines,
                              members_of, names_of_counters, single)
from wire import fresh_id, target

SPAN = {"from": "2026-01-01", "to": "2026-01-02"}
PROMPT = "average base.3 by host between 2026-01-01 and 2026-01-02"
PLAN = {"plan": {"op": "top", "k": 3, "group_by": "name"}}


def aggregate(**parameters):
    return target("/metrics/aggregate", name="base.*", **SPAN, **parameters)


def reads():
    first = base(1)[0]["id"]
    return [
        Read("list, uncached", "GET", target("/metrics", name="base.*", limit=400)),
        Read("list, cached", "GET", target("/metrics", name="base.*", limit=50), headers={}),
        Read("list by tag", "GET", target("/metrics", name="base.1", tag="zone:1", order="asc", min=3)),
        Read("list by JSON", "GET", target("/metrics", filters={"name": "base.*", "any_tags": ["host:1", "host:2"]})),
        Read("get, uncached", "GET", f"/metrics/{first}"),
        Read("get, cached", "GET", f"/metrics/{first}", headers={}),
        Read("get, new connection", "GET", f"/metrics/{first}", fresh=True),
        Read("HEAD", "HEAD", f"/metrics/{first}"),
        Read("OPTIONS", "OPTIONS", "/metrics", status=204),
        Read("aggregate", "GET", aggregate(op="avg,p95,distinct", by="name")),
        Read("aggregate, cached", "GET", aggregate(op="sum", by="host:"), headers={}),
        Read("aggregate by time", "GET", aggregate(op="avg,median", by="host:", interval="1m", tz="Europe/Berlin")),
        Read("aggregate, compared", "GET", aggregate(op="max", interval="1m", compare="previous", trend="true")),
        NewZone("aggregate, new zone", "GET", target("/metrics/aggregate", name="base.3", op="sum", **SPAN)),
        NewZone("prompt, new zone", "GET", target("/query", prompt=PROMPT)),
        Read("names", "GET", aggregate(op="names")),
        Read("prompt", "GET", target("/query", prompt=PROMPT)),
        Read("prompt, cached", "GET", target("/query", prompt=PROMPT + " UTC"), headers={}),
        Read("prompt, explained", "GET", target("/query", prompt=PROMPT, explain="true")),
        Read("prompt, posted", "POST", "/query", {"prompt": PROMPT, "tz": "America/New_York"}),
        Read("plan", "POST", "/query", {"plan": {**PLAN["plan"], "filter": {"name": "base.*"}}}),
        Read("counters", "GET", "/-/metrics", steady=names_of_counters),
        Read("stats", "GET", "/-/stats", steady=members_of),
        Read("health", "GET", "/healthz"),
    ]


def errors():
    return [
        Read("errors 400 JSON", "POST", "/metrics", b'{"name":', 400),
        Read("errors 400 filter", "GET", "/metrics?from=never", status=400),
        Read("errors 400 cursor", "GET", "/metrics?cursor=zzz", status=400),
        Read("errors 401", "GET", "/metrics", status=401, headers={"Authorization": "Bearer nobody"}),
        Read("errors 404", "GET", f"/metrics/{'f' * 24}", status=404),
        Read("errors 405", "PATCH", "/metrics", status=405),
        Read("errors 406", "GET", "/metrics", status=406, headers={"Accept": "text/html"}),
        Conflict(),
        Read("errors 412", "DELETE", f"/metrics/{base(1)[0]['id']}", status=412, headers={"If-Match": '"0"'}),
        Read("errors 415", "POST", "/metrics", b"a=b", 415, content_type="text/csv"),
        Read("errors 422", "POST", "/metrics", [{"name": "", "value": 1}, {"name": "bad"}, {"name": "n", "value": "x"}], 422),
        Read("errors 422, large", "POST", "/metrics", [*fresh_items(300), *[{"name": "bad"}] * 20], 422),
        Read("errors 422 prompt", "GET", target("/query", prompt="sing me a song of base.3"), status=422),
    ]


def writes():
    return [
        Store("one", single()),
        Store("one, new connection", single(), fresh=True),
        Store("one, idempotency key", single(), headers=lambda: {"Idempotency-Key": fresh_id()}),
        Store("batch, NDJSON", lines(60), content_type=NDJSON),
        Store("batch, NDJSON, ids returned", lines(60), path="/metrics?return=ids", content_type=NDJSON),
        Store("batch, NDJSON, own ids", lines(40, has_ids=True), content_type=NDJSON),
        Store("batch, NDJSON, large", lines(200), content_type=NDJSON),
        Store("batch, JSON array", array(60)),
        Store("batch, JSON array, idempotency key", array(40), headers=lambda: {"Idempotency-Key": fresh_id()}),
        Pieces("batch, in chunks", "chunks", array(60)),
        Pieces("one, in pieces", "head", single()),
        Pieces("one, 100-continue", "continue", single()),
        Pipeline("pipeline", lambda: (fresh_items(20), None)),
        Change("PUT", "PUT"),
        Change("PUT, If-Match", "PUT", with_condition=True),
        Change("DELETE", "DELETE"),
        Change("DELETE, If-Match", "DELETE", with_condition=True),
    ]


def all_kinds():
    return reads() + errors() + writes()
