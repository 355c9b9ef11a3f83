"""Guards over the whole suite, and the few fixtures every room uses."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings
from tests.support.postgres import FAST, PostgresServer, postgres

# Hypothesis takes its own "ci" profile when CI is set. Elsewhere a slow moment is no failure either.
settings.register_profile("local", deadline=None)
if "CI" not in os.environ:
    settings.load_profile("local")


def pytest_configure() -> None:
    """Keep the developer's own TASKFLOW_* settings from the tests; TASKFLOW_TEST_* is for them, and was read by now (below)."""
    for name in list(os.environ):
        if name.startswith("TASKFLOW_"):
            del os.environ[name]


@pytest_asyncio.fixture
async def _no_leaked_tasks() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    for _ in range(5):  # what was cancelled a moment ago gets its turn to end
        await asyncio.sleep(0)
    here = asyncio.current_task()
    leaked = [task for task in asyncio.all_tasks() - before if task is not here and not task.done()]
    if leaked:
        names = "\n".join(f"  {task.get_name()}: {task.get_coro()!r}" for task in leaked)
        pytest.fail(f"the test left {len(leaked)} asyncio task(s) running:\n{names}", pytrace=False)


@pytest.fixture(autouse=True)
def _guard_asyncio(request: pytest.FixtureRequest) -> None:
    """A test ends what it starts. Set up before the test's own fixtures, this looks when they are gone."""
    if pytest_asyncio.is_async_test(request.node):
        request.getfixturevalue(_no_leaked_tasks.__name__)


@pytest.fixture
def database_path(tmp_path: Path) -> Path:
    """Where a test's SQLite database may be; nothing is there yet."""
    return tmp_path / "taskflow.db"


# --- PostgreSQL: TASKFLOW_TEST_POSTGRES_VERSION chooses which; 16 and 18 come from the wheel, others from Debian's packages ---

POSTGRES_VERSION = int(os.environ.get("TASKFLOW_TEST_POSTGRES_VERSION", "16"))
_numbers = count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests that need no more than a database on it."""
    with postgres(POSTGRES_VERSION, **FAST) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty database of its own."""
    with _database(postgres_server, "template0") as url:
        yield url


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: PostgresServer) -> str:
    """A database with our tables in it: to copy it is faster than to make them."""
    from taskflow_hub.store.postgres import PostgresStore

    async def make_tables() -> None:
        store = await PostgresStore.open(postgres_server.url("taskflow_template"))
        await store.close()

    postgres_server.run("CREATE DATABASE taskflow_template")
    asyncio.run(make_tables())
    return "taskflow_template"


@pytest.fixture
def postgres_tables_url(postgres_server: PostgresServer, _postgres_template: str) -> Iterator[str]:
    """A database of its own, with our tables and nothing in them."""
    with _database(postgres_server, _postgres_template) as url:
        yield url


@contextmanager
def _database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")
