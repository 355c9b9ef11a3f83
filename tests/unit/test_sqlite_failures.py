"""Failures on SQLite: those of an older version, and that a failure and its count are one."""

import sqlite3
from pathlib import Path
from typing import Final

import pytest

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.store.sqlite import SqliteStore, part
from taskflow_hub.testing.store_contract.failures import BROKEN, DENIED, failed, groups
from taskflow_hub.testing.store_contract.kit import Kit, ManualClock, OpenStore

FORGET: Final = "UPDATE finished_tasks SET fingerprint = NULL; DELETE FROM failures;"


@pytest.fixture
def open_store(database_path: Path) -> OpenStore:
    return lambda clock: SqliteStore.open(f"sqlite:///{database_path}", clock=clock)


async def test_what_failed_before_is_grouped_by_the_pruner(
    open_store: OpenStore, database_path: Path
) -> None:
    clock = ManualClock()
    kit = Kit(await open_store(clock), clock, open_store)
    await failed(kit, "pay", BROKEN, BROKEN, DENIED)
    clock.advance(3_600)
    (again,) = await failed(kit, "pay", BROKEN)
    before = await groups(kit)
    connection = sqlite3.connect(database_path)
    connection.executescript(FORGET)
    connection.close()
    assert await groups(kit) == {}
    await kit.store.redrive(DEFAULT_ACCOUNT, [again])  # of which nobody had counted anything
    assert (await kit.store.prune({State.FAILED: 1e9}, 2)).more is True
    assert (await kit.store.prune({State.FAILED: 1e9}, 2)).more is False
    found = await groups(kit)
    assert {kind: group.count for kind, group in found.items()} == {
        kind: 2 if group.error == BROKEN else 1 for kind, group in before.items()
    }
    await kit.close()


async def test_a_failure_that_cannot_be_counted_has_not_happened(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are one transaction: what comes between them takes both back."""
    clock = ManualClock()
    kit = Kit(await open_store(clock), clock, open_store)
    running = await kit.run(type="pay")
    with monkeypatch.context() as broken:
        broken.setattr(part, "FINISH_REMOVE", object())
        with pytest.raises(Exception, match="object"):
            await kit.fail(running)
    assert (await kit.get(running.id)).status is State.RUNNING
    assert await groups(kit) == {}
    await kit.fail(running)
    assert [group.count for group in (await groups(kit)).values()] == [1]
    await kit.close()
