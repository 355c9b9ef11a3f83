"""The handlers a worker has, by task type."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypedDict, TypeVar, Unpack

import msgspec

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.domain.model import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_QUEUE,
    DEFAULT_TIMEOUT_S,
    OnLost,
    TaskType,
)
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.schedule_spec import ScheduleSpec
from taskflow_hub.domain.submission import MAX_LIMIT_KEY, MAX_TIMEOUT_S, QUEUE_PATTERN, TYPE_PATTERN, Limit
from taskflow_hub.domain.type_limits import check_stated
from taskflow_hub.domain.workflow import WorkflowSubmission
from taskflow_hub.worker import schedules
from taskflow_hub.worker.handler import Handler
from taskflow_hub.worker.schedules import ScheduleOptions

F = TypeVar("F", bound=Callable[..., Any])


class HandlerOptions(TypedDict, total=False):
    """As `Registry.add` explains them."""

    queue: str
    cpu: bool
    max_retries: int | None
    retry: RetryPolicy
    timeout: float | None
    on_lost: OnLost | str
    limits: Iterable[Limit]
    description: str | None


class Registry:
    def __init__(self, application: str | None = None) -> None:
        self.application = application  # what the program calls itself
        self._handlers: dict[str, Handler] = {}
        self._schedules: list[ScheduleSpec] = []

    def add(
        self,
        name: str,
        handler: Callable[..., Any],
        *,
        queue: str = DEFAULT_QUEUE,
        cpu: bool = False,
        max_retries: int | None = DEFAULT_MAX_RETRIES,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 (frozen)
        timeout: float | None = DEFAULT_TIMEOUT_S,
        on_lost: OnLost | str = OnLost.RETRY,
        limits: Iterable[Limit] = (),
        description: str | None = None,
    ) -> Handler:
        """Bind a function to a task type. `async def` runs on the event loop, `def` in a thread, with `cpu` in a child process.

        `queue` is the type's home queue; `timeout` is seconds per attempt (None: no limit); `max_retries` None: without
        end; `on_lost` says what happens to an attempt whose worker died: "retry", or "fail" for people who move money.
        `limits` hold for every task of the type, beside its own; `{name}` in a key is that field of the payload.
        `description` defaults to the first line of the docstring. Raises Misconfigured for a bad name, option or signature,
        and for a name that is taken.
        """
        if not _fits(TYPE_PATTERN, name):
            raise Misconfigured(
                f"task type {name!r}: a name has 1 to 100 characters of a-z, 0-9, '_', '.' and '-'"
            )
        if name in self._handlers:
            raise Misconfigured(
                f"task type {name!r}: it already has a handler, {_place(self._handlers[name].function)}"
            )
        if not _fits(QUEUE_PATTERN, queue):
            raise Misconfigured(
                f"task type {name!r}: queue {queue!r}: a name has 1 to 64 characters of a-z, 0-9, '_' and '-'"
            )
        declared = TaskType(
            type=name,
            queue=queue,
            description=_first_line(handler) if description is None else description,
            max_retries=_max_retries(name, max_retries),
            retry=_policy(name, retry),
            timeout=_timeout(name, timeout),
            on_lost=_on_lost(name, on_lost),
            limits=_limits(name, limits),
        )
        added = self._handlers[name] = Handler(handler, declared, cpu=cpu)
        return added

    def task(self, name: str, **options: Unpack[HandlerOptions]) -> Callable[[F], F]:
        """`add` as a decorator; the function stays as it is."""

        def register(function: F) -> F:
            self.add(name, function, **options)
            return function

        return register

    def schedule(
        self, what: str | WorkflowSubmission, cron: str | None = None, /, **options: Unpack[ScheduleOptions]
    ) -> None:
        """Have a task of a type that has a handler here, or a workflow, submitted by the clock. Raises Misconfigured."""
        if isinstance(what, str) and what not in self._handlers:
            raise Misconfigured(
                f"task type {what!r} has no handler here that a schedule could be declared for"
            )
        self._schedules.append(schedules.declared(what, cron, options))

    def include(self, other: "Registry") -> None:
        """Take over every handler of another registry, with their schedules. Raises Misconfigured when a name is taken, and
        changes nothing."""
        for name, handler in other._handlers.items():
            if (mine := self._handlers.get(name, handler)) is not handler:
                raise Misconfigured(f"task type {name!r}: it already has a handler, {_place(mine.function)}")
        self.application = self.application or other.application
        self._handlers |= other._handlers
        self._schedules += [spec for spec in other._schedules if spec not in self._schedules]

    def get(self, name: str) -> Handler | None:
        return self._handlers.get(name)

    def types(self) -> tuple[TaskType, ...]:
        """What a worker declares when it registers, by name. Raises Misconfigured for a handler that cannot be described."""
        for handler in self:
            handler.check()
        return tuple(sorted((handler.task_type for handler in self), key=lambda declared: declared.type))

    def schedules(self) -> tuple[ScheduleSpec, ...]:
        """What a worker declares when it registers, each with its name. Raises Misconfigured for one that cannot be."""
        found = schedules.named(self._schedules)
        for spec in found:
            schedules.check_work(spec, self._handlers)
        return found

    def __iter__(self) -> Iterator[Handler]:
        return iter(tuple(self._handlers.values()))

    def __len__(self) -> int:
        return len(self._handlers)

    def __contains__(self, name: object) -> bool:
        return name in self._handlers


def _fits(pattern: str, name: object) -> bool:
    return isinstance(name, str) and re.match(pattern, name) is not None


def _max_retries(name: str, value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100):
        return value
    raise Misconfigured(
        f"task type {name!r}: max_retries must be 0 to 100, or None for no end, not {value!r}"
    )


def _timeout(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_TIMEOUT_S:
        return float(value)
    raise Misconfigured(
        f"task type {name!r}: timeout must be seconds above 0, at most 30 days, or None for no limit, not {value!r}"
    )


def _policy(name: str, value: RetryPolicy) -> RetryPolicy:
    try:
        return msgspec.convert(msgspec.to_builtins(value), RetryPolicy)
    except (msgspec.ValidationError, TypeError) as error:
        raise Misconfigured(f"task type {name!r}: retry: {error}") from error


def _on_lost(name: str, value: OnLost | str) -> OnLost:
    try:
        return OnLost(value)
    except ValueError as error:
        raise Misconfigured(
            f"task type {name!r}: on_lost must be 'retry' or 'fail', not {value!r}"
        ) from error


def _limits(name: str, value: Iterable[Limit]) -> tuple[Limit, ...]:
    try:
        limits = msgspec.convert([msgspec.to_builtins(limit) for limit in value], tuple[Limit, ...])
    except (msgspec.ValidationError, TypeError) as error:
        raise Misconfigured(
            f"task type {name!r}: limits must be a list of Limit: {error}; a key has 1 to {MAX_LIMIT_KEY} visible ASCII "
            "characters"
        ) from error
    check_stated(name, limits)
    return limits


def _first_line(function: Callable[..., Any]) -> str:
    doc = inspect.getdoc(getattr(function, "func", function)) if not inspect.isclass(function) else None
    return (doc or "").strip().split("\n", 1)[0]


def _place(function: Callable[..., Any]) -> str:
    function = getattr(function, "func", function)
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', function)}"
