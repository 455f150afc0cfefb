"""traps: requests that llhttp lets pass, or that ask for more than the limits; each with the status it must get.

Each carries a metric named `trap` in its body, so that a test can see whether it was stored.
"""

BODY = b'{"name":"trap","value":1}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
JSON = b"Content-Type: application/json\r\n"
HOST = b"Host: here\r\n"
CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)


def post(fields, body=BODY, line=b"POST /metrics HTTP/1.1\r\n", host=HOST):
    return line + host + JSON + fields + b"\r\n" + body


def chunks(body):
    return post(CHUNKED, body)


MALFORMED = {
    # line ends
    "LF alone behind the request line": b"POST /metrics HTTP/1.1\n" + HOST + JSON + LENGTH + b"\r\n" + BODY,
    "LF alone behind a field": post(b"X-A: 1\n" + LENGTH),
    "LF alone ends the head": b"POST /metrics HTTP/1.1\r\n" + HOST + JSON + LENGTH + b"\n" + BODY,
    "CR alone in a value": post(b"X-A: 1\rX-B: 2\r\n" + LENGTH),
    "CR alone behind a field": post(b"X-A: 1\r" + LENGTH),
    "CR alone behind the request line": b"POST /metrics HTTP/1.1\r" + HOST + JSON + LENGTH + b"\r\n" + BODY,
    "CR CR LF": post(b"X-A: 1\r\r\n" + LENGTH),
    "CR LF CR at the end of the head": b"POST /metrics HTTP/1.1\r\n" + HOST + JSON + LENGTH + b"\r" + BODY,
    "CR hides a Transfer-Encoding": post(b"X-A: x\rTransfer-Encoding: chunked\r\n" + LENGTH),
    # bytes
    "NUL in a value": post(b"X-A: a\0b\r\n" + LENGTH),
    "NUL in a field name": post(b"X\0A: a\r\n" + LENGTH),
    "NUL in the target": post(LENGTH, line=b"POST /metrics\0 HTTP/1.1\r\n"),
    "control byte in a value": post(b"X-A: a\x01b\r\n" + LENGTH),
    "DEL in a value": post(b"X-A: a\x7fb\r\n" + LENGTH),
    "8-bit byte in a field name": post(b"X-\xe9: a\r\n" + LENGTH),
    # fields
    "folded line": post(b"X-A: 1\r\n 2\r\n" + LENGTH),
    "folded line with a tab": post(b"X-A: 1\r\n\tTransfer-Encoding: chunked\r\n" + LENGTH),
    "first field folded": b"POST /metrics HTTP/1.1\r\n " + HOST + JSON + LENGTH + b"\r\n" + BODY,
    "blank before the colon": post(b"X-A : 1\r\n" + LENGTH),
    "blank before the colon of a length": post(b"Content-Length : %d\r\n" % len(BODY)),
    "tab before the colon": post(b"X-A\t: 1\r\n" + LENGTH),
    "no field name": post(b": 1\r\n" + LENGTH),
    "blank field name": post(b" : 1\r\n" + LENGTH),
    "blank inside a field name": post(b"X A: 1\r\n" + LENGTH),
    "no colon": post(b"X-A\r\n" + LENGTH),
    "delimiter in a field name": post(b"X(A): 1\r\n" + LENGTH),
    # framing
    "two lengths that differ": post(LENGTH + b"Content-Length: 5\r\n"),
    "two lengths that agree": post(LENGTH + LENGTH),
    "a list of lengths": post(b"Content-Length: %d, %d\r\n" % (len(BODY), len(BODY))),
    "length with a sign": post(b"Content-Length: +%d\r\n" % len(BODY)),
    "negative length": post(b"Content-Length: -1\r\n"),
    "hexadecimal length": post(b"Content-Length: 0x19\r\n"),
    "empty length": post(b"Content-Length: \r\n"),
    "length with a fraction": post(b"Content-Length: 25.0\r\n"),
    "length with a blank inside": post(b"Content-Length: 2 5\r\n"),
    "length beyond 64 bits": post(b"Content-Length: 18446744073709551641\r\n"),
    "chunked and a length": post(CHUNKED + LENGTH, CHUNK + b"0\r\n\r\n"),
    "a length and chunked": post(LENGTH + CHUNKED, CHUNK + b"0\r\n\r\n"),
    "chunked in HTTP/1.0": post(CHUNKED, CHUNK + b"0\r\n\r\n", line=b"POST /metrics HTTP/1.0\r\n"),
    "chunked twice": post(CHUNKED + CHUNKED, CHUNK + b"0\r\n\r\n"),
    "chunked, chunked": post(b"Transfer-Encoding: chunked, chunked\r\n", CHUNK + b"0\r\n\r\n"),
    "gzip, chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", CHUNK + b"0\r\n\r\n"),
    "chunked, identity": post(b"Transfer-Encoding: chunked, identity\r\n", CHUNK + b"0\r\n\r\n"),
    "identity": post(b"Transfer-Encoding: identity\r\n" + LENGTH),
    "xchunked": post(b"Transfer-Encoding: xchunked\r\n", CHUNK + b"0\r\n\r\n"),
    "chunked in quotes": post(b'Transfer-Encoding: "chunked"\r\n', CHUNK + b"0\r\n\r\n"),
    "chunked with a parameter": post(b"Transfer-Encoding: chunked;q=1\r\n", CHUNK + b"0\r\n\r\n"),
    "empty Transfer-Encoding": post(b"Transfer-Encoding: \r\n" + LENGTH),
    # Host
    "no Host": post(LENGTH, host=b""),
    "two Hosts": post(HOST + LENGTH),
    "two Hosts that differ": post(b"Host: there\r\n" + LENGTH),
    "Host with a blank": post(LENGTH, host=b"Host: a b\r\n"),
    # protocol
    "HTTP/0.9": post(LENGTH, line=b"POST /metrics HTTP/0.9\r\n"),
    "HTTP/1.2": post(LENGTH, line=b"POST /metrics HTTP/1.2\r\n"),
    "HTTP/2.0": post(LENGTH, line=b"POST /metrics HTTP/2.0\r\n"),
    "HTTP/1.10": post(LENGTH, line=b"POST /metrics HTTP/1.10\r\n"),
    "HTTP/1": post(LENGTH, line=b"POST /metrics HTTP/1\r\n"),
    "http/1.1": post(LENGTH, line=b"POST /metrics http/1.1\r\n"),
    "HTTPS/1.1": post(LENGTH, line=b"POST /metrics HTTPS/1.1\r\n"),
    "ICE/1.0": b"SOURCE /metrics ICE/1.0\r\n" + HOST + JSON + LENGTH + b"\r\n" + BODY,
    "RTSP/1.0": b"OPTIONS /metrics RTSP/1.0\r\n" + HOST + b"\r\n",
    "no protocol": b"GET /metrics\r\n" + HOST + b"\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    # request line
    "two blanks": post(LENGTH, line=b"POST  /metrics HTTP/1.1\r\n"),
    "blank in the target": post(LENGTH, line=b"POST /metrics x HTTP/1.1\r\n"),
    "blank at the end": post(LENGTH, line=b"POST /metrics HTTP/1.1 \r\n"),
    "tab instead of a blank": post(LENGTH, line=b"POST\t/metrics HTTP/1.1\r\n"),
    "method in small letters": post(LENGTH, line=b"post /metrics HTTP/1.1\r\n"),
    "unknown method": post(LENGTH, line=b"POSTS /metrics HTTP/1.1\r\n"),
    "no method": post(LENGTH, line=b" /metrics HTTP/1.1\r\n"),
    "target without a slash": post(LENGTH, line=b"POST metrics HTTP/1.1\r\n"),
    "8-bit byte in the target": post(LENGTH, line=b"POST /metrics?a=\xe9 HTTP/1.1\r\n"),
    # chunks
    "chunk size is no number": chunks(b"g\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size with 0x": chunks(b"0x19\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size with a sign": chunks(b"+19\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "negative chunk size": chunks(b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "empty chunk size": chunks(b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": chunks(b"10000000000000019\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk line ends in LF": chunks(b"19\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk line ends in CR": chunks(b"19\r" + BODY + b"\r\n0\r\n\r\n"),
    "chunk data longer than its size": chunks(b"18\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk data ends in LF": chunks(b"19\r\n" + BODY + b"\n0\r\n\r\n"),
    "chunk data ends in other bytes": chunks(b"19\r\n" + BODY + b"XX0\r\n\r\n"),
    "last chunk ends in LF": chunks(CHUNK + b"0\n\r\n"),
    "body ends in LF": chunks(CHUNK + b"0\r\n\n"),
    "CR in a chunk extension": chunks(b"19;a=\rb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "LF in a chunk extension": chunks(b"19;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "NUL in a chunk extension": chunks(b"19;a=\0\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "blank in a chunk size": chunks(b"1 9\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "trailer ends in LF": chunks(CHUNK + b"0\r\nX-A: 1\n\r\n"),
    "CR in a trailer": chunks(CHUNK + b"0\r\nX-A: 1\r2\r\n\r\n"),
    "folded trailer": chunks(CHUNK + b"0\r\nX-A: 1\r\n 2\r\n\r\n"),
    "blank trailer name": chunks(CHUNK + b"0\r\nX-A : 1\r\n\r\n"),
}

TOO_MUCH = {
    "target": (414, post(LENGTH, line=b"POST /metrics?x=" + b"a" * 9000 + b" HTTP/1.1\r\n")),
    "one field": (431, post(b"X-A: " + b"a" * 17000 + b"\r\n" + LENGTH)),
    "many bytes of fields": (431, post(b"".join(b"X-%d: %s\r\n" % (i, b"a" * 400) for i in range(50)) + LENGTH)),
    "many fields": (431, post(b"X-A: 1\r\n" * 101 + LENGTH)),
    "a field name": (431, post(b"X" * 17000 + b": 1\r\n" + LENGTH)),
    "length": (413, post(b"Content-Length: 8388609\r\n")),
    "absurd length": ((400, 413), post(b"Content-Length: 9223372036854775807\r\n")),
    "absurd chunk size": ((400, 413), chunks(b"7fffffffffffffff\r\n" + BODY)),
    "chunk extension": ((400, 413, 431), chunks(b"19;" + b"a" * 20000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n")),
    "trailers": ((400, 413, 431), chunks(CHUNK + b"0\r\n" + b"X-A: 1\r\n" * 5000 + b"\r\n")),
}

REFUSED = {**{name: (400, data) for name, data in MALFORMED.items()}, **TOO_MUCH}
