"""What `make bench-hub ARGS="pages"` does, in small: the hub that it fills answers every request of the dashboard."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bench.databases import Databases, Sqlite
from bench.page_requests import ASKS
from bench.scenarios.pages import AT_ONCE, cpu_ms, filled, measured, report

TASKS = 2_000  # of which more have failed than are on a page


class OnPostgres(Sqlite):
    """The server of the tests in place of one of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def fresh(self) -> Iterator[str]:
        yield self._url


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest) -> Databases:
    return Sqlite() if request.param == "sqlite" else OnPostgres(request.getfixturevalue("postgres_url"))


@pytest.mark.timeout(300)
def test_every_request_of_every_page_is_answered(databases: Databases) -> None:
    with filled(databases, TASKS) as (hub, holds):
        took_ms = asyncio.run(measured(hub.port, holds, 1))
        costs = asyncio.run(cpu_ms(hub, databases, holds, 1))
    assert {key: len(values) for key, values in took_ms.items()} == {
        (ask, at_once): at_once for ask in ASKS for at_once in AT_ONCE
    }
    found = report("here", TASKS, took_ms, costs)
    (table,) = found.tables
    assert table.row_count == len(ASKS)
