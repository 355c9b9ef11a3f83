"""Server-Sent Events: a task's changes, and nudges that something changed.

A task's events can be resumed: an event's id is the task's `rev`, so what a reader has missed is told by comparing. Nudges
are not kept, so a reader that comes back is told to look at everything anew (`reset`). A workflow's carry a digest.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from taskflow_hub.domain.errors import NotFound
from taskflow_hub.domain.events import event_name
from taskflow_hub.domain.lifecycle import FINAL
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.workflow_view import Workflow, WorkflowState
from taskflow_hub.engine.engine import Engine
from taskflow_hub.engine.hints import Topic
from taskflow_hub.http.answers import GUARDS
from taskflow_hub.http.lifetime import Lifetime
from taskflow_hub.http.nudges import PAUSE_S, Nudges

RETRY: Final = b"retry: 1000\n\n"  # milliseconds before a browser connects again
KEEP_ALIVE: Final = b": still here\n\n"
KEEP_ALIVE_S: Final = 15.0
POLL_S: Final = 1.0  # how late a change may be when no hint reaches us
LOOKING_SHARE: Final = 9.0  # so much longer than a look at a workflow is the pause after it

Events = AsyncGenerator[bytes, None]


class EventStream(Response):
    """Endless until the events end, the client goes or may not look any more, or the API closes; too many at once, or too many
    of the account that asks (see Lifetime), are 503."""

    media_type = "text/event-stream"

    def __init__(
        self,
        events: Events,
        lifetime: Lifetime,
        asker: str | None,
        may_still: Callable[[], Awaitable[bool]],
    ) -> None:
        self._events, self._lifetime, self._asker, self._may_still = events, lifetime, asker, may_still
        self.status_code, self.background = 200, None
        self.raw_headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"x-accel-buffering", b"no"),
            *GUARDS,
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._lifetime.long(receive, self._asker), contextlib.aclosing(self._events) as events:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for event in events:
                if not await self._may_still():
                    break
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def task_events(engine: Engine, account: str, task_id: str, seen_rev: int) -> Events:
    """The task as it is, if that is news, and after every change up to its end. Changes in quick succession are told as one."""
    yield RETRY
    with (
        engine.hints.watch(task_id) as changed,
        contextlib.suppress(NotFound),
    ):  # removed meanwhile: nothing more to tell
        quiet_s = 0.0
        while True:
            changed.clear()
            task = await engine.queries.task(account, task_id)
            if task.rev > seen_rev:
                seen_rev, quiet_s = task.rev, 0.0
                yield event(event_name(task.status), task, str(task.rev))
            if task.status in FINAL:
                return
            if not await _set_within(changed, POLL_S):
                quiet_s += POLL_S
            if quiet_s >= KEEP_ALIVE_S:
                quiet_s = 0.0
                yield KEEP_ALIVE


async def workflow_events(engine: Engine, account: str, workflow_id: str, seen: str | None) -> Events:
    """The workflow with its nodes as it is, if that is not what was `seen`, and again whenever it has changed, up to its end.

    Its `rev` does not count what its tasks do between their beginning and their end, so what was seen is told by a digest. Of
    what happens in quick succession it is told at most five times a second, and so that no follower costs a tenth of a core.
    """
    yield RETRY
    with engine.hints.listen(Topic.TASKS, Topic.WORKFLOWS) as heard, contextlib.suppress(NotFound):
        quiet_s = 0.0
        while True:
            heard.clear()
            began = time.monotonic()
            workflow = await engine.workflows.get(account, workflow_id)
            mark = workflow_mark(workflow)
            if mark != seen:
                seen, quiet_s = mark, 0.0
                yield event(f"workflow.{workflow.status}", workflow, mark)
            if workflow.status is not WorkflowState.RUNNING:
                return
            await asyncio.sleep(max(PAUSE_S, LOOKING_SHARE * (time.monotonic() - began)))
            if not await _set_within(heard, POLL_S):
                quiet_s += POLL_S
            if quiet_s >= KEEP_ALIVE_S:
                quiet_s = 0.0
                yield KEEP_ALIVE


def workflow_mark(workflow: Workflow) -> str:
    """An event's id: two that are the same tell the same."""
    digest = hashlib.blake2b(msgspec.json.encode(workflow), digest_size=8).hexdigest()
    return f"{workflow.rev}-{digest}"


async def nudge_events(nudges: Nudges, *, resumed: bool) -> Events:
    """What changed, in words so general that they can be told often and cost little: `{"topics": ["tasks", …]}`."""
    yield RETRY
    with nudges.listen() as nudge:
        if resumed:
            yield event("reset", {"topics": nudges.topics}, nudges.mark())
        while True:
            topics = await nudge.next(KEEP_ALIVE_S)
            yield event("changed", {"topics": topics}, nudges.mark()) if topics else KEEP_ALIVE


def event(name: str, data: Task | Workflow | dict[str, Any], id: str) -> bytes:
    """One event. JSON text has line breaks only between its tokens (a payload keeps its own), where a space does as well."""
    text = msgspec.json.encode(data).replace(b"\r", b" ").replace(b"\n", b" ")
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (id.encode(), name.encode(), text)


async def _set_within(signal: asyncio.Event, wait_s: float) -> bool:
    try:
        async with asyncio.timeout(wait_s):
            return await signal.wait()
    except TimeoutError:
        return False
