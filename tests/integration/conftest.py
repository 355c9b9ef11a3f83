"""What tests on PostgreSQL alone have in common. Where they are for both stores, a file has its own `kit`."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.testing.store_contract.kit import Kit, ManualClock


@pytest_asyncio.fixture
async def kit(postgres_tables_url: str) -> AsyncIterator[Kit]:
    """On a store that sees at once what others change (`survey_s`)."""
    kit = Kit(
        await PostgresStore.open(postgres_tables_url, survey_s=0.0),
        ManualClock(),
        lambda _: PostgresStore.open(postgres_tables_url, survey_s=0.0),
    )
    yield kit
    await kit.close()


@pytest_asyncio.fixture
async def sql(postgres_tables_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is nobody's store."""
    connection = await asyncpg.connect(postgres_tables_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def watcher(postgres_tables_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Looks on, and is never in a transaction."""
    connection = await asyncpg.connect(postgres_tables_url)
    yield connection
    await connection.close()
