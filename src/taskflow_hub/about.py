"""Whose work goes on, for the lines of the service's log.

Requests and attempts are many and lines are few, so nothing is gathered in advance: one variable says whom to ask, and only
what writes a line asks.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final, NamedTuple


class About(NamedTuple):
    """`ids` go into the line; `hide` takes out of its texts what this work must not tell."""

    ids: Mapping[str, Any]
    hide: Callable[[str], str] = str


ABOUT: Final[ContextVar[Callable[[], About] | None]] = ContextVar("taskflow_about", default=None)


def trace_id(traceparent: str | None) -> str | None:
    """The second field of a W3C `traceparent` that is well-formed."""
    fields = traceparent.split("-") if traceparent else []
    return fields[1] if len(fields) >= 4 and len(fields[1]) == 32 else None
