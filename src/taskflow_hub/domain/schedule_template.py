"""What a schedule starts, as it is stored: a task or a workflow, whose secret fields are encrypted."""

from collections.abc import Callable, Collection
from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.schedule import Schedule
from taskflow_hub.domain.schedule_spec import ScheduleSpec, TaskTemplate
from taskflow_hub.domain.workflow import NodeSubmission, WorkflowSubmission, with_nodes

ChangePayload = Callable[[str, Raw, str], Raw]  # the task's type, its payload, and the pointer of that


class Template(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the two. `handled`, of a workflow that code declares: those of its types for which that code has handlers."""

    task: TaskTemplate | None = None
    workflow: WorkflowSubmission | None = None
    handled: tuple[str, ...] = ()


class _Handled(Struct):
    """As much of it as is known to every version."""

    handled: tuple[str, ...] = ()


_template: Final = msgspec.json.Decoder(Template)
_handled: Final = msgspec.json.Decoder(_Handled)


def template_of(schedule: Schedule) -> Template:
    """Raises Unavailable for what cannot be read here: another version wrote it, say."""
    try:
        found = _template.decode(schedule.template)
        if (found.task is None) == (found.workflow is None):
            raise msgspec.ValidationError("it is neither a task nor a workflow")
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Unavailable(f"What the schedule starts cannot be read here: {error}. Give it anew.") from None
    return found


def started_by(spec: ScheduleSpec) -> Template:
    return Template(task=spec.task, workflow=spec.workflow)


def text_of(template: Template) -> Raw:
    return Raw(msgspec.json.encode(template))


def handled_by(schedule: Schedule) -> frozenset[str]:
    """The types of which whoever declares it in code has the handlers."""
    if schedule.type is not None:
        return frozenset((schedule.type,))
    return frozenset(_handled.decode(schedule.template).handled)


def is_handled(schedule: Schedule, types: Collection[str]) -> bool:
    """Are these all of them, so that who has handlers of these types would declare it?"""
    handled = handled_by(schedule)
    return bool(handled) and handled <= set(types)


def with_payloads(template: Template, change: ChangePayload) -> Template:
    """With the payload of each task changed: of the one, or of every node of the workflow, also in sub-workflows."""

    def changed(node: NodeSubmission, at: str) -> NodeSubmission:
        if node.workflow is not None:
            return replace(node, workflow=with_nodes(node.workflow, changed, f"{at}/workflow"))
        if node.type is None or node.payload is UNSET:
            return node
        return replace(node, payload=change(node.type, node.payload, f"{at}/payload"))

    if template.workflow is not None:
        return replace(template, workflow=with_nodes(template.workflow, changed))
    if template.task is not None:
        task = template.task
        return replace(template, task=replace(task, payload=change(task.type, task.payload, "/payload")))
    return template
