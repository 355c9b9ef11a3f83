"""What the client does next, as values: the conversation with the hub without any I/O.

A plan is a generator. It yields steps, a transport performs each and sends back what came of it; a connection that fails
is thrown into the plan as `Broken`. So retries, paging, waiting and following are written once, for the synchronous and the
asynchronous client alike, and tested without a network. The idea is h11's: https://sans-io.readthedocs.io.
"""

from collections.abc import Generator, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Request(Struct, frozen=True, kw_only=True):
    """`path` is relative to the server and already quoted."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    read_timeout_s: float | None = None  # None: the client's own
    held: bool = False  # the hub may hold its answer back for long

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.method} {self.path})"  # what it carries may be a password


class Response(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes  # empty for an opened stream


class Send(Struct, frozen=True):
    """Answered with the whole Response."""

    request: Request


class Open(Struct, frozen=True):
    """Begin to read an endless answer; closes the one that was open.

    Answered with the Response (of an error its whole body), or None when too many streams are open already.
    """

    request: Request


class Read(Struct, frozen=True):
    """Answered with the next bytes of the open stream, empty when it has ended."""


class Close(Struct, frozen=True):
    """The open stream is not needed any more. The end of a plan closes it too."""


class Sleep(Struct, frozen=True):
    seconds: float


class Emit(Struct, Generic[T], frozen=True):
    """An item for whoever iterates."""

    item: T


class Broken(Exception):
    """The connection failed. `sent` False: the hub cannot have seen the request."""

    def __init__(self, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.detail, self.sent = detail, sent


Step: TypeAlias = Send | Open | Read | Close | Sleep
Plan: TypeAlias = Generator[Step, Any, T]  # ends with a value
Flow: TypeAlias = Generator[Step | Emit[T], Any, None]  # emits items on its way


def last(flow: Flow[T]) -> Plan[T | None]:
    """A plan that answers the last item `flow` emits."""
    item: T | None = None
    answer: Any = None
    error: Broken | None = None
    try:
        while True:
            step = flow.throw(error) if error else flow.send(answer)
            answer, error = None, None
            if isinstance(step, Emit):
                item = step.item
                continue
            try:
                answer = yield step
            except Broken as broken:
                error = broken
    except StopIteration:
        return item
    finally:
        flow.close()
