"""The nodes of a workflow as Python has them: made by handlers, joined by `>>`, referred to by what they answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, Generic, Protocol, Self, TypeVar, overload

import msgspec

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.graph import On
from taskflow_hub.domain.model import TaskError
from taskflow_hub.hub.expressions import NameOf, Referable, Reference, Tree, referred_in, tree_of, written

R_co = TypeVar("R_co", covariant=True)
N = TypeVar("N", bound="AnyNode")
Work = Callable[[], Mapping[str, Any]]  # the part of a node's JSON that says what is done

_OPTIONS: Final = frozenset({"queue", "priority", "max_retries", "retry", "timeout", "tags", "limits"})


class Home(Protocol):
    """The workflow that a node belongs to."""

    name: str

    def adopt(self, node: "AnyNode") -> None: ...


# Where nodes that are made belong: `with Workflow("report"):`
CURRENT: Final[ContextVar[Home | None]] = ContextVar("workflow", default=None)


class AnyNode(Referable):
    """A step of a workflow. `a >> b`: b runs when a has succeeded."""

    def __init__(self, kind: str, work: Work, *, payload: Tree, options: Mapping[str, Any]) -> None:
        """`kind` is what it is called after, if nobody gives it a name; `work` says what is done: a type or a workflow."""
        self.name: str | None = None
        self.kind = kind
        self.home: Home | None = None
        self._work, self._payload, self._options = work, payload, node_options(kind, options)
        self._after: dict[AnyNode, On] = {}
        self._may_fail = False
        self.near: list[AnyNode] = []  # those that belong where it belongs
        home = CURRENT.get()
        if home is not None:
            home.adopt(self)
        for node in self._referred():
            if isinstance(node, AnyNode):
                self._meet(node)

    def label(self) -> str:
        return self.name or self.kind

    def __repr__(self) -> str:
        return f"<node {self.label()}>"

    # --- what it ends with

    @property
    def error(self) -> TaskError:
        """Why it failed; null if it did not."""
        return Reference(self, "error")  # type: ignore[return-value]

    @property
    def status(self) -> str:
        """How it ended: success, failed, cancelled or skipped."""
        return Reference(self, "status")  # type: ignore[return-value]

    # --- edges

    @overload
    def __rshift__(self, others: N) -> N: ...
    @overload
    def __rshift__(self, others: Sequence[N]) -> Sequence[N]: ...
    def __rshift__(self, others: Any) -> Any:
        self._before(On.SUCCESS, _listed(others))
        return others

    def __rrshift__(self, others: "Sequence[AnyNode]") -> Self:
        for other in _listed(others):
            other._before(On.SUCCESS, [self])
        return self

    def on_success(self, *others: "AnyNode") -> Self:
        """These run when it has succeeded, as with `>>`."""
        return self._before(On.SUCCESS, others)

    def on_failure(self, *others: "AnyNode") -> Self:
        """These run when it has failed, and are skipped if it has not."""
        return self._before(On.FAILURE, others)

    def on_done(self, *others: "AnyNode") -> Self:
        """These run when it has ended, however that was: also if it was skipped, or cancelled."""
        return self._before(On.DONE, others)

    def _before(self, on: On, others: "Iterable[AnyNode]") -> Self:
        for other in others:
            if not isinstance(other, AnyNode):
                raise TypeError(f"{other!r} is no node: a node comes before nodes, such as handler.node(…)")
            if self in other._after and other._after[self] is not on:
                raise Invalid(
                    f"{other.label()} comes after {self.label()} on {other._after[self]} and on {on}; for either end there "
                    "is on_done"
                )
            other._after[self] = on
            self._meet(other)
        return self

    def _meet(self, other: "AnyNode") -> None:
        """They belong together: if one has a workflow, the other has it, too."""
        self.near.append(other)
        other.near.append(self)
        for one, another in ((self, other), (other, self)):
            if one.home is not None and another.home is None:
                one.home.adopt(another)

    # --- how it runs

    def named(self, name: str) -> Self:
        """In the graph it is called so; without a name, after its handler."""
        self.name = name
        return self

    def allow_failure(self) -> Self:
        """Its failure does not make the workflow fail."""
        self._may_fail = True
        return self

    def _referred(self) -> list[Referable]:
        return list(referred_in(self._payload))

    # --- as the graph has it

    def body(self, name_of: NameOf) -> dict[str, Any]:
        """What msgspec writes as the node's JSON."""
        work, payload = self._work(), written(self._payload, name_of)
        nothing = {b"null"} if "workflow" in work else {b"null", b"{}"}
        after = [
            name_of(node) if on is On.SUCCESS else {"node": name_of(node), "on": str(on)}
            for node, on in self._after.items()
        ]
        return {
            **work,
            **({} if bytes(payload) in nothing else {"payload": payload}),
            **self._options,
            **({"after": after} if after else {}),
            **self._spread(name_of),
            **({"allow_failure": True} if self._may_fail else {}),
        }

    def _spread(self, name_of: NameOf) -> dict[str, Any]:
        return {}


class Node(AnyNode, Generic[R_co]):
    """A node that is done once."""

    @property
    def result(self) -> R_co:
        """What it answers. To a type checker that, at run time a reference to it: `fetch.result["title"]`."""
        return Reference(self, "result")  # type: ignore[return-value]


class FanOut(AnyNode, Generic[R_co]):
    """A node that is done for each item of a list."""

    def __init__(
        self,
        kind: str,
        work: Work,
        items: Any,
        *,
        limit: int | None,
        payload: Tree,
        options: Mapping[str, Any],
    ) -> None:
        if not isinstance(items, Reference | list | tuple):
            items = list(items)
        self._items, self._limit = tree_of(items, "/for_each"), limit
        super().__init__(kind, work, payload=payload, options=options)

    @property
    def results(self) -> list[R_co]:
        """What its items answer, in their order; null for one that did not succeed."""
        return Reference(self, "results")  # type: ignore[return-value]

    def at_most(self, limit: int) -> Self:
        """So many items run at a time."""
        self._limit = limit
        return self

    def _referred(self) -> list[Referable]:
        return [*referred_in(self._items), *super()._referred()]

    def _spread(self, name_of: NameOf) -> dict[str, Any]:
        items = written(self._items, name_of)
        return {"for_each": items, **({} if self._limit is None else {"max_concurrency": self._limit})}


def _listed(others: Any) -> list[AnyNode]:
    return [others] if isinstance(others, AnyNode) else list(others)


def node_options(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """A task's options, as a node has them. Raises Invalid for those that are of single tasks alone."""
    alone = sorted(options.keys() - _OPTIONS)
    if alone:
        raise Invalid(f"{kind}: {', '.join(alone)} cannot be given to a node of a workflow.")
    plain: dict[str, Any] = msgspec.to_builtins(dict(options))
    tags = plain.get("tags", ())
    lists = {"tags": [tags] if isinstance(tags, str) else list(tags), "limits": list(plain.get("limits", ()))}
    return {name: lists.get(name, value) for name, value in plain.items()}
