"""POST, PUT and DELETE of /metrics: what is stored, what is answered, and what is refused whole."""
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

from problems import assert_problem
from wire import fresh_id, ndjson, target

pytestmark = pytest.mark.stores("sqlite", "mongodb")

UNKNOWN_ID = "5f0e1d2c3b4a59687706e5d4"


def stored(server, name):
    return server.request("GET", target("/metrics", name=name, limit=1000)).json()["metrics"]


def test_post_one_gives_the_document(server, name):
    before = time.time()
    answer = server.request("POST", "/metrics", {"name": name, "tags": ["b", "a", "b"], "value": 1.5,
                                                  "timestamp": "2026-11-23T12:00:00.25+02:00"})
    assert answer.status == 201
    document = answer.json()
    assert re.fullmatch(r"[0-9a-f]{24}", document["id"])
    assert document == {"id": document["id"], "name": name, "tags": ["a", "b"], "value": 1.5,
                        "timestamp": "2026-11-23T10:00:00.250Z"}
    assert answer["Location"] == f"/metrics/{document['id']}"
    assert answer["Content-Type"].startswith("application/json")
    again = server.request("GET", answer["Location"])
    assert again.status == 200 and again.json() == document
    seconds = int(document["id"][:8], 16)
    assert before - 2 <= seconds <= time.time() + 2, "a minted id starts with its time, as an ObjectId does"


def test_post_one_fills_in_what_is_optional(server, name):
    document = server.request("POST", "/metrics", {"name": name, "value": -3}).json()
    assert document["tags"] == []
    stamp = datetime.fromisoformat(document["timestamp"].replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - stamp).total_seconds()) < 30
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document["timestamp"])


@pytest.mark.parametrize("given, printed", [
    ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000Z"),
    ("2026-11-23T10:00:00.1239Z", "2026-11-23T10:00:00.123Z"),
    ("2026-11-23T10:00:00-05:30", "2026-11-23T15:30:00.000Z"),
    ("2024-02-29T23:59:59+00:00", "2024-02-29T23:59:59.000Z"),
    (0, "1970-01-01T00:00:00.000Z"),
    (-1, "1969-12-31T23:59:59.999Z"),
    (1700000000123, "2023-11-14T22:13:20.123Z"),
    (253402300799999, "9999-12-31T23:59:59.999Z"),
])
def test_timestamps_in_all_forms(server, name, given, printed):
    answer = server.request("POST", "/metrics", {"name": name, "value": 1, "timestamp": given})
    assert answer.status == 201, answer
    assert answer.json()["timestamp"] == printed


@pytest.mark.parametrize("text", ["0", "1", "-1", "0.1", "1e21", "1e-7", "123456789012345680", "5e-324",
                                  "1.7976931348623157e308", "0.30000000000000004", "100", "1E2", "-0.0", "2.50",
                                  "9007199254740993", "3.14159265358979323846264338327950288419716939937510"])
def test_values_print_in_the_shortest_form_that_reads_back(server, name, text):
    answer = server.request("POST", "/metrics", f'{{"name":"{name}","value":{text}}}'.encode())
    assert answer.status == 201, answer
    printed = re.search(rb'"value":\s*([^,}]+)', answer.body).group(1).decode()
    assert float(printed) == float(text)
    digits = lambda number: len(re.sub(r"e.*", "", number.lstrip("-")).replace(".", "").strip("0"))
    assert digits(printed) <= digits(repr(float(text))), f"{printed} has more digits than {float(text)!r}"


def test_names_and_tags_may_be_any_text(server):
    name = 'é\u00df\U0001f600 "quoted" \\ / x'
    tags = ["ключ:значение", 'a"b', "\U0001f680"]
    answer = server.request("POST", "/metrics", {"name": name, "tags": tags, "value": 1})
    assert answer.status == 201
    assert answer.json()["name"] == name and sorted(answer.json()["tags"]) == sorted(tags)
    assert len(stored(server, name)) == 1
    found = server.request("GET", target("/metrics", filters={"name": name, "tags": tags})).json()["metrics"]
    assert [metric["id"] for metric in found] == [answer.json()["id"]]


def test_tags_are_sorted_by_bytes(server, name):
    tags = ["é", "z", "Z", "a", "\U0001f600", "ﬀ"]
    answer = server.request("POST", "/metrics", {"name": name, "tags": tags, "value": 1})
    assert answer.json()["tags"] == sorted(tags, key=lambda tag: tag.encode())


def test_same_id_with_equal_body_is_200_and_stored_once(server, name):
    metric = {"id": fresh_id(), "name": name, "tags": ["a"], "value": 1, "timestamp": 1000}
    first = server.request("POST", "/metrics", metric)
    second = server.request("POST", "/metrics", metric)
    assert (first.status, second.status) == (201, 200)
    assert first.json() == second.json()
    assert len(stored(server, name)) == 1


@pytest.mark.parametrize("change", [{"value": 2}, {"tags": ["b"]}, {"timestamp": 1001}, {"name": "test.other"}])
def test_same_id_with_another_body_is_409(server, name, change):
    metric = {"id": fresh_id(), "name": name, "tags": ["a"], "value": 1, "timestamp": 1000}
    server.store(metric)
    assert_problem(server.request("POST", "/metrics", {**metric, **change}), 409, "conflict")
    document = server.request("GET", f"/metrics/{metric['id']}").json()
    assert document["value"] == 1 and document["tags"] == ["a"] and document["name"] == name


def test_id_is_read_in_either_case_and_written_in_lower(server, name):
    id_ = fresh_id()
    answer = server.request("POST", "/metrics", {"id": id_.upper(), "name": name, "value": 1})
    assert answer.status == 201 and answer.json()["id"] == id_
    assert server.request("GET", f"/metrics/{id_.upper()}").status == 200


@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_batch_is_accepted(server, name, form):
    items = [{"name": name, "value": i, "timestamp": 1000 + i} for i in range(250)]
    answer = post_batch(server, form, items)
    assert answer.status == 201
    assert answer.json() == {"accepted": 250}
    assert [metric["value"] for metric in stored(server, name)] == list(range(249, -1, -1))


@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_batch_returns_ids_in_order_when_asked(server, name, form):
    items = [{"name": name, "value": i} for i in range(20)]
    items[7]["id"] = fresh_id()
    answer = post_batch(server, form, items, "/metrics?return=ids")
    assert answer.status == 201 and answer.json()["accepted"] == 20
    ids = answer.json()["ids"]
    assert len(set(ids)) == 20 and ids[7] == items[7]["id"]
    for i in (0, 7, 19):
        assert server.request("GET", f"/metrics/{ids[i]}").json()["value"] == i


def post_batch(server, form, items, path="/metrics"):
    if form == "array":
        return server.request("POST", path, items)
    return server.request("POST", path, ndjson(items), content_type="application/x-ndjson")


@pytest.mark.parametrize("body", [b'{"name":"%s","value":1}', b'\n{"name":"%s","value":1}\n\n',
                                  b'{"name":"%s","value":1}\r\n', b'  {"name":"%s","value":1}  \n'])
def test_ndjson_takes_blank_lines_crlf_and_no_last_newline(server, name, body):
    answer = server.request("POST", "/metrics", body.replace(b"%s", name.encode()), content_type="application/x-ndjson")
    assert answer.status == 201 and answer.json() == {"accepted": 1}


@pytest.mark.parametrize("form", ["array", "ndjson"])
def test_batch_with_one_bad_item_stores_nothing(server, name, form):
    items = [{"name": name, "value": i} for i in range(50)]
    items[31]["value"] = "much"
    items[40]["tags"] = [1]
    problem = assert_problem(post_batch(server, form, items), 422, "invalid-metric")
    assert [error["index"] for error in problem["errors"]] == [31, 40]
    assert [error["pointer"] for error in problem["errors"]][0].endswith("/value")
    assert all(error["detail"] for error in problem["errors"])
    assert stored(server, name) == []


def test_batch_lists_at_most_100_errors(server, name):
    problem = assert_problem(server.request("POST", "/metrics", [{"name": name}] * 300), 422)
    assert 1 <= len(problem["errors"]) <= 100
    assert stored(server, name) == []


def test_batch_with_a_syntax_error_in_a_late_line_stores_nothing(server, name):
    body = ndjson([{"name": name, "value": i} for i in range(10)]) + b'{"name": "x", "value": \n'
    answer = server.request("POST", "/metrics", body, content_type="application/x-ndjson")
    assert_problem(answer, (400, 422))
    assert stored(server, name) == []


def test_batch_with_an_id_that_conflicts_stores_nothing(server, name):
    taken = {"id": fresh_id(), "name": "test.taken", "value": 1, "timestamp": 1}
    server.store(taken)
    items = [{"name": name, "value": 1}, {**taken, "value": 2}, {"name": name, "value": 3}]
    problem = assert_problem(server.request("POST", "/metrics", items), 409, "conflict")
    assert [error["index"] for error in problem["errors"]] == [1]
    assert stored(server, name) == []


def test_batch_may_repeat_what_is_stored(server, name):
    items = [{"id": fresh_id(), "name": name, "value": i, "timestamp": i} for i in range(10)]
    assert server.request("POST", "/metrics", items[:6]).json() == {"accepted": 6}
    server.store(items)
    assert [metric["value"] for metric in stored(server, name)] == list(range(9, -1, -1))


def test_batch_may_not_give_two_metrics_one_id(server, name):
    id_ = fresh_id()
    items = [{"id": id_, "name": name, "value": i, "timestamp": 5} for i in (1, 2)]
    assert server.request("POST", "/metrics", items).status in (409, 422)
    assert stored(server, name) == []


def test_single_posts_at_once_are_all_stored(server, name):
    def post(worker):
        with server.connect() as connection:
            return [connection.request("POST", "/metrics", {"name": name, "value": worker * 100 + i}).status
                    for i in range(25)]

    with ThreadPoolExecutor(8) as pool:
        statuses = [status for worker in pool.map(post, range(8)) for status in worker]
    assert statuses == [201] * 200
    assert sorted(metric["value"] for metric in stored(server, name)) == sorted(
        worker * 100 + i for worker in range(8) for i in range(25))


def test_put_replaces_everything_but_the_id(server, name):
    first = server.request("POST", "/metrics", {"name": name, "tags": ["a", "b"], "value": 1, "timestamp": 1000}).json()
    answer = server.request("PUT", f"/metrics/{first['id']}", {"name": name + ".new", "value": 2, "timestamp": 2000})
    assert answer.status == 200
    wanted = {"id": first["id"], "name": name + ".new", "tags": [], "value": 2, "timestamp": "1970-01-01T00:00:02.000Z"}
    assert answer.json() == wanted
    assert server.request("GET", f"/metrics/{first['id']}").json() == wanted
    assert stored(server, name) == [] and stored(server, name + ".new") == [wanted]


def test_put_of_an_unknown_id_is_404_and_stores_nothing(server, name):
    assert_problem(server.request("PUT", f"/metrics/{UNKNOWN_ID}", {"name": name, "value": 1}), 404)
    assert stored(server, name) == []


@pytest.mark.parametrize("body, status", [({"name": "", "value": 1}, 422), ({"value": 1}, 422), (b"{", 400),
                                          ([{"name": "x", "value": 1}], (400, 422)), (b"", (400, 422))])
def test_put_of_bad_bodies_changes_nothing(server, name, body, status):
    first = server.request("POST", "/metrics", {"name": name, "value": 1}).json()
    assert_problem(server.request("PUT", f"/metrics/{first['id']}", body), status)
    assert server.request("GET", f"/metrics/{first['id']}").json() == first


def test_put_with_another_id_in_the_body_is_refused(server, name):
    first = server.request("POST", "/metrics", {"name": name, "value": 1}).json()
    answer = server.request("PUT", f"/metrics/{first['id']}", {"id": UNKNOWN_ID, "name": name, "value": 2})
    assert_problem(answer, (409, 422))
    same = server.request("PUT", f"/metrics/{first['id']}", {"id": first["id"], "name": name, "value": 2})
    assert same.status == 200 and same.json()["value"] == 2


def test_if_match_guards_put_and_delete(server, name):
    first = server.request("POST", "/metrics", {"name": name, "value": 1}).json()
    path = f"/metrics/{first['id']}"
    etag = server.request("GET", path)["ETag"]
    body = {"name": name, "value": 2, "timestamp": 5}
    assert_problem(server.request("PUT", path, body, headers={"If-Match": '"0000000000000000"'}), 412)
    assert_problem(server.request("DELETE", path, headers={"If-Match": '"nonsense", "0"'}), 412)
    assert_problem(server.request("PUT", path, body, headers={"If-Match": "W/" + etag}), 412)
    assert server.request("GET", path).json() == first
    assert server.request("PUT", path, body, headers={"If-Match": f'"0", {etag}'}).status == 200
    assert_problem(server.request("PUT", path, body, headers={"If-Match": etag}), 412)
    assert server.request("PUT", path, body, headers={"If-Match": "*"}).status == 200
    fresh = server.request("GET", path)["ETag"]
    assert server.request("DELETE", path, headers={"If-Match": fresh}).status == 204
    assert server.request("GET", path).status == 404


def test_if_match_on_what_does_not_exist_is_refused(server, name):
    answer = server.request("PUT", f"/metrics/{UNKNOWN_ID}", {"name": name, "value": 1}, headers={"If-Match": "*"})
    assert_problem(answer, (404, 412))


def test_delete_removes_one(server, name):
    ids = server.request("POST", "/metrics?return=ids", [{"name": name, "value": i} for i in range(3)]).json()["ids"]
    answer = server.request("DELETE", f"/metrics/{ids[1]}")
    assert answer.status == 204 and answer.body == b""
    assert_problem(server.request("DELETE", f"/metrics/{ids[1]}"), 404)
    assert_problem(server.request("GET", f"/metrics/{ids[1]}"), 404)
    assert sorted(metric["value"] for metric in stored(server, name)) == [0, 2]


def test_a_deleted_id_can_be_stored_again(server, name):
    metric = {"id": fresh_id(), "name": name, "value": 1, "timestamp": 7}
    server.store(metric)
    assert server.request("DELETE", f"/metrics/{metric['id']}").status == 204
    server.store({**metric, "value": 2})
    assert [found["value"] for found in stored(server, name)] == [2]


@pytest.mark.parametrize("content_type, status", [
    ("text/plain", 415), ("application/xml", 415), ("application/jsonx", 415), ("multipart/form-data; boundary=x", 415),
    ("application/json", 201), ("application/json; charset=utf-8", 201), ("APPLICATION/JSON", 201),
])
def test_content_types(server, name, content_type, status):
    answer = server.request("POST", "/metrics", {"name": name, "value": 1}, content_type=content_type)
    assert answer.status == status
    if status == 415:
        assert_problem(answer, 415, "unsupported-media-type")
        assert stored(server, name) == []


@pytest.mark.parametrize("coding, status", [("gzip", 415), ("br", 415), ("identity", 201)])
def test_content_encodings(server, name, coding, status):
    answer = server.request("POST", "/metrics", {"name": name, "value": 1}, headers={"Content-Encoding": coding})
    assert answer.status == status


def test_unknown_parameters_of_a_post_are_400(server, name):
    assert_problem(server.request("POST", "/metrics?return=everything", {"name": name, "value": 1}), 400)
    assert stored(server, name) == []


def test_body_limits(start, name):
    server = start(SINGLE_MAX_BYTES=2048, BODY_MAX_BYTES=8192, BATCH_MAX_ITEMS=20)
    fits = {"name": name, "value": 1, "tags": ["x" * 100]}
    padding = b" " * 3000
    server.store(fits)
    assert_problem(server.request("POST", "/metrics", json.dumps(fits).encode() + padding), 413, "body-too-large")
    assert_problem(server.request("POST", "/metrics", padding * 3), 413, "body-too-large")
    server.store([fits] * 20)
    assert_problem(server.request("POST", "/metrics", [{"name": name, "value": 1}] * 21), 413)
    assert len(stored(server, name)) == 21


def test_a_request_is_done_once_under_its_idempotency_key(server):
    one = {"name": "idem.single", "value": 1}
    first = server.request("POST", "/metrics", one, headers={"Idempotency-Key": "order-4711"})
    again = server.request("POST", "/metrics", one, headers={"Idempotency-Key": '"order-4711"'})
    assert (first.status, again.status) == (201, 200)
    assert first.json() == again.json(), "the time of arrival is the first one's"
    other = server.request("POST", "/metrics", {**one, "value": 2}, headers={"Idempotency-Key": "order-4711"})
    assert other.status == 409
    assert server.request("POST", "/metrics", one, headers={"Idempotency-Key": "order-4712"}).status == 201
    assert len(server.list_all(name="idem.single")) == 2


def test_a_batch_is_stored_once_under_its_idempotency_key(server):
    batch = [{"name": "idem.batch", "value": value} for value in (1, 1, 2)]
    for _ in range(2):
        answer = server.request("POST", "/metrics", batch, headers={"Idempotency-Key": "batch-1"})
        assert answer.status == 201 and answer.json() == {"accepted": 3}
    assert sorted(metric["value"] for metric in server.list_all(name="idem.batch")) == [1, 1, 2]
    assert server.request("POST", "/metrics", batch[::-1], headers={"Idempotency-Key": "batch-1"}).status == 409
    assert len(server.list_all(name="idem.batch")) == 3


@pytest.mark.parametrize("key", ['""', "x" * 256])
def test_an_idempotency_key_has_a_length(server, key):
    answer = server.request("POST", "/metrics", {"name": "a", "value": 1}, headers={"Idempotency-Key": key})
    assert answer.status == 400 and "Idempotency-Key" in answer.json()["detail"]
