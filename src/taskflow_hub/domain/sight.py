"""What the references in a workflow can see: which nodes, what of them, and of which type that is, as far as it is known."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import UNSET

from taskflow_hub.domain.graph import FINALLY
from taskflow_hub.domain.reference_text import INPUT, PER_ITEM, PLACE, WORKFLOW, Ref
from taskflow_hub.domain.schema_paths import DeadEnd, types_at
from taskflow_hub.domain.workflow import NodeSubmission

Results = Callable[[str], Mapping[str, Any] | None]  # of a task type, the JSON Schema of what it answers with
_TEXT: Final = frozenset({"string"})
_LIST: Final = frozenset({"array"})


class Sight:
    """`nodes` of one workflow, and `finally`; `within`: it is the work of a node of another, whose nodes are not seen."""

    def __init__(self, nodes: Mapping[str, NodeSubmission], results: Results, *, within: bool) -> None:
        self._nodes, self._results, self._within = nodes, results, within

    def unknown(self, name: str) -> str:
        """What is said of a node that is not there."""
        near = difflib.get_close_matches(name, self._nodes, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        if not near and self._within:
            hint = ": a sub-workflow sees only its own; let its node's payload give it, and refer to `input`"
        return f"there is no node {name!r} here{hint}"

    def wrong(self, ref: Ref, name: str | None, *, per_item: bool) -> str | None:
        """Why it cannot stand where it does: in a template of the node `name`, which is resolved for each item or not."""
        if ref.of in PER_ITEM:
            seen = per_item and name is not None and self._nodes[name].for_each is not UNSET
            return None if seen else f"{ref.of} is known only in the payload of a node with for_each"
        if ref.of in {INPUT, WORKFLOW}:
            return None
        if ref.of == name:
            return f"{name} cannot refer to itself"
        if ref.of == FINALLY:
            return "finally comes after everything else, so nothing can refer to it"
        node = self._nodes.get(ref.of)
        return self.unknown(ref.of) if node is None else self._wrong_of(node, ref)

    def _wrong_of(self, node: NodeSubmission, ref: Ref) -> str | None:
        many = node.for_each is not UNSET
        if ref.field == "result" and many:
            return f"{ref.of} is done for each item: {ref.of}.results is the list of what they answered"
        if ref.field == "results" and not many:
            return f"{ref.of} is no fan-out, it has one {ref.of}.result"
        if ref.field == "results" and ref.path and not _is_place(ref.path[0]):
            return f"leads nowhere: {ref.of}.results is a list, of which one is {ref.of}.results[0]"
        try:
            self._answers(ref)
        except DeadEnd as error:
            # Of a fan-out the first step is the item.
            here = Ref(ref.of, ref.field, ref.path[: many + error.at])
            return f"leads nowhere: {here} {error}, as {node.type} says of its result"
        return None

    def types(self, ref: Ref) -> frozenset[str]:
        """The types (JSON Schema's words) that a value can have for which it stands; none: nothing is known."""
        match ref:
            case Ref(of="item" | "input"):
                return frozenset()
            case Ref(of="index"):
                return frozenset({"integer"})
            case Ref(field="results" | "failed", path=()):
                return _LIST
            case Ref(field="error", path=()):
                return frozenset({"object", "null"})
            case Ref(field="id" | "name" | "status" | "error" | "failed"):
                return _TEXT
        try:
            return self._answers(ref) or frozenset()
        except DeadEnd:
            return frozenset()  # which `wrong` tells

    def _answers(self, ref: Ref) -> frozenset[str] | None:
        """The types of what is found in a node's result; None: not known. Raises DeadEnd."""
        node = self._nodes.get(ref.of)
        if ref.field not in {"result", "results"} or node is None or node.type is None:
            return None
        schema = self._results(node.type)
        if not schema or (ref.field == "results" and not ref.path):
            return None
        return types_at(schema, ref.path[1:] if ref.field == "results" else ref.path)


def _is_place(step: str | int) -> bool:
    return isinstance(step, int) or PLACE.fullmatch(step) is not None
