"""What the shell offers at TAB: names asked of the hub, quickly or not at all."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from taskflow_hub.cli.connection import connect

if TYPE_CHECKING:
    from taskflow_hub.client.sync_client import SyncClient

STATUSES = ("scheduled", "blocked", "queued", "running", "success", "failed", "cancelled", "skipped")
WORKFLOW_STATUSES = ("running", "success", "failed", "cancelled")
SCOPES = ("submit", "read", "manage", "work", "admin")
ROLES = ("user", "viewer", "admin")


def complete_type(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, incomplete, lambda client: [declared.type for declared in client.task_types()])


def complete_queue(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, incomplete, lambda client: [queue.name for queue in client.queues()])


def complete_schedule(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, incomplete, lambda client: [schedule.name for schedule in client.schedules()])


def complete_workflow_status(incomplete: str) -> list[str]:
    return [status for status in WORKFLOW_STATUSES if status.startswith(incomplete)]


def complete_worker(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, incomplete, lambda client: [worker.id for worker in client.workers()])


def complete_key(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, incomplete, _good_keys)


def complete_user(ctx: typer.Context, incomplete: str) -> list[str]:
    return _names(ctx, incomplete, lambda client: [user.email for user in client.users()])


def complete_scope(incomplete: str) -> list[str]:
    return [scope for scope in SCOPES if scope.startswith(incomplete)]


def complete_role(incomplete: str) -> list[str]:
    return [role for role in ROLES if role.startswith(incomplete)]


def complete_action(incomplete: str) -> list[str]:
    from taskflow_hub.domain.audit import Action

    return [action for action in Action if action.startswith(incomplete)]


def complete_entity(incomplete: str) -> list[str]:
    from taskflow_hub.domain.audit import Entity

    return [entity for entity in Entity if entity.startswith(incomplete)]


def complete_status(incomplete: str) -> list[str]:
    return [status for status in STATUSES if status.startswith(incomplete)]


def _good_keys(client: "SyncClient") -> list[str]:
    keys = client.keys()
    return [key.id for key in keys if not key.revoked_at]


def _names(ctx: typer.Context, incomplete: str, ask: Callable[["SyncClient"], list[str]]) -> list[str]:
    try:
        with connect(ctx, ctx.params.get("server"), hurried=True) as client:
            return [name for name in ask(client) if name.startswith(incomplete)]
    except Exception:  # no hub, no names; an error has no place at a prompt
        return []
