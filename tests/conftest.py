"""Guards over the whole suite, and the few fixtures every room uses."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import pytest_asyncio
from coverage.collector import Collector
from hypothesis import HealthCheck, settings
from redis import Redis
from tests.support.far_end import FarProcess
from tests.support.grounds import GROUNDS, REDIS, Ends, Ground, open_ends
from tests.support.postgres import FAST, Databases, PostgresServer, postgres
from tests.support.redis import RedisServer, redis_cluster, redis_server
from tests.support.stores import STORES

from taskflow_hub.store.postgres import PostgresStore

# Hypothesis takes its own "ci" profile when CI is set. Elsewhere a slow moment is no failure either.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if "CI" not in os.environ:
    settings.load_profile("local")


def _no_logins() -> Callable[[], None]:
    """Nor the developer's own logins."""
    folder = tempfile.TemporaryDirectory(prefix="taskflow-tests-config-")
    os.environ["XDG_CONFIG_HOME"] = folder.name
    return folder.cleanup


def pytest_configure(config: pytest.Config) -> None:
    """Keep the developer's own TASKFLOW_* settings from the tests; TASKFLOW_TEST_* is for them, and was read by now (below).

    A shell starts what goes to the background with Ctrl-C ignored, and so would be every program that the tests start.
    """
    for name in list(os.environ):
        if name.startswith("TASKFLOW_"):
            del os.environ[name]
    config.add_cleanup(_no_logins())
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# Where a thread is struck by an exception (tests of handlers that are stopped) it must not keep coverage's lock: as functions
# of Python, these two can be struck between the one and the other. The bound methods of the lock itself cannot.
Collector.lock_data = property(lambda collector: collector.data_lock.acquire)  # type: ignore[assignment]
Collector.unlock_data = property(lambda collector: collector.data_lock.release)  # type: ignore[assignment]


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


@pytest.fixture(params=STORES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the test's own with nothing in it, on every store there is."""
    with _database(request, request.param, tmp_path) as url:
        yield url


@pytest.fixture(scope="module", params=STORES)
def module_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same, for all tests of a module together."""
    with _database(request, request.param, tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture(params=GROUNDS)
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """A database and a broker of the test's own with nothing in them, on every store and every broker there is."""
    store, _, broker = request.param.partition("-")
    with _database(request, store, tmp_path) as url:
        if broker:
            process = request.getfixturevalue(far_process.__name__)
            yield Ground(url, request.getfixturevalue(f"{broker}_url"), process)
        else:
            yield Ground(url)


@pytest.fixture(scope="module", params=(*STORES, REDIS))
def module_ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """The same, for all tests of a module together; Redis is its own, since others empty theirs."""
    store, _, broker = request.param.partition("-")
    with (
        _database(request, store, tmp_path_factory.mktemp("database")) as url,
        redis_server() if broker else nullcontext() as redis,
    ):
        yield Ground(url, redis.url if redis else "local")


@contextmanager
def _database(request: pytest.FixtureRequest, store: str, folder: Path) -> Iterator[str]:
    if store == "sqlite":
        yield f"sqlite:///{folder / 'taskflow.db'}"
    else:
        with request.getfixturevalue(postgres_databases.__name__).one() as url:
            yield url


# --- PostgreSQL: TASKFLOW_TEST_POSTGRES_VERSION chooses which; 16 and 18 come from the wheel, others from Debian's packages ---

POSTGRES_VERSION = int(os.environ.get("TASKFLOW_TEST_POSTGRES_VERSION", "16"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests that need no more than a database on it."""
    with postgres(POSTGRES_VERSION, **FAST) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: PostgresServer) -> Iterator[Databases]:
    """Databases with our tables and nothing in them."""

    async def make_tables() -> None:
        store = await PostgresStore.open(postgres_server.url("with_tables"))
        await store.close()

    postgres_server.run("CREATE DATABASE with_tables")
    asyncio.run(make_tables())
    with Databases(postgres_server, "with_tables") as databases:
        yield databases


@pytest.fixture
def postgres_tables_url(postgres_databases: Databases) -> Iterator[str]:
    """A database of the test's own, with our tables and nothing in them."""
    with postgres_databases.one() as url:
        yield url


@pytest.fixture(scope="session")
def _empty_postgres_databases(postgres_server: PostgresServer) -> Iterator[Databases]:
    with Databases(postgres_server, "template0") as databases:
        yield databases


@pytest.fixture
def postgres_url(_empty_postgres_databases: Databases) -> Iterator[str]:
    """A database of the test's own, without even our tables."""
    with _empty_postgres_databases.one() as url:
        yield url


# --- schedules: TASKFLOW_TEST_SCHEDULE_KILLS_S says for how many seconds their processes are killed ---

SCHEDULE_KILLS_S = float(os.environ.get("TASKFLOW_TEST_SCHEDULE_KILLS_S", "60"))


@pytest.fixture
def schedule_kills_s() -> float:
    return SCHEDULE_KILLS_S


# --- Redis: TASKFLOW_TEST_REDIS_URL names a server that runs, and is emptied for each test; else support/redis.py ---

REDIS_URL = os.environ.get("TASKFLOW_TEST_REDIS_URL")


@pytest.fixture(scope="session")
def _redis_url() -> Iterator[str]:
    if REDIS_URL:
        yield REDIS_URL
        return
    with redis_server() as server:
        yield server.url


@pytest.fixture
def redis_url(_redis_url: str) -> str:
    """A server with nothing in it."""
    with Redis.from_url(_redis_url) as client:
        client.flushdb()
    return _redis_url


@pytest.fixture(scope="session")
def _cluster() -> Iterator[list[RedisServer]]:
    with redis_cluster() as servers:
        yield servers


@pytest.fixture
def cluster(_cluster: list[RedisServer]) -> list[RedisServer]:
    """Three nodes with nothing in them."""
    for server in _cluster:
        server.run("FLUSHALL")
    return _cluster


@pytest.fixture
def cluster_url(cluster: list[RedisServer]) -> str:
    return cluster[0].url


@pytest.fixture(scope="session")
def far_process() -> Iterator[FarProcess]:
    with FarProcess.start() as process:
        yield process


@pytest_asyncio.fixture(params=("local", "redis", "cluster"))
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[Ends]:
    """Both ends of a broker for a test of a worker, within one process and apart."""
    apart = request.param != "local"
    broker_url = request.getfixturevalue(f"{request.param}_url") if apart else "local"
    process = request.getfixturevalue(far_process.__name__) if apart else None
    async with open_ends(broker_url, process, far="server") as opened:
        yield opened
