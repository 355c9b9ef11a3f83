"""A body that is not read to its end: its client is answered, and the connection ends with the answer, so that neither waits
for the rest. How a connection does that is its own business (protocol.py)."""

from collections.abc import Callable
from typing import Final

from starlette.types import Scope

from taskflow_hub.http.envelope import Headers, headers_of
from taskflow_hub.http.problems import Problem

REFUSE, CALL = (
    "taskflow.refuse",
    "call",
)  # where it is in a scope: among its extensions, each of which is a dict
_UNREAD: Final = "taskflow.unread"

Refuse = Callable[
    [Problem, Headers], bool
]  # False: the body has come meanwhile, so the answer is as any other


def leave_unread(scope: Scope) -> None:
    scope[_UNREAD] = True


def is_unread(scope: Scope) -> bool:
    return _UNREAD in scope


def refused(scope: Scope, problem: Problem) -> bool:
    """Whether the connection has answered, and is about to end."""
    refuse: Refuse | None = scope.get("extensions", {}).get(REFUSE, {}).get(CALL)
    return refuse is not None and refuse(problem, headers_of(scope))
