"""Hostile bodies: each is a problem+json with the right status that names the field; nothing is stored, nothing breaks."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog.testing
from tests.support.hostile import UNKNOWN, attacked, check, post, problem_of
from tests.support.http_api import Threaded

MIB = 1_048_576


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


# --- bodies

NOT_JSON = [
    "",
    " ",
    "{",
    '{"type": "a"',
    '{"type": "a"} {}',
    "type=a",
    "{'type': 'a'}",
    '{"type": "a",}',
    '\ufeff{"type": "a"}',
    '{"type": "a", "payload": {"x": NaN}}',
    '{"type": "a", "priority": Infinity}',
    '{"type": "a", "delay": -Infinity}',
    '{"type": "a", "priority": 01}',
    '{"type": "a\nb"}',
    "\x00",
]


@pytest.mark.parametrize("body", NOT_JSON)
def test_what_is_not_json_is_400(server: Threaded, body: str) -> None:
    check(post(server, body), 400)


def test_not_a_number_names_the_field(server: Threaded) -> None:
    check(post(server, '{"type": "a", "payload": {"deep": [0, {"x": NaN}]}}'), 400, "/payload/deep/1/x")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"type": "a", "type": "b"}', "/type"),
        ('{"type": "a", "priority": 1, "payload": {}, "priority": 9}', "/priority"),
        ('{"type": "a", "payload": {"u": 1, "x": [{"k": 1, "k": 2}]}}', "/payload/x/0/k"),
        ('{"type": "a", "payload": {"a/b": {"~": 1, "\\u007e": 2}}}', "/payload/a~1b/~0"),
    ],
)
def test_a_name_that_stands_twice_is_400(server: Threaded, body: str, pointer: str) -> None:
    check(post(server, body), 400, pointer)


@pytest.mark.parametrize("body", ["[]", "null", "1", '"a"', "true", '[{"type": "a"}]'])
def test_a_body_that_is_no_object_is_422(server: Threaded, body: str) -> None:
    check(post(server, body), 422, "")


FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"type": 1}, "/type"),
    ({"type": None}, "/type"),
    ({"type": ""}, "/type"),
    ({"type": "A"}, "/type"),
    ({"type": "a b"}, "/type"),
    ({"type": "a\n"}, "/type"),
    ({"type": "é"}, "/type"),
    ({"type": "a" * 101}, "/type"),
    ({"type": "../../etc/passwd"}, "/type"),
    ({"payload": None}, "/payload"),
    ({"payload": [1]}, "/payload"),
    ({"payload": "{}"}, "/payload"),
    ({"payload": 1}, "/payload"),
    ({"queue": "a.b"}, "/queue"),
    ({"queue": "A"}, "/queue"),
    ({"queue": ""}, "/queue"),
    ({"queue": "a" * 65}, "/queue"),
    ({"queue": 1}, "/queue"),
    ({"priority": 10}, "/priority"),
    ({"priority": -1}, "/priority"),
    ({"priority": "high"}, "/priority"),
    ({"priority": 5.5}, "/priority"),
    ({"priority": True}, "/priority"),
    ({"priority": None}, "/priority"),
    ({"priority": 10**30}, "/priority"),
    ({"max_retries": -1}, "/max_retries"),
    ({"max_retries": 101}, "/max_retries"),
    ({"max_retries": 1.5}, "/max_retries"),
    ({"timeout": 0}, "/timeout"),
    ({"timeout": -1}, "/timeout"),
    ({"timeout": 1e300}, "/timeout"),
    ({"timeout": "10"}, "/timeout"),
    ({"delay": -1}, "/delay"),
    ({"delay": 1e300}, "/delay"),
    ({"delay": "10"}, "/delay"),
    ({"delay": 1, "run_at": "2030-01-01T00:00:00Z"}, "/delay"),
    ({"run_at": "tomorrow"}, "/run_at"),
    ({"run_at": "2030-01-01T00:00:00"}, "/run_at"),
    ({"run_at": 1893456000}, "/run_at"),
    ({"run_at": "0001-01-01T00:00:00+23:59"}, "/run_at"),
    ({"run_at": "9999-12-31T23:59:59-23:59"}, "/run_at"),
    ({"run_at": "2030-02-30T00:00:00Z"}, "/run_at"),
    ({"expires_at": "9999-12-31T23:59:59-23:59"}, "/expires_at"),
    ({"expires_at": ""}, "/expires_at"),
    ({"retry": {"kind": "never"}}, "/retry/kind"),
    ({"retry": {"base": -1}}, "/retry/base"),
    ({"retry": {"factor": 0.5}}, "/retry/factor"),
    ({"retry": {"bass": 1}}, "/retry/bass"),
    ({"retry": None}, "/retry"),
    ({"retry": "exponential"}, "/retry"),
    ({"tags": "x"}, "/tags"),
    ({"tags": ["x"] * 21}, "/tags"),
    ({"tags": ["x" * 65]}, "/tags/0"),
    ({"tags": [""]}, "/tags/0"),
    ({"tags": [1]}, "/tags/0"),
    ({"tags": ["fine", "a\0b"]}, "/tags/1"),
    ({"unique": "k"}, "/unique"),
    ({"unique": {}}, "/unique/key"),
    ({"unique": {"key": ""}}, "/unique/key"),
    ({"unique": {"key": "x" * 256}}, "/unique/key"),
    ({"unique": {"key": "k", "window": -1}}, "/unique/window"),
    ({"unique": {"key": "k", "on_conflict": "panic"}}, "/unique/on_conflict"),
    ({"unique": {"key": "k\0"}}, "/unique/key"),
    ({"limits": None}, "/limits"),
    ({"limits": {"key": "a", "running": 1}}, "/limits"),
    ({"limits": [{"key": str(n), "running": 1} for n in range(6)]}, "/limits"),
    ({"limits": ["a"]}, "/limits/0"),
    ({"limits": [{"running": 1}]}, "/limits/0/key"),
    ({"limits": [{"key": ""}]}, "/limits/0/key"),
    ({"limits": [{"key": "x" * 201, "running": 1}]}, "/limits/0/key"),
    ({"limits": [{"key": "a\0", "running": 1}]}, "/limits/0/key"),
    ({"limits": [{"key": "a b", "running": 1}]}, "/limits/0/key"),
    ({"limits": [{"key": "a\u00a0", "running": 1}]}, "/limits/0/key"),
    ({"limits": [{"key": "a", "running": 1}, {"key": "a"}]}, "/limits/1/key"),
    ({"limits": [{"key": "a", "running": 0}]}, "/limits/0/running"),
    ({"limits": [{"key": "a", "running": 1.5}]}, "/limits/0/running"),
    ({"limits": [{"key": "a", "running": 10**30}]}, "/limits/0/running"),
    ({"limits": [{"key": "a", "per_second": 0}]}, "/limits/0/per_second"),
    ({"limits": [{"key": "a", "per_second": 100_001}]}, "/limits/0/per_second"),
    ({"limits": [{"key": "a", "burst": 1}]}, "/limits/0/burst"),
    ({"user_id": "me"}, "/user_id"),
    ({"id": UNKNOWN}, "/id"),
    ({"status": "success"}, "/status"),
    ({"a/b~c": 1}, "/a~1b~0c"),
    ({"payload": {"x": "a\0b"}}, "/payload/x"),
    ({"payload": {"a\0b": 1}}, "/payload"),
]


@pytest.mark.parametrize(("fields", "pointer"), FIELDS, ids=lambda value: str(value)[:60])
def test_a_wrong_field_is_named(server: Threaded, fields: dict[str, Any], pointer: str) -> None:
    check(post(server, json.dumps({"type": "a", **fields})), 422, pointer)


def test_a_missing_field_is_named(server: Threaded) -> None:
    check(post(server, "{}"), 422, "/type")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (rb'{"type": "a", "payload": {"x": "\ud800"}}', "/payload/x"),
        (rb'{"type": "a", "tags": ["fine", "\udfff\ud800"]}', "/tags/1"),
        (rb'{"type": "a", "payload": {"x": ["\ud83d no emoji"]}}', "/payload/x/0"),
    ],
)
def test_text_that_is_not_unicode_is_named(server: Threaded, body: bytes, pointer: str) -> None:
    check(post(server, body), 422, pointer)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"type": "a", "payload": {"x": "\xff"}}', "/payload/x"),
        (b'{"type": "a", "tags": ["\xc3\x28"]}', "/tags/0"),
        (b'{"type": "a", "payload": {"x": "\xed\xa0\x80"}}', "/payload/x"),
        (b'{"type": "a", "priority": 99, "payload": {"x": "\xff"}}', "/payload/x"),
    ],
)
@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
def test_bytes_that_are_not_utf_8_are_400_and_named(
    server: Threaded, batch: bool, body: bytes, pointer: str
) -> None:
    if batch:
        check(post(server, b'{"tasks": [' + body + b"]}", "/tasks/batch"), 400, f"/tasks/0{pointer}")
    else:
        answer = post(server, body)
        check(answer, 400, pointer)
        assert answer.json()["code"] == "undecodable"


@pytest.mark.parametrize("depth", [101, 100_000, 500_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_422(server: Threaded, depth: int, opening: str, closing: str) -> None:
    depth = min(depth, 900_000 // len(opening + closing))
    body = '{"type": "a", "payload": {"x": ' + opening * depth + "1" + closing * depth + "}}"
    check(post(server, body), 422)


def test_unclosed_deep_nesting_is_refused_too(server: Threaded) -> None:
    assert post(server, "[" * 1_000_000).status_code in {400, 422}


# --- sizes


def of_size(size: int) -> bytes:
    head, tail = b'{"type": "A", "payload": {"text": "', b'"}}'
    return head + b"x" * (size - len(head) - len(tail)) + tail


def test_a_megabyte_is_read_and_one_byte_more_is_413(server: Threaded) -> None:
    check(post(server, of_size(MIB)), 422, "/type")  # it was read: its type is wrong
    check(post(server, of_size(MIB + 1)), 413)


def test_the_same_in_chunks_without_a_length(server: Threaded) -> None:
    def chunks(size: int) -> Iterator[bytes]:
        body = of_size(size)
        for at in range(0, size, 50_000):
            yield body[at : at + 50_000]

    with httpx.Client(base_url=server.url) as client:
        check(client.post("/tasks", content=chunks(MIB)), 422, "/type")
        refused = client.post("/tasks", content=chunks(MIB + 1))
        check(refused, 413, "")
        assert refused.headers["connection"] == "close"
        assert client.get("/healthz").status_code == 200, "on another connection"


def test_an_endless_body_is_cut_off(server: Threaded) -> None:
    head = b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = server.raw(
        head + b"10000\r\n" + b"x" * 65_536 + b"\r\n" * 1 + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 40
    )
    assert problem_of(answer)["code"] == "too_large"


def test_a_url_of_70_kb_is_refused(server: Threaded) -> None:
    check(
        post(server, json.dumps({"type": "web.title", "payload": {"url": "http://a/" + "x" * 70_000}})),
        422,
        "/payload/url",
    )


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:8080/",
        "http://[::1]/",
        "http://2130706433/",
        "gopher://example.org/",
        "http://user:secret@example.org/",
        "//example.org",
        "",
    ],
)
def test_a_url_that_may_not_be_fetched_is_refused_at_submit(server: Threaded, url: str) -> None:
    check(post(server, json.dumps({"type": "web.title", "payload": {"url": url}})), 422, "/payload/url")


# --- other bodies


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("PATCH", f"/tasks/{UNKNOWN}", {}, ""),
        ("PATCH", f"/tasks/{UNKNOWN}", {"priority": 10}, "/priority"),
        ("PATCH", f"/tasks/{UNKNOWN}", {"priority": None}, "/priority"),
        ("PATCH", f"/tasks/{UNKNOWN}", {"run_at": "9999-12-31T23:59:59-23:59"}, "/run_at"),
        ("PATCH", f"/tasks/{UNKNOWN}", {"status": "success"}, "/status"),
        ("PATCH", "/queues/a", {}, ""),
        ("PATCH", "/queues/a", {"max_size": -1}, "/max_size"),
        ("PATCH", "/queues/a", {"max_size": 10**12}, "/max_size"),
        ("PATCH", "/queues/a", {"max_size": "1"}, "/max_size"),
        ("PATCH", "/queues/a", {"max_size": 1, "paused": True}, "/paused"),
        ("PATCH", "/queues/a", {"running": 0}, "/running"),
        ("PATCH", "/queues/a", {"per_second": 0}, "/per_second"),
        ("PATCH", "/accounts/default/quota", {}, ""),
        ("PATCH", "/accounts/default/quota", {"per_minute": -1}, "/per_minute"),
        ("PATCH", "/accounts/default/quota", {"per_day": 1.5}, "/per_day"),
        ("PATCH", "/accounts/default/quota", {"queued": 10**12}, "/queued"),
        ("PATCH", "/accounts/default/quota", {"running": 0}, "/running"),
        ("PATCH", "/accounts/default/quota", {"weight": 0.001}, "/weight"),
        ("PATCH", "/accounts/default/quota", {"weight": 101}, "/weight"),
        ("PATCH", "/accounts/default/quota", {"account_id": "x"}, "/account_id"),
        ("PATCH", "/accounts/A/quota", {"weight": 1}, "/path/account"),
        ("PATCH", "/accounts/queue:q/quota", {"running": 1}, "/path/account"),
        ("POST", "/bulk", {}, "/filter"),
        ("POST", "/bulk", {"filter": {}}, "/action"),
        ("POST", "/bulk", {"filter": {}, "action": "explode"}, "/action"),
        ("POST", "/bulk", {"filter": {"status": ["lost"]}, "action": "cancel"}, "/filter/status/0"),
        ("POST", "/bulk", {"filter": {"colour": "red"}, "action": "cancel"}, "/filter/colour"),
        (
            "POST",
            "/bulk",
            {"filter": {"created_after": "0001-01-01T00:00:00Z"}, "action": "cancel"},
            "/filter/created_after",
        ),
        ("POST", "/bulk", {"filter": {"tag": "a\0"}, "action": "cancel"}, "/filter/tag"),
        ("POST", "/bulk", {"filter": {}, "action": "cancel", "dry_run": "yes"}, "/dry_run"),
        ("POST", "/tasks/batch", {}, "/tasks"),
        ("POST", "/tasks/batch", {"tasks": {}}, "/tasks"),
        ("POST", "/tasks/batch", {"tasks": [1]}, "/tasks/0"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_other_bodies(server: Threaded, method: str, path: str, body: Any, pointer: str) -> None:
    check(httpx.request(method, server.url + path, json=body), 422, pointer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/bulk"),
        ("PATCH", "/queues/a"),
        ("PATCH", "/accounts/default/quota"),
        ("PATCH", f"/tasks/{UNKNOWN}"),
        ("POST", "/tasks/batch"),
    ],
)
def test_other_bodies_that_are_not_json(server: Threaded, method: str, path: str) -> None:
    check(httpx.request(method, server.url + path, content=b"{"), 400)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/bulk"), ("PATCH", "/queues/a"), ("PATCH", f"/tasks/{UNKNOWN}")]
)
def test_other_bodies_have_a_limit_too(server: Threaded, method: str, path: str) -> None:
    check(httpx.request(method, server.url + path, content=b"x" * (MIB + 1)), 413)
