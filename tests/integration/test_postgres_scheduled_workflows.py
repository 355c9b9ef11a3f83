"""Schedules of workflows on PostgreSQL: what somebody else has in hand leaves a tick for later, and nothing of its workflow."""

from typing import Any

import asyncpg
import pytest
from msgspec import Raw

from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.graph import Node
from taskflow_hub.domain.schedule import Schedule
from taskflow_hub.domain.submission import Limit
from taskflow_hub.store.values import NewWorkflow
from taskflow_hub.testing.store_contract.firing import told
from taskflow_hub.testing.store_contract.kit import Kit
from taskflow_hub.testing.store_contract.schedules import history
from taskflow_hub.testing.store_contract.workflow_firing import all_workflows, made, workflow_of
from taskflow_hub.testing.store_contract.workflow_kit import new_workflow, node, ref

HELD = Limit("k-1", running=2)


@pytest.mark.parametrize(
    "wanting",
    [
        node(task={"limits": (HELD,)}),  # it is stated when its task is made
        node(payload={"n": ref("input.n")}, task={"stated": (Limit("k-{n}", running=2),)}),  # when it begins
    ],
    ids=["made", "begun"],
)
async def test_a_limit_in_other_hands_leaves_a_tick_for_later(
    kit: Kit, sql: asyncpg.Connection, wanting: Node
) -> None:
    await kit.submit(limits=(Limit("k-1", running=1),))
    # The clock is the server's: what is due is made so.
    free, bound = await made(kit, every_s=3_600.0), await made(kit, name="bound", every_s=3_600.0)
    await sql.execute("UPDATE schedules SET next_at = now() - interval '1 second'")

    def make(schedule: Schedule, *rest: Any) -> NewWorkflow:
        if schedule.name != "bound":
            return workflow_of(schedule, *rest)
        nodes = {"first": node(), "wanting": wanting}
        return new_workflow(nodes, schedule_id=schedule.id, input=Raw(b'{"n":1}'))

    async with sql.transaction():
        await sql.execute("SELECT FROM limits WHERE key = 'k-1' FOR UPDATE")
        found = await kit.store.fire_due(make, 10)
        assert len(found.workflows) == 1
        with pytest.raises(Unavailable):
            await kit.store.trigger_schedule(None, bound.id, make)
    assert await told(kit, free) == ["fired"]
    assert await history(kit, bound) == []
    assert [one.schedule_id for one in await all_workflows(kit)] == [free.id]
    assert len((await kit.store.fire_due(make, 10)).workflows) == 1
    assert await told(kit, bound) == ["fired"]
