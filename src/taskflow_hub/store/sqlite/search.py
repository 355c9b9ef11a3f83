"""Lists: the one place where a statement depends on what is asked.

Built here by hand and not by SQLAlchemy, which would cost an idle hub tens of megabytes (docs/adr). Every value is a parameter.

A list is a merge of branches, each in order by itself: the live table, and the finished ones once per status, for there the
indexes are (account, [type | queue | user,] status, id). So a page costs about what it shows, wherever it lies. A list over all
accounts has no index: it walks along the ids, and costs what it has to pass over.
"""

from collections.abc import Iterator
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

FEW_QUEUES: Final = 16  # so many have a branch each; SQLite takes no more than 500 in all

Values = list[Any]
_Range = tuple[str | None, str | None]


def search(
    snapshot: Snapshot, account: str | None, where: TaskFilter, limit: int, cursor: str | None
) -> Page:
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
    account: str | None, where: TaskFilter, before: str | None, limit: int | None
) -> tuple[list[str], Values]:
    """One SELECT per table and status that may hold what is asked; and per queue, if it is some few."""
    statuses = frozenset(where.status) or frozenset(State)
    ids = id_range(where, before)
    branches: list[str] = []
    values: Values = []
    for table, of_status, queues in _parts(account, where, statuses):
        branches.append(_branch(table, account, len(of_status), where, len(queues), ids, limit))
        values += _values(account, of_status, where, queues, ids, limit)
    return branches, values


def _parts(
    account: str | None, where: TaskFilter, statuses: frozenset[State]
) -> Iterator[tuple[str, list[State], list[str]]]:
    """Table, statuses and queues (none: any) of each SELECT."""
    queues = sorted(set(where.queues))
    live, finished = sorted(statuses & UNFINISHED), sorted(statuses & FINAL)
    if live:
        yield "tasks", live, queues
    if finished and account is None:
        yield "finished_tasks", finished, queues
        return
    apart = where.queue is None and 0 < len(queues) <= FEW_QUEUES
    for status in finished:
        for some in [[queue] for queue in queues] if apart else [queues]:
            yield "finished_tasks", [status], some


def _branch(
    table: str,
    account: str | None,
    statuses: int,
    where: TaskFilter,
    queues: int,
    ids: _Range,
    limit: int | None,
) -> str:
    source = f"FROM {table}"
    id = "id"
    if table == "tasks":
        conditions = [f"status IN ({_marks(statuses)})"]
    elif account is None:
        conditions = [f"+status IN ({_marks(statuses)})"]  # the sign: by no index, for none has their order
    else:
        conditions = ["status = ?"]
    if account is not None:
        conditions.insert(0, f"{table}.account_id = ?")
    if where.tag is not None:
        source = f"FROM task_tags CROSS JOIN {table} ON {table}.id = task_tags.task_id"
        of_account = "" if account is None else f"task_tags.account_id = {table}.account_id AND "
        conditions.append(f"{of_account}task_tags.tag = ?")
        id = "task_tags.task_id"
    if queues:
        conditions.append("queue = ?" if queues == 1 else f"queue IN ({_marks(queues)})")
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


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _values(
    account: str | None,
    statuses: list[State],
    where: TaskFilter,
    queues: list[str],
    ids: _Range,
    limit: int | None,
) -> Values:
    optional = (
        where.tag,
        *queues,
        where.type,
        where.queue,
        where.user,
        None if where.created_after is None else to_us(where.created_after),
        None if where.created_before is None else to_us(where.created_before),
        *ids,
        limit,
    )
    asked = [value for value in optional if value is not None]
    return [*statuses, *asked] if account is None else [account, *statuses, *asked]
