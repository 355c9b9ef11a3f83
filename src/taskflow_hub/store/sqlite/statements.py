"""The SQL files, loaded once. One file per verb, named as in store/postgres; what is needed here alone stands in `only`.
The comment at a file's top says why it is as it is.

Two things are done to a file before SQLite sees it:
- `/*items*/ (?, ?)` stands for one item; `sized(n)` repeats it, so that a batch is one statement. Sizes are powers of two, so
  that few texts exist and the driver's statement cache keeps them; what is too much is filled with rows of nulls, which match
  nothing.
- `/*task*/` is replaced by parts/task.sql, and so on for every file in parts: expressions that make one JSON array of a row.

Why one statement per batch and one row per answer: the driver lets go of the interpreter lock around each step, and getting it
back from a busy event loop can take milliseconds. Many rows come back as one JSON document, decoded in one go.
"""

import math
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

_ITEMS: Final = re.compile(r"/\*items\*/\s*(\([?, ]+\))")
_SPACE: Final = re.compile(r"\s+")
_COMMENT: Final = re.compile(r"--[^\n]*")
_FOLDER: Final = files(__package__) / "sql"
_PARTS: Final = [entry.name.removesuffix(".sql") for entry in (_FOLDER / "parts").iterdir()]
_PART: Final = re.compile(rf"/\*({'|'.join(_PARTS)})\*/")
LARGEST: Final = 512  # items in one statement
NULL: Final = math.nan  # SQLite takes it for NULL; the driver binds a float five times as fast as a None

Values = Sequence[Any]


class Statement:
    """One SQL text; with items, a family of texts of different sizes."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        match = _ITEMS.search(text)
        self._row = match.group(1) if match else ""
        self._around = (text[: match.start()], text[match.end() :]) if match else (text, "")
        self._sized: dict[int, str] = {}
        self.nothing = (NULL,) * self._row.count("?")

    def sized(self, count: int) -> str:
        text = self._sized.get(count)
        if text is None:
            before, after = self._around
            text = self._sized[count] = f"{before} {', '.join([self._row] * count)}{after}"
        return text

    def __repr__(self) -> str:
        return f"Statement({self.name!r})"


def size_for(count: int) -> int:
    """The smallest size that holds so many items."""
    return 1 << (count - 1).bit_length()


@cache
def statement(name: str) -> Statement:
    return Statement(name, _read(name))


def _read(name: str) -> str:
    raw = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    text = _SPACE.sub(" ", _COMMENT.sub("", raw)).strip().rstrip(";")
    return _PART.sub(lambda found: _read(f"parts/{found.group(1)}"), text)


SQL_NAMES: Final = frozenset(
    folder + entry.name.removesuffix(".sql")
    for folder in ("", "only/")
    for entry in (_FOLDER / folder).iterdir()
    if entry.name.endswith(".sql")
)
