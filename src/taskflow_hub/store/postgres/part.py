"""What every part of the store shares: where to write, where to read, and how tasks are read by id."""

from collections.abc import Collection
from typing import Final

from taskflow_hub.domain.model import Task
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.postgres.readers import Readers
from taskflow_hub.store.postgres.rows import task_of
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot
from taskflow_hub.store.postgres.writer import Writer

TASKS: Final = statement("tasks")
DELETE_BESIDE: Final = (  # what belongs to tasks and does not go by days
    statement("delete_tags"),
    statement("delete_calls"),
    statement("delete_steps"),
    statement("delete_events"),
    statement("delete_waits"),
)


class Part:
    _writer: Writer
    _readers: Readers


async def read_tasks(snapshot: Snapshot, ids: Collection[str]) -> dict[str, Task]:
    """The tasks with these ids, of any account; unknown ones are absent."""
    if not ids:
        return {}
    rows = await snapshot.fetch(TASKS, list(ids), earliest_finish(ids))
    return {row["id"]: task_of(row) for row in rows}
