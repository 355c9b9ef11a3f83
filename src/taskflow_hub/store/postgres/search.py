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

from msgspec import Struct

from taskflow_hub.domain.lifecycle import FINAL, UNFINISHED, State
from taskflow_hub.domain.limits import PAGE_OCTETS
from taskflow_hub.store.cursor import ID_SLACK_MS, id_range, make_cursor, read_cursor
from taskflow_hub.store.postgres.rows import task_of
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot
from taskflow_hub.store.values import Entries, Entry, Page, TaskFilter

LIST: Final = statement("list")
ENTRIES: Final = statement("entries")
COUNT: Final = statement("count")
TAGGED: Final = statement("only/tagged")

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
    if limit < 1:
        return Page((), None)
    question = _Question(account, where, before, await _along_tag(snapshot, account, where), PAGE_OCTETS)
    found = await snapshot.fetch(question.page(LIST, _WHOLE, limit + 1), *question.values)
    items = tuple([task_of(row) for row in found[:limit]])
    return Page(items, make_cursor(items[-1].id) if found and found[0]["there"] > len(items) else None)


async def entries(
    snapshot: Snapshot, account: str, where: TaskFilter, limit: int, cursor: str | None
) -> Entries:
    before = None if cursor is None else read_cursor(cursor)
    if limit < 1:
        return Entries((), None)
    question = _Question(account, where, before, await _along_tag(snapshot, account, where))
    found = await snapshot.fetch(question.page(ENTRIES, _BRIEF, limit + 1), *question.values)
    items = tuple(
        [
            Entry(row["id"], State(row["status"]), row["created_at"], row["cancel_requested"])
            for row in found[:limit]
        ]
    )
    return Entries(items, make_cursor(items[-1].id) if len(found) > limit else None)


async def count(snapshot: Snapshot, account: str, where: TaskFilter) -> int:
    question = _Question(account, where, None, await _along_tag(snapshot, account, where, whole=True))
    found: int = await snapshot.value(question.all(COUNT), *question.values)
    return found


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
    """

    def __init__(
        self, account: str | None, where: TaskFilter, before: str | None, along_tag: bool, *first: Any
    ) -> None:
        self.values: list[Any] = list(first)
        self._along_tag = along_tag
        self._statuses = frozenset(where.status) or frozenset(State)
        self._account = [] if account is None else [f"account_id = {self._value(account)}"]
        self._conditions = [f"task.{condition}" for condition in self._account]
        self._days: list[str] = []  # conditions that spare us days of history
        for condition, value in (
            ("task.type =", where.type),
            ("task.queue =", where.queue),
            ("task.user_id =", where.user),
            ("task.created_at <", where.created_before),
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
        first_id, end_id = id_range(where, before)
        bounds = [(">=", first_id), ("<", end_id)]
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

    def _joins(self, columns: Sequence[str]) -> list[str]:
        """One SELECT for each table that may hold what is asked."""
        conditions = [*self._conditions, *[f"task.id {bound}" for bound in self._ids]]
        if self._tag is not None:
            conditions.append(f"{self._tag} = ANY (task.tags)")
        return [
            f"SELECT {part.columns} FROM {part.table} AS task "  # noqa: S608
            f"{_where(*conditions, *part.partitions, *part.rest)}"
            for part in self._parts(columns)
        ]

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
