"""Lists: the one place where a statement depends on what is asked.

Built here by hand and not by SQLAlchemy, which would cost an idle hub tens of megabytes (docs/adr). Every value is a parameter.

A list is a merge of branches, each in order by itself: the live table, and the finished ones once per status, for there the
indexes are (account, [type | queue | user,] status, id). So a page costs about what it shows, wherever it lies.
"""

from typing import Any, Final

from taskflow_hub.domain.lifecycle import FINAL, UNFINISHED, State
from taskflow_hub.domain.limits import PAGE_OCTETS
from taskflow_hub.store.cursor import id_range, make_cursor, read_cursor
from taskflow_hub.store.sqlite.rows import TaskRow, task_of
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import Snapshot, from_us, to_us
from taskflow_hub.store.values import Entries, Entry, Page, TaskFilter

LIST: Final = statement("list")
ENTRIES: Final = statement("entries")
COUNT: Final = statement("count")

Values = list[Any]
_Range = tuple[str | None, str | None]


def search(snapshot: Snapshot, account: str, where: TaskFilter, limit: int, cursor: str | None) -> Page:
    before = None if cursor is None else read_cursor(cursor)
    branches, values = _branches(account, where, before, limit + 1)
    if not branches or limit < 1:
        return Page((), None)
    text = LIST.text.replace("/*branches*/", " UNION ALL ".join(branches))
    there, rows = snapshot.decode(tuple[int, list[TaskRow]], text, [*values, limit + 1, limit, PAGE_OCTETS])
    rows.sort(key=lambda row: row.id, reverse=True)
    items = tuple([task_of(row) for row in rows])
    return Page(items, make_cursor(items[-1].id) if there > len(items) else None)


def entries(snapshot: Snapshot, account: str, where: TaskFilter, limit: int, cursor: str | None) -> Entries:
    before = None if cursor is None else read_cursor(cursor)
    branches, values = _branches(account, where, before, limit + 1)
    if not branches or limit < 1:
        return Entries((), None)
    text = ENTRIES.text.replace("/*branches*/", " UNION ALL ".join(branches))
    rows = snapshot.decode(list[tuple[str, State, int, int]], text, [*values, limit + 1])
    rows.sort(reverse=True)
    items = tuple([Entry(id, status, from_us(at), bool(asked)) for id, status, at, asked in rows[:limit]])
    return Entries(items, make_cursor(items[-1].id) if len(rows) > limit else None)


def count(snapshot: Snapshot, account: str, where: TaskFilter) -> int:
    branches, values = _branches(account, where, None, None)
    if not branches:
        return 0
    text = COUNT.text.replace("/*branches*/", " UNION ALL ".join(branches))
    found: int = snapshot.decode(int, text, values)
    return found


def _branches(
    account: str, where: TaskFilter, before: str | None, limit: int | None
) -> tuple[list[str], Values]:
    """One SELECT per table and status that may hold what is asked."""
    statuses = frozenset(where.status) or frozenset(State)
    ids = id_range(where, before)
    branches: list[str] = []
    values: Values = []
    live = sorted(statuses & UNFINISHED)
    if live:
        branches.append(_branch("tasks", f"status IN ({', '.join('?' * len(live))})", where, ids, limit))
        values += _values(account, live, where, ids, limit)
    for status in sorted(statuses & FINAL):
        branches.append(_branch("finished_tasks", "status = ?", where, ids, limit))
        values += _values(account, [status], where, ids, limit)
    return branches, values


def _branch(table: str, status: str, where: TaskFilter, ids: _Range, limit: int | None) -> str:
    source = f"FROM {table}"
    conditions = [f"{table}.account_id = ?", status]
    id = "id"
    if where.tag is not None:
        source = f"FROM task_tags CROSS JOIN {table} ON {table}.id = task_tags.task_id"
        conditions.append(f"task_tags.account_id = {table}.account_id AND task_tags.tag = ?")
        id = "task_tags.task_id"
    conditions += [
        f"{condition} ?"
        for condition, value in (
            ("type =", where.type),
            ("queue =", where.queue),
            ("user_id =", where.user),
            ("created_at >=", where.created_after),
            ("created_at <", where.created_before),
            (f"{id} >=", ids[0]),
            (f"{id} <", ids[1]),
        )
        if value is not None
    ]
    rows = f"SELECT {table}.id AS id {source} WHERE {' AND '.join(conditions)}"
    return rows if limit is None else f"SELECT * FROM ({rows} ORDER BY {id} DESC LIMIT ?)"  # noqa: S608


def _values(account: str, statuses: list[State], where: TaskFilter, ids: _Range, limit: int | None) -> Values:
    optional = (
        where.tag,
        where.type,
        where.queue,
        where.user,
        None if where.created_after is None else to_us(where.created_after),
        None if where.created_before is None else to_us(where.created_before),
        *ids,
        limit,
    )
    return [account, *statuses, *(value for value in optional if value is not None)]
