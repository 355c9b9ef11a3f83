"""A workflow that is removed while it is read is not there, whichever question comes too late, on every store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from tests.support.stores import open_store

from taskflow_hub.domain.errors import LeaseLost, NotFound
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.moves import Fence
from taskflow_hub.store.plans import Plans
from taskflow_hub.store.postgres import transaction as of_postgres
from taskflow_hub.store.postgres import workflow_reads as reads_of_postgres
from taskflow_hub.store.sqlite import transaction as of_sqlite
from taskflow_hub.store.sqlite import workflow_reads as reads_of_sqlite
from taskflow_hub.testing.store_contract.kit import Kit, ManualClock
from taskflow_hub.testing.store_contract.workflow_kit import Flow, begin, node

READS: dict[str, Callable[[Flow, Fence], Awaitable[Any]]] = {
    "workflow": lambda flow, _: flow.kit.store.workflow(DEFAULT_ACCOUNT, flow.id),
    "items": lambda flow, _: flow.kit.store.workflow_items(DEFAULT_ACCOUNT, flow.id, "each", limit=9),
    "owner": lambda flow, _: flow.kit.store.workflow_owner(flow.id),
    "inputs": lambda flow, child: flow.kit.store.inputs(child, "each", limit=9),
}


@pytest_asyncio.fixture
async def kit(database_url: str) -> AsyncIterator[Kit]:
    clock = ManualClock()
    store = await open_store(database_url, clock)
    yield Kit(store, clock, lambda clock: open_store(database_url, clock))
    await store.close()


class Remover:
    """Ends a workflow and removes it, just before a read asks its `number`th question. `asked`: how many it has asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, flow: Flow, last: Assignment, number: int) -> None:
        self._flow, self._last, self._number = flow, last, number
        self._loop = asyncio.get_running_loop()
        self.asked = 0
        for name in ("fetch", "row", "value"):
            monkeypatch.setattr(of_postgres.Snapshot, name, self._of_postgres(name))
        for name in ("value", "decode"):
            monkeypatch.setattr(of_sqlite.Snapshot, name, self._of_sqlite(name))

    def _of_postgres(self, name: str) -> Callable[..., Any]:
        ask = getattr(of_postgres.Snapshot, name)

        async def asked(snapshot: of_postgres.Snapshot, *args: Any) -> Any:
            if self._is_time(reads=type(snapshot) is of_postgres.Snapshot):
                await self._remove()
            return await ask(snapshot, *args)

        return asked

    def _of_sqlite(self, name: str) -> Callable[..., Any]:
        ask = getattr(of_sqlite.Snapshot, name)

        def asked(snapshot: of_sqlite.Snapshot, *args: Any) -> Any:
            if self._is_time(reads=type(snapshot) is of_sqlite.Snapshot):
                asyncio.run_coroutine_threadsafe(self._remove(), self._loop).result(30)
            return ask(snapshot, *args)

        return asked

    def _is_time(self, *, reads: bool) -> bool:
        self.asked += reads
        return reads and self.asked == self._number

    async def _remove(self) -> None:
        await self._flow.kit.succeed(self._last)
        assert await self._flow.kit.store.delete_workflow(DEFAULT_ACCOUNT, self._flow.id) is None


@pytest.mark.parametrize("read", READS)
async def test_a_workflow_that_is_removed_between_two_questions_is_not_there(
    read: str, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, missed = 0, []
    while True:
        number += 1
        flow = await begin(kit, {"each": node(for_each=[1], type="each"), "last": node("each", type="last")})
        (item,) = await flow.lease()
        await kit.succeed(flow.running()[item], b'"ok"')
        last = await flow.attempt("last")
        with monkeypatch.context() as patch:
            for reads in (reads_of_postgres, reads_of_sqlite):
                patch.setattr(reads, "PLANS", Plans())  # so that the graph is asked for, too
            remover = Remover(patch, flow, last, number)
            found = await READS[read](flow, Fence(last.id, last.attempt))
        if remover.asked < number:
            break
        missed.append(found is None or isinstance(found, NotFound | LeaseLost))
    # Items, and inputs, that are asked for after everything else was found are none.
    assert missed == [
        True,
        True,
        *{"workflow": [True], "items": [False], "owner": [], "inputs": [False]}[read],
    ]
