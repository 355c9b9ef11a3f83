"""Bytes that are no request, two requests at once, requests that never end: each is refused, and harms nobody else."""

import re
import signal
import socket
import struct
from collections.abc import Iterator

import pytest

from memory_queue.http1 import MAX_CONNECTIONS, MAX_HEAD

from .service import Service, all_of

HOST = b"Host: a\r\n"
POST = b"POST /enqueue HTTP/1.1\r\n" + HOST
SMUGGLED = b'POST /enqueue HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\n\r\n{"id":"smuggled"}'

REFUSED = {
    "no request at all": (b"\r\n\r\n", 400),
    "one word": (b"hello\r\n\r\n", 400),
    "two words": (b"GET /healthz\r\n" + HOST + b"\r\n", 400),
    "two spaces": (b"GET  /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a tab": (b"GET\t/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "NUL in the target": (b"GET /\0healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "more than ASCII in the target": (b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no slash": (b"GET healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a brace in the method": (b"G{T /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "another scheme": (b"GET ftp://a/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "an absolute target without host": (b"GET http:///healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "HTTP in small letters": (b"GET /healthz http/1.1\r\n" + HOST + b"\r\n", 400),
    "HTTP/0.9": (b"GET /healthz HTTP/0.9\r\n" + HOST + b"\r\n", 505),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/2, with a path": (b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "HTTP/11.1": (b"GET /healthz HTTP/11.1\r\n" + HOST + b"\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "no Host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400),
    "a folded line": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400),
    "space before the colon": (POST + b"Content-Length : 17\r\n\r\n" + SMUGGLED, 400),
    "no colon": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
    "no name": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400),
    "a bare CR": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n", 400),
    "a bare LF": (b"GET /healthz HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", 400),
    "NUL in a value": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
    "a header too large": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 2 * MAX_HEAD + b"\r\n\r\n", 431),
    "many spaces and then nonsense": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nX:" + b" " * 15_000 + b"\0\r\n\r\n", 400),
    "too many fields": (b"GET /healthz HTTP/1.1\r\n" + b"A: 1\r\n" * 101 + b"\r\n", 431),
    "both lengths": (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "both, the other way": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "two lengths": (POST + b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + SMUGGLED, 400),
    "the same length twice": (POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + SMUGGLED, 400),
    "a list of lengths": (POST + b"Content-Length: 0, 0\r\n\r\n" + SMUGGLED, 400),
    "a length below zero": (POST + b"Content-Length: -1\r\n\r\n" + SMUGGLED, 400),
    "a length with a sign": (POST + b"Content-Length: +0\r\n\r\n" + SMUGGLED, 400),
    "a length in hexadecimal": (POST + b"Content-Length: 0x0\r\n\r\n" + SMUGGLED, 400),
    "a length with an underscore": (POST + b"Content-Length: 1_0\r\n\r\n" + SMUGGLED, 400),
    "an empty length": (POST + b"Content-Length:\r\n\r\n" + SMUGGLED, 400),
    "a length of digits that are none": (POST + b"Content-Length: \xb2\r\n\r\n" + SMUGGLED, 400),
    "a length of five thousand digits": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    "a length beyond all": (POST + b"Content-Length: 9999999999999999999\r\n\r\n", 413),
    "another coding": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 501),
    "chunked twice": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 501),
    "chunked, and identity": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + SMUGGLED, 501),
    "an xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 501),
    "a vertical tab before chunked": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "chunks in HTTP/1.0": (b"POST /enqueue HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "another expectation": (POST + b"Expect: miracle\r\nContent-Length: 1\r\n\r\n1", 417),
}  # fmt: skip

BAD_CHUNKS = {
    "no size": b"\r\n\r\n",
    "no hexadecimal": b"g\r\n\r\n",
    "a prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
    "a sign": b"-2\r\n{}\r\n0\r\n\r\n",
    "an underscore": b"0_2\r\n{}\r\n0\r\n\r\n",
    "a space before it": b" 2\r\n{}\r\n0\r\n\r\n",
    "a space after it": b"2 \r\n{}\r\n0\r\n\r\n",
    "a size beyond all": b"1" + b"0" * 16 + b"\r\n",
    "a bare LF": b"2\n{}\r\n0\r\n\r\n",
    "a bare LF in an extension": b"2;a\nb\r\n{}\r\n0\r\n\r\n",
    "more data than was said": b"2\r\n{}x\r\n0\r\n\r\n",
    "an extension too long": b"2;" + b"x" * 2 * MAX_HEAD + b"\r\n",
    "a trailer too long": b"0\r\nX: " + b"x" * 2 * MAX_HEAD + b"\r\n\r\n",
    "too many trailers": b"0\r\n" + b"X: 1\r\n" * 200 + b"\r\n",
}


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_no_request_is_refused_and_nothing_after_it_is_read(
    steady: Service, sent: bytes, status: int
) -> None:
    before = steady.read("/stats")["accepted"]
    heard = steady.say(sent)
    assert statuses(heard) == [status]
    assert b"\r\nConnection: close\r\n" in heard
    assert steady.read("/stats")["accepted"] == before


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=list(BAD_CHUNKS))
def test_bad_chunks_are_refused(steady: Service, chunks: bytes) -> None:
    before = steady.read("/stats")["accepted"]
    heard = steady.say(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + SMUGGLED)
    assert statuses(heard)[0] in {400, 431}
    assert len(statuses(heard)) == 1
    assert steady.read("/stats")["accepted"] == before


def test_chunks_with_extensions_and_trailers_are_put_together(steady: Service) -> None:
    chunks = b'7;name="v;1"\r\n{"id":"\r\n00A\r\nin pieces"\r\n1\r\n}\r\n000\r\nX: trailer\r\n\r\n'
    last = b"GET /tasks/in%20pieces HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    heard = steady.say(POST + b"Transfer-Encoding: Chunked\r\n\r\n" + chunks + last)
    assert statuses(heard) == [202, 200]


def test_requests_in_one_piece_are_answered_in_order(steady: Service) -> None:
    tasks = b"".join(
        POST + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        for body in (b'{"id":"p1"}', b"[]", b'{"id":"p2"}')
    )
    heard = steady.say(
        b"\r\n" + tasks + b"DELETE /enqueue HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n" + SMUGGLED
    )
    assert statuses(heard) == [202, 400, 202, 405]


def test_a_request_may_come_byte_by_byte(steady: Service) -> None:
    request = POST + b'Connection: close\r\nContent-Length: 13\r\n\r\n{"id":"slow"}'
    assert statuses(steady.say(*(request[at : at + 1] for at in range(len(request))))) == [202]


def test_a_client_that_asks_may_send_its_body(steady: Service) -> None:
    with steady.connect() as connection:
        connection.sendall(POST + b"Expect: 100-Continue\r\nConnection: close\r\nContent-Length: 15\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b'{"id":"polite"}')
        assert statuses(all_of(connection)) == [202]


def test_a_client_that_asks_is_spared_a_body_that_is_too_large(steady: Service) -> None:
    heard = steady.say(POST + b"Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n")
    assert statuses(heard) == [413]


def test_http_1_0_and_absolute_targets_are_understood(steady: Service) -> None:
    assert statuses(steady.say(b"GET /healthz HTTP/1.0\r\n\r\n")) == [200]
    closing = b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert statuses(steady.say(b"GET http://any.example:99/healthz?x" + closing)) == [200]
    assert statuses(steady.say(b"GET HTTP://any.example/stats" + closing)) == [200]
    head = steady.say(b"HEAD /stats" + closing)
    assert statuses(head) == [200]
    assert head.endswith(b"\r\n\r\n")


def test_half_a_body_is_a_bad_one_and_half_a_header_is_nothing(steady: Service) -> None:
    for half, answers in (
        (b"GET /healthz HTTP/1.1\r\nHo", []),
        (POST + b"Content-Length: 10\r\n\r\n12345", [400]),
    ):
        with steady.connect() as connection:
            connection.sendall(half)
            connection.shutdown(socket.SHUT_WR)
            assert statuses(all_of(connection)) == answers


def test_who_hangs_up_in_the_middle_is_not_an_error() -> None:
    with Service() as service:
        for sent in (
            b"GET /he",
            POST + b"Content-Length: 9\r\n\r\n12",
            b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n" * 500,
        ):
            with service.connect() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
                connection.sendall(sent)
        assert service.ask("GET", "/healthz")[0] == 200
        service.signal(signal.SIGTERM)
        assert service.exit_status() == 0
        assert len(service.log) == 4, service.log  # listening, shutting down, stopped, and the end


@pytest.mark.parametrize(
    "path",
    ["/docs/../healthz", "/docs/..%2f..%2fapp.py", "/docs/%2e%2e/app.py", "/docs//openapi.json", "/docs/reference.html",
     "/swagger/../../etc/passwd", "/docs/..\\app.py", "/docs/openapi.json/"],
)  # fmt: skip
def test_no_path_leads_out_of_the_documentation(steady: Service, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert statuses(steady.say(request.encode())) == [404]


@pytest.fixture(scope="module")
def impatient() -> Iterator[Service]:
    with Service("--patience", "0.5", ERROR_RATE="0") as service:
        yield service


@pytest.mark.parametrize(
    "sent", [b"", b"GET /heal", POST + b"Content-Length: 9\r\n\r\n1234", POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{"],
    ids=["nothing", "half a line", "half a body", "half a chunk"],
)  # fmt: skip
def test_who_sends_too_slowly_is_cut_off(impatient: Service, sent: bytes) -> None:
    assert impatient.say(sent) == b""
    assert impatient.ask("GET", "/healthz")[0] == 200


def test_who_takes_nothing_is_cut_off(impatient: Service) -> None:
    """A client that asks for a page again and again and reads none of them cannot make the service keep the answers."""
    asked = b"GET /docs/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 100
    with impatient.connect() as connection, pytest.raises(ConnectionError):
        while True:
            connection.sendall(asked)
    assert impatient.ask("GET", "/healthz")[0] == 200


def test_more_connections_than_are_served_are_told_so() -> None:
    with Service(ERROR_RATE="0") as service:
        kept = [service.connect() for _ in range(MAX_CONNECTIONS)]
        try:
            for connection in kept:  # each is being served
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                assert statuses(connection.recv(1000)) == [200]
            heard = service.say()
            assert statuses(heard) == [503]
            assert b"\r\nRetry-After: 1\r\n" in heard
            kept.pop().close()
            kept[0].sendall(b"GET /stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            all_of(kept[0])
            assert service.ask("GET", "/healthz")[0] == 200
        finally:
            for connection in kept:
                connection.close()


def statuses(heard: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", heard)]
