"""POST /enqueue from outside: what is accepted, what is refused with which words, and in which order that is decided."""

import json
from typing import Any

import pytest

from .service import Service

MIB = 1 << 20


def test_a_task_is_accepted_and_done(steady: Service) -> None:
    status, body, header = steady.ask("POST", "/enqueue", b'{"id":"first","payload":"x","max_retries":2}')
    assert (status, body) == (202, b'{"status":"queued"}\n')
    assert header["Content-Type"] == "application/json"
    steady.wait_for(r"^enqueued id=first max_retries=2$")
    steady.wait_for(r"^start id=first$")
    steady.wait_for(r"^done id=first attempts=1 dur=\d+ms$")
    assert steady.read("/tasks/first") == {"id": "first", "status": "done", "attempts": 1, "max_retries": 2}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "post"])
def test_another_method_is_not_allowed(steady: Service, method: str) -> None:
    status, body, header = steady.ask(method, "/enqueue")
    assert (status, body) == (405, b"method not allowed\n")
    assert header["Allow"] == "POST"
    assert header["Content-Type"] == "text/plain; charset=utf-8"


def test_head_is_not_allowed_either_and_has_no_body(steady: Service) -> None:
    status, body, header = steady.ask("HEAD", "/enqueue")
    assert (status, body, header["Allow"], header["Content-Length"]) == (405, b"", "POST", "19")


BAD = "bad request"
RETRIES = "max_retries must be between 0 and 10"
REFUSED = [
    ("", BAD),
    ("[]", BAD),
    ("7", BAD),
    ('"text"', BAD),
    ('{"id":', BAD),
    ('{"id":1}', BAD),
    ('{"id":["a"]}', BAD),
    ('{"id":false}', BAD),
    ('{"id":"a","payload":{}}', BAD),
    ('{"id":"a","payload":0}', BAD),
    ('{"id":"a","max_retries":"3"}', BAD),
    ('{"id":"a","max_retries":1.5}', BAD),
    ('{"id":"a","max_retries":2.0}', BAD),
    ('{"id":"a","max_retries":true}', BAD),
    ('{"id":"a","max_retries":NaN}', BAD),
    ('{"id":"a","max_retries":1e999}', BAD),
    ('{"id":"a","max_retries":' + "9" * 5000 + "}", BAD),
    ('{"id":"\\ud800"}', BAD),
    ("[" * 100_000, BAD),
    ('{"id":"a","x":' + "[" * 100_000, BAD),
    ("null", BAD),
    ("{}", "id required"),
    ('{"payload":"x"}', "id required"),
    ('{"id":""}', "id required"),
    ('{"id":null}', "id required"),
    ('{"id":"","max_retries":11}', "id required"),
    (json.dumps({"id": "a" * 129}), "id too long"),
    (json.dumps({"id": "ж" * 65}), "id too long"),
    (json.dumps({"id": "ж" * 65}, ensure_ascii=False), "id too long"),
    ('{"id":"a","max_retries":-1}', RETRIES),
    ('{"id":"a","max_retries":11}', RETRIES),
    ('{"id":"a","max_retries":' + "9" * 500 + "}", RETRIES),
]


@pytest.mark.parametrize(("body", "words"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_wrong_is_refused_in_so_many_words(steady: Service, body: str, words: str) -> None:
    before = steady.read("/stats")["accepted"]
    status, answer, header = steady.ask("POST", "/enqueue", body.encode())
    assert (status, answer.decode()) == (400, words + "\n")
    assert header["Content-Type"] == "text/plain; charset=utf-8"
    assert steady.read("/stats")["accepted"] == before


def test_bytes_that_are_no_utf_8_are_a_bad_request(steady: Service) -> None:
    assert steady.ask("POST", "/enqueue", b'{"id":"\xff"}')[:2] == (400, b"bad request\n")
    assert steady.ask("POST", "/enqueue", b'{"id":"a","payload":"\xc3"}')[:2] == (400, b"bad request\n")


ACCEPTED: list[tuple[str, bytes, dict[str, Any]]] = [
    ("no retries", b'{"id":"r0","payload":"x","max_retries":0}', {"id": "r0", "max_retries": 0}),
    ("ten retries", b'{"id":"r10","payload":"x","max_retries":10}', {"id": "r10", "max_retries": 10}),
    ("defaults", b'{"id":"d"}', {"id": "d", "max_retries": 0}),
    ("nulls", b'{"id":"n","payload":null,"max_retries":null}', {"id": "n", "max_retries": 0}),
    ("unknown field", b'{"id":"u","colour":{"deep":[1]}}', {"id": "u"}),
    ("garbage after it", b' \n{"id":"g"} and more \xff', {"id": "g"}),
    ("128 bytes", json.dumps({"id": "a" * 128}).encode(), {"id": "a" * 128}),
    ("64 characters of two bytes", json.dumps({"id": "ж" * 64}).encode(), {"id": "ж" * 64}),
]


@pytest.mark.parametrize(
    ("body", "shown"), [case[1:] for case in ACCEPTED], ids=[case[0] for case in ACCEPTED]
)
def test_what_is_right_is_accepted(steady: Service, body: bytes, shown: dict[str, Any]) -> None:
    assert steady.ask("POST", "/enqueue", body)[:2] == (202, b'{"status":"queued"}\n')
    found = steady.read("/tasks/" + "".join(f"%{byte:02X}" for byte in shown["id"].encode()))
    assert shown.items() <= found.items()


def test_a_mebibyte_fits_and_a_byte_more_does_not(steady: Service) -> None:
    fits = b'{"id":"big","payload":"' + b"x" * (MIB - 25) + b'"}'
    assert len(fits) == MIB
    assert steady.ask("POST", "/enqueue", fits)[0] == 202
    assert steady.ask("POST", "/enqueue", fits + b" ")[:2] == (413, b"payload too large\n")
    chunked = {"Transfer-Encoding": "chunked"}
    assert steady.ask("POST", "/enqueue", [fits[:1000], fits[1000:]], chunked)[0] == 202
    assert steady.ask("POST", "/enqueue", [fits, b" "], chunked)[:2] == (413, b"payload too large\n")


def test_a_client_that_sends_far_too_much_still_reads_the_answer(steady: Service) -> None:
    assert steady.ask("POST", "/enqueue", b"x" * (8 * MIB))[:2] == (413, b"payload too large\n")


def test_the_method_is_looked_at_before_the_size(steady: Service) -> None:
    assert steady.ask("PUT", "/enqueue", b"x" * (2 * MIB))[0] == 405


def test_ids_that_want_to_be_lines_of_the_log_are_words_of_one(steady: Service) -> None:
    for id in ("a\ndone id=forged attempts=1 dur=0ms", "two words", 'quo"te', "a=b", "\x1b[31mred"):
        assert steady.post(id=id)[0] == 202
        expected = f"enqueued id={json.dumps(id)} max_retries=0"
        steady.wait_for("^" + "".join(f"[{c}]" if c not in "\\^[]" else f"\\{c}" for c in expected) + "$")
    assert not steady.matches("^done id=forged")


def test_health_is_answered_to_every_method(steady: Service) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        assert steady.ask(method, "/healthz")[:2] == (200, b"ok")
    assert steady.ask("HEAD", "/healthz")[:2] == (200, b"")


def test_what_only_tells_is_not_to_be_written_to(steady: Service) -> None:
    for path in ("/stats", "/tasks/first", "/docs", "/docs/openapi.yaml"):
        status, body, header = steady.ask("POST", path, b"{}")
        assert (status, body, header["Allow"]) == (405, b"method not allowed\n", "GET, HEAD")


def test_nothing_else_is_there(steady: Service) -> None:
    for path in ("/", "/enqueue/", "/tasks", "/tasks/", "/tasks/never", "/tasks/%FF", "/stats/", "//healthz"):
        assert steady.ask("GET", path)[:2] == (404, b"not found\n"), path


def test_a_query_is_not_part_of_the_path(steady: Service) -> None:
    assert steady.ask("GET", "/healthz?verbose=1")[:2] == (200, b"ok")
