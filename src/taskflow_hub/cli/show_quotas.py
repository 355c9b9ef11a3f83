"""How quotas look to people."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from taskflow_hub.cli.show import YELLOW
from taskflow_hub.cli.table import Cell, Column, cell, print_table

if TYPE_CHECKING:
    from taskflow_hub.domain.quota import Quota, QuotaUse


def quota(one: "QuotaUse") -> None:
    used = one.used
    print_table(
        (Column("QUOTA"), Column("AT MOST"), Column("USED")),
        [
            _line("submits per minute", one.per_minute, used.in_minute),
            _line("submits per day", one.per_day, used.in_day),
            _line("waiting", one.queued, used.queued),
            _line("running", one.running, used.running),
            (cell("weight"), cell(f"{one.weight:g}"), cell(None)),
        ],
    )


def quotas(items: Iterable["Quota"]) -> None:
    print_table(
        (
            Column("ACCOUNT"),
            Column("PER MINUTE"),
            Column("PER DAY"),
            Column("WAITING"),
            Column("RUNNING"),
            Column("WEIGHT", minor=1),
        ),
        (
            (
                cell(one.account_id),
                *(cell(_most(most)) for most in (one.per_minute, one.per_day, one.queued, one.running)),
                cell(f"{one.weight:g}"),
            )
            for one in items
        ),
        empty="No account has a quota yet. Set one: taskflow quota set ACCOUNT --per-day N",
    )


def described(one: "Quota") -> str:
    """In a sentence."""
    numbers = [
        f"submit {one.per_minute} a minute" if one.per_minute is not None else "",
        f"submit {one.per_day} a day" if one.per_day is not None else "",
        f"have {one.queued} waiting" if one.queued is not None else "",
        f"have {one.running} running" if one.running is not None else "",
    ]
    said = ", ".join(filter(None, numbers)) or "submit and run as many tasks as it likes"
    return f"Account {one.account_id} may {said}; its weight is {one.weight:g}."


def _line(name: str, most: int | None, used: int | None) -> tuple[Cell, ...]:
    """Yellow where no more is left."""
    spent = most is not None and used is not None and used >= most
    return cell(name), cell(_most(most)), cell(used, YELLOW if spent else "")


def _most(number: int | None) -> str:
    return "any" if number is None else str(number)
