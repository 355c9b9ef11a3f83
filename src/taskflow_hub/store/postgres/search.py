"""Lists: the one place where a statement depends on what is asked.

Built here by hand and not by SQLAlchemy, which would cost an idle hub tens of megabytes (docs/adr/0014). Values are parameters;
only states and the size of a page stand in the text, for a plan made for them can be kept: planning over all days of
history costs several times what a page does.

A list is a merge of two branches, each in order by itself: the live table along its key, and the days of history along the
index (account, [type | queue | user,] id) of each. By tag it is a walk along the tag's tasks instead, unless that leads past
many for the sake of few.
"""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from taskflow_hub.domain.lifecycle import FINAL, UNFINISHED, State
from taskflow_hub.domain.limits import PAGE_OCTETS
from taskflow_hub.store import error_text
from taskflow_hub.store.cursor import ID_SLACK_MS, id_range, make_cursor, read_cursor
from taskflow_hub.store.error_text import needles, statuses_of, too_many
from taskflow_hub.store.postgres.rows import task_of
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot
from taskflow_hub.store.values import Count, Entries, Entry, Page, TaskFilter

LIST: Final = statement("list")
ENTRIES: Final = statement("entries")
COUNT: Final = statement("count")
COUNTS: Final = statement("counts")
TAGGED: Final = statement("only/tagged")
READ_TO: Final = statement("read_to")

COUNTING_MS: Final = 500  # after that the planner is asked instead
MANY: Final = 5_000  # tasks with one tag: from here on anything else that is asked for says more

_PLACE: Final = "task.id AS place"
_HEAVY: Final = "task.octets + coalesce(octet_length(task.error), 0)"
# The columns of a live task and of a finished one.
_WHOLE: Final = (
    f"{statement('parts/task')}, {_PLACE}, {_HEAVY} AS octets",
    f"{statement('parts/finished')}, {_PLACE}, {_HEAVY} + coalesce(octet_length(task.result), 0) AS octets",
)
_BRIEF: Final = (
    f"{_PLACE}, task.status, task.created_at, task.cancel_requested_at IS NOT NULL AS cancel_requested",
) * 2
_NOTHING: Final = ("1",) * 2
_STATUS: Final = ("task.status",) * 2
# Conditions of the partial indexes that each have one part of a state.
_PARTIAL: Final = {State.QUEUED: ("task.hold IS NULL", "task.hold IS NOT NULL")}

# What an error says is taken apart only where its JSON has the words somewhere. PostgreSQL cannot take NUL apart at all.
_SAYS: Final = """(
    strpos(lower(task.error COLLATE "C"), {written}) > 0
    AND CASE WHEN strpos(task.error, '\\u0000') > 0 THEN true ELSE strpos(lower(concat_ws(
        chr(10), task.error::json ->> 'type', task.error::json ->> 'message', task.error::json ->> 'traceback'
    ) COLLATE "C"), {said}) > 0 END
)"""
_A_DAY: Final = f"interval '{ID_SLACK_MS} ms'"  # by so much clocks may differ
# No task can have finished before the time in its id: a UUIDv7's first 48 bits, in milliseconds. (PostgreSQL has a function
# for it from version 17.)
_DAYS_OF_TAGGED: Final = (
    "task.finished_at >= "
    f"to_timestamp(('x' || left(replace(tagged.task_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) - {_A_DAY}"
)


async def search(
    snapshot: Snapshot, account: str | None, where: TaskFilter, limit: int, cursor: str | None
) -> Page:
    before = None if cursor is None else read_cursor(cursor)
    if limit < 1 or not statuses_of(where):
        return Page((), None)
    end = await _end(snapshot, account, where, before, error_text.READ_FOR_PAGE)
    along_tag = await _along_tag(snapshot, account, where)
    question = _Question(account, where, before, along_tag, PAGE_OCTETS, end=end)
    found = await snapshot.fetch(question.page(LIST, _WHOLE, limit + 1), *question.values)
    items = tuple([task_of(row) for row in found[:limit]])
    last = items[-1].id if found and found[0]["there"] > len(items) else end
    return Page(items, None if last is None else make_cursor(last))


async def entries(
    snapshot: Snapshot, account: str, where: TaskFilter, limit: int, cursor: str | None
) -> Entries:
    before = None if cursor is None else read_cursor(cursor)
    if limit < 1 or not statuses_of(where):
        return Entries((), None)
    end = await _end(snapshot, account, where, before, error_text.READ_FOR_PAGE)
    question = _Question(account, where, before, await _along_tag(snapshot, account, where), end=end)
    found = await snapshot.fetch(question.page(ENTRIES, _BRIEF, limit + 1), *question.values)
    items = tuple(
        [
            Entry(row["id"], State(row["status"]), row["created_at"], row["cancel_requested"])
            for row in found[:limit]
        ]
    )
    last = items[-1].id if len(found) > limit else end
    return Entries(items, None if last is None else make_cursor(last))


async def count(snapshot: Snapshot, account: str, where: TaskFilter) -> int:
    if not statuses_of(where):
        return 0
    if await _end(snapshot, account, where, None, error_text.READ_FOR_COUNT + 1) is not None:
        raise too_many()
    question = _Question(account, where, None, await _along_tag(snapshot, account, where, whole=True))
    found: int = await snapshot.value(question.all(COUNT), *question.values)
    return found


async def _end(
    snapshot: Snapshot, account: str | None, where: TaskFilter, before: str | None, read: int
) -> str | None:
    """Where so many errors have been read, if there are as many to look through."""
    if where.error is None:
        return None
    candidates = replace(where, status=(State.FAILED,), error=None)
    along_tag = await _along_tag(snapshot, account, candidates, whole=True)
    question = _Question(account, candidates, before, along_tag, read - 1)
    found: str | None = await snapshot.value(question.page(READ_TO, (_PLACE,) * 2, read), *question.values)
    return found


async def counts(
    snapshot: Snapshot, account: str | None, where: TaskFilter, at_most: int
) -> dict[State, Count]:
    """Exact, if it takes no longer than COUNTING_MS; of what is more than `at_most`, what the planner makes of it."""
    none, states = {state: Count(0, True) for state in where.status or State}, statuses_of(where)
    if not states:
        return none
    if await _along_tag(snapshot, account, where, whole=True):
        question = _Question(account, where, None, True)
        rows = await snapshot.fetch(question.by_state(COUNTS), *question.values)
        return none | {State(row["status"]): Count(row["count"], True) for row in rows}
    question = _Question(account, where, None, False)
    try:
        async with (
            snapshot.connection.transaction()
        ):  # for a statement that is cut short ends what it is part of
            await snapshot.connection.execute(f"SET LOCAL statement_timeout = {COUNTING_MS}")
            rows = await snapshot.fetch(question.each_state(COUNTS, at_most + 1), *question.values)
    except asyncpg.QueryCanceledError:
        return none | {
            state: Count(await _estimate(snapshot, account, where, state), False) for state in states
        }
    counted = none | {State(row["status"]): Count(row["count"], True) for row in rows}
    for state in states:
        if counted[state].count > at_most:
            counted[state] = Count(max(await _estimate(snapshot, account, where, state), at_most), False)
    return counted


async def _estimate(snapshot: Snapshot, account: str | None, where: TaskFilter, state: State) -> int:
    """How many rows the planner expects, by the statistics that PostgreSQL keeps of each table."""
    question = _Question(account, replace(where, status=(state,)), None, False)
    text = f"EXPLAIN (FORMAT JSON) {question.all('/* branches */')}"
    (explained,) = msgspec.json.decode(
        await snapshot.value(text, *question.values), type=tuple[_Explained, ...]
    )
    return explained.plan.rows


async def _along_tag(
    snapshot: Snapshot, account: str | None, where: TaskFilter, *, whole: bool = False
) -> bool:
    """Is it best to walk along the tag? If few tasks have it; or, for a page (not the `whole`), if little else is asked for."""
    if where.tag is None:
        return False
    if not whole and not (where.status or where.type or where.queue or where.queues or where.user):
        return True
    found: int = await snapshot.value(TAGGED, account, where.tag, MANY)
    return found < MANY


class _Plan(Struct, frozen=True):
    rows: int = msgspec.field(name="Plan Rows")


class _Explained(Struct, frozen=True):
    plan: _Plan = msgspec.field(name="Plan")


class _Part(Struct, frozen=True):
    """One of the two tables. Conditions that say which partitions of it (more for one tagged task), and others."""

    table: str
    columns: str
    partitions: list[str]
    of_tagged: list[str]
    rest: list[str]


class _Question:
    """One filter as SQL. Its values are collected while it is written; `first` are those that the statement itself has.

    `along_tag`: look up one tagged task after the other, instead of looking at the tags of what the other conditions leave.
    `end`: the last that is looked at.
    """

    def __init__(
        self,
        account: str | None,
        where: TaskFilter,
        before: str | None,
        along_tag: bool,
        *first: Any,
        end: str | None = None,
    ) -> None:
        self.values: list[Any] = list(first)
        self._along_tag = along_tag
        self._statuses = statuses_of(where)
        self._account = [] if account is None else [f"account_id = {self._value(account)}"]
        self._conditions = [f"task.{condition}" for condition in self._account]
        self._days: list[str] = []  # conditions that spare us days of history
        for condition, value in (
            ("task.type =", where.type),
            ("task.queue =", where.queue),
            ("task.user_id =", where.user),
            ("task.created_at <", where.created_before),
            ("task.fingerprint =", where.fingerprint),
        ):
            if value is not None:
                self._conditions.append(f"{condition} {self._value(value)}")
        if where.queues:
            queues = sorted(set(where.queues))
            of_some = f"ANY ({self._value(queues)}::text[])" if len(queues) > 1 else self._value(queues[0])
            self._conditions.append(f"task.queue = {of_some}")
        if where.created_after is not None:
            after = f"{self._value(where.created_after)}::timestamptz"
            self._conditions.append(f"task.created_at >= {after}")
            self._days.append(f"task.finished_at >= {after} - {_A_DAY}")
        if where.error is not None:
            written, said = needles(where.error)
            self._conditions.append(_SAYS.format(written=self._value(written), said=self._value(said)))
        first_id, end_id = id_range(where, before)
        bounds = [(">=", first_id), (">=", end), ("<", end_id)]
        self._ids = [f"{sign} {self._value(id)}::uuid" for sign, id in bounds if id is not None]
        self._tag = None if where.tag is None else self._value(where.tag)

    def page(self, sql: str, columns: Sequence[str], size: int) -> str:
        """The newest `size` of them, in order."""
        if self._along_tag:
            branches = f"{self._walk(columns)} ORDER BY tagged.task_id DESC LIMIT {size}"
        else:
            in_order = f"ORDER BY task.id DESC LIMIT {size}"
            branches = " UNION ALL ".join([f"({branch} {in_order})" for branch in self._joins(columns)])
        merged = f"SELECT * FROM ({branches}) AS merged ORDER BY place DESC LIMIT {size}"  # noqa: S608
        return sql.replace("/* branches */", merged)

    def all(self, sql: str) -> str:
        """All of them, in no order, and nothing of them."""
        found = self._walk(_NOTHING) if self._along_tag else " UNION ALL ".join(self._joins(_NOTHING))
        return sql.replace("/* branches */", found)

    def by_state(self, sql: str) -> str:
        """How many of each state there are, where it is best to walk along the tag; of a state without any there is no row."""
        walk = f"SELECT status, count(*) AS count FROM ({self._walk(_STATUS)}) AS task GROUP BY status"  # noqa: S608
        return sql.replace("/* branches */", walk)

    def each_state(self, sql: str, at_most: int) -> str:
        """The same otherwise, of each up to `at_most`: by the indexes that have nothing else, as far as there are some."""
        branches = []
        for state in sorted(self._statuses):
            if state in UNFINISHED:
                table, conditions = "tasks", [f"task.status = '{state.value}'"]
            else:  # the outcome's own table: where nothing is asked of the status, an index alone may do
                table, conditions = f"finished_{state.value}", self._days
            conditions = [*self._all_conditions(), *conditions]
            some = " UNION ALL ".join(
                f"SELECT 1 FROM {table} AS task {_where(*conditions, *part)}"  # noqa: S608
                for part in [[one] for one in _PARTIAL.get(state, ())] or [[]]
            )
            branches.append(
                f"SELECT '{state.value}' AS status, count(*) AS count FROM ({some} LIMIT {at_most}) AS task"  # noqa: S608
            )
        return sql.replace("/* branches */", " UNION ALL ".join(branches))

    def _joins(self, columns: Sequence[str]) -> list[str]:
        """One SELECT for each table that may hold what is asked."""
        return [
            f"SELECT {part.columns} FROM {part.table} AS task "  # noqa: S608
            f"{_where(*self._all_conditions(), *part.partitions, *part.rest)}"
            for part in self._parts(columns)
        ]

    def _all_conditions(self) -> list[str]:
        """But for those of the status."""
        tag = [] if self._tag is None else [f"{self._tag} = ANY (task.tags)"]
        return [*self._conditions, *[f"task.id {bound}" for bound in self._ids], *tag]

    def _walk(self, columns: Sequence[str]) -> str:
        """Each is looked up in the live table and in the days in which it can have finished.

        By its id and by nothing else: given more, a planner without statistics of a new day walks another index.
        """
        conditions = [*self._account, f"tag = {self._tag}"]
        conditions += [f"task_id {bound}" for bound in self._ids]
        of_tag = f"SELECT task_id FROM task_tags {_where(*conditions)} ORDER BY task_id DESC OFFSET 0"  # noqa: S608
        branches = [
            f"SELECT {part.columns} FROM ("  # noqa: S608
            f"SELECT * FROM {part.table} AS task "
            f"{_where('task.id = tagged.task_id', *part.partitions, *part.of_tagged)} OFFSET 0"
            f") AS task {_where(*self._conditions, *part.rest)}"
            for part in self._parts(columns)
        ]
        found = " UNION ALL ".join(branches)
        return f"SELECT task.* FROM ({of_tag}) AS tagged CROSS JOIN LATERAL ({found}) AS task"  # noqa: S608

    def _parts(self, columns: Sequence[str]) -> list[_Part]:
        live, finished = self._of_states(UNFINISHED), self._of_states(FINAL)
        parts = []
        if live is not None:
            parts.append(_Part("tasks", columns[0], [], [], live))
        if finished is not None:
            parts.append(_Part("finished_tasks", columns[1], [*self._days, *finished], [_DAYS_OF_TAGGED], []))
        return parts

    def _of_states(self, whole: frozenset[State]) -> list[str] | None:
        """The condition, if there is one; None: nothing can be there."""
        wanted = sorted(self._statuses & whole)
        if len(wanted) == len(whole):
            return []
        return [f"task.status IN ({', '.join([repr(state.value) for state in wanted])})"] if wanted else None

    def _value(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def _where(*conditions: str) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
