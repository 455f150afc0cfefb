"""problems: what every failure looks like (RFC 9457)."""
import re

TYPES = {
    400: {"malformed-request", "malformed-json", "bad-filter", "bad-cursor", "bad-plan", "query-too-large"}, 404: {"not-found"},
    401: {"unauthorized"}, 403: {"forbidden"}, 405: {"method-not-allowed"}, 406: {"not-acceptable"}, 408: {"request-timeout"}, 409: {"conflict"},
    412: {"precondition-failed"}, 413: {"body-too-large"}, 414: {"target-too-long"}, 415: {"unsupported-media-type"},
    417: {"expectation-failed"}, 422: {"invalid-metric", "unintelligible-prompt"}, 431: {"head-too-large"},
    503: {"overloaded", "draining", "storage-unavailable", "out-of-memory", "expired"},
    504: {"outcome-unknown", "query-too-slow"}, 507: {"storage-full"},
}


def assert_problem(answer, status, type_=None):
    """Holds an answer against the form of failures and returns its members. status: one, or several that may be."""
    allowed = status if isinstance(status, tuple) else (status,)
    assert answer.status in allowed, f"{allowed} expected: {answer}"
    assert answer["Content-Type"].startswith("application/problem+json"), answer
    problem = answer.json()
    assert problem["status"] == answer.status
    slug = problem["type"].rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    assert slug in TYPES[answer.status], f"type {problem['type']} for {answer.status}"
    assert type_ is None or slug == type_, problem
    assert problem["title"] and re.fullmatch(r"[\x20-\x7e]+", problem["title"])
    assert isinstance(problem.get("detail", "-"), str) and problem.get("detail", "-")
    assert problem["request_id"] and problem["request_id"] == answer["X-Request-Id"]
    for error in problem.get("errors", []):
        assert error["detail"]
        assert error.get("pointer", "") == "" or error["pointer"].startswith("/")
    if answer.status == 503:
        assert re.fullmatch(r"\d+", answer["Retry-After"] or ""), answer
    return problem
