"""What a run is told of its tick: references to `input` in the payload of a schedule's task, or in the `input` of its workflow.

    {"day": {"$ref": "input.local"}}

stands for the planned moment as the clock of the schedule's zone shows it; there are `planned_at` (in UTC), `local`, and
`schedule.id` and `schedule.name`. So a run that is late, or of a backfill, knows for when it is. A workflow that is given no
`input` has all of this as its input, and its nodes refer to it in the same words.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from taskflow_hub.domain.errors import FieldError, Invalid
from taskflow_hub.domain.reference_text import INPUT
from taskflow_hub.domain.references import Unresolvable, compiled
from taskflow_hub.domain.schedule import Schedule
from taskflow_hub.domain.workflow import WorkflowSubmission, below, invalid
from taskflow_hub.domain.zone import zone

_WHICH: Final = (
    "is nothing that a schedule has; there are input.planned_at, input.local, input.schedule.id and .name"
)


class _Schedule(Struct, frozen=True):
    id: str
    name: str


class TickInput(Struct, frozen=True):
    planned_at: datetime
    local: datetime
    schedule: _Schedule


def tick_input(schedule_id: str, name: str, tz: str, planned_at: datetime) -> TickInput:
    return TickInput(planned_at, zone(tz).local(planned_at), _Schedule(schedule_id, name))


def tick_of(schedule: Schedule, planned_at: datetime) -> Callable[[], TickInput]:
    return lambda: tick_input(schedule.id, schedule.name, schedule.timezone, planned_at)


def example() -> TickInput:
    """To try a payload with, before there is any."""
    id = "00000000-0000-7000-8000-000000000000"
    return tick_input(id, "example", "UTC", datetime(2030, 1, 1, tzinfo=UTC))


def with_tick(payload: Raw, tick: Callable[[], TickInput], at: str) -> Raw:
    """The payload with what its references stand for; `at` is its pointer. Raises Invalid naming each that leads nowhere."""
    template = compiled(payload, at)
    if template.is_constant:
        return template.resolve(_nothing)
    for place in template.places:
        if place.ref.of != INPUT:
            raise Invalid.field(f"{at}{place.pointer}/$ref", f"{place.ref} {_WHICH}")
    found = Raw(msgspec.json.encode(tick()))
    try:
        return template.resolve(lambda _of, _field: found)
    except Unresolvable as error:
        raise Invalid.field(f"{at}{error.pointer}/$ref", f"{error.ref} {_WHICH}") from None


def begun_by(workflow: WorkflowSubmission, tick: Callable[[], TickInput]) -> WorkflowSubmission:
    """The workflow with its input as it is for a tick. Raises Invalid naming each reference in the input that leads nowhere."""
    if workflow.input is UNSET:
        return replace(workflow, input=Raw(msgspec.json.encode(tick())))
    return replace(workflow, input=with_tick(workflow.input, tick, "/input"))


def check_input(workflow: WorkflowSubmission) -> None:
    """Does it lead anywhere, what the nodes of a workflow that can run find in its input? Raises Invalid naming each that does
    not: whoever saves a schedule does not see its first run fail."""
    given = begun_by(workflow, example).input
    assert given is not UNSET

    def find(of: str, _field: str) -> Raw | None:
        return given if of == INPUT else None

    templates: dict[str, Raw | UnsetType] = {"/result": workflow.result}
    for name, node in workflow.nodes.items():
        at = below("", "nodes", name)
        templates |= {f"{at}/payload": node.payload, f"{at}/for_each": node.for_each}
    if workflow.finally_ is not None:
        templates["/finally/payload"] = workflow.finally_.payload
        templates["/finally/for_each"] = workflow.finally_.for_each
    errors = []
    for at, text in templates.items():
        try:
            _ = None if text is UNSET else compiled(text, at).resolve(find)
        except Unresolvable as error:
            errors.append(FieldError(f"{at}{error.pointer}/$ref", f"leads nowhere: {error.why}"))
    if errors:
        raise invalid(errors)


def _nothing(_of: str, _field: str) -> Raw | None:
    return None
