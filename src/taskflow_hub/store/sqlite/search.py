"""Lists: the one place where a statement depends on what is asked.

Built here by hand and not by SQLAlchemy, which would cost an idle hub tens of megabytes (docs/adr). Every value is a parameter.

A list is a merge of branches, each in order by itself: the live table, and the finished ones once per status, for there the
indexes are (account, [type | queue | user,] status, id). So a page costs about what it shows, wherever it lies. A list over all
accounts has no index: it walks along the ids, and costs what it has to pass over.
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from taskflow_hub.domain.lifecycle import FINAL, UNFINISHED, State
from taskflow_hub.domain.limits import PAGE_OCTETS
from taskflow_hub.store import error_text
from taskflow_hub.store.cursor import id_range, make_cursor, read_cursor
from taskflow_hub.store.error_text import needles, statuses_of, too_many
from taskflow_hub.store.sqlite.rows import TaskRow, task_of
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import Snapshot, from_us, to_us
from taskflow_hub.store.values import Count, Entries, Entry, Page, TaskFilter

LIST: Final = statement("list")
ENTRIES: Final = statement("entries")
COUNT: Final = statement("count")
READ_TO: Final = statement("read_to")
COUNTS: Final = statement("counts")

# Conditions of the partial indexes that each have one part of a state, or all of it.
_PARTIAL: Final = {
    State.QUEUED: ("status = 'queued' AND hold IS NULL", "status = 'queued' AND hold IS NOT NULL"),
    **{state: (f"status = '{state.value}'",) for state in UNFINISHED - {State.QUEUED}},
}

# What an error says is taken apart only where its JSON has the words somewhere.
_SAYS: Final = """(
    instr(lower(error), ?) > 0
    AND CASE WHEN instr(error, '\\u0000') > 0 THEN 1 ELSE instr(lower(
        json_extract(error, '$.type') || char(10) || json_extract(error, '$.message') || char(10)
        || coalesce(json_extract(error, '$.traceback'), '')
    ), ?) > 0 END
)"""
FEW_QUEUES: Final = 16  # so many have a branch each; SQLite takes no more than 500 in all

Values = list[Any]
_Range = tuple[str | None, str | None]


def search(
    snapshot: Snapshot, account: str | None, where: TaskFilter, limit: int, cursor: str | None
) -> Page:
    before = None if cursor is None else read_cursor(cursor)
    end = _end(snapshot, account, where, before, error_text.READ_FOR_PAGE)
    branches, values = _branches(account, where, before, limit + 1, end)
    if not branches or limit < 1:
        return Page((), None)
    text = LIST.text.replace("/*branches*/", " UNION ALL ".join(branches))
    there, rows = snapshot.decode(tuple[int, list[TaskRow]], text, [*values, limit + 1, limit, PAGE_OCTETS])
    rows.sort(key=lambda row: row.id, reverse=True)
    items = tuple([task_of(row) for row in rows])
    last = items[-1].id if there > len(items) else end
    return Page(items, None if last is None else make_cursor(last))


def entries(snapshot: Snapshot, account: str, where: TaskFilter, limit: int, cursor: str | None) -> Entries:
    before = None if cursor is None else read_cursor(cursor)
    end = _end(snapshot, account, where, before, error_text.READ_FOR_PAGE)
    branches, values = _branches(account, where, before, limit + 1, end)
    if not branches or limit < 1:
        return Entries((), None)
    text = ENTRIES.text.replace("/*branches*/", " UNION ALL ".join(branches))
    rows = snapshot.decode(list[tuple[str, State, int, int]], text, [*values, limit + 1])
    rows.sort(reverse=True)
    items = tuple([Entry(id, status, from_us(at), bool(asked)) for id, status, at, asked in rows[:limit]])
    last = items[-1].id if len(rows) > limit else end
    return Entries(items, None if last is None else make_cursor(last))


def count(snapshot: Snapshot, account: str, where: TaskFilter) -> int:
    branches, values = _branches(account, where, None, None)
    if not branches:
        return 0
    if _end(snapshot, account, where, None, error_text.READ_FOR_COUNT + 1) is not None:
        raise too_many()
    text = COUNT.text.replace("/*branches*/", " UNION ALL ".join(branches))
    found: int = snapshot.decode(int, text, values)
    return found


def _end(
    snapshot: Snapshot, account: str | None, where: TaskFilter, before: str | None, read: int
) -> str | None:
    """Where so many errors have been read, if there are as many to look through."""
    if where.error is None:
        return None
    branches, values = _branches(account, replace(where, status=(State.FAILED,), error=None), before, read)
    text = READ_TO.text.replace("/*branches*/", " UNION ALL ".join(branches))
    found = snapshot.connection.execute(text, [*values, read - 1]).fetchone()
    return None if found is None else found[0]


def counts(snapshot: Snapshot, account: str | None, where: TaskFilter, at_most: int) -> dict[State, Count]:
    """Of each state up to `at_most`: how many more there are nothing knows."""
    none = {state: Count(0, True) for state in where.status or State}
    if not statuses_of(where):
        return none
    text, values = count_each(account, where, at_most + 1)
    found = snapshot.decode(dict[State, int], text, values)
    return none | {state: Count(min(count, at_most), count <= at_most) for state, count in found.items()}


def count_each(account: str | None, where: TaskFilter, at_most: int) -> tuple[str, Values]:
    """The statement, by the indexes that have one state and nothing else, as far as there are some."""
    branches: list[str] = []
    values: Values = []
    for state in sorted(statuses_of(where)):
        some: list[str] = []
        for partial in _PARTIAL.get(state, (None,)):
            found, given = _branches(account, replace(where, status=(state,)), None, None)
            some += [branch if partial is None else f"{branch} AND {partial}" for branch in found]
            values += given
        branches.append(
            f"SELECT '{state.value}' AS status, count(*) AS count FROM ({' UNION ALL '.join(some)} LIMIT ?)"  # noqa: S608
        )
        values.append(at_most)
    return COUNTS.text.replace("/*branches*/", " UNION ALL ".join(branches)), values


def _branches(
    account: str | None, where: TaskFilter, before: str | None, limit: int | None, end: str | None = None
) -> tuple[list[str], Values]:
    """One SELECT per table and status that may hold what is asked; and per queue, if it is some few."""
    statuses = statuses_of(where)
    first, below = id_range(where, before)
    ids = (first if end is None else max(end, first or end), below)
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
    if where.of_failed:
        conditions.append("finished_tasks.status = 'failed'")
    if where.fingerprint is not None and where.tag is None:
        source += " INDEXED BY finished_by_fingerprint"
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
            ("fingerprint =", where.fingerprint),
            (f"{id} >=", ids[0]),
            (f"{id} <", ids[1]),
        )
        if value is not None
    ]
    if where.error is not None:
        conditions.append(_SAYS)
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
        where.fingerprint,
        *ids,
        *(() if where.error is None else needles(where.error)),
        limit,
    )
    asked = [value for value in optional if value is not None]
    return [*statuses, *asked] if account is None else [account, *statuses, *asked]
