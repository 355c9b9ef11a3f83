"""That a workflow may have moved is told when it can be seen, which is after the commit; on every store."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.stores import open_store

from taskflow_hub.store.postgres import advance as of_postgres
from taskflow_hub.store.sqlite import advance as of_sqlite


class Undone(Exception):
    pass


@pytest.mark.parametrize("ends", ["committed", "rolled back"])
async def test_what_is_not_committed_is_not_told(ends: str, database_url: str) -> None:
    store: Any = await open_store(database_url)
    meanwhile: list[int] = []

    def decide(answering: Callable[[Any], object], tx: Any) -> None:
        answering(tx)
        meanwhile.append(store.workflow_decisions)
        if ends == "rolled back":
            raise Undone

    def on_sqlite(tx: Any) -> None:
        decide(of_sqlite.Answering, tx)

    async def on_postgres(tx: Any) -> None:
        decide(of_postgres.Answering, tx)

    before = store.workflow_decisions
    try:
        await store._writer.write(on_sqlite if database_url.startswith("sqlite:") else on_postgres)
    except Undone:
        assert ends == "rolled back"
    assert set(meanwhile) == {before}
    assert store.workflow_decisions - before == (ends == "committed")
    await store.close()
