"""Hostile requests: ids, queries, methods, and bytes that are hardly HTTP; each is a problem+json, nothing is stored."""

import socket
import time
from collections.abc import Iterator

import httpx
import pytest
import structlog.testing
from tests.support.hostile import UNKNOWN, attacked, check, post, problem_of
from tests.support.http_api import Threaded


@pytest.fixture(scope="module")
def server(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Threaded]:
    with attacked(tmp_path_factory.mktemp("hostile"), module_database_url) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_happens(server: Threaded, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test here sends: nothing is stored, and no error reaches the log."""
    with structlog.testing.capture_logs() as lines:
        yield
    assert server.count() == 0
    assert not [line for line in lines if line["log_level"] in {"error", "critical"}]
    said = caplog.get_records("call")  # `records` are those of the present phase, and this is the teardown
    assert not [record for record in said if record.levelname in {"ERROR", "CRITICAL"}]


CHUNKED = b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

# --- ids, names, queries

BELOW_TASK = ["", "/result", "/attempts", "/logs", "/events"]
TO_TASK = ["/cancel", "/redrive", "/promote"]


@pytest.mark.parametrize(
    "below", [*(("GET", b) for b in BELOW_TASK), *(("POST", b) for b in TO_TASK), ("DELETE", "")]
)
def test_unknown_ids_are_404_and_malformed_ones_422(server: Threaded, below: tuple[str, str]) -> None:
    method, path = below
    check(httpx.request(method, f"{server.url}/tasks/{UNKNOWN}{path}"), 404)
    for malformed in (
        "x",
        UNKNOWN.upper(),
        UNKNOWN + "0",
        UNKNOWN[:-1],
        "1",
        "%00",
        "%F0%9F",
        "%ff",
        "a" * 5000,
    ):
        check(httpx.request(method, f"{server.url}/tasks/{malformed}{path}"), 422, "/path/id")


@pytest.mark.parametrize("path", ["/bulk/{}", "/bulk/{}/abort", "/workers/{}/drain"])
def test_ids_of_other_things(server: Threaded, path: str) -> None:
    method = "GET" if path == "/bulk/{}" else "POST"
    check(httpx.request(method, server.url + path.format(UNKNOWN)), 404)
    check(httpx.request(method, server.url + path.format("%00")), 422, "/path/id")


@pytest.mark.parametrize("name", ["A", "a.b", "%00", "a%0a", "a" * 65, "é", "%20"])
@pytest.mark.parametrize("verb", ["pause", "resume", "purge"])
def test_queue_names(server: Threaded, name: str, verb: str) -> None:
    check(httpx.post(f"{server.url}/queues/{name}/{verb}"), 422, "/path/name")


@pytest.mark.parametrize("code", ["nonsense", "A", "%00", "a" * 51])
def test_unknown_problems(server: Threaded, code: str) -> None:
    check(httpx.get(f"{server.url}/problems/{code}"), 404 if code == "nonsense" else 422)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/query/limit"),
        ("limit=-1", "/query/limit"),
        ("limit=1e9", "/query/limit"),
        ("limit=1001", "/query/limit"),
        ("limit=99999999999999999999999", "/query/limit"),
        ("limit=", "/query/limit"),
        ("limit=1_0", "/query/limit"),
        ("limit=%201", "/query/limit"),
        ("limit=1.0", "/query/limit"),
        ("limit=1&limit=2", "/query/limit"),
        ("cursor=garbage", "/query/cursor"),
        ("cursor=", "/query/cursor"),
        ("cursor=%00", "/query/cursor"),
        ("cursor=AAAAAAAAAAAAAAAAAAAAAB", "/query/cursor"),
        ("status=nope", "/query/status/0"),
        ("status=failed&status=nope", "/query/status/1"),
        ("status=", "/query/status/0"),
        ("type=A", "/query/type"),
        ("type=a%0a", "/query/type"),
        ("queue=a.b", "/query/queue"),
        ("tag=", "/query/tag"),
        ("tag=a%00b", "/query/tag"),
        ("tag=" + "x" * 65, "/query/tag"),
        ("created_after=yesterday", "/query/created_after"),
        ("created_after=1700000000", "/query/created_after"),
        ("created_after=2030-01-01", "/query/created_after"),
        ("created_after=2030-01-01T00:00:00%2B00:0", "/query/created_after"),
        ("created_before=0001-01-01T00:00:00Z", "/query/created_before"),
        ("created_before=9999-12-31T23:59:59-23:59", "/query/created_before"),
        ("user=me", "/query/user"),
        ("order=asc", "/query/order"),
        ("LIMIT=1", "/query/LIMIT"),
        ("a/b~=1", "/query/a~1b~0"),
        ("%00=1", "/query/\0"),
    ],
)
def test_absurd_queries_are_named(server: Threaded, query: str, pointer: str) -> None:
    check(httpx.get(f"{server.url}/tasks?{query}"), 422, pointer)


@pytest.mark.parametrize(
    "query", ["after=1", "after=1.2.3", "after=-1.0", "after=a.b", "after=9999999999.0", "limit=0", "x=1"]
)
def test_absurd_queries_of_logs(server: Threaded, query: str) -> None:
    check(httpx.get(f"{server.url}/tasks/{UNKNOWN}/logs?{query}"), 422, f"/query/{query.partition('=')[0]}")


@pytest.mark.parametrize(
    "path", ["/queues", "/workers", "/healthz", "/events", f"/tasks/{UNKNOWN}", "/task-types", "/metrics"]
)
def test_unknown_parameters_are_refused_everywhere(server: Threaded, path: str) -> None:
    check(httpx.get(f"{server.url}{path}?verbose=1"), 422, "/query/verbose")


@pytest.mark.parametrize("path", ["/tasks", "/tasks/batch", "/bulk"])
def test_unknown_parameters_are_refused_on_posts(server: Threaded, path: str) -> None:
    check(post(server, '{"type": "a"}', f"{path}?priority=9"), 422, "/query/priority")


def test_many_unknown_parameters_make_a_short_answer(server: Threaded) -> None:
    answer = httpx.get(f"{server.url}/queues?" + "&".join(f"a{n}=1" for n in range(5000)))
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 20)


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "9" * 19, ""])
def test_a_last_event_id_that_is_none(server: Threaded, given: str) -> None:
    answer = httpx.get(f"{server.url}/tasks/{UNKNOWN}/events", headers={"Last-Event-ID": given})
    check(answer, 422, "/header/Last-Event-ID")


# --- paths and methods


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/tasks/",
        "//tasks",
        "/tasks%2f",
        "/%00",
        "/ui/../tasks/x/y",
        "/UI/",
        "/ui/x.js",
        "/ui/%2e%2e/app.py",
    ],
)
def test_paths_that_lead_nowhere_are_404(server: Threaded, path: str) -> None:
    answer = server.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert problem_of(answer)["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/tasks", "GET, POST, HEAD, OPTIONS"),
        ("DELETE", "/tasks", "GET, POST, HEAD, OPTIONS"),
        ("POST", f"/tasks/{UNKNOWN}", "GET, PATCH, DELETE, HEAD, OPTIONS"),
        ("GET", f"/tasks/{UNKNOWN}/cancel", "POST, OPTIONS"),
        ("PUT", "/queues/a", "PATCH, OPTIONS"),
        ("TRACE", "/healthz", "GET, HEAD, OPTIONS"),
        ("POST", "/ui/", "GET, HEAD, OPTIONS"),
        ("POST", "/openapi.json", "GET, HEAD, OPTIONS"),
        ("PROPFIND", "/tasks", "GET, POST, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_method_is_405_and_says_which_there_are(
    server: Threaded, method: str, path: str, allowed: str
) -> None:
    answer = httpx.request(method, server.url + path)
    check(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("method", ["FOO", "get", "GETT", "BREW-COFFEE"])
@pytest.mark.parametrize("path", ["/tasks", "/nope"])
def test_a_method_that_http_does_not_know_is_501(server: Threaded, method: str, path: str) -> None:
    answer = server.raw(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert problem_of(answer)["code"] == "not_implemented"


# --- bytes that are hardly HTTP


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
        b"GET /tasks HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"FOO /tasks\r\n\r\n",
        b"F\x00O /tasks HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /t\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /tasks HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n",
        b"GET /tasks HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n{}",
        b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: ten\r\n\r\n{}",
        b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
        b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_is_not_http_is_400(server: Threaded, request_: bytes) -> None:
    assert problem_of(server.raw(request_))["code"] == "bad_request"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    ],
)
def test_a_request_names_exactly_one_host(server: Threaded, head: bytes) -> None:
    assert problem_of(server.raw(head))["status"] == 400


def test_http_1_0_with_a_host_is_served(server: Threaded) -> None:
    answer = server.raw(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer


def test_a_length_that_promises_more_than_comes(server: Threaded) -> None:
    answer = server.raw(
        b'POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"type": "a"}', end=True
    )
    assert problem_of(answer)["code"] == "bad_request"


def test_headers_that_end_too_soon(server: Threaded) -> None:
    answer = server.raw(b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-", end=True)
    assert problem_of(answer)["code"] == "bad_request"


def test_a_length_that_promises_less_cuts_the_body(server: Threaded) -> None:
    answer = server.raw(b'POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\n{"type": "a"}')
    assert problem_of(answer)["code"] == "undecodable"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (b"GET /tasks HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "headers_too_large"),
        (b"GET /tasks HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", "headers_too_large"),
        (b"GET /tasks HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000_000, "headers_too_large"),
        (
            b"GET /tasks HTTP/1.1\r\nHost: localhost\r\nCookie: a=" + b"x" * 70_000 + b"\r\n\r\n",
            "headers_too_large",
        ),
        (
            b"GET /tasks HTTP/1.1\r\nHost: localhost\r\n" + b"Cookie: a=b\r\n" * 6_000 + b"\r\n",
            "headers_too_large",
        ),
        (b"GET /tasks HTTP/1.1\r\nHost: localhost\r\n" + b"x" * 70_000 + b": y\r\n\r\n", "headers_too_large"),
        (CHUNKED + b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", "headers_too_large"),
        (b"GET /?" + b"x=y&" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", "uri_too_long"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", "uri_too_long"),
        (b"GET /" + b"x" * 1_000_000, "uri_too_long"),
    ],
    ids=[
        "one",
        "many",
        "endless",
        "cookie",
        "cookies",
        "name",
        "trailers",
        "query",
        "target",
        "endless target",
    ],
)
def test_giant_headers_are_refused(server: Threaded, request_: bytes, code: str) -> None:
    assert problem_of(server.raw(request_))["code"] == code


def test_what_is_just_small_enough_is_read_quickly(server: Threaded) -> None:
    """Nothing that is done to headers takes time that grows with the square of their length or number."""
    for more in (
        b"Cookie: " + b"taskflow_sessio=x;" * 3_500,
        b"Cookie: taskflow_session=" + b'\\"' * 30_000,
        b"\r\n".join([b"Cookie: a=b"] * 4_500),
        b"\r\n".join([b"X: y"] * 10_000),
        b"Authorization: Bearer " + b"x" * 60_000,
        b"X-Forwarded-For: " + b"1," * 30_000,
        b"Prefer: " + b"a," * 30_000,
    ):
        began = time.monotonic()
        answer = server.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + more + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert time.monotonic() - began < 5


def test_pipelined_requests_are_answered_in_order(server: Threaded) -> None:
    many = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20
    many += b"GET /nope HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(server.hub.address, timeout=20) as connection:
        connection.sendall(many)
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert [answer[:4] for answer in answers.split(b"HTTP/1.1")[1:]] == [b" 200"] * 20 + [b" 404"]


def test_garbage_behind_a_request_does_not_answer_for_it(server: Threaded) -> None:
    answer = server.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n\xff\xfe garbage\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer


def test_an_upgrade_is_not_granted(server: Threaded) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: %b\r\n%b\r\n"
    for protocol, more in (
        (b"h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
        (b"websocket", b"Sec-WebSocket-Key: eA==\r\n"),
    ):
        assert server.raw(head % (protocol, more)).startswith(b"HTTP/1.1 200")


def test_it_is_still_there(server: Threaded) -> None:
    assert httpx.get(server.url + "/healthz").status_code == 200
