"""Submit within a transaction of the caller's: one statement, whatever the driver.

The tasks are there, and other processes are told, when the caller commits; after a rollback there is nothing. Nothing but keys
is locked until then, so this differs a little from a submit of the store's own:
- `on_conflict=replace` of a unique key is refused (engine/within.py).
- `max_size` of a queue is kept, but what other open transactions put there is not counted.
- Quotas of the account are kept exactly, so they are locked until the caller commits: who else submits for the account waits as
  for a key. It costs two statements more.
- A key that is in use in another open transaction is waited for, as long as the caller's `lock_timeout` allows; and others wait
  for keys that are used here. So it is with limits, but only if their numbers change: then nothing starts under them meanwhile.
- A replay answers with the ids of the first time, whether or not their tasks have been removed since; and the window of a
  unique key lasts, even if its task was deleted.
- Times are those of the statement. So is the place in the line.
"""

import importlib
import inspect
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from msgspec import Struct

from taskflow_hub.domain.errors import QuotaExceeded, SchemaMismatch, TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Terms
from taskflow_hub.domain.submission import OnConflict
from taskflow_hub.store import refusals
from taskflow_hub.store.allowance import Allowance, Counted, day_of, minute_of
from taskflow_hub.store.births import Birth
from taskflow_hub.store.callers import Caller, no_transaction
from taskflow_hub.store.documents import decoder, json_text, policy_text, to_json
from taskflow_hub.store.keys import Answer, require_same
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.stated import keys_of
from taskflow_hub.store.values import Bare, Draft, Idempotency, Submit

_WHOLE: Final = statement("only/submit_within")
LOCK: Final = statement("only/submit_within_lock")
SETTLE: Final = statement("only/submit_within_settle")
TERMS: Final = statement("only/terms")

# Parts of it, by what there is no need for: whoever does not use limits, or has no quotas, needs no right to change them.
_WITHOUT_LIMITS: Final = (("named", "unnamed"), ("numbered", None))
_WITHOUT_QUOTAS: Final = (("exceeded", "unexceeded"), ("used", None))
_QUOTAS_LOCKED: Final = (("quoted", "unquoted"),)


@cache
def submit_text(*, limited: bool, locked: bool) -> str:
    """`limited`: tasks have limits; `locked`: the rows of quotas are, and there are some."""
    text = _WHOLE
    for part, other in (() if limited else _WITHOUT_LIMITS) + (_QUOTAS_LOCKED if locked else _WITHOUT_QUOTAS):
        text = text.replace(statement(f"parts/{part}"), "" if other is None else statement(f"parts/{other}"))
    return text


_NO_SUCH_TABLE: Final = frozenset({"42P01", "42703"})


class _Item(Struct):
    """One task, as submit_within.sql takes it."""

    n: int
    id: str
    type: str
    queue: str | None
    priority: int
    payload: str
    octets: int
    run_at: datetime | None
    delay_s: float | None
    max_retries: int | None
    retry: str
    timeout: float | None
    defaults: tuple[str, ...] | None
    expires_at: datetime | None
    tags: tuple[str, ...]
    account_id: str
    user_id: str | None
    traceparent: str | None
    unique_key: str | None
    window_s: float | None
    reject: bool
    limits: str | None
    sealed: bool
    limited: bool


class _Limit(Struct):
    """One limit of one task, the item's `n`, and its place there."""

    n: int
    place: int
    account_id: str
    key: str
    running: int | None
    per_second: float | None


class _Key(Struct):
    account_id: str
    route: str
    key: str
    fingerprint: str
    answer: str
    ttl_s: float


class _Exceeded(Struct, array_like=True):
    """An account that may not have so much, what it has used, and when that was so, in seconds since 1970."""

    account_id: str
    per_minute: int | None
    per_day: int | None
    queued: int | None
    in_minute: int
    in_day: int
    waiting: int
    at_s: float

    def counted(self, at: datetime) -> Counted:
        return Counted(
            account_id=self.account_id,
            per_minute=self.per_minute,
            per_day=self.per_day,
            queued=self.queued,
            minute=minute_of(at),
            in_minute=self.in_minute,
            day=day_of(at),
            in_day=self.in_day,
        )


class _Found(Struct):
    """What submit_within.sql answers. All but `kept`: (n, holder), (queue, bound, waiting), lanes by n, n, (n, place),
    (n, what it lacks), accounts whose quotas have to be locked first, and those that may not have so much."""

    kept: tuple[str, str] | None = None
    answered: list[tuple[int, str]] | None = None
    crowded: list[tuple[str, int, int]] | None = None
    lanes: list[str] | None = None
    unknown: list[int] | None = None
    unnumbered: list[tuple[int, int]] | None = None
    bare: list[tuple[int, Terms]] | None = None
    quoted: list[str] | None = None
    exceeded: list[_Exceeded] | None = None


class Within:
    """The hub's tables, on one connection of a caller's."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def terms(self, types: Collection[str]) -> Mapping[str, Terms]:
        """See engine/within.py."""
        found: dict[str, Terms] = await self._ask(TERMS, types, dict[str, Terms])
        return found

    async def submit(
        self, drafts: Sequence[Draft], idempotency: Idempotency | None, *, strict: bool
    ) -> Sequence[str]:
        """See engine/within.py."""
        ids = [draft.new.id for draft in drafts]
        answer = to_json([(id, True) for id in ids])
        key = (
            None
            if idempotency is None
            else _Key(
                idempotency.account_id,
                idempotency.route,
                idempotency.key,
                idempotency.fingerprint,
                answer,
                idempotency.ttl_s,
            )
        )
        items = [_item(n, draft) for n, draft in enumerate(drafts)]
        limits = _limits(drafts)
        document = {"tasks": items, "limits": limits, "strict": strict} | (
            {} if key is None else {"key": key}
        )
        found = await self._try(submit_text(limited=bool(limits), locked=False), document)
        if idempotency is not None and found.kept is not None and found.kept[1] != answer:
            require_same(idempotency, found.kept[0])
            return [id for id, _ in decoder(Answer).decode(found.kept[1])]
        if found.quoted:
            await self._ask(LOCK, {"accounts": found.quoted}, _Found)
            found = await self._try(submit_text(limited=bool(limits), locked=True), document)
        holders = dict(found.answered or ())
        refusal = _refusal(drafts, holders, found)
        if refusal is not None:
            await self._settle(drafts, key, None)
            raise refusal
        if holders and key is not None:
            await self._settle(
                drafts, key, [(holders.get(n, id), n not in holders) for n, id in enumerate(ids)]
            )
        return [holders.get(n, id) for n, id in enumerate(ids)]

    async def _try(self, sql: str, document: Any) -> _Found:
        """Raises Bare: then no task is made."""
        found: _Found = await self._ask(sql, document, _Found)
        if found.bare:
            raise Bare(dict(found.bare))
        return found

    async def _settle(self, drafts: Sequence[Draft], key: _Key | None, answer: Answer | None) -> None:
        """Keys that were taken shall not be kept, or not as they are. `answer` None: all is refused."""
        document: dict[str, Any] = {"answer": None if answer is None else to_json(answer)}
        document["held"] = [
            {
                "account_id": draft.new.account_id,
                "type": draft.new.type,
                "key": draft.new.unique.key,
                "task_id": draft.new.id,
            }
            for draft in drafts
            if draft.new.unique is not None
        ]
        if key is not None:
            document |= {
                "account_id": key.account_id,
                "route": key.route,
                "key": key.key,
                "taken": key.answer,
            }
        if key is not None or document["held"]:
            await self._ask(SETTLE, document, _Found)

    async def _ask(self, sql: str, document: Any, shape: Any) -> Any:
        try:
            found = await _ask(self._caller, sql, to_json(document))
        except Exception as error:
            if _sqlstate(error) in _NO_SUCH_TABLE:
                raise SchemaMismatch(
                    f"on this connection the tables of a hub are not found ({error}): is it the hub's database, is "
                    "their schema on the search_path, and are they up to date?"
                ) from error
            raise
        return decoder(shape).decode(found)


def _item(n: int, draft: Draft) -> _Item:
    new = draft.new
    unique = new.unique
    return _Item(
        n=n,
        id=new.id,
        type=new.type,
        queue=new.queue,
        priority=new.priority,
        payload=json_text(new.payload, f"/tasks/{n}/payload"),
        octets=len(new.payload),
        run_at=new.run_at,
        delay_s=new.delay_s,
        max_retries=new.max_retries,
        retry=policy_text(new.retry),
        timeout=new.timeout,
        defaults=draft.defaults or None,
        expires_at=new.expires_at,
        tags=new.tags,
        account_id=new.account_id,
        user_id=new.user_id,
        traceparent=new.traceparent,
        unique_key=None if unique is None else unique.key,
        window_s=None if unique is None else unique.window,
        reject=unique is not None and unique.on_conflict is OnConflict.REJECT,
        limits=to_json(keys_of(new)) if new.limits else None,
        sealed=draft.sealed,
        limited=draft.limited,
    )


def _limits(drafts: Sequence[Draft]) -> list[_Limit]:
    return [
        _Limit(n, place, draft.new.account_id, limit.key, limit.running, limit.per_second)
        for n, draft in enumerate(drafts)
        for place, limit in enumerate(draft.new.limits)
    ]


def _refusal(drafts: Sequence[Draft], holders: dict[int, str], found: _Found) -> TaskflowError | None:
    for n in found.unknown or ():
        return refusals.unknown_type(drafts[n].new.type, n)
    for n, holder in sorted(holders.items()):
        unique = drafts[n].new.unique
        if unique is not None and unique.on_conflict is OnConflict.REJECT:
            return refusals.key_held(unique.key, holder, None, n)
    for n, place in found.unnumbered or ():
        return refusals.no_numbers(n, place, drafts[n].new.limits[place].key)
    if found.exceeded:
        return _exceeded(drafts, holders, found.exceeded)
    for queue, bound, waiting in found.crowded or ():
        coming = [n for n, lane in enumerate(found.lanes or ()) if lane == queue and n not in holders]
        return refusals.queue_full(queue, bound, coming[max(bound - waiting, 0) :])
    return None


def _exceeded(
    drafts: Sequence[Draft], holders: dict[int, str], accounts: Sequence[_Exceeded]
) -> QuotaExceeded | None:
    at = datetime.fromtimestamp(accounts[0].at_s, UTC)
    allowance = Allowance([one.counted(at) for one in accounts], at)
    allowance.waiting.update({one.account_id: one.waiting for one in accounts})
    request = Submit(tuple([draft.new for draft in drafts]))
    try:
        for n, draft in enumerate(drafts):
            if n not in holders:
                allowance.take(request, n, Birth(draft.new, "", State.QUEUED, "", None, False))
    except QuotaExceeded as error:
        return error
    return None


# --- drivers ---------------------------------------------------------------------------------------------------------


async def _ask(caller: Caller, sql: str, document: str) -> str:
    """Run a statement with one parameter that answers one text."""
    match caller.driver:
        case "asyncpg":
            if not caller.connection.is_in_transaction():
                raise no_transaction()
            found = await caller.connection.fetchval(sql, document)
        case "psycopg":
            found = await _ask_psycopg(caller.connection, sql.replace("$1", "%s"), document)
        case _:
            found = await _ask_sqlalchemy(caller.connection, sql.replace("$1", ":document"), document)
    return str(found)


async def _ask_psycopg(connection: Any, sql: str, document: str) -> Any:
    psycopg, rows = importlib.import_module("psycopg"), importlib.import_module("psycopg.rows")
    idle = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    if connection.autocommit and idle:
        raise no_transaction()
    # Not the connection's own kind of cursor, which may want its parameters written in another way.
    kind = psycopg.AsyncCursor if isinstance(connection, psycopg.AsyncConnection) else psycopg.Cursor
    cursor = kind(connection, row_factory=rows.tuple_row)
    try:
        await _if_async(cursor.execute(sql, (document,)))
        (found,) = await _if_async(cursor.fetchone())
    finally:
        await _if_async(cursor.close())
    return found


async def _ask_sqlalchemy(connection: Any, sql: str, document: str) -> Any:
    sqlalchemy = importlib.import_module("sqlalchemy")
    core = getattr(connection, "sync_connection", connection)
    if core.connection.dbapi_connection.autocommit:
        raise no_transaction()
    result = await _if_async(connection.execute(sqlalchemy.text(sql), {"document": document}))
    return result.scalar_one()


async def _if_async(answer: Any) -> Any:
    """The same call of a driver's asynchronous face answers with something to be awaited."""
    return await answer if inspect.isawaitable(answer) else answer


def _sqlstate(error: BaseException) -> str | None:
    """By the names that drivers give it; SQLAlchemy wraps the driver's error."""
    for one in (error, getattr(error, "orig", None)):
        for name in ("sqlstate", "pgcode"):
            if state := getattr(one, name, None):
                return str(state)
    return None
