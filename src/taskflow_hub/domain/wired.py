"""A workflow as it was asked for, found to be one that can run: edges, order and templates of every node (docs/adr/0100).

Everything that can be said without running it is said here, about all nodes at once, for HTTP and for the builder in
Python alike. What has to be known of task types beyond what they answer with (defaults, payloads, secrets) is the business of
the engine.
"""

from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.edges import Cycle, Never, joined, never, ordered
from taskflow_hub.domain.errors import FieldError, Invalid
from taskflow_hub.domain.graph import FINALLY, MAX_DEPTH, MAX_ITEMS, MAX_NODES, Edge, On
from taskflow_hub.domain.reference_text import OWN, Ref
from taskflow_hub.domain.references import MAX_RESOLVED, Compiled, compiled
from taskflow_hub.domain.schema_paths import in_words
from taskflow_hub.domain.sight import Results, Sight
from taskflow_hub.domain.submission import NO_PARAMETERS, check_limits
from taskflow_hub.domain.workflow import (
    NODE_NAME,
    After,
    NodeSubmission,
    SubWorkflow,
    WorkflowSubmission,
    below,
    invalid,
)

NO_INPUT: Final = Raw(b"null")
_OF_TASKS: Final = ("queue", "priority", "max_retries", "retry", "timeout", "tags", "limits")
_PLAIN: Final = NodeSubmission()


class WiredNode(Struct, frozen=True, kw_only=True):
    given: NodeSubmission
    at: str  # its pointer in the request
    after: tuple[Edge, ...]  # each parent once; those that it only refers to are among them
    payload: Compiled
    for_each: Compiled | None
    inner: "Wired | None"


class Wired(Struct, frozen=True, kw_only=True):
    given: SubWorkflow
    at: str
    nodes: dict[str, WiredNode]  # parents before their children
    last: WiredNode | None
    result: Compiled | None

    @property
    def size(self) -> int:
        """Its nodes, with those of the sub-workflows in it."""
        inner = sum(node.inner.size for node in self.all_nodes().values() if node.inner)
        return len(self.nodes) + (self.last is not None) + inner

    def all_nodes(self) -> dict[str, WiredNode]:
        return self.nodes if self.last is None else {**self.nodes, FINALLY: self.last}


def wired(wanted: WorkflowSubmission, results: Results = lambda _: None) -> Wired:
    """Raises Invalid naming each node and field that is wrong, at most 20 of them."""
    checker = _Checker(results)
    found = checker.workflow(wanted, "", 1)
    if checker.nodes > MAX_NODES:
        checker.refuse(
            "/nodes",
            f"are more than {MAX_NODES}, those of sub-workflows and `finally` counted: that is the most",
        )
    if wanted.input is not UNSET:
        checker.check_text(wanted.input, "/input")
    if checker.errors or found is None:
        raise invalid(checker.errors)
    return found


class _Checker:
    def __init__(self, results: Results) -> None:
        self.errors: list[FieldError] = []
        self.nodes = 0
        self.results = results

    def refuse(self, pointer: str, detail: str) -> None:
        self.errors.append(FieldError(pointer, detail))

    def check_text(self, text: Raw, at: str) -> bool:
        if len(text) > MAX_RESOLVED:
            self.refuse(at, f"has more than {MAX_RESOLVED} bytes")
            return False
        try:
            jsontext.decode_any(bytes(text), at)
        except Invalid as error:
            self.errors.extend(error.errors)
            return False
        return True

    def workflow(self, wanted: SubWorkflow, at: str, level: int) -> Wired | None:
        """None where errors were found of which nothing could be made."""
        self.nodes += len(wanted.nodes) + (wanted.finally_ is not None)
        if not wanted.nodes:
            self.refuse(f"{at}/nodes", "has no node; a workflow needs one at least")
        if self.nodes > MAX_NODES:
            return None
        return _Level(self, wanted, at, level).wired()


class _Level:
    """One workflow: the outermost, or one that is the work of a node."""

    def __init__(self, checker: _Checker, wanted: SubWorkflow, at: str, level: int) -> None:
        self._checker, self._wanted, self._at, self._level = checker, wanted, at, level
        self._known = {name: node for name, node in wanted.nodes.items() if self._is_name(name)}
        if wanted.finally_ is not None:
            self._known[FINALLY] = wanted.finally_
        self._sight = Sight(self._known, checker.results, within=level > 1)
        self._pointers: dict[tuple[str, str], str] = {}  # (parent, child): where that is said

    def _is_name(self, name: str) -> bool:
        at = below(self._at, "nodes", name)
        if not NODE_NAME.fullmatch(name):
            self._refuse(at, "is not a node's name: one has 1 to 64 characters of a-z, 0-9, '_' and '-'")
        elif name == FINALLY:
            self._refuse(
                at, "is a reserved name; what comes after all nodes stands beside `nodes`, as `finally`"
            )
        elif name in OWN:
            self._refuse(
                at, f"is a reserved name: references to `{name}` mean something else; give it another"
            )
        else:
            return True
        return False

    def _refuse(self, pointer: str, detail: str) -> None:
        self._checker.refuse(pointer, detail)

    def wired(self) -> Wired | None:
        before = len(self._checker.errors)
        made = {name: self._node(name, node) for name, node in self._known.items()}
        result = self._template(self._wanted.result, f"{self._at}/result", None)
        last = made.pop(FINALLY, None)
        names = list(made)
        edges = {name: self._edges(name) for name in names}
        referred = {
            name: {ref.of for ref in self._refs(node) if ref.is_to_node and ref.of in made and ref.of != name}
            for name, node in made.items()
        }
        order = ordered(
            names, {name: {edge.parent for edge in edges[name]} | referred[name] for name in names}
        )
        if isinstance(order, Cycle):
            self._refuse(
                self._pointers[order.nodes[-1], order.nodes[0]],
                f"makes a cycle, so none of them could be the first: {order}",
            )
            return None
        after = joined(order, edges, referred)
        for one in never(order, after):
            self._refuse(
                below(self._at, "nodes", one.node),
                f"can never run: {one.ancestor} would have to succeed ({_through(one.success, one)}) and to fail "
                f"({_through(one.failure, one)}); let an edge want `done`, or make two nodes of it",
            )
        if len(self._checker.errors) > before:
            return None
        return Wired(
            given=self._wanted,
            at=self._at,
            nodes={name: msgspec.structs.replace(made[name], after=after[name]) for name in order},
            last=last,
            result=result,
        )

    @staticmethod
    def _refs(node: WiredNode) -> tuple[Ref, ...]:
        return node.payload.refs + (node.for_each.refs if node.for_each else ())

    # --- nodes

    def _node(self, name: str, node: NodeSubmission) -> WiredNode:
        at = self._pointer(name)
        inner = None
        if (node.type is None) == (node.workflow is None):
            both = (
                "both a type and a workflow; it can be only one"
                if node.type
                else "neither a type nor a workflow"
            )
            self._refuse(at, f"has {both}")
        elif node.workflow is not None:
            self._refuse_options(node, at)
            if self._level >= MAX_DEPTH:
                self._refuse(
                    f"{at}/workflow", f"lies too deep: {MAX_DEPTH} levels are allowed, with the outermost"
                )
            else:
                inner = self._checker.workflow(node.workflow, f"{at}/workflow", self._level + 1)
        if node.max_concurrency is not None and node.for_each is UNSET:
            way = "; give it to the workflow in it" if node.workflow else ""
            self._refuse(f"{at}/max_concurrency", f"is only for a node with for_each{way}")
        if name == FINALLY and node.after:
            self._refuse(f"{at}/after", "cannot be given: it comes after all other nodes anyhow")
        try:
            check_limits(node.limits, at)
        except Invalid as error:
            self._checker.errors.extend(error.errors)
        return WiredNode(
            given=node,
            at=at,
            after=(),
            payload=self._payload(name, node, f"{at}/payload"),
            for_each=self._for_each(name, node.for_each, f"{at}/for_each", inner),
            inner=inner,
        )

    def _pointer(self, name: str) -> str:
        return f"{self._at}/finally" if name == FINALLY else below(self._at, "nodes", name)

    def _refuse_options(self, node: NodeSubmission, at: str) -> None:
        for option in _OF_TASKS:
            if getattr(node, option) != getattr(_PLAIN, option):
                self._refuse(f"{at}/{option}", "is for tasks; give it to the nodes of the workflow in it")

    def _payload(self, name: str, node: NodeSubmission, at: str) -> Compiled:
        default = NO_PARAMETERS if node.workflow is None else NO_INPUT
        found = self._template(default if node.payload is UNSET else node.payload, at, name, per_item=True)
        if found is None:
            return compiled(default)
        if node.workflow is not None or _is_object(found):
            return found
        if not _is_reference(found):
            self._refuse(at, "must be a JSON object: its members are the handler's parameters")
        elif (types := self._sight.types(found.refs[0])) and "object" not in types:
            self._refuse(
                f"{at}/$ref",
                f"is {in_words(types)}, and a payload has to be an object: give it a name in one",
            )
        return found

    def _for_each(self, name: str, given: Raw | UnsetType, at: str, inner: Wired | None) -> Compiled | None:
        found = self._template(given, at, name)
        if found is None:
            return None
        if _is_reference(found):
            types = self._sight.types(found.refs[0])
            if types and "array" not in types:
                self._refuse(f"{at}/$ref", f"is {in_words(types)}, and for_each needs a list")
            return found
        try:
            items = msgspec.json.decode(found.resolve(lambda *_: None), type=list[Raw])
        except msgspec.ValidationError:
            self._refuse(at, 'must be a list, or a reference to one, such as {"$ref": "fetch.result.urls"}')
        else:
            if len(items) > MAX_ITEMS:
                self._refuse(at, f"has {len(items)} items; at most {MAX_ITEMS} are allowed")
            elif inner is not None and len(items) * inner.size > MAX_ITEMS:
                self._refuse(
                    at,
                    f"makes {len(items)} workflows of {inner.size} nodes; at most {MAX_ITEMS} nodes are allowed",
                )
        return found

    # --- edges

    def _edges(self, name: str) -> tuple[Edge, ...]:
        found: dict[str, On] = {}
        at = f"{self._pointer(name)}/after"
        for n, given in enumerate(self._known[name].after):
            parent, on = (given.node, given.on) if isinstance(given, After) else (given, On.SUCCESS)
            if (why := self._no_parent(parent, name)) is not None:
                self._refuse(f"{at}/{n}", why)
            elif parent in found:
                differs = "; for either end there is `done`" if on != found[parent] else ""
                self._refuse(f"{at}/{n}", f"names {parent} a second time{differs}")
            else:
                found[parent] = on
                self._pointers[parent, name] = f"{at}/{n}"
        return tuple([Edge(parent, on) for parent, on in found.items()])

    def _no_parent(self, parent: str, name: str) -> str | None:
        if parent == name:
            return "is the node itself"
        if parent == FINALLY:
            return "comes after all others, so nothing can come after it"
        return None if parent in self._known else self._sight.unknown(parent)

    # --- references

    def _template(
        self, given: Raw | UnsetType, at: str, name: str | None, *, per_item: bool = False
    ) -> Compiled | None:
        """None: nothing was given, or what cannot be read. `name` is the node that it belongs to."""
        if given is UNSET:
            return None
        if not self._checker.check_text(given, at):
            return None
        try:
            found = compiled(given, at)
        except Invalid as error:
            self._checker.errors.extend(error.errors)
            return None
        for place in found.places:
            why = self._sight.wrong(place.ref, name, per_item=per_item)
            if why is not None:
                self._refuse(f"{at}{place.pointer}/$ref", why)
            elif name is not None and place.ref.is_to_node:
                self._pointers.setdefault((place.ref.of, name), f"{at}{place.pointer}/$ref")
        return found


def _is_reference(template: Compiled) -> bool:
    """The whole of it."""
    return len(template.places) == 1 and template.places[0].pointer == "" and len(template.parts) == 1


def _is_object(template: Compiled) -> bool:
    first = template.parts[0]
    return isinstance(first, bytes) and first.lstrip().startswith(b"{")


def _through(parent: str, one: Never) -> str:
    return f"{one.node} comes after it" if parent == one.ancestor else f"for {parent}"
