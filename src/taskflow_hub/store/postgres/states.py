"""In which state tasks are, for those who may not do a thing in every state."""

from collections.abc import Collection
from typing import Final

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot

STATES: Final = statement("states")
IN_WORKFLOWS: Final = statement("in_workflows")


async def states(snapshot: Snapshot, account: str, ids: Collection[str]) -> dict[str, State]:
    """Of those that this account has."""
    if not ids:
        return {}
    rows = await snapshot.fetch(STATES, list(ids), account, earliest_finish(ids))
    return {row["id"]: State(row["status"]) for row in rows}


async def in_workflows(snapshot: Snapshot, ids: Collection[str]) -> dict[str, str]:
    """Of which workflow those are part that are part of one that is there."""
    if not ids:
        return {}
    rows = await snapshot.fetch(IN_WORKFLOWS, list(ids), earliest_finish(ids))
    return {row["id"]: row["workflow_id"] for row in rows}
