"""What can be asked of tasks: the requests behind the client's methods, each with the answer it expects."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NotRequired, Required, TypeAlias, Unpack

from msgspec import UNSET, Raw, Struct, UnsetType

from taskflow_hub.client.conversation import Conversation, Manner, Param, aware, segment
from taskflow_hub.client.model import Task
from taskflow_hub.client.plan import Emit, Flow, Plan
from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Attempt
from taskflow_hub.domain.options import CommonOptions
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.steps import Event, Step
from taskflow_hub.domain.submission import Limit, Submission, Unique
from taskflow_hub.domain.why import Why

PAGE: Final = 100
PREFER_MAX_S: Final = 60  # the longest `Prefer: wait` a hub grants

Payload: TypeAlias = Mapping[str, Any] | Raw | None  # Raw: JSON text, sent as it is


class SubmitOptions(CommonOptions, total=False):
    """What may be said of a task beside type and payload. What is left out takes the task type's default.

    `delay`: seconds from now; or `run_at`. `max_retries=None` retries without end, `timeout=None` runs without limit.
    """

    retry: RetryPolicy | Mapping[str, Any]
    unique: Unique | Mapping[str, Any]
    limits: Iterable[Limit | Mapping[str, Any]]


class NewTask(SubmitOptions):
    """One of the tasks that `submit_many` takes: `{"type": "web.title", "payload": {"url": …}}`."""

    type: Required[str]
    payload: NotRequired[Payload]


class Page(Struct, frozen=True):
    items: tuple[Task, ...]
    next_cursor: str | None = None


class _Attempts(Struct, frozen=True):
    items: list[Attempt]


class _Steps(Struct, frozen=True):
    items: tuple[Step, ...]
    next_cursor: str | None = None


class _Ids(Struct, frozen=True):
    ids: list[str]


class TaskPlans(Conversation):
    def submit_once(
        self,
        type: str,
        payload: Payload = None,
        *,
        idempotency_key: str | None = None,
        prefer_wait_s: int = 0,
        **options: Unpack[SubmitOptions],
    ) -> Plan[Task]:
        """Commit one task. Waits on the hub for its end for at most `prefer_wait_s` seconds."""
        headers = {"idempotency-key": idempotency_header(idempotency_key, self.manner)}
        if prefer_wait_s > 0:
            headers["prefer"] = f"wait={prefer_wait_s}"
        return self.ask(
            Task,
            "POST",
            "tasks",
            headers=headers,
            body=_submission(type, payload, options),
            held_s=prefer_wait_s,
        )

    def submit_many(
        self, tasks: Iterable[NewTask | Submission], *, idempotency_key: str | None = None
    ) -> Plan[list[str]]:
        """Commit all of `tasks` in one transaction, or none; at most 10 000. Returns their ids in order.

        Raises Invalid naming the index and field of each that is wrong. Safe to repeat: see `submit`.
        """
        bodies = [_one(task, f"/tasks/{index}") for index, task in enumerate(tasks)]
        if not bodies:
            return []
        answer = yield from self.ask(
            _Ids,
            "POST",
            "tasks/batch",
            headers={"idempotency-key": idempotency_header(idempotency_key, self.manner)},
            body={"tasks": bodies},
        )
        return answer.ids

    def get(self, id: str) -> Plan[Task]:
        """The task as it is now. Raises NotFound."""
        return self.ask(Task, "GET", f"tasks/{segment(id)}")

    def explain(self, id: str) -> Plan[Why]:
        """Why it is not running: `summary` in plain words, and each of the `causes`. Raises NotFound."""
        return self.ask(Why, "GET", f"tasks/{segment(id)}/explain")

    def search(
        self,
        *,
        status: State | str | Iterable[State | str] | None = None,
        type: str | None = None,
        queue: str | None = None,
        tag: str | None = None,
        fingerprint: str | None = None,
        error: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int | None = None,
    ) -> Flow[Task]:
        """Iterate over the tasks that meet every condition, newest first; pages are fetched as needed.

        `fingerprint` and `error` find failed tasks: that failed in this way, or with this text in their error.
        `limit` bounds how many in all (None: every one). Raises Invalid for a condition that cannot be.
        """
        conditions: dict[str, Param] = {
            "status": several(status),
            "type": type,
            "queue": queue,
            "tag": tag,
            "fingerprint": fingerprint,
            "error": error,
            "created_after": created_after,
            "created_before": created_before,
        }
        cursor: str | None = None
        left = limit
        while left is None or left > 0:
            size = PAGE if left is None else min(left, PAGE)
            page = yield from self.ask(
                Page, "GET", "tasks", params={**conditions, "limit": size, "cursor": cursor}
            )
            for task in page.items[:left]:
                yield Emit(task)
            left = None if left is None else left - len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return

    def cancel(self, id: str) -> Plan[Task]:
        """End it if it has not started, or ask its worker to; the task that comes back says which (`status`).

        Cancelling twice is harmless. Raises NotAllowed when it had ended in another way, NotFound.
        """
        return self.ask(Task, "POST", f"tasks/{segment(id)}/cancel")

    def redrive(self, id: str) -> Plan[Task]:
        """Run a failed or cancelled task anew. Raises NotAllowed in any other state, NotFound."""
        return self.ask(Task, "POST", f"tasks/{segment(id)}/redrive", repeatable=False)

    def promote(self, id: str) -> Plan[Task]:
        """Run a scheduled task now. Raises NotAllowed in any other state, NotFound."""
        return self.ask(Task, "POST", f"tasks/{segment(id)}/promote", repeatable=False)

    def update(
        self,
        id: str,
        *,
        priority: int | UnsetType = UNSET,
        run_at: datetime | UnsetType = UNSET,
        queue: str | UnsetType = UNSET,
    ) -> Plan[Task]:
        """Change a task that has not started; what is not given stays. Raises NotAllowed, NotFound, Invalid."""
        changes: dict[str, Any] = {"priority": priority, "run_at": run_at, "queue": queue}
        given = {name: value for name, value in changes.items() if value is not UNSET}
        if isinstance(run_at, datetime):
            aware("run_at", run_at)
        return self.ask(Task, "PATCH", f"tasks/{segment(id)}", body=given)

    def delete(self, id: str) -> Plan[None]:
        """Remove a finished task with its attempts and logs. Raises NotAllowed while it is unfinished, NotFound."""
        yield from self.ask(Any, "DELETE", f"tasks/{segment(id)}", repeatable=False)

    def send_event(self, id: str, name: str, payload: Any = None) -> Plan[Event]:
        """Send it an event, for which its handler waits or will; `payload` is anything that JSON has, or JSON text as Raw.

        The first of a name is what the handler gets. A later one changes nothing, and is answered with the first, `accepted`
        False; so is one that had to be sent twice. Raises NotFound, NotAllowed when it has ended, Invalid.
        """
        body = payload if isinstance(payload, Raw) else jsontext.encode(payload)
        return self.ask(Event, "POST", f"tasks/{segment(id)}/events/{segment(name)}", body=body)

    def steps(self, id: str) -> Flow[Step]:
        """Iterate over what its handler has kept, in order: steps, sleeps, waits. Raises NotFound."""
        after: str | None = None
        while True:
            page = yield from self.ask(_Steps, "GET", f"tasks/{segment(id)}/steps", params={"after": after})
            for step in page.items:
                yield Emit(step)
            after = page.next_cursor
            if after is None:
                return

    def attempts(self, id: str) -> Plan[list[Attempt]]:
        """Every try in order, the running or last one included; of more than 200 the newest. Raises NotFound."""
        return (yield from self.ask(_Attempts, "GET", f"tasks/{segment(id)}/attempts")).items


def idempotency_header(given: str | None, manner: Manner) -> str:
    """A string of RFC 9651, whatever printable characters are in it; made anew if none is given."""
    key = manner.new_key() if given is None else given
    if not (key.isascii() and key.isprintable() and 1 <= len(key) <= 255):
        raise Invalid.field("/header/Idempotency-Key", "must be 1 to 255 printable ASCII characters")
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def several(status: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """One or many, as query parameters."""
    if status is None:
        return None
    return (str(status),) if isinstance(status, str) else tuple(str(one) for one in status)


def _one(task: NewTask | Submission, pointer: str) -> Submission | dict[str, Any]:
    if isinstance(task, Submission):
        return task
    options: dict[str, Any] = {**task}
    try:
        return _submission(options.pop("type"), options.pop("payload", None), options)
    except Invalid as error:
        raise error.below(pointer) from None


def _submission(type: str, payload: Payload, options: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"type": type, "payload": _text(payload), **options}
    for name in ("run_at", "expires_at"):
        if isinstance(body.get(name), datetime):
            aware(name, body[name])
    if "tags" in body:
        body["tags"] = [body["tags"]] if isinstance(body["tags"], str) else list(body["tags"])
    if "limits" in body:
        body["limits"] = list(body["limits"])
    return body


def _text(payload: Payload) -> Raw:
    return (
        payload
        if isinstance(payload, Raw)
        else jsontext.encode({} if payload is None else payload, "/payload")
    )
