"""What JSON parsers let pass and a store must not: every case is 400 or 422, and nothing is stored."""
import json

import pytest

from problems import assert_problem

SYNTAX = {
    # no JSON at all
    "empty": b"",
    "blanks": b"  \n ",
    "NUL": b"\0",
    "word": b"metric",
    "half": b'{"name":"trap"',
    "only a brace": b"{",
    "trailing text": b'{"name":"trap","value":1} x',
    "two documents": b'{"name":"trap","value":1}{"name":"trap","value":2}',
    "trailing NUL": b'{"name":"trap","value":1}\0',
    "trailing comma": b'{"name":"trap","value":1,}',
    "leading comma": b'{,"name":"trap","value":1}',
    "single quotes": b"{'name':'trap','value':1}",
    "bare key": b'{name:"trap","value":1}',
    "comment": b'{"name":"trap",/* */"value":1}',
    "no colon": b'{"name" "trap"}',
    "byte order mark": b'\xef\xbb\xbf{"name":"trap","value":1}',
    "form feed": b'\x0c{"name":"trap","value":1}',
    "no-break space": b'\xc2\xa0{"name":"trap","value":1}',
    "array of commas": b"[,]",
    "array with a hole": b"[1,,2]",
    # strings
    "newline in a string": b'{"name":"tr\nap","value":1}',
    "tab in a string": b'{"name":"tr\tap","value":1}',
    "raw NUL in a string": b'{"name":"trap\0x","value":1}',
    "raw escape byte": b'{"name":"trap\x1b","value":1}',
    "bad escape": b'{"name":"trap\\x41","value":1}',
    "short escape": b'{"name":"trap\\u12","value":1}',
    "escape of no hex": b'{"name":"trap\\u12g4","value":1}',
    "open string": b'{"name":"trap',
    "lone high surrogate": b'{"name":"trap\\ud800","value":1}',
    "lone low surrogate": b'{"name":"trap\\udc00","value":1}',
    "surrogates in reverse": b'{"name":"trap\\udc00\\ud800","value":1}',
    "high surrogate and a letter": b'{"name":"trap\\ud800x","value":1}',
    "UTF-8 cut short": b'{"name":"trap\xc3","value":1}',
    "UTF-8 continuation alone": b'{"name":"trap\x80","value":1}',
    "UTF-8 overlong": b'{"name":"trap\xc0\xaf","value":1}',
    "UTF-8 overlong NUL": b'{"name":"trap\xc0\x80","value":1}',
    "UTF-8 surrogate": b'{"name":"trap\xed\xa0\x80","value":1}',
    "UTF-8 too high": b'{"name":"trap\xf4\x90\x80\x80","value":1}',
    "UTF-8 byte FF": b'{"name":"trap\xff","value":1}',
    "Latin-1": '{"name":"träp","value":1}'.encode("latin-1"),
    "invalid UTF-8 in a key": b'{"name":"trap","value":1,"\xff":1}',
    # numbers
    "NaN": b'{"name":"trap","value":NaN}',
    "nan": b'{"name":"trap","value":nan}',
    "Infinity": b'{"name":"trap","value":Infinity}',
    "-Infinity": b'{"name":"trap","value":-Infinity}',
    "plus": b'{"name":"trap","value":+1}',
    "leading zero": b'{"name":"trap","value":01}',
    "negative leading zero": b'{"name":"trap","value":-01}',
    "two zeros": b'{"name":"trap","value":00}',
    "dot at the end": b'{"name":"trap","value":1.}',
    "dot in front": b'{"name":"trap","value":.5}',
    "minus alone": b'{"name":"trap","value":-}',
    "empty exponent": b'{"name":"trap","value":1e}',
    "exponent with a sign only": b'{"name":"trap","value":1e+}',
    "hexadecimal": b'{"name":"trap","value":0x10}',
    "two dots": b'{"name":"trap","value":1.2.3}',
    "underscore": b'{"name":"trap","value":1_000}',
    "comma in a number": b'{"name":"trap","value":1,5}',
    "two minus": b'{"name":"trap","value":--1}',
    "True": b'{"name":"trap","value":True}',
    "nul": b'{"name":"trap","value":nul}',
}

MEANING = {
    "escaped NUL in a name": rb'{"name":"trap\u0000x","value":1}',
    "escaped NUL alone": rb'{"name":"\u0000","value":1}',
    "escaped NUL in a tag": rb'{"name":"trap","tags":["a\u0000"],"value":1}',
    "escaped NUL in a key": rb'{"name":"trap","value":1,"value\u0000":2}',
    "escaped control": rb'{"name":"trap\n","value":1}',
    "escaped DEL": b'{"name":"trap\x7f","value":1}',
    "escaped C1 control": rb'{"name":"trap\u0085","value":1}',
    "value too large": b'{"name":"trap","value":1e999}',
    "value too small": b'{"name":"trap","value":-1e400}',
    "digits beyond any double": b'{"name":"trap","value":' + b"9" * 400 + b"}",
    "name twice": b'{"name":"trap","name":"other","value":1}',
    "value twice": b'{"name":"trap","value":1,"value":2}',
    "value twice and equal": b'{"name":"trap","value":1,"value":1}',
    "name twice by an escape": rb'{"name":"trap","n\u0061me":"other","value":1}',
    "tags twice": b'{"name":"trap","tags":["a"],"tags":[],"value":1}',
    "capital key": b'{"Name":"trap","value":1}',
    "capital value": b'{"name":"trap","VALUE":1}',
    "unknown member": b'{"name":"trap","value":1,"colour":"red"}',
    "unknown __proto__": b'{"name":"trap","value":1,"__proto__":{}}',
    "no name": b'{"value":1}',
    "no value": b'{"name":"trap"}',
    "nothing": b"{}",
    "null": b"null",
    "number": b"1",
    "string": b'"trap"',
    "true": b"true",
    "array in array": b'[[{"name":"trap","value":1}]]',
    "array of null": b"[null]",
    "name is null": b'{"name":null,"value":1}',
    "name is a number": b'{"name":1,"value":1}',
    "name is empty": b'{"name":"","value":1}',
    "name is an object": b'{"name":{"$gt":""},"value":1}',
    "name too long": b'{"name":"' + b"t" * 257 + b'","value":1}',
    "name too long in bytes": '{"name":"'.encode() + "é".encode() * 129 + b'","value":1}',
    "value is null": b'{"name":"trap","value":null}',
    "value is a string": b'{"name":"trap","value":"1"}',
    "value is true": b'{"name":"trap","value":true}',
    "value is an array": b'{"name":"trap","value":[1]}',
    "tags is a string": b'{"name":"trap","tags":"a","value":1}',
    "tags is null": b'{"name":"trap","tags":null,"value":1}',
    "tags is an object": b'{"name":"trap","tags":{"a":1},"value":1}',
    "tag is a number": b'{"name":"trap","tags":[1],"value":1}',
    "tag is null": b'{"name":"trap","tags":[null],"value":1}',
    "tag is empty": b'{"name":"trap","tags":[""],"value":1}',
    "tag too long": b'{"name":"trap","tags":["' + b"t" * 129 + b'"],"value":1}',
    "33 tags": json.dumps({"name": "trap", "tags": [f"t{i}" for i in range(33)], "value": 1}).encode(),
    "id too short": b'{"id":"5f0e1d2c3b4a59687706e5d","name":"trap","value":1}',
    "id of other letters": b'{"id":"zf0e1d2c3b4a59687706e5d4","name":"trap","value":1}',
    "id is a number": b'{"id":1,"name":"trap","value":1}',
    "id is an object": b'{"id":{"$oid":"5f0e1d2c3b4a59687706e5d4"},"name":"trap","value":1}',
}

TIMESTAMPS = [
    b'"now"', b'""', b'"2026-11-23"', b'"2026-11-23T10:00:00"', b'"2026-02-29T10:00:00Z"', b'"2026-13-01T10:00:00Z"',
    b'"2026-11-31T10:00:00Z"', b'"2026-11-23T24:00:00Z"', b'"2026-11-23T10:60:00Z"', b'"2026-11-23T10:00:00+25:00"',
    b'"2026-11-23T10:00:00.Z"', b'"2026-11-23T10:00:00Z "', b'" 2026-11-23T10:00:00Z"', b'"26-11-23T10:00:00Z"',
    b'"2026-11-23T10:00:00+0200"', b'"1700000000000"', b"1.5", b"1e3", b"253402300800000", b"-62135596800001",
    b"9007199254740993", b"9223372036854775808", b"true", b"{}", b"[1]",
]

BOMBS = {
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "deep in a member": b'{"name":"trap","value":1,"x":' + b"[" * 33 + b"]" * 33 + b"}",
    "a megabyte of zeros": b"[" + b"0," * 500_000 + b"0]",
    "a megabyte of empty objects": b"[" + b"{}," * 300_000 + b"{}]",
    "a megabyte of digits": b'{"name":"trap","value":' + b"1" * 900_000 + b"}",
    "a long exponent": b'{"name":"trap","value":1e' + b"9" * 100_000 + b"}",
    "a long string": b'{"name":"' + b"\\u0041" * 100_000 + b'","value":1}',
    "many tags": b'{"name":"trap","value":1,"tags":[' + b'"t",' * 100_000 + b'"t"]}',
    "many members": b'{"name":"trap","value":1' + b"".join(b',"m%d":0' % i for i in range(60_000)) + b"}",
}


def refuse(server, body, statuses=(400, 422), content_type="application/json"):
    answer = server.request("POST", "/metrics", body, content_type=content_type)
    problem = assert_problem(answer, statuses)
    assert server.take_away("trap*") == [], "nothing is stored"
    return problem


@pytest.mark.parametrize("trap", SYNTAX)
def test_syntax(server, trap):
    problem = refuse(server, SYNTAX[trap])
    assert problem.get("detail") or problem.get("errors")


@pytest.mark.parametrize("trap", MEANING)
def test_meaning(server, trap):
    refuse(server, MEANING[trap])


@pytest.mark.parametrize("trap", {**SYNTAX, **MEANING})
def test_as_the_second_line_of_a_batch(server, trap):
    line = {**SYNTAX, **MEANING}[trap]
    if not line.strip():
        return
    refuse(server, b'{"name":"trap.first","value":1}\n' + line + b"\n", content_type="application/x-ndjson")


@pytest.mark.parametrize("trap", {**SYNTAX, **MEANING})
def test_as_the_second_item_of_an_array(server, trap):
    refuse(server, b'[{"name":"trap.first","value":1},' + {**SYNTAX, **MEANING}[trap] + b"]")


@pytest.mark.parametrize("timestamp", TIMESTAMPS, ids=lambda text: text.decode())
def test_timestamps(server, timestamp):
    problem = refuse(server, b'{"name":"trap","value":1,"timestamp":' + timestamp + b"}", 422)
    assert [error["pointer"] for error in problem["errors"]] == ["/timestamp"]


@pytest.mark.parametrize("trap", BOMBS)
def test_bombs(server, trap):
    refuse(server, BOMBS[trap], (400, 413, 422))


@pytest.mark.parametrize("trap", ["bad escape", "UTF-8 overlong", "leading zero", "trailing text", "open string"])
def test_syntax_byte_by_byte(server, trap):
    with server.connect() as connection:
        connection.send_bytewise(connection.make("POST", "/metrics", SYNTAX[trap]))
        assert_problem(connection.read_answer(), 400, "malformed-json")


@pytest.mark.parametrize("field, body", [
    ("/name", b'{"name":"","value":1}'),
    ("/value", b'{"name":"trap","value":"1"}'),
    ("/tags/2", b'{"name":"trap","tags":["a","b",3],"value":1}'),
    ("/id", b'{"id":"x","name":"trap","value":1}'),
])
def test_the_problem_points_to_the_field(server, field, body):
    problem = refuse(server, body, 422)
    assert field in [error["pointer"] for error in problem["errors"]]


def test_depth_is_allowed_up_to_the_limit_and_no_further(start):
    """Depth is only seen in what is refused anyway: below the limit it is a broken rule, above it bad JSON."""
    server = start(JSON_DEPTH_MAX=5)
    shallow, deep = b"[" * 4 + b"]" * 4, b"[" * 9 + b"]" * 9
    assert_problem(server.request("POST", "/metrics", b'{"name":"trap","value":1,"tags":' + shallow + b"}"), 422)
    assert_problem(server.request("POST", "/metrics", b'{"name":"trap","value":1,"tags":' + deep + b"}"), 400)


def test_limits_hold_exactly(server, name):
    longest = {"name": name + "n" * (256 - len(name)), "value": 1,
               "tags": [f"{i:02d}" + "t" * 126 for i in range(32)]}
    answer = server.request("POST", "/metrics", longest)
    assert answer.status == 201 and answer.json()["tags"] == longest["tags"]
    assert server.request("GET", answer["Location"]).json() == answer.json()


def test_tags_are_counted_without_doubles_or_refused(server, name):
    answer = server.request("POST", "/metrics", {"name": name, "tags": ["same"] * 33, "value": 1})
    assert answer.status in (201, 422)
    if answer.status == 201:
        assert answer.json()["tags"] == ["same"]
