"""The audit, as it is stored: the same columns and conditions on every database."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from taskflow_hub.domain.access import Key, User
from taskflow_hub.domain.audit import Act, Action, AuditEntry, By, changed, of_task, redacted
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import LimitRow, Task, Worker
from taskflow_hub.domain.quota import Quota
from taskflow_hub.domain.workflow_view import Workflow, WorkflowState
from taskflow_hub.store.cursor import id_bounds, make_cursor, read_cursor
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.values import AuditFilter, AuditPage, Bulk, TaskFilter

_EVERY_TASK: Final = TaskFilter()
_object: Final = decoder(dict[str, Any] | None).decode


# --- written -----------------------------------------------------------------------------------------------------------


def rows(by: By, acts: Iterable[Act]) -> list[tuple[str | None, ...]]:
    """In the order of append_audit.sql, but for the time."""
    return [
        (
            new_id(),
            act.account_id,
            by.id,
            by.kind.value,
            None if by.name is None else redacted(by.name),
            by.account,
            by.address,
            by.agent,
            act.action.value,
            act.action.entity.value,
            redacted(act.entity_id),
            _text(act.before),
            _text(act.after),
            _text(act.meta),
        )
        for act in acts
    ]


def _text(value: Any) -> str | None:
    return None if value is None else redacted(to_json(value))


def of_user(
    action: Action, user: User, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None
) -> Act:
    return Act(action=action, entity_id=user.id, account_id=user.account_id, before=before, after=after)


def of_login(action: Action, user: User, session_id: str) -> Act:
    """The session's id tells one login of a user from another; it opens nothing."""
    return Act(action=action, entity_id=user.id, account_id=user.account_id, meta={"login": session_id})


def of_new_key(key: Key) -> Act:
    shown = {"name": key.name, "scopes": key.scopes, "queues": key.queues, "expires_at": key.expires_at}
    return Act(action=Action.KEY_CREATE, entity_id=key.id, account_id=key.account_id, after=shown)


def of_revoked_key(key: Key) -> Act:
    return Act(action=Action.KEY_REVOKE, entity_id=key.id, account_id=key.account_id, meta={"name": key.name})


def of_cancel(account: str, task: Task, was: State) -> Act:
    """One that runs is asked."""
    after = {"cancel_requested": True} if was is State.RUNNING else {"status": State.CANCELLED}
    return of_task(Action.TASK_CANCEL, account, task, {"status": was}, after)


def of_update(account: str, task: Task, was: dict[str, Any]) -> list[Act]:
    """`was`: the fields that may have been changed."""
    fields = {name: getattr(task, name) for name in was}
    names = [name for name in was if was[name] != fields[name]]
    if not names:
        return []
    before, after = ({name: values[name] for name in names} for values in (was, fields))
    return [of_task(Action.TASK_UPDATE, account, task, before, after)]


def of_purge(account: str, queue: str, waiting: int) -> Act:
    return Act(action=Action.QUEUE_PURGE, entity_id=queue, account_id=account, meta={"waiting": waiting})


def of_limit(was: LimitRow, now: LimitRow) -> list[Act]:
    act = changed(Action.LIMIT_SET, now.key, was, now, account=now.account_id)
    return [] if act is None else [act]


def of_quota(was: Quota, now: Quota) -> list[Act]:
    act = changed(Action.QUOTA_SET, now.account_id, was, now, account=now.account_id)
    return [] if act is None else [act]


def of_drain(worker: Worker) -> Act:
    about = {"name": worker.name, "host": worker.host}
    return Act(action=Action.WORKER_DRAIN, entity_id=worker.id, meta=about)


def of_bulk(action: Action, bulk: Bulk) -> Act:
    """With its filter, without what that leaves open."""
    where = {
        name: value
        for name in bulk.where.__struct_fields__
        if (value := getattr(bulk.where, name)) != getattr(_EVERY_TASK, name)
    }
    counts = (
        {"total": bulk.total} if action is Action.BULK_BEGIN else {"done": bulk.done, "total": bulk.total}
    )
    about = {"action": bulk.action, "filter": where, **counts}
    return Act(action=action, entity_id=bulk.id, account_id=bulk.account_id, meta=about)


def of_workflow_cancel(account: str, workflow: Workflow) -> Act:
    """Of one that ran; `workflow` is as it was after that, as below."""
    before, after = {"status": WorkflowState.RUNNING}, {"cancel_requested": True}
    return _of_workflow(Action.WORKFLOW_CANCEL, account, workflow, before, after)


def of_workflow_redrive(account: str, workflow: Workflow, was: WorkflowState) -> Act:
    before, after = {"status": was}, {"status": workflow.status}
    return _of_workflow(Action.WORKFLOW_REDRIVE, account, workflow, before, after)


def of_workflow_delete(account: str, workflow: Workflow) -> Act:
    """`workflow` is as it was."""
    return _of_workflow(Action.WORKFLOW_DELETE, account, workflow, {"status": workflow.status}, None)


def _of_workflow(
    action: Action, account: str, workflow: Workflow, before: dict[str, Any], after: dict[str, Any] | None
) -> Act:
    """The entry outlives the workflow, so it says what it was called."""
    return Act(
        action=action,
        entity_id=workflow.id,
        account_id=account,
        before=before,
        after=after,
        meta={"name": workflow.name},
    )


# --- listed ------------------------------------------------------------------------------------------------------------


def question(
    sql: str, where: AuditFilter, limit: int, cursor: str | None, mark: Callable[[int], str]
) -> tuple[str, list[Any]]:
    """audit.sql with its conditions, and their values; `mark` writes the nth. One entry more than a page has is asked for."""
    values: list[Any] = []

    def marked(value: Any) -> str:
        values.append(value)
        return mark(len(values))

    told = [f"{column} {sign} {marked(value)}" for column, sign, value in _bounds(where, cursor)]
    if where.actions:
        told.append(f"action IN ({', '.join([marked(action) for action in where.actions])})")
    if where.actor is not None:
        told.append(f"{marked(where.actor)} IN (actor, actor_name)")
    conditions = f"WHERE {' AND '.join(told)}" if told else ""
    return sql.replace("/* where */", conditions).replace("/* limit */", marked(limit + 1)), values


def _bounds(where: AuditFilter, cursor: str | None) -> list[tuple[str, str, Any]]:
    """Times bound ids, too, so that no list is walked from its newest entry."""
    first, end = id_bounds(where.since, where.until, None if cursor is None else read_cursor(cursor))
    wanted = (
        ("account_id", "=", where.account),
        ("entity", "=", where.entity),
        ("entity_id", "=", where.entity_id),
        ("actor_account", "=", where.actor_account),
        ("ts", ">=", where.since),
        ("ts", "<", where.until),
        ("id", ">=", first),
        ("id", "<", end),
    )
    return [bound for bound in wanted if bound[2] is not None]


def entry_of(row: Sequence[Any], at: Callable[[Any], datetime]) -> AuditEntry:
    """From the columns of audit.sql."""
    id, ts, *texts, before, after, meta = row
    names = AuditEntry.__struct_fields__[2:-3]
    return AuditEntry(
        id=id,
        ts=at(ts),
        before=_object(before or "null"),
        after=_object(after or "null"),
        meta=_object(meta or "null"),
        **dict(zip(names, texts, strict=True)),
    )


def page(entries: Sequence[AuditEntry], limit: int) -> AuditPage:
    """Of the newest `limit` + 1."""
    items = tuple(entries[:limit])
    return AuditPage(items, make_cursor(items[-1].id) if len(entries) > limit else None)
