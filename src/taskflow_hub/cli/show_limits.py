"""How limits look to people."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from taskflow_hub.cli.show import YELLOW
from taskflow_hub.cli.table import Column, cell, print_table

if TYPE_CHECKING:
    from taskflow_hub.domain.model import LimitRow, LimitUse


def limits(items: Iterable["LimitUse"]) -> None:
    print_table(
        (
            Column("KEY", least=16),
            Column("RUNNING"),
            Column("PER SECOND"),
            Column("HELD"),
            Column("PINNED", minor=2),
            Column("ACCOUNT", least=8, minor=1),
        ),
        (
            (
                cell(limit.key),
                cell(f"{limit.active}/{'any' if limit.running is None else limit.running}"),
                cell("any" if limit.per_second is None else f"{limit.per_second:g}"),
                cell(limit.held, YELLOW if limit.held else ""),
                cell("pinned" if limit.pinned else None),
                cell(limit.account_id),
            )
            for limit in items
        ),
        empty="No limits yet. Set one: taskflow limit set KEY --running N",
    )


def described(row: "LimitRow") -> str:
    """In a sentence."""
    numbers = [
        f"at most {row.running} run at a time" if row.running is not None else "",
        f"at most {row.per_second:g} start per second" if row.per_second is not None else "",
    ]
    said = ", ".join(filter(None, numbers))
    match said, row.pinned:
        case "", True:
            return f"Tasks with {row.key} are not limited, whatever they state."
        case "", False:
            return f"{row.key} is forgotten: the next task that names it states its numbers."
        case _, True:
            return f"Of tasks with {row.key} {said}. This is pinned: what tasks state does not change it."
        case _:
            return f"Of tasks with {row.key} {said}, until a task states other numbers."
