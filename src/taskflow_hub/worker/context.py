"""What a handler may know of its attempt, and say while it runs."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, Unpack

import msgspec
from msgspec import Raw

from taskflow_hub import tracing
from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.messages import Asleep, Assignment, CallOfAttempt, Reply, Submit, Submitted
from taskflow_hub.domain.options import TaskOptions
from taskflow_hub.domain.submission import NO_PARAMETERS, Submission
from taskflow_hub.worker.durable import Durable
from taskflow_hub.worker.encoding import NotEncodable, plain
from taskflow_hub.worker.hidden import NOTHING_HIDDEN, Hidden

if TYPE_CHECKING:  # a child process has no need of it
    from taskflow_hub.net import GuardedClient

MAX_FIELDS: Final = 8_192  # bytes of a line's fields
# Made here: threads that meet a class for the first time at once crash msgspec.
_read_back: Final = msgspec.json.Decoder(Submission).decode


class HasType(Protocol):
    """A task object or a handler: anything that names its task type."""

    @property
    def type(self) -> str: ...


class Sink(Protocol):
    """Where a context's words go: to the worker's loop, or over the pipe of a child process. Safe from any thread."""

    @property
    def stopping(self) -> bool: ...

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None: ...

    def progress(self, fraction: float, message: str) -> None: ...

    rests: list[Asleep]  # what the attempt is suspended for; empty: it is not

    async def ask(self, call: CallOfAttempt) -> Reply:
        """The engine's answer, however long it takes; whose call it is is filled in. Raises the error it is refused with."""
        ...

    def ask_sync(self, call: CallOfAttempt) -> Reply:
        """`ask`, blocking the thread."""
        ...

    def may_block(self) -> None:
        """Raises RuntimeError on the event loop, which must not be blocked."""
        ...


class AttemptStopped(BaseException):
    """Raised inside a `def` handler whose attempt was cancelled, ran over its time, or is handed back at shutdown.

    Not an Exception, so that `except Exception` lets it through. It strikes between two steps of Python code, never inside
    a blocking call; a handler that waits long should look at `ctx.cancelled`.
    """


class Log:
    """Lines of the task's own log. At most 1 000 are kept per attempt, 4 096 characters each; `fields` are kept as JSON."""

    __slots__ = ("_sink",)

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def debug(self, message: str, /, **fields: Any) -> None:
        self._sink.log("debug", message, fields)

    def info(self, message: str, /, **fields: Any) -> None:
        self._sink.log("info", message, fields)

    def warning(self, message: str, /, **fields: Any) -> None:
        self._sink.log("warning", message, fields)

    def error(self, message: str, /, **fields: Any) -> None:
        self._sink.log("error", message, fields)


class Context(Durable):
    """The same in async handlers, threads and child processes; every method may be called from any thread of the handler."""

    __slots__ = ("_http", "log")

    def __init__(self, task: Assignment, sink: Sink, http: "GuardedClient | None" = None) -> None:
        super().__init__(task, sink)
        self.log = Log(sink)
        self._http = http

    @property
    def http(self) -> "GuardedClient":
        """The worker's client for URLs that users give: it reaches what `TASKFLOW_NET_*` allows, and nothing else.

        Shared by all handlers of the worker; its connections are kept. Raises RuntimeError in a child process, which has
        nothing to share.
        """
        if self._http is None:
            raise RuntimeError("ctx.http is not there in a child process; make a GuardedClient of your own")
        return self._http

    @property
    def attempt(self) -> int:
        """Which try this is, from 1."""
        return self.task.attempt

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this task, and for no other task: give it to whatever must not act twice."""
        return self.task.id

    @property
    def cancelled(self) -> bool:
        """The attempt has been asked to stop: cancelled, out of time, lease lost, or the worker shuts down.

        Always False in a child process, which is killed instead.
        """
        return self._sink.stopping

    def progress(self, fraction: float, message: str = "") -> None:
        """How far the work is, 0 to 1 (anything beyond is taken as the nearest of the two).

        The last call wins; at most one a second is stored, and the last before the end, so calling often is cheap.
        """
        if math.isnan(fraction):
            raise ValueError("progress must be a number from 0 to 1")
        self._sink.progress(float(min(max(fraction, 0.0), 1.0)), message)

    async def submit(
        self, task: str | HasType, payload: object = None, **options: Unpack[TaskOptions]
    ) -> str:
        """Submit another task and return its id, once it is committed.

        The n-th submit of an attempt is one with the n-th submit of every other attempt of the same task: a retry gets the
        task that was made first. While the hub cannot be reached this waits and tries again, as long as the attempt lives.
        Raises the hub's own errors (Invalid, QueueFull, QuotaExceeded …), and LeaseLost when this attempt no longer owns its
        task.
        """
        return _id_of(await self._sink.ask(self._submit(_submission(task, payload, options))))

    def submit_sync(self, task: str | HasType, payload: object = None, **options: Unpack[TaskOptions]) -> str:
        """`submit` for `def` handlers: blocks its thread until the task is committed."""
        return _id_of(self._sink.ask_sync(self._submit(_submission(task, payload, options))))

    def _submit(self, wanted: Submission) -> Submit:
        """The sink numbers it."""
        return Submit(
            worker="",
            id=self.task.id,
            attempt=self.task.attempt,
            call=0,
            task=wanted,
            traceparent=tracing.carried(),
        )


def _id_of(reply: Reply) -> str:
    if isinstance(reply, Submitted):
        return reply.id
    raise TaskflowError(f"the engine answered with {type(reply).__name__}")


def _submission(task: str | HasType, payload: object, options: TaskOptions) -> Submission:
    """Raises Invalid, naming the field, for what the engine would not understand."""
    given: dict[str, Any] = {**options}
    tags = options.get("tags", ())
    given["tags"] = (tags,) if isinstance(tags, str) else tuple(tags)
    given["limits"] = tuple(options.get("limits", ()))
    wanted = Submission(type=task if isinstance(task, str) else task.type, payload=_json(payload), **given)
    try:
        return _read_back(msgspec.json.encode(wanted))
    except msgspec.ValidationError as error:
        raise jsontext.from_validation(error) from None


def _json(payload: object) -> Raw:
    """Raises TypeError for what is not an object in JSON, Invalid for a number or a text that JSON does not have."""
    if payload is None:
        return NO_PARAMETERS
    try:
        fields = plain(payload)
    except NotEncodable as error:
        raise TypeError(f"the payload has no JSON form: {error}") from error
    if not isinstance(fields, dict):
        raise TypeError(f"a payload has named fields, as a dict has; not {type(payload).__name__}")
    return jsontext.encode(fields, "/payload")


def plain_fields(fields: Mapping[str, Any], secrets: Hidden = NOTHING_HIDDEN) -> dict[str, Any]:
    """A log line's fields as plain JSON values, without `secrets`; what has no JSON form becomes its `str`. Never raises."""
    if not fields:
        return {}
    try:
        data = msgspec.json.encode(fields, enc_hook=str)
        if len(data) > MAX_FIELDS:
            return {"dropped": f"{len(data)} bytes of fields"}
        plain: dict[str, Any] = msgspec.json.decode(data)
    except Exception as error:  # a value's own code may run here
        return {"dropped": secrets.text(f"{type(error).__name__}: {error}")[:200]}
    return secrets.value(plain)
