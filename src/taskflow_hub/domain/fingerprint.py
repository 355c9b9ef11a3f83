"""Which failures are the same: a short name of what went wrong, the same wherever and whenever it does.

Two failures have one fingerprint if their tasks have one type and, where the handler raised, the exception is of one class and
came the same way through the same functions. Nothing counts that differs from release to release or from machine to machine:
lines, folders, and how often a function called itself. Without a traceback the message says it, but for what looks like a
number or an id; and where it was not the handler that failed, the reason alone does.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from itertools import groupby
from typing import Final

from taskflow_hub.domain.model import Reason, TaskError

LENGTH: Final = 16  # hex digits
PATTERN: Final = "^[0-9a-f]{16}$"
FRAMES: Final = 30  # the innermost; what called them says little
WORDS: Final = 400  # characters of a message; and lines of a traceback that is not Python's
LINES: Final = 60

_FRAME: Final = re.compile(r'^[ |+-]*File "([^"\n]+)", line \d+(?:, in ([^\n]+))?', re.MULTILINE)
# Where a path begins that is the same on every machine: in a library, the standard one, or the hub.
_LIBRARY: Final = re.compile(
    r"^.*/(?:(?:site-packages|dist-packages|lib(?:64)?/python[\d.]+|Lib)/|(?=taskflow_hub/))"
)
_FROZEN: Final = re.compile(r"^<frozen ")
_NAMELESS: Final = frozenset({"__init__.py", "__main__.py"})
# Since Python 3.12 these are no functions of their own.
_COMPREHENSIONS: Final = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})
# A number, a time, hex, a UUID, a name that is counted. Looked for where a word begins, and never twice in what has no digit:
# texts of a megabyte come from outside.
_ID: Final = re.compile(r"(?<![\w-])(?:[^\W\d]|-)*+\d(?:[\w.:+-]*\w)?")
_FOLDERS: Final = re.compile(r"(?:[A-Za-z]:)?[/\\](?:[^\s/\\:\"']+[/\\])+")


class _Frame:
    """One step of a traceback: a file as it is called everywhere, and a function in it."""

    __slots__ = ("name", "theirs")

    def __init__(self, path: str, function: str) -> None:
        path = path.replace("\\", "/")
        inside = _LIBRARY.sub("", path)
        self.theirs = inside == path and not _FROZEN.match(path)
        if self.theirs:
            folder, _, file = path.rpartition("/")
            inside = f"{folder.rpartition('/')[2]}/{file}" if file in _NAMELESS else file
        self.name = f"{_ID.sub('#', inside) if path.startswith('<') else inside} in {function}"


def signature(reason: Reason, error: TaskError | None) -> str:
    """What a failure is, whatever the type of its task."""
    return _hashed("\n".join([reason, *_said(reason, error)]))


def fingerprint(type: str, signature: str) -> str:
    """The same for all failures that are one. (Stores compute it, too, for they know the type: store/postgres/sql/parts.)"""
    return _hashed(f"{type} {signature}")


def where(error: TaskError | None) -> str | None:
    """The innermost function of the user's own code, `file.py in function`; of any code, if none of it is the user's."""
    frames = _frames(error.traceback) if error is not None and error.traceback else []
    return next(
        (frame.name for frame in reversed(frames) if frame.theirs), frames[-1].name if frames else None
    )


def _said(reason: Reason, error: TaskError | None) -> Iterator[str]:
    if reason is not Reason.HANDLER or error is None:
        return
    yield error.type
    if not error.traceback:
        yield _without_ids(error.message)[:WORDS]
        return
    frames = _frames(error.traceback)
    if not frames:  # of another language
        yield from (_without_ids(line) for line in error.traceback.splitlines()[:LINES])
        return
    # Libraries change inside, and are entered at many places: if it came through the user's code, that tells it.
    told = [frame.name for frame in frames if frame.theirs] or [frame.name for frame in frames]
    yield from [name for name, _ in groupby(told)][-FRAMES:]


def _frames(traceback: str) -> list[_Frame]:
    return [
        _Frame(path, function or "?")
        for path, function in _FRAME.findall(traceback)
        if function not in _COMPREHENSIONS
    ]


def _without_ids(text: str) -> str:
    return " ".join(_ID.sub("#", _FOLDERS.sub("", text)).split())


def _hashed(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]
