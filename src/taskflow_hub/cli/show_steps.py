"""How durable steps look to people."""

from collections.abc import Iterable
from typing import Final

import msgspec

from taskflow_hub.cli.show import BLUE, GREEN, RED, YELLOW, span
from taskflow_hub.cli.table import Column, cell, print_table
from taskflow_hub.domain.steps import Step, StepKind, StepState

STYLES: Final = {
    StepState.DONE: GREEN,
    StepState.ASLEEP: BLUE,
    StepState.WAITING: YELLOW,
    StepState.TIMED_OUT: RED,
}


def steps(items: Iterable[Step]) -> None:
    print_table(
        (
            Column("NAME", least=12),
            Column("KIND", minor=2),
            Column("STATE"),
            Column("TRY", minor=4),
            Column("TOOK", minor=3),
            Column("UNTIL", minor=1),
            Column("RESULT", least=12),
        ),
        (
            (
                cell(step.name),
                cell(step.kind),
                cell(step.state, STYLES[step.state]),
                cell(step.attempt),
                cell(None if step.ran_s is None else span(step.ran_s)),
                cell(_until(step)),
                cell(_result(step)),
            )
            for step in items
        ),
        empty="It has kept no steps.",
    )


def _until(step: Step) -> str | None:
    if step.wakes_at is None:
        return "without end" if step.state is StepState.WAITING else None
    return f"{step.wakes_at:%Y-%m-%d %H:%M:%S} UTC"


def _result(step: Step) -> str | None:
    has_one = step.state is StepState.DONE and step.kind is not StepKind.SLEEP
    return msgspec.json.encode(step.result).decode() if has_one else None
