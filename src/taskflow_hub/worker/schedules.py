"""Schedules that are declared in code, of handlers and workflows.

The engine keeps its own in step with them when a worker registers.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import Invalid, Misconfigured
from taskflow_hub.domain.schedule import CatchUp, Overlap
from taskflow_hub.domain.schedule_spec import ScheduleSpec, TaskTemplate, check
from taskflow_hub.domain.schedule_tick import check_input, example, with_tick
from taskflow_hub.domain.secret_fields import values_at
from taskflow_hub.domain.wired import Wired, wired
from taskflow_hub.domain.workflow import WorkflowSubmission, types_in
from taskflow_hub.worker.handler import Handler


class ScheduleOptions(TypedDict, total=False):
    """`every` is seconds, or a text such as "5m"; `jitter` seconds; `start_at` and `end_at` aware datetimes; `payload` what the
    handler is called with. `queue`, `priority` and `tags` are those of each task. A workflow takes none of these four.
    """

    every: float | str
    tz: str
    name: str
    payload: Mapping[str, Any]
    overlap: Overlap | str
    catch_up: CatchUp | str
    catch_up_limit: int
    jitter: float
    start_at: datetime
    end_at: datetime
    queue: str
    priority: int
    tags: Iterable[str]


_OF_TASK = ("queue", "priority", "tags")


def declared(what: str | WorkflowSubmission, cron: str | None, options: ScheduleOptions) -> ScheduleSpec:
    """For a task type, or a workflow. Raises Misconfigured for what no schedule can be."""
    given: dict[str, Any] = dict(options)
    if cron is not None:
        given["cron"] = cron
    try:
        spec = _of_workflow(what, given) if isinstance(what, WorkflowSubmission) else _of_task(what, given)
        check(spec)
    except msgspec.ValidationError as error:
        raise _wrong(what, jsontext.from_validation(error)) from None
    except Invalid as error:
        raise _wrong(what, error) from None
    return spec


def _of_task(type: str, given: dict[str, Any]) -> ScheduleSpec:
    payload = given.pop("payload", {})
    task = {"type": type} | {name: given.pop(name) for name in _OF_TASK if name in given}
    if "tags" in task:
        task["tags"] = [task["tags"]] if isinstance(task["tags"], str) else list(task["tags"])
    spec = msgspec.convert({**given, "task": task}, ScheduleSpec)
    assert spec.task is not None
    return replace(spec, task=replace(spec.task, payload=jsontext.encode(payload, "/payload")))


def _of_workflow(workflow: WorkflowSubmission, given: dict[str, Any]) -> ScheduleSpec:
    for name in ("payload", *_OF_TASK):
        if name in given:
            raise Invalid.field(f"/{name}", "is for tasks; a workflow has `input`, and its nodes the rest")
    return replace(msgspec.convert(given, ScheduleSpec), workflow=workflow)


def named(specs: Iterable[ScheduleSpec]) -> tuple[ScheduleSpec, ...]:
    """Those without a name have that of their type or workflow, a second one "TYPE.2". Raises Misconfigured for a name that
    comes twice."""
    found: dict[str, ScheduleSpec] = {}
    unnamed = []
    for spec in specs:
        if spec.name is None:
            unnamed.append(spec)
        elif spec.name in found:
            raise Misconfigured(f"schedule {spec.name!r} is declared twice")
        else:
            found[spec.name] = spec
    for spec in unnamed:
        kind = spec.kind
        numbered = (kind, *(f"{kind[:97]}.{n}" for n in range(2, len(unnamed) + len(found) + 2)))
        name = next(name for name in numbered if name not in found)
        found[name] = replace(spec, name=name)
    return tuple(found.values())


def check_work(spec: ScheduleSpec, handlers: Mapping[str, Handler]) -> None:
    """Can it be started, and do the handlers take it? Raises Misconfigured; also for a secret, which would travel and lie in
    the clear."""
    if spec.task is not None:
        _check_task(spec.task, handlers[spec.task.type])
    if spec.workflow is not None:
        _check_workflow(spec.workflow, handlers)


def _check_task(task: TaskTemplate, handler: Handler) -> None:
    try:
        handler.read_payload(with_tick(task.payload, example, ""))
    except Invalid as error:
        raise _wrong(task.type, error.below("/payload")) from None
    _refuse_secrets(task.type, task.payload, handler)


def _check_workflow(workflow: WorkflowSubmission, handlers: Mapping[str, Handler]) -> None:
    def answers(type: str) -> Mapping[str, Any] | None:
        return handlers[type].task_type.result_schema if type in handlers else None

    if types_in(workflow).isdisjoint(handlers):
        raise Misconfigured(
            f"workflow {workflow.name!r}: none of its nodes is of a task type that has a handler here, so no worker of this "
            "program would look after its schedule: declare it beside one that has, or make it over HTTP"
        )
    try:
        found = wired(workflow, answers)
        check_input(workflow)
        _check_nodes(found, handlers)
    except Invalid as error:
        raise _wrong(workflow, error) from None


def _check_nodes(found: Wired, handlers: Mapping[str, Handler]) -> None:
    for node in found.all_nodes().values():
        if node.inner is not None:
            _check_nodes(node.inner, handlers)
        handler = handlers.get(node.given.type or "")
        if handler is None:
            continue
        payload = node.payload.resolve(_nothing)  # a null where a reference stands
        _refuse_secrets(handler.type, payload, handler)
        if node.payload.is_constant:
            try:
                handler.read_payload(payload)
            except Invalid as error:
                raise error.below(f"{node.at}/payload") from None


def _nothing(_of: str, _field: str) -> Raw | None:
    return None


def _refuse_secrets(type: str, payload: Raw, handler: Handler) -> None:
    secret = handler.secret
    if any(value is not None for value in values_at(msgspec.json.decode(payload), secret)):
        raise Misconfigured(
            f"task type {type!r}: a schedule that is declared in code has no secret fields in its payload "
            f"({', '.join(secret)}): let the handler read them, or make the schedule over HTTP, which encrypts them"
        )


def _wrong(what: str | WorkflowSubmission, error: Invalid) -> Misconfigured:
    kind = f"task type {what!r}" if isinstance(what, str) else f"workflow {what.name!r}"
    return Misconfigured(f"{kind}: a schedule that is declared for it: {error.detail}")
