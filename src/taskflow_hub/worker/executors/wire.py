"""What a worker and its child processes tell each other: JSON frames over a socket, four bytes of length first."""

import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from typing_extensions import Buffer

from taskflow_hub.domain.errors import TooLarge
from taskflow_hub.domain.limits import RESULT_MAX
from taskflow_hub.domain.messages import Assignment, CallOfAttempt, Reply
from taskflow_hub.worker.outcome import Postponed, Raised, Returned
from taskflow_hub.worker.reference import Reference

LENGTH: Final = struct.Struct("!I")
FRAME_MAX: Final = RESULT_MAX + 1_048_576  # a result of any size that is allowed, and what stands around it

in_child = False  # this process is such a child

# --- to the child ---


class Job(Struct, frozen=True, tag="job"):
    """Run one attempt. `arguments` is a pickled dict; the Context goes in under `context_name`. `secrets` are the words that
    must not be told.

    `main` says how to import the program's own main module, when the handler lives there: the keys `init_main_from_name`
    or `init_main_from_path` of multiprocessing.spawn.
    """

    handler: Reference
    arguments: bytes
    assignment: Assignment
    context_name: str | None
    secrets: tuple[str, ...]
    traceparent: str | None  # of the attempt's span
    main: dict[str, str] | None


class Answer(Struct, frozen=True, tag="answer"):
    """To an Asking: the reply, or the error that it raised."""

    reply: Reply | None = None
    code: str = ""
    detail: str = ""


# --- to the worker ---


class Told(Struct, frozen=True, tag="told"):
    """A log line; the worker numbers it."""

    at: datetime
    level: str
    message: str
    fields: dict[str, Any]


class Progress(Struct, frozen=True, tag="progress"):
    fraction: float
    message: str


class Asking(Struct, frozen=True, tag="asking"):
    """What its Context asks the engine; the worker says whose it is."""

    call: CallOfAttempt


class Done(Struct, frozen=True, tag="done"):
    """The attempt has ended. `rss_mb` is the child's memory now."""

    outcome: Returned | Raised | Postponed
    rss_mb: float


ToChild = Job | Answer
ToWorker = Told | Progress | Asking | Done

_encoder = msgspec.json.Encoder()
decode_to_child: Callable[[Buffer], ToChild] = msgspec.json.Decoder(ToChild).decode
decode_to_worker: Callable[[Buffer], ToWorker] = msgspec.json.Decoder(ToWorker).decode


def frame(message: ToChild | ToWorker) -> bytes:
    """Raises TooLarge."""
    body = _encoder.encode(message)
    if len(body) > FRAME_MAX:
        raise TooLarge(f"{len(body)} bytes are too many between a worker and its child process.")
    return LENGTH.pack(len(body)) + body
