"""A language model behind LLM_BASE_URL: asked when the grammar is unsure, never trusted, never waited for too long.

The service is a small one of the test's own, which also misbehaves.
"""
import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import wire

PLAN = {"op": "aggregate", "k": None, "agg": ["max"], "group_by": None, "bucket": None, "compare": None, "trend": False,
        "filter": {"name": "room.temperature", "tags": [], "any_tags": None, "not_tags": None, "min": None, "max": None},
        "range": {"from": None, "to": None}}
RIDDLE = "wherefore art thou sweltering"  # no word of the grammar
KEY = "sk-planted-secret-4711"


def completion(content):
    return json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": content}}]}).encode()


class Service:
    """chat/completions on a free port; `answer` says what comes next: (status, body), or a function of the request."""

    def __init__(self):
        self.requests = []
        self.answer = (200, completion(json.dumps(PLAN)))
        self.released = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.requests.append((self.path, dict(self.headers), json.loads(body)))
                answer = service.answer(self) if callable(service.answer) else service.answer
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def end(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def service():
    one = Service()
    yield one
    one.end()


@pytest.fixture
def server(start, service):
    one = start(LLM_BASE_URL=service.url, LLM_MODEL="small-one", LLM_API_KEY=KEY, LLM_TIMEOUT_MS=1000)
    for value in (20.5, 23.5):
        one.store({"name": "room.temperature", "tags": ["room:kitchen"], "value": value})
    return one


def ask(server, prompt, **parameters):
    return server.request("GET", wire.target("/query", prompt=prompt, **parameters))


def calls(server, result):
    return int(server.counter("telemetry_assistant_total", result=result))


def test_a_riddle_is_answered_by_the_models_plan(server, service):
    answer = ask(server, RIDDLE)
    assert answer.status == 200, answer
    body = answer.json()
    assert body["read_by"] == "model" and body["confidence"] is None
    assert body["prompt"] == RIDDLE and "room.temperature" in body["interpretation"]
    assert body["columns"] == ["max"] and body["rows"] == [[23.5]]
    assert calls(server, "answered") == 1
    path, headers, request = service.requests[0]
    assert path == "/v1/chat/completions" and headers["Authorization"] == f"Bearer {KEY}"
    assert request["model"] == "small-one" and request["temperature"] == 0
    assert request["response_format"]["json_schema"]["strict"] is True


def test_only_prompt_names_and_tags_leave_the_host(server, service):
    ask(server, RIDDLE)
    _, _, request = service.requests[0]
    told = json.dumps(request)
    assert "room.temperature" in told and "room:kitchen" in told and RIDDLE in told
    assert "20.5" not in told and "23.5" not in told
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert request["messages"][1]["content"] == RIDDLE


def test_what_the_grammar_reads_well_never_leaves(server, service):
    for prompt in ("how many events today", "max of room.temperature", "top 5 events"):
        answer = ask(server, prompt)
        assert answer.status == 200 and "read_by" not in answer.json(), answer
    assert service.requests == []


def never(service):
    """An answer that does not come before the test's end."""
    def wait(_):
        service.released.wait(30)
    return wait


MISBEHAVIOURS = {
    "garbage": lambda service: (200, b"\xff\xfe no json"),
    "half an answer": lambda service: (200, completion(json.dumps(PLAN))[:-20]),
    "no choices": lambda service: (200, b"{}"),
    "words in place of a plan": lambda service: (200, completion("The maximum is 23.5.")),
    "breach of the schema": lambda service: (200, completion(json.dumps({**PLAN, "sql": "DROP TABLE metric"}))),
    "another type": lambda service: (200, completion(json.dumps({**PLAN, "agg": "max"}))),
    "a name that nobody knows": lambda service: (200, completion(json.dumps({**PLAN, "filter": {"name": "invented"}}))),
    "op none": lambda service: (200, completion(json.dumps({**PLAN, "op": "none"}))),
    "an error": lambda service: (500, b"{}"),
    "too many requests": lambda service: (429, b"{}"),
    "a redirect": lambda service: (302, b""),
    "more than it may": lambda service: (200, completion("x" * 100_000)),
    "a closed connection": lambda service: lambda _: None,
    "no answer": never,
}


@pytest.mark.parametrize("kind", MISBEHAVIOURS)
def test_a_bad_service_leaves_the_grammars_word(server, service, kind):
    service.answer = MISBEHAVIOURS[kind](service)
    begun = time.monotonic()
    answer = ask(server, RIDDLE)
    assert answer.status == 422 and answer.json()["type"].endswith("unintelligible-prompt"), answer
    assert len(answer.json()["suggestions"]) == 3
    assert time.monotonic() - begun < 6, "the model is given 1 s"
    assert len(service.requests) == 1, "the service was not asked"
    bad = sum(calls(server, result) for result in ("refused", "timeout", "failed", "unusable"))
    assert bad == 1
    assert KEY not in answer.body.decode() and KEY not in server.log()
    service.answer = (200, completion(json.dumps(PLAN)))
    assert ask(server, RIDDLE).status == 200, "it is asked again afterwards"


def test_a_service_that_is_not_there_costs_nothing(start):
    server = start(LLM_BASE_URL="http://127.0.0.1:9", LLM_MODEL="small-one")
    assert ask(server, RIDDLE).status == 422
    assert calls(server, "failed") == 1
    assert ask(server, "how many events today").status == 200


def test_who_comes_while_all_calls_are_in_use_is_not_kept_waiting(server, service):
    service.answer = never(service)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(12)]
        for connection in connections:
            connection.send(f"GET {wire.target('/query', prompt=RIDDLE)} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        statuses = [connection.read_answer().status for connection in connections]
    assert statuses == [422] * 12
    assert calls(server, "skipped") == 8 and calls(server, "timeout") == 4


def test_explain_shows_the_models_plan_without_running_it(server):
    body = ask(server, RIDDLE, explain="true").json()
    assert body["plan"]["agg"] == ["max"] and "rows" not in body
