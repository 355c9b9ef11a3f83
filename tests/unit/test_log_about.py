"""Lines that are written for a request or by a loop say whose they are, and those of the next one do not."""

import asyncio
import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from taskflow_hub.domain.access import Who
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.http.measuring import Measuring
from taskflow_hub.logs import _formatter

log = logging.getLogger("taskflow.tried")
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def said() -> Iterator[StringIO]:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(pretty=False, colours=False))
    log.addHandler(handler)
    yield stream
    log.removeHandler(handler)


def lines(said: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.getvalue().splitlines()]


async def ask(*, traceparent: str | None, who: Who | None) -> None:
    """A request of which something is logged once it is known who asks."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        log.warning("before")
        if who is not None:
            scope["who"] = who
        log.warning("after")

    async def nobody(message: Message) -> None: ...

    headers = [] if traceparent is None else [(b"traceparent", traceparent.encode())]
    scope = {"type": "http", "method": "GET", "path": "/tasks", "headers": headers}
    await Measuring(app, metrics=Metrics("1"))(scope, _never, nobody)


async def _never() -> Message:
    raise AssertionError("nothing is received")


async def test_a_request_is_named_by_account_and_trace(said: StringIO) -> None:
    who = Who(account_id="ann", scopes=frozenset())
    await ask(traceparent=f"00-{TRACE}-b7ad6b7169203331-01", who=who)
    await ask(traceparent="00-nonsense", who=None)
    log.warning("later")
    before, after, *others = lines(said)
    assert (before["trace_id"], before.get("account")) == (TRACE, None)
    assert (after["trace_id"], after["account"]) == (TRACE, "ann")
    assert all(not line.keys() & {"trace_id", "account"} for line in others)
    assert len(others) == 3


async def test_a_loop_is_named(said: StringIO) -> None:
    class Tried(Loop):
        ticked = asyncio.Event()

        async def tick(self) -> float | None:
            log.warning("tick")
            self.ticked.set()
            return None

    loop = Tried(interval_s=60)
    await loop.start()
    await loop.ticked.wait()
    await loop.stop()
    log.warning("later")
    assert [line.get("loop") for line in lines(said)] == ["Tried", None]
