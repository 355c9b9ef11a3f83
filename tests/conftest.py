"""Guards over the whole suite, and the few fixtures every room uses."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import settings

# Hypothesis takes its own "ci" profile when CI is set. Elsewhere a slow moment is no failure either.
settings.register_profile("local", deadline=None)
if "CI" not in os.environ:
    settings.load_profile("local")


def pytest_configure() -> None:
    """Keep the developer's own TASKFLOW_* settings from the tests; TASKFLOW_TEST_* is meant for them."""
    for name in list(os.environ):
        if name.startswith("TASKFLOW_") and not name.startswith("TASKFLOW_TEST_"):
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
