"""How users, keys and who one is look to people."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from taskflow_hub.cli.show import GREEN, GREY, RED, YELLOW, ago
from taskflow_hub.cli.table import Cell, Column, cell, print_fields, print_table
from taskflow_hub.domain.access import Role

if TYPE_CHECKING:
    from taskflow_hub.client.model import Me
    from taskflow_hub.domain.access import Key, User

ROLE_STYLES = {Role.ADMIN: YELLOW, Role.VIEWER: GREY}


def users(items: Iterable["User"]) -> None:
    print_table(
        (
            Column("ID"),
            Column("EMAIL", least=16),
            Column("ROLE"),
            Column("ACCOUNT", least=8, minor=2),
            Column("SINCE", minor=1),
        ),
        (
            (
                cell(user.id),
                cell(user.email),
                cell(user.role, ROLE_STYLES.get(user.role, "")),
                cell(user.account_id),
                cell(ago(user.created_at)),
            )
            for user in items
        ),
    )


def keys(items: Iterable["Key"]) -> None:
    print_table(
        (
            Column("ID"),
            Column("NAME", least=8),
            Column("STATE"),
            Column("SCOPES", least=6),
            Column("QUEUES", least=6, minor=1),
            Column("USED", minor=2),
            Column("MADE", minor=3),
            Column("ACCOUNT", least=8, minor=4),
        ),
        (
            (
                cell(key.id),
                cell(key.name),
                _state(key),
                cell(", ".join(key.scopes)),
                cell(", ".join(key.queues) or "all"),
                cell("never" if key.last_used_at is None else ago(key.last_used_at)),
                cell(ago(key.created_at)),
                cell(key.account_id),
            )
            for key in items
        ),
        empty="No keys yet. Make one: taskflow key create NAME --scope submit",
    )


def me(shown: "Me", server: str) -> None:
    print_fields(_fields(shown, server))


def described(key: "Key") -> str:
    """In a sentence."""
    queues = f", in {', '.join(key.queues)} only" if key.queues else ""
    until = f", good until {key.expires_at.astimezone():%Y-%m-%d %H:%M}" if key.expires_at else ""
    return f"{key.name} ({key.id}): {', '.join(key.scopes)}{queues}{until}"


def _fields(shown: "Me", server: str) -> Iterator[tuple[str, Cell]]:
    yield "server", cell(server)
    if not shown.accounts:
        yield "access", cell("no accounts: whoever reaches this hub may do everything")
    if shown.user is not None:
        yield "user", cell(shown.user.email)
        yield "role", cell(shown.user.role, ROLE_STYLES.get(shown.user.role, ""))
    if shown.key is not None:
        yield "key", cell(f"{shown.key.name} ({shown.key.id})")
        if shown.key.expires_at is not None:
            yield "expires", cell(ago(shown.key.expires_at))
    yield "account", cell(shown.account_id)
    yield "scopes", cell(", ".join(shown.scopes))
    yield "queues", cell(", ".join(shown.queues) or "all")


def _state(key: "Key") -> Cell:
    if key.revoked_at is not None:
        return cell("revoked", RED)
    if key.expires_at is None:
        return cell("good", GREEN)
    if key.expires_at <= datetime.now(UTC):
        return cell("expired", GREY)
    return cell(f"good, ends {ago(key.expires_at)}", GREEN)
