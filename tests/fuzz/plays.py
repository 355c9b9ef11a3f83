"""Workflows as they are submitted, driven to their ends."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from tests.fuzz.drive import Drive
from tests.fuzz.kills import Point, kill_points
from tests.fuzz.specs import WorkflowSpec, graph_of, workflows

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import or_raise
from taskflow_hub.domain.workflow import WorkflowSubmission
from taskflow_hub.engine.graphs import Graphs
from taskflow_hub.engine.hints import Hints
from taskflow_hub.engine.task_types import NOTHING_KNOWN, TaskTypes
from taskflow_hub.store.base import Store
from taskflow_hub.testing.store_contract.kit import ManualClock

Open = Callable[[ManualClock], Awaitable[Store]]


@dataclass
class Played:
    """What one or more plays have seen."""

    graphs: set[bytes] = field(default_factory=set)
    kills: Counter[Point] = field(default_factory=Counter)
    foreseen: int = 0


async def play(open_store: Open, seed: int, count: int, played: Played) -> None:
    """Draw so many workflows, no two alike, and drive them. Raises AssertionError where the model differs."""
    await drive(open_store, workflows(seed, count), seed, played)


async def drive(open_store: Open, specs: Sequence[WorkflowSpec], seed: int, played: Played) -> None:
    """To their ends, all at once; `seed` of all that chance decides on the way. Raises AssertionError as `play` does."""
    clock = ManualClock()
    with kill_points() as kills:
        await Drive(lambda: open_store(clock), _submit, kills, clock, seed).run(specs)
    played.graphs.update(map(graph_of, specs))
    played.kills += kills.met
    played.foreseen += kills.foreseen


def again(database: str, seed: int, count: int) -> str:
    return f"Play it again with: python -m tests.fuzz --database {database} --seed {seed} --graphs {count}"


async def _submit(store: Store, account: str, body: dict[str, Any]) -> str:
    types = TaskTypes(store, Hints(), formats={}, strict=False, new_id=new_id)
    await types.refresh()
    wanted = msgspec.json.decode(msgspec.json.encode(body), type=WorkflowSubmission)
    new = Graphs(types, new_id).new(wanted, account=account, user=None, traceparent=None, known=NOTHING_KNOWN)
    made, _ = or_raise(await store.submit_workflow(new))
    return made.id
