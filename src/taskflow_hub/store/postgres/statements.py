"""The SQL files, loaded once. One file per verb, named as in store/sqlite; what is needed here alone stands in `only`.
The comment at a file's top says why it is as it is.

`/*task*/` is replaced by parts/task.sql, and so on for every file in parts: lists of columns that several statements share.
Every statement that needs the time takes `now` as its first parameter, null for the database's own clock.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final

_PART: Final = re.compile(r"/\*(\w+)\*/")
_COMMENT: Final = re.compile(r"--[^\n]*")
_SPACE: Final = re.compile(r"\s+")
_FOLDER: Final = files(__package__) / "sql"


@cache
def statement(name: str) -> str:
    """The text of sql/`name`.sql, on one line."""
    raw = (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    text = _SPACE.sub(" ", _COMMENT.sub("", raw)).strip().rstrip(";")
    return _PART.sub(lambda found: statement(f"parts/{found.group(1)}"), text)


SQL_NAMES: Final = frozenset(
    folder + entry.name.removesuffix(".sql")
    for folder in ("", "only/")
    for entry in (_FOLDER / folder).iterdir()
    if entry.name.endswith(".sql")
)
