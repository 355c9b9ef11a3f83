"""Reads the hub's books at the end of a run: every task that was accepted, over HTTP."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Final

import msgspec
from tests.crash.chaos.caller import Caller, Unanswered
from tests.crash.chaos.history import Book, BookedTask

from taskflow_hub.domain.lifecycle import FINAL
from taskflow_hub.domain.model import Attempt

READERS: Final = 6
AGAIN_S: Final = 0.2  # between two looks at a task that has not ended


class _Attempts(msgspec.Struct):
    items: list[Attempt]


# Made here and not where they are used: threads that meet a class for the first time at once crash msgspec.
_task: Final = msgspec.json.Decoder(BookedTask)
_attempts: Final = msgspec.json.Decoder(_Attempts)


def read(
    ports: Sequence[int], ids: Iterable[str], *, within_s: float, on_read: Callable[[], None] = lambda: None
) -> dict[str, Book]:
    """As they stand when they have ended, or when the time is up; a task that the hub does not know is left out.

    Raises AssertionError for an answer that no hub should give.
    """
    deadline = time.monotonic() + within_s
    callers = [Caller() for _ in range(READERS)]

    def read_some(caller: Caller, port: int, share: Sequence[str]) -> dict[str, Book]:
        found: dict[str, Book] = {}
        for id in share:
            if (book := _read(caller, port, id, deadline)) is not None:
                found[id] = book
            on_read()
        caller.close()
        return found

    wanted = list(ids)
    with ThreadPoolExecutor(READERS) as pool:
        jobs = [
            pool.submit(read_some, caller, port, wanted[number::READERS])
            for number, (caller, port) in enumerate(zip(callers, cycle(ports), strict=False))
        ]
        return {id: book for job in jobs for id, book in job.result().items()}


def _read(caller: Caller, port: int, id: str, deadline: float) -> Book | None:
    """First the task, once it has ended: then its attempts do not change any more."""
    while True:
        text = _get(caller, port, f"/tasks/{id}")
        if text is None:
            return None
        task = _task.decode(text)
        if task.status in FINAL or time.monotonic() >= deadline:
            attempts = _get(caller, port, f"/tasks/{id}/attempts")
            return Book(task, _attempts.decode(attempts or b'{"items":[]}').items)
        time.sleep(AGAIN_S)


def _get(caller: Caller, port: int, path: str) -> bytes | None:
    try:
        answer = caller.call(port, "GET", path)
    except (
        Unanswered
    ):  # a connection kept too long; a hub that is away would not answer the second time either
        answer = caller.call(port, "GET", path)
    if answer.status == 404:
        return None
    assert answer.status == 200, f"GET {path}: {answer.status} {answer.text.decode()}"
    return answer.text
