"""What `@hub.task` makes of a function: still callable, and able to submit itself with the signature checked.

A type checker sees the function's own parameters (ParamSpec, PEP 612). Submit's options (`delay=60`) stand beside them; with
an option given, only the option is checked, so use `welcome.options(delay=60).submit(user_id=42)` where both matter.
A `Context` in first place is left out of the signature exactly (Concatenate); in a later place a checker cannot subtract it,
so then the arguments are checked against the union of the parameters' types.
"""

import copy
import inspect
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, ParamSpec, Protocol, TypeVar, Unpack, overload

from msgspec import Raw

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.options import TaskOptions
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit, Unique
from taskflow_hub.hub.expressions import ITEM, Tree, escaped, has_references, tree_of
from taskflow_hub.hub.handle import TaskHandle
from taskflow_hub.hub.nodes import FanOut, Node
from taskflow_hub.worker.handler import Handler

P = ParamSpec("P")
R = TypeVar("R")


# An asyncpg, psycopg or sqlite3 connection to the hub's database, or a connection or session of SQLAlchemy, asynchronous or
# not, with a transaction of yours. The task is there when that commits, and never was when it is rolled back; the handle knows
# its id at once. Drivers are told apart at run time, so that none of them need be installed.
Connection = Any


class SubmitOptions(TaskOptions, total=False):
    """How a task is submitted; whatever is left out takes the task type's default.

    `delay` and `timeout` are seconds; `run_at` and `expires_at` aware datetimes; None for `max_retries` retries without end,
    for `timeout` runs without limit. `idempotency_key`: a repeat within 24 h answers with the first task. `connection`: submit
    in the transaction that is open there, see `Connection`.
    """

    idempotency_key: str
    connection: Connection


OPTIONS: Final = frozenset(SubmitOptions.__annotations__)


class Submitter(Protocol):
    async def submit_one(self, type: str, payload: Raw, options: SubmitOptions) -> TaskHandle[Any]: ...

    async def submit_batch(
        self, type: str, payloads: Sequence[Raw], options: SubmitOptions
    ) -> list[TaskHandle[Any]]: ...


class BoundHandler(Generic[P, R]):
    """A task type with its handler, bound to the hub that it is submitted to."""

    def __init__(self, hub: Submitter, registered: Handler) -> None:
        handler = registered.function
        self.type, self.handler = registered.type, handler
        self._hub, self._registered = hub, registered
        self._options: SubmitOptions = {}
        self.__doc__ = handler.__doc__
        self.__name__: str = getattr(handler, "__name__", registered.type)
        self.__module__ = handler.__module__
        self.__wrapped__ = handler

    @cached_property
    def _signature(self) -> inspect.Signature:
        """The handler's parameters but its Context. Found at the first submit, when every annotation can be resolved."""
        signature = inspect.signature(self.handler)
        context = self._registered.context_name
        return signature.replace(
            parameters=[one for name, one in signature.parameters.items() if name != context]
        )

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._signature.parameters)

    def payload(self, *args: Any, **kwargs: Any) -> Raw:
        """The arguments as a payload; defaults are left to the worker.

        Raises TypeError where the call itself would, and Invalid naming each argument that does not fit its annotation.
        """
        # Most calls name each parameter: then there is nothing to bind.
        if args or kwargs.keys() != self._names:
            try:
                kwargs = self._signature.bind(*args, **kwargs).arguments
            except TypeError as error:
                raise TypeError(f"{self.type}: {error}") from None
        try:
            return self._registered.write_payload(kwargs)
        except Invalid as error:
            raise error.below("/payload") from None

    def __repr__(self) -> str:
        return f"<task type {self.type!r}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, here and now, with no task: for unit tests."""
        return self.handler(*args, **kwargs)

    @overload
    async def submit(self, *args: P.args, **kwargs: P.kwargs) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, delay: float, **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, run_at: datetime, **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, queue: str, **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, priority: int, **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, max_retries: int | None, **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, retry: RetryPolicy, **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, timeout: float | None, **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, expires_at: datetime, **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, tags: Iterable[str], **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, unique: Unique, **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, limits: Iterable[Limit], **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, idempotency_key: str, **kwargs: Any) -> TaskHandle[R]: ...
    @overload
    async def submit(self, *args: Any, connection: Connection, **kwargs: Any) -> TaskHandle[R]: ...
    async def submit(self, *args: Any, **kwargs: Any) -> TaskHandle[R]:
        """Commit one task of this type. Returns when it is as durable as the database makes it; with a `connection`, it is part
        of the transaction there, and that decides.

        Raises Invalid naming the field, QueueFull, QuotaExceeded, UniqueConflict, StoreUnavailable; then nothing was stored.
        """
        # A parameter that happens to be called like an option is the handler's; that option is then given by `options`.
        free = OPTIONS - set(self._signature.parameters)
        given = {name: value for name, value in kwargs.items() if name in free}
        arguments = {name: value for name, value in kwargs.items() if name not in given}
        options: SubmitOptions = {**self._options, **given}  # type: ignore[typeddict-item]
        return await self._hub.submit_one(self.type, self.payload(*args, **arguments), options)

    async def submit_many(self, payloads: Iterable[Mapping[str, Any]]) -> list[TaskHandle[R]]:
        """Commit a task for each mapping of arguments, all of them or none, in one transaction; at most 10 000.

        Options, a `connection` among them, are given by `options`.
        """
        checked = [self._payload_of(index, payload) for index, payload in enumerate(payloads)]
        return await self._hub.submit_batch(self.type, checked, self._options)

    def _payload_of(self, index: int, payload: Mapping[str, Any]) -> Raw:
        try:
            return self.payload(**payload)
        except Invalid as error:
            raise error.below(f"/tasks/{index}") from None

    def node(self, *args: P.args, **kwargs: P.kwargs) -> Node[R]:
        """A node of a workflow that does this, with these arguments; what other nodes answer may stand in them.

        Raises TypeError where the call itself would, and Invalid naming each argument that does not fit its annotation; what is
        known only when the workflow runs is looked at then.
        """
        return Node(self._kind, self._work, payload=self._template(args, kwargs), options=self._options)

    def map(self, items: Iterable[Any], /, *, limit: int | None = None, **arguments: Any) -> FanOut[R]:
        """A node that is done for each item of a list, `limit` at a time. As with Python's own `map`, the first parameter is
        given the item, unless it is among the arguments; these may have ITEM and INDEX in them.
        """
        if "limit" in self._names and limit is not None:  # then it is the handler's: see FanOut.at_most
            arguments, limit = {**arguments, "limit": limit}, None
        first = next(iter(self._signature.parameters), None)
        if first is not None and first not in arguments:
            arguments = {first: ITEM, **arguments}
        payload = self._template((), arguments)
        return FanOut(self._kind, self._work, items, limit=limit, payload=payload, options=self._options)

    @property
    def _kind(self) -> str:
        """What a node of it is called, if nobody gives it a name."""
        return self.__name__ if self.__name__.isidentifier() else self.type.rpartition(".")[2]

    def _work(self) -> Mapping[str, Any]:
        return {"type": self.type}

    def _template(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tree:
        """The arguments as a payload, in which references stand. Those that have none in them are checked."""
        try:
            given = self._signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{self.type}: {error}") from None
        known = {name: value for name, value in given.items() if not has_references(value)}
        at = f"/nodes/{self._kind}/payload"
        try:
            parts = self._registered.write_part(known)
        except Invalid as error:
            raise error.below(at) from None
        template: dict[str, Tree] = {}
        for name, value in given.items():
            field = self._registered.field_of(name)
            template[field] = escaped(parts[field]) if name in known else tree_of(value, f"{at}/{field}")
        return template

    def options(self, **options: Unpack[SubmitOptions]) -> "BoundHandler[P, R]":
        """The same task type, with these options for every submit, and every node, made through it."""
        changed = copy.copy(self)
        changed._options = {**self._options, **options}
        return changed
