"""What handlers leave behind, outside of the hub: a line when an attempt starts, and one when its code ends.

All processes append to one file. A line is one write to a file opened with O_APPEND, so lines of many processes stay whole,
also when their writer is killed. Times are those of CLOCK_MONOTONIC, which every process of a host shares and no clock step
touches; `wall_at` is the process's own idea of the time.
"""

import os
import secrets
import time
from enum import StrEnum
from pathlib import Path

import msgspec


class What(StrEnum):
    STARTED = "started"
    RETURNED = "returned"  # a value
    RAISED = "raised"  # an exception of its own: retry by policy
    GAVE_UP = "gave_up"  # answered Fail
    SNOOZED = "snoozed"  # answered Snooze
    STOPPED = "stopped"  # something was raised in it: cancelled, out of time, handed back, lease lost
    SUBMITTED = "submitted"  # another task, whose id is the token; neither start nor end


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    at: float
    wall_at: float
    pid: int  # the hub's, also where a child of it runs the handler
    what: What
    id: str
    attempt: int
    type: str
    token: str = ""  # what this end, and no other, gives the hub: in its result, or in its error's message
    last: bool = False  # as far as the handler can know, the task ends with this


class Pen:
    """Writes lines for one process."""

    def __init__(self, path: Path, pid: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._pid = pid

    def write(
        self, what: What, *, id: str, attempt: int, type: str, token: str = "", last: bool = False
    ) -> None:
        line = Line(
            at=time.monotonic(),
            wall_at=time.time(),
            pid=self._pid,
            what=what,
            id=id,
            attempt=attempt,
            type=type,
            token=token,
            last=last,
        )
        os.write(self._file, msgspec.json.encode(line) + b"\n")


def new_token(id: str, attempt: int) -> str:
    """What nobody but this attempt says."""
    return f"{id}/{attempt}/{secrets.token_hex(4)}"


def says_it(token: str, id: str) -> int | None:
    """Which attempt of this task said it; None: none."""
    owner, _, rest = token.partition("/")
    number = rest.partition("/")[0]
    return int(number) if owner == id and number.isdigit() else None


def decode(text: bytes) -> Line:
    return _DECODER.decode(text)


_DECODER = msgspec.json.Decoder(Line)
