"""How the audit looks to people."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from taskflow_hub.cli.show import RED, YELLOW
from taskflow_hub.cli.table import Column, cell, print_table

if TYPE_CHECKING:
    from taskflow_hub.domain.audit import AuditEntry

STYLES = {"login.fail": YELLOW, "login.reuse": RED}


def entries(items: Iterable["AuditEntry"]) -> None:
    print_table(
        (
            Column("WHEN"),
            Column("WHO", least=12),
            Column("ACTION"),
            Column("WHAT", least=36),  # an id stays whole
            Column("FROM", minor=1),
            Column("CHANGE", least=12, minor=2),
        ),
        (
            (
                cell(f"{entry.ts.astimezone():%Y-%m-%d %H:%M:%S}"),
                cell(who(entry)),
                cell(entry.action, STYLES.get(entry.action, "")),
                cell(entry.entity_id),
                cell(entry.address),
                cell(change(entry)),
            )
            for entry in items
        ),
        empty="No entries that meet this.",
    )


def who(entry: "AuditEntry") -> str:
    """As they were called then. A user of another account has no name here."""
    known = entry.actor_name or entry.actor
    match entry.actor_kind:
        case "user":
            return known or "an admin"
        case "anybody":
            return "–"
        case kind:
            return f"{kind} {known}" if known else kind


def change(entry: "AuditEntry") -> str:
    """In short: what it was before, and is now; else what else is known."""
    before, after = entry.before or {}, entry.after or {}
    told = [_changed(name, before, after) for name in {**before, **after}]
    return "; ".join(told or [_about(name, value) for name, value in (entry.meta or {}).items()])


def _changed(name: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    if name in before and name in after:
        return f"{name}: {_text(before[name])} → {_text(after[name])}"
    return _about(name, after[name]) if name in after else f"{name}: was {_text(before[name])}"


def _about(name: str, value: Any) -> str:
    return f"{name}: {_text(value)}"


def _text(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{name} {_text(one)}" for name, one in value.items()) or "all"
        case list():
            return ", ".join([_text(one) for one in value]) or "none"
        case _:
            return str(value)
