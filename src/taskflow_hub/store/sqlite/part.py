"""What every part of the store shares: where to write, where to read, and how a finish is made."""

from collections.abc import Sequence
from typing import Final

from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.model import Task
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.sqlite.readers import Readers
from taskflow_hub.store.sqlite.rows import TaskRow, task_of
from taskflow_hub.store.sqlite.statements import Statement, statement
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, Transaction
from taskflow_hub.store.sqlite.writer import Writer

FINISH: Final = statement("only/finish")
FINISH_TALLY: Final = statement("only/finish_tally")
FINISH_FAILED: Final = statement("only/finish_failed")
FINISH_REMOVE: Final = statement("only/finish_remove")
REDRIVE_ATTEMPT: Final = statement("only/redrive_attempt")
REDRIVE_FORGIVE: Final = statement("only/redrive_forgive")
UNFAIL: Final = statement("only/unfail")
REVIVE: Final = statement("only/revive")
REVIVE_REMOVE: Final = statement("only/revive_remove")
TASKS: Final = statement("tasks")
OCTETS_AT_ONCE: Final = (
    64 << 20
)  # of payload in one answer, but for its last task; SQLite's limit for a value is 10⁹
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE


class Part:
    _writer: Writer
    _readers: Readers
    _clock: Clock


def move_over(tx: Transaction, *, failed: bool = False) -> None:
    """Move every task that has ended in this transaction to the finished, and count it; `failed`: some may have failed. What
    that means for workflows is not looked at: see ends.py."""
    if tx.run(FINISH):
        tx.run(FINISH_TALLY, tx.now - tx.now % MINUTE)
        if failed:
            tx.run(FINISH_FAILED, tx.now - tx.now % HOUR)
        tx.run(FINISH_REMOVE)


def revive(tx: Transaction, ids: Sequence[str], verb: Statement, *first: int) -> None:
    """Bring tasks back from the finished; `verb` then says what becomes of them. The attempt that ended each gets its row."""
    if ids:
        these = to_json(ids)
        for sql in (UNFAIL, REDRIVE_ATTEMPT, REDRIVE_FORGIVE, REVIVE, REVIVE_REMOVE):
            tx.run(sql, these)
        tx.run(verb, *first, these)


def read_tasks(snapshot: Snapshot, ids: Sequence[str]) -> dict[str, Task]:
    """The tasks with these ids, of any account; unknown ones are absent. Several statements if they are too heavy for one."""
    found: dict[str, Task] = {}
    left = list(set(ids))
    while left:
        there, rows = snapshot.document(tuple[int, list[TaskRow]], TASKS, to_json(left), OCTETS_AT_ONCE)
        found.update((row.id, task_of(row)) for row in rows)
        left = [id for id in left if id not in found] if 0 < len(rows) < there else []
    return found
