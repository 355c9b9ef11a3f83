"""Request bodies: read up to a limit, whatever their content type says, and decoded strictly.

A long body is decoded beside the event loop, a batch task by task: no step of it is longer than one task takes.
"""

from typing import Annotated, Final, TypeVar

import msgspec
from fastapi import Depends
from msgspec import Meta, Raw, Struct
from starlette.requests import ClientDisconnect, Request

from taskflow_hub.domain import jsontext, workflow
from taskflow_hub.domain.errors import FieldError, Invalid, TooLarge, Undecodable
from taskflow_hub.domain.limits import BATCH_MAX
from taskflow_hub.domain.schedule_spec import check_nodes
from taskflow_hub.domain.workflow import WorkflowSubmission
from taskflow_hub.engine.payloads import beside
from taskflow_hub.http.api import api_of
from taskflow_hub.http.unread import leave_unread
from taskflow_hub.http.whole_numbers import could_help, with_whole_numbers

T = TypeVar("T")


async def read(request: Request, limit: int) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to be, be the length declared or not; the rest is left unread."""
    declared = request.headers.get("content-length")
    if declared is not None and int(declared) > limit:
        raise _too_large(request, limit)
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > limit:
            raise _too_large(request, limit)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Raises Undecodable or Invalid, naming the field."""
    return await beside(len(body), lambda: _decode(decoder, body))


async def decode_workflow(body: bytes) -> WorkflowSubmission:
    """Raises Undecodable or Invalid, naming the node."""
    return await beside(len(body), lambda: _known(workflow.read(body), body))


async def decode_schedule(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Raises Undecodable or Invalid, naming the field, and of a workflow the node."""

    def read() -> T:
        try:
            return _decode(decoder, body)
        except (Undecodable, TooLarge):
            raise
        except Invalid:
            check_nodes(body)
            raise

    return await beside(len(body), read)


async def decode_batch(decoder: msgspec.json.Decoder[T], body: bytes) -> list[T]:
    """The members of `tasks`, decoded one by one. Raises TooLarge, Undecodable or Invalid, naming the field."""
    return await beside(
        len(body),
        lambda: [_decode(decoder, bytes(task), f"/tasks/{n}") for n, task in enumerate(_split(body))],
    )


async def canonical(body: bytes) -> bytes:
    """The same bytes for all bodies that mean the same; `body` has been decoded."""
    return await beside(len(body), lambda: jsontext.canonical(body))


async def canonical_batch(body: bytes) -> bytes:
    def by_task() -> bytes:
        tasks = b",".join(jsontext.canonical(bytes(task)) for task in _split(body))
        return b'{"tasks":[' + tasks + b"]}"

    return await beside(len(body), by_task)


def _decode(decoder: msgspec.json.Decoder[T], body: bytes, at: str = "") -> T:
    if len(body) > jsontext.LOOKED_AT:
        raise TooLarge(
            f"{at or 'The body'} has {len(body)} bytes; at most {jsontext.LOOKED_AT} are allowed.",
            errors=[FieldError(at, f"has more than {jsontext.LOOKED_AT} bytes")],
        )
    try:
        value = jsontext.decode(decoder, body, at)
    except Invalid as refusal:
        if not could_help(refusal):
            raise
        jsontext.check_depth(body, at)
        value = jsontext.decode(decoder, with_whole_numbers(body), at)
    return _known(value, body, at)


def _known(value: T, body: bytes, at: str = "") -> T:
    """The value, unless two members of one name left others of the body out of it."""
    twice = jsontext.duplicate(body)
    if twice is not None:
        raise _twice(at + twice)
    return value


def _twice(at: str) -> Undecodable:
    """Two members of one name: readers differ in which they take, so what was checked might not be what is run."""
    found = FieldError(at, "stands twice in one object")
    return Undecodable(f"{found.pointer} {found.detail}.", errors=[found])


async def _body(request: Request) -> bytes:
    return await read(request, api_of(request).settings.max_body)


Body = Annotated[bytes, Depends(_body)]


def _too_large(request: Request, limit: int) -> TooLarge:
    leave_unread(request.scope)
    return TooLarge(
        f"The body has more than {limit} bytes, which is all that may be sent here.",
        errors=[FieldError("", f"has more than {limit} bytes")],
    )


class _Sketch(Struct, gc=False):
    """A task as far as is needed to count it."""

    type: Raw


class _Sketches(Struct):
    tasks: Annotated[list[_Sketch], Meta(max_length=BATCH_MAX)]


class _Tasks(Struct, forbid_unknown_fields=True):
    tasks: Annotated[list[Raw], Meta(min_length=1, max_length=BATCH_MAX)]


_SKETCHES: Final = msgspec.json.Decoder(_Sketches)
_TASKS: Final = msgspec.json.Decoder(_Tasks)


def _split(body: bytes) -> list[Raw]:
    """A batch's tasks as they are written. Too many are counted first, in the cheapest shape that a task can have."""
    if body.count(b",") >= BATCH_MAX:
        jsontext.outline(_SKETCHES, body)
    tasks = jsontext.outline(_TASKS, body).tasks
    if body.count(b":") != 1 + sum(bytes(task).count(b":") for task in tasks):
        raise _twice("/tasks")
    return tasks
