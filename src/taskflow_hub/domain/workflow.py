"""A workflow as somebody asks for it: the one shape that HTTP, CLI and Python share, with every limit stated.

What it means, and whether it can run, is found out by domain/wired.py. The JSON Schema in the OpenAPI document is
made from these classes.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import FieldError, Invalid, Undecodable
from taskflow_hub.domain.graph import MAX_DEPTH, MAX_NODES, On
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.shapes import WORKFLOW_PATTERN
from taskflow_hub.domain.submission import (
    MAX_LIMITS,
    MAX_TAGS,
    TEN_YEARS_S,
    AtOnce,
    Limit,
    MaxRetries,
    Priority,
    QueueName,
    Tag,
    Timeout,
    TypeName,
)

NODE_PATTERN: Final = "^[a-z0-9_-]{1,64}$"
NODE_NAME: Final = re.compile("[a-z0-9_-]{1,64}")
MAX_ERRORS: Final = 20  # that are told of one request

WorkflowName = Annotated[str, Meta(pattern=WORKFLOW_PATTERN, description="What it is for, such as report.")]
Deadline = Annotated[
    float,
    Meta(
        gt=0,
        le=TEN_YEARS_S,
        description="Seconds after its start in which it has to have ended, else it fails.",
    ),
]
Template = Annotated[
    Raw,
    Meta(description='JSON in which {"$ref": "fetch.result.title"} stands for what another node answered.'),
]


class After(Struct, frozen=True, forbid_unknown_fields=True):
    """`node` has to have ended first, and as `on` says; if it ends otherwise, this node is skipped."""

    node: str
    on: On = On.SUCCESS


class NodeSubmission(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A step: a task (`type`), or a workflow of its own (`workflow`), whose input is the payload."""

    type: TypeName | None = None
    workflow: "SubWorkflow | None" = None
    payload: Template | UnsetType = UNSET
    queue: QueueName | None = None  # None: the type's home queue
    priority: Priority = 5
    max_retries: MaxRetries | UnsetType | None = UNSET
    retry: RetryPolicy | UnsetType = UNSET
    timeout: Timeout | UnsetType | None = UNSET
    tags: Annotated[tuple[Tag, ...], Meta(max_length=MAX_TAGS)] = ()
    limits: Annotated[tuple[Limit, ...], Meta(max_length=MAX_LIMITS)] = ()
    after: Annotated[tuple[str | After, ...], Meta(max_length=MAX_NODES)] = ()
    for_each: Template | UnsetType = UNSET  # a list, or a reference to one: the node is done for each item
    max_concurrency: AtOnce | None = None  # how many items run at a time
    allow_failure: bool = False  # its failure does not make the workflow fail


class SubWorkflow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A workflow that is the work of a node. It sees its own nodes, and as `input` what the node's payload gives it."""

    name: WorkflowName | None = None  # None: as the node is called
    nodes: Annotated[
        dict[str, NodeSubmission],
        Meta(
            extra_json_schema={
                "minProperties": 1,
                "maxProperties": MAX_NODES,
                "propertyNames": {"pattern": NODE_PATTERN},
            }
        ),
    ]
    max_concurrency: AtOnce | None = None
    finally_: NodeSubmission | None = field(
        default=None, name="finally"
    )  # comes last, whatever became of the others
    deadline: Deadline | None = None
    result: Template | UnsetType = UNSET  # what it answers with when it succeeds


class WorkflowSubmission(
    SubWorkflow, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    name: WorkflowName
    input: Annotated[Raw, Meta(description="What references to `input` find.")] | UnsetType = UNSET
    tags: Annotated[tuple[Tag, ...], Meta(max_length=MAX_TAGS)] = ()


W = TypeVar("W", bound=SubWorkflow)

_decoder: Final = msgspec.json.Decoder(WorkflowSubmission)


def read(body: bytes, at: str = "") -> WorkflowSubmission:
    """Decode a request body, or the part of it that stands at `at`. Raises Undecodable, or Invalid that names the nodes.

    What is left Raw is checked when the graph is wired.
    """
    try:
        return jsontext.decode(_decoder, body, at)
    except Undecodable:
        raise
    except Invalid as error:
        # Of what is wrong in a node msgspec does not say in which.
        try:
            errors = list(islice(_errors(body, at, WorkflowSubmission, 1), MAX_ERRORS))
        except (
            RecursionError,
            msgspec.DecodeError,
        ):  # nesting, or text that is no Unicode: which is what is wrong
            errors = []
        raise invalid(errors) if errors else error from None


def invalid(errors: list[FieldError]) -> Invalid:
    """The first MAX_ERRORS of them."""
    told = errors[:MAX_ERRORS]
    return Invalid("; ".join(f"{one.pointer or 'body'}: {one.detail}" for one in told), errors=told)


def all_nodes(workflow: SubWorkflow) -> Iterator[NodeSubmission]:
    """Those of sub-workflows, and those that come last, too."""
    last = () if workflow.finally_ is None else (workflow.finally_,)
    for node in (*workflow.nodes.values(), *last):
        yield node
        if node.workflow is not None:
            yield from all_nodes(node.workflow)


def with_nodes(workflow: W, change: Callable[[NodeSubmission, str], NodeSubmission], at: str = "") -> W:
    """With its own nodes changed, each of which is given with its pointer; those of sub-workflows lie in them."""
    last = workflow.finally_
    return msgspec.structs.replace(
        workflow,
        nodes={name: change(node, below(at, "nodes", name)) for name, node in workflow.nodes.items()},
        finally_=None if last is None else change(last, below(at, "finally")),
    )


def types_in(workflow: SubWorkflow) -> frozenset[str]:
    return frozenset([node.type for node in all_nodes(workflow) if node.type is not None])


def octets_in(workflow: SubWorkflow) -> int:
    """Of payloads and lists together."""
    return sum(
        len(text)
        for node in all_nodes(workflow)
        for text in (node.payload, node.for_each)
        if text is not UNSET
    )


def below(at: str, *steps: str | int) -> str:
    """The pointer of what lies in `at`."""
    return at + "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


# --- what is wrong, node by node -------------------------------------------------------------------------------------


def _outline(wanted: type[Struct], **parts: Any) -> msgspec.json.Decoder[Any]:
    """Reads the same, but these parts are left Raw; what was not given is UNSET."""
    fields = []
    for one in msgspec.structs.fields(wanted):
        absent = {} if one.required else {"default": UNSET}
        given = msgspec.field(name=one.encode_name, **absent)
        fields.append((one.name, parts.get(one.name, one.type), given))
    return msgspec.json.Decoder(
        msgspec.defstruct(wanted.__name__, fields, forbid_unknown_fields=True, kw_only=True)
    )


_OUTLINES: Final = {
    wanted: _outline(wanted, nodes=dict[str, Raw], finally_=Raw)
    for wanted in (WorkflowSubmission, SubWorkflow)
}
_node: Final = _outline(NodeSubmission, workflow=Raw)


def _errors(body: bytes | Raw, at: str, wanted: type[SubWorkflow], level: int) -> Iterator[FieldError]:
    """Of each part the first."""
    try:
        found = _OUTLINES[wanted].decode(body)
    except msgspec.ValidationError as error:
        yield from jsontext.from_validation(error, at, wanted).errors
        return
    for name, part in found.nodes.items():
        yield from _errors_in(part, below(at, "nodes", name), level)
    if _is_given(found.finally_):
        yield from _errors_in(found.finally_, below(at, "finally"), level)


def _errors_in(node: Raw, at: str, level: int) -> Iterator[FieldError]:
    try:
        found = _node.decode(node)
    except msgspec.ValidationError as error:
        yield from jsontext.from_validation(error, at, NodeSubmission).errors
        return
    if _is_given(found.workflow) and level < MAX_DEPTH:
        yield from _errors(found.workflow, below(at, "workflow"), SubWorkflow, level + 1)


def _is_given(part: Raw | UnsetType) -> bool:
    return part is not UNSET and bytes(part) != b"null"
