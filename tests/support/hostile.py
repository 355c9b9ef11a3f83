"""What the tests of hostile input share: a hub to attack, and what every answer to an attack is like."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from tests.support.http_api import Threaded, api_in_thread

from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import TaskType

# Part of tests' names, which are the same in every process. It is of the year 2515, for one that is old is `gone`.
UNKNOWN = "0fa207c4-3c39-7d0d-89ee-72acbda65b82"
REGEX = re.compile(r"\^\[|\(\?[:!=]|\{\d+,\d*\}|\]\{\d+\}|\]\*\$|pattern|regex")


@contextlib.contextmanager
def attacked(folder: Path, database_url: str) -> Iterator[Threaded]:
    """A hub that knows the type web.title, whose payload has a schema."""
    with api_in_thread(folder, database_url, loops=False) as running:
        url = {"type": "object", "properties": {"url": {"type": "string", "format": "outbound-url"}}}
        declared = TaskType(type="web.title", payload_schema=url)
        register = Register(
            worker="w", name="w", host="h", pid=1, version="1", slots=1, window=1, types=(declared,)
        )
        running.run(running.hub.engine.workers.answer(register))
        yield running


def problem_of(answer: bytes) -> dict[str, Any]:
    """The problem in a raw answer; also checks that it is one."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    assert b"content-type: application/problem+json" in [line.lower() for line in headers], answer
    problem: dict[str, Any] = json.loads(body)
    assert problem["status"] == int(status.split()[1])
    assert b"Traceback" not in answer
    return problem


def check(answer: httpx.Response, status: int, pointer: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"] == f"/problems/{problem['code']}"
    assert "Traceback" not in answer.text
    assert not REGEX.search(answer.text), "people are told in words"
    if pointer is not None:
        assert [error["pointer"] for error in problem["errors"]] == [pointer]


def post(server: Threaded, body: bytes | str, path: str = "/tasks", **options: Any) -> httpx.Response:
    return httpx.post(server.url + path, content=body, **options)
