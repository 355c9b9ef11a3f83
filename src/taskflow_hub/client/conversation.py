"""How every request is made: encoded, sent, tried again while that is safe, and its answer decoded."""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from taskflow_hub.client.plan import Broken, Plan, Request, Response, Send, Sleep
from taskflow_hub.client.problems import error_of, may_pass
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Invalid, RateLimited, TaskflowError, Unavailable

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = (
    10.0  # a hub that asks for more is not waited for: the caller gets the error, with retry_after_s
)

_made: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}
_making: Final = threading.Lock()

T = TypeVar("T")
Param: TypeAlias = str | int | float | datetime | Sequence[str] | None


class Manner(Struct, frozen=True):
    """How patient a client is. Chance, time and keys are passed in, so a test owns them."""

    retries: int = 5  # how often a request that can be repeated safely is sent again
    read_timeout_s: float = 30.0
    chance: Callable[[], float] = random.random
    monotonic: Callable[[], float] = time.monotonic
    new_key: Callable[[], str] = new_id


class Conversation:
    """Plans for single requests. `server` is only for messages: paths are relative to it."""

    def __init__(self, server: str, manner: Manner) -> None:
        self.server, self.manner = server, manner

    def ask(
        self,
        kind: type[T],
        method: str,
        path: str,
        *,
        params: Mapping[str, Param] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        repeatable: bool = True,
        held_s: float = 0.0,
    ) -> Plan[T]:
        """Send a request and decode its answer as `kind`.

        `repeatable`: a second arrival does no harm, so it is sent again when the connection breaks with the answer
        outstanding. A request that never arrived, or was answered "unavailable, nothing was changed", is always sent again.
        `held_s`: how long the hub may hold its answer back, beyond the time any answer may take.
        """
        request = Request(
            method=method,
            path=path,
            params=query(params or {}),
            headers=headers or {},
            body=None if body is None else msgspec.json.encode(body),
            held=held_s > 0,
            read_timeout_s=self.manner.read_timeout_s + held_s if held_s > 0 else None,
        )
        response = yield from self.send(request, repeatable=repeatable)
        return self.decode(response.body, kind)

    def send(self, request: Request, *, repeatable: bool) -> Plan[Response]:
        """The answer, if it is a good one. Raises what the hub says is wrong, or Unavailable."""
        for tried in itertools.count():
            try:
                response: Response = yield Send(request)
            except Broken as broken:
                error: TaskflowError = self.unreachable(broken)
                again = repeatable or not broken.sent
            else:
                if response.status < 400:
                    return response
                error = error_of(response, self.server)
                again = isinstance(error, RateLimited) or (  # which is said before anything is done
                    isinstance(error, Unavailable) and may_pass(response, repeatable=repeatable)
                )
            pause_s = self.pause_s(tried, error.retry_after_s)
            if not again or tried >= self.manner.retries or pause_s > LONGEST_PAUSE_S:
                raise error
            yield Sleep(pause_s)
        raise AssertionError("unreachable")

    def pause_s(self, tried: int, asked_s: float | None = None) -> float:
        """Exponential with full jitter; on top of what the hub asked for, so that its callers do not come back at once."""
        jittered = self.manner.chance() * min(FIRST_PAUSE_S * 2.0 ** min(tried, 20), LONGEST_PAUSE_S / 2)
        return (asked_s or 0.0) + jittered

    def unreachable(self, broken: Broken) -> Unavailable:
        if broken.sent:
            return Unavailable(f"The hub at {self.server} did not answer: {broken.detail}.")
        return Unavailable(
            f"There is no hub at {self.server}: {broken.detail}. Is it running? Start one with: taskflow up"
        )

    def decode(self, body: bytes, kind: type[T]) -> T:
        """Raises Unavailable for what no hub we know would say."""
        try:
            return decoder_of(kind).decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(
                f"{self.server} sent an answer this client cannot read ({error}). Is it a hub, and of a fitting version?"
            ) from None


def decoder_of(kind: type[T]) -> msgspec.json.Decoder[T]:
    """One at a time: threads that meet a class for the first time at once crash msgspec, and with it the process."""
    with _making:
        if kind not in _made:
            _made[kind] = msgspec.json.Decoder(kind)
        return _made[kind]


def query(params: Mapping[str, Param]) -> tuple[tuple[str, str], ...]:
    """Without what was not given; a sequence gives its name several times."""
    return tuple((name, text) for name, value in params.items() for text in _texts(name, value))


def segment(value: str) -> str:
    """One step of a path, whatever it contains; "." and ".." do not climb."""
    if not value:
        raise Invalid("An empty id or name finds nothing.")
    quoted = quote(value, safe="")
    return quoted.replace(".", "%2E") if not quoted.strip(".") else quoted


def aware(name: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{name} needs a time zone: {moment.isoformat()} could be anywhere")
    return moment


def _texts(name: str, value: Param) -> Iterator[str]:
    match value:
        case None:
            return
        case datetime():
            yield aware(name, value).isoformat()
        case str() | int() | float():
            yield str(value)
        case _:
            yield from value
