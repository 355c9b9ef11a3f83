"""Who did what to what, from where. An entry is written with the change it tells of, and never changed.

Nothing secret is in it: passwords, hashes and tokens are not among what is written, and what looks like a key or a token in a
text of others, such as a User-Agent, is cut short.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from taskflow_hub.domain.access import User, Who
from taskflow_hub.domain.model import Task

AGENT_MAX: Final = 200
ADDRESS_MAX: Final = 64
NAME_MAX: Final = 320  # an e-mail address has 254 characters at most, a key's name 100
_SECRET: Final = re.compile(r"(tfk_|eyJ)[A-Za-z0-9_.-]{8,}")  # one of our keys; a token


class Actor(StrEnum):
    """What kind of actor it was."""

    USER = "user"
    KEY = "key"
    ANYBODY = "anybody"  # who is not known: a hub without accounts, or before a login
    OPERATOR = "operator"  # who has the database in hand


class Entity(StrEnum):
    """What kind of thing it was done to."""

    USER = "user"
    KEY = "key"
    TASK = "task"
    WORKFLOW = "workflow"
    QUEUE = "queue"
    LIMIT = "limit"
    QUOTA = "quota"
    BULK = "bulk"
    WORKER = "worker"
    SCHEDULE = "schedule"


class Action(StrEnum):
    """What was done: a noun and a verb."""

    USER_REGISTER = "user.register"
    USER_ADD = "user.add"
    USER_SET_ROLE = "user.set_role"
    USER_SET_PASSWORD = "user.set_password"  # noqa: S105
    LOGIN_BEGIN = "login.begin"
    LOGIN_FAIL = "login.fail"
    LOGIN_REUSE = "login.reuse"  # a refresh token came twice, and the login was ended
    LOGIN_END = "login.end"
    KEY_CREATE = "key.create"
    KEY_REVOKE = "key.revoke"
    TASK_CANCEL = "task.cancel"
    TASK_REDRIVE = "task.redrive"
    TASK_PROMOTE = "task.promote"
    TASK_UPDATE = "task.update"
    TASK_DELETE = "task.delete"
    TASK_EVENT = "task.event"
    WORKFLOW_CANCEL = "workflow.cancel"
    WORKFLOW_REDRIVE = "workflow.redrive"
    WORKFLOW_DELETE = "workflow.delete"
    QUEUE_PAUSE = "queue.pause"
    QUEUE_RESUME = "queue.resume"
    QUEUE_UPDATE = "queue.update"
    QUEUE_PURGE = "queue.purge"
    LIMIT_SET = "limit.set"
    QUOTA_SET = "quota.set"
    BULK_BEGIN = "bulk.begin"
    BULK_ABORT = "bulk.abort"
    WORKER_DRAIN = "worker.drain"
    SCHEDULE_CREATE = "schedule.create"
    SCHEDULE_UPDATE = "schedule.update"
    SCHEDULE_PAUSE = "schedule.pause"
    SCHEDULE_RESUME = "schedule.resume"
    SCHEDULE_DELETE = "schedule.delete"
    SCHEDULE_TRIGGER = "schedule.trigger"
    SCHEDULE_BACKFILL = "schedule.backfill"

    @property
    def entity(self) -> Entity:
        """A login is told of under its user."""
        noun = self.partition(".")[0]
        return Entity.USER if noun == "login" else Entity(noun)


class By(Struct, frozen=True, kw_only=True):
    """Who acts, and from where."""

    kind: Actor
    id: str | None = None  # a user's, or a key's
    name: str | None = (
        None  # as they are called now: an e-mail address, a key's name, a user of the operating system
    )
    account: str | None = None  # of the actor
    address: str | None = None
    agent: str | None = None  # the User-Agent

    def as_user(self, user: User) -> "By":
        """The same, once it is known who it is."""
        known = {"kind": Actor.USER, "id": user.id, "name": user.email, "account": user.account_id}
        return msgspec.structs.replace(self, **known)


def by_who(who: Who | None, address: str, agent: str | None) -> By:
    """`who` None: nobody has said yet."""
    came: dict[str, Any] = {
        "address": _cleaned(address, ADDRESS_MAX) or None,
        "agent": None if agent is None else _cleaned(agent, AGENT_MAX),
    }
    if who is None:
        return By(kind=Actor.ANYBODY, **came)
    if who.user is not None:
        return By(kind=Actor.ANYBODY, **came).as_user(who.user)
    if who.key is not None:
        return By(kind=Actor.KEY, id=who.key.id, name=who.key.name, account=who.account_id, **came)
    return By(kind=Actor.ANYBODY, account=who.account_id, **came)


def by_operator(name: str) -> By:
    """`name`: of whom the operating system says it is."""
    return By(kind=Actor.OPERATOR, name=_cleaned(name, NAME_MAX))


class Act(Struct, frozen=True, kw_only=True):
    """What was done to one thing. `before` and `after` have what changed and nothing else."""

    action: Action
    entity_id: str
    account_id: str | None = None  # whose thing it is; None: all share it, or nobody knows
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    meta: Mapping[str, Any] | None = None


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One line of the audit."""

    id: str  # a UUIDv7: the newest is the highest
    ts: datetime
    action: str  # an Action; or one that a newer version has written
    entity: str
    entity_id: str
    account_id: str | None
    actor_kind: str
    actor: str | None
    actor_name: str | None
    actor_account: str | None
    address: str | None
    agent: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    meta: dict[str, Any] | None

    def for_account(self, account: str) -> "AuditEntry":
        """As an account is shown it: what was done is theirs to know; who of another account did it, and from where, is not,
        nor who has the database in hand."""
        if self.actor_account in {None, account} and self.actor_kind != Actor.OPERATOR:
            return self
        return msgspec.structs.replace(
            self, actor=None, actor_name=None, actor_account=None, address=None, agent=None
        )


# --- what changed ------------------------------------------------------------------------------------------------------


def changed(
    action: Action, entity_id: str, before: Struct, after: Struct, *, account: str | None = None
) -> Act | None:
    """What two values of one class differ in; None: in nothing."""
    pairs = {
        name: (was, now)
        for name in after.__struct_fields__
        if (was := getattr(before, name)) != (now := getattr(after, name))
    }
    if not pairs:
        return None
    return Act(
        action=action,
        entity_id=entity_id,
        account_id=account,
        before={name: was for name, (was, _) in pairs.items()},
        after={name: now for name, (_, now) in pairs.items()},
    )


def of_task(
    action: Action,
    account: str,
    task: Task,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> Act:
    """The entry outlives the task, so it says what kind of task it was."""
    about = {"type": task.type, "queue": task.queue}
    return Act(action=action, entity_id=task.id, account_id=account, before=before, after=after, meta=about)


# --- what is kept out --------------------------------------------------------------------------------------------------


def redacted(text: str) -> str:
    """Without what looks like a key or a token."""
    return _SECRET.sub(r"\1…", text)


def masked(email: str) -> str:
    """What may be kept of an e-mail address that nobody here has: where it is asked for, people type passwords, too."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}…@{domain[:1]}…"


def _cleaned(text: str, most: int) -> str:
    """One short line that can be shown: what cannot be seen, or turns the line around, becomes U+FFFD."""
    seen = "".join(char if char.isprintable() else "\ufffd" for char in redacted(text))
    return seen if len(seen) <= most else f"{seen[: most - 1]}…"
