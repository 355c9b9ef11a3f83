"""What type checkers know of `@hub.task(…)`: one overload per shape of handler. At run time there is only BoundHandler."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, Unpack, overload

from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit, Unique
from taskflow_hub.hub.bound import BoundHandler, Connection, SubmitOptions
from taskflow_hub.hub.handle import TaskHandle
from taskflow_hub.hub.nodes import FanOut, Node
from taskflow_hub.worker.context import Context

P = ParamSpec("P")
R = TypeVar("R")
A_contra = TypeVar("A_contra", contravariant=True)
A1 = TypeVar("A1")
A2 = TypeVar("A2")
A3 = TypeVar("A3")
A4 = TypeVar("A4")

_After1 = Callable[[A1, Context], R]
_After2 = Callable[[A1, A2, Context], R]
_After3 = Callable[[A1, A2, A3, Context], R]
_After4 = Callable[[A1, A2, A3, A4, Context], R]


class LooseHandler(Protocol[A_contra, R]):
    """A handler that takes its Context after other parameters.

    `A` is the union of those parameters' types: types cannot be told apart by name here, nor names checked. A Context in
    first place has neither limit.
    """

    @property
    def type(self) -> str: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    async def submit(
        self,
        *args: A_contra,
        queue: str = ...,
        priority: int = ...,
        delay: float = ...,
        run_at: datetime = ...,
        max_retries: int | None = ...,
        retry: RetryPolicy = ...,
        timeout: float | None = ...,
        expires_at: datetime = ...,
        tags: Iterable[str] = ...,
        unique: Unique = ...,
        limits: Iterable[Limit] = ...,
        idempotency_key: str = ...,
        connection: Connection = ...,
        **kwargs: A_contra,
    ) -> TaskHandle[R]: ...

    def node(self, *args: A_contra, **kwargs: A_contra) -> Node[R]: ...

    def map(self, items: Iterable[Any], /, *, limit: int | None = ..., **arguments: Any) -> FanOut[R]: ...

    async def submit_many(self, payloads: Iterable[Mapping[str, Any]]) -> list[TaskHandle[R]]: ...

    def options(self, **options: Unpack[SubmitOptions]) -> "LooseHandler[A_contra, R]": ...


class TaskDecorator(Protocol):
    """`async def` and `def` handlers; Context first, later (after up to four parameters), or not at all.

    The first overload that fits wins, so the order matters: a checker that sees two of them fit is right, and ignored.
    """

    @overload
    def __call__(self, handler: Callable[Concatenate[Context, P], Awaitable[R]], /) -> BoundHandler[P, R]: ...
    @overload
    def __call__(self, handler: Callable[Concatenate[Context, P], R], /) -> BoundHandler[P, R]: ...
    @overload
    def __call__(self, handler: _After1[A1, Awaitable[R]], /) -> LooseHandler[A1, R]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, handler: _After2[A1, A2, Awaitable[R]], /) -> LooseHandler[A1 | A2, R]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, handler: _After3[A1, A2, A3, Awaitable[R]], /) -> LooseHandler[A1 | A2 | A3, R]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, handler: _After4[A1, A2, A3, A4, Awaitable[R]], /
    ) -> LooseHandler[A1 | A2 | A3 | A4, R]: ...
    @overload
    def __call__(self, handler: _After1[A1, R], /) -> LooseHandler[A1, R]: ...
    @overload
    def __call__(self, handler: _After2[A1, A2, R], /) -> LooseHandler[A1 | A2, R]: ...
    @overload
    def __call__(self, handler: _After3[A1, A2, A3, R], /) -> LooseHandler[A1 | A2 | A3, R]: ...
    @overload
    def __call__(self, handler: _After4[A1, A2, A3, A4, R], /) -> LooseHandler[A1 | A2 | A3 | A4, R]: ...
    @overload
    def __call__(self, handler: Callable[P, Awaitable[R]], /) -> BoundHandler[P, R]: ...
    @overload
    def __call__(self, handler: Callable[P, R], /) -> BoundHandler[P, R]: ...
