"""Seven of ten admired queues accept a dead worker's late success. Ours refuses it, and here it is shown what refuses it.

The guard, that an attempt owns its task, is a condition in the text of every statement that is fenced. Each is found, taken
out, and then the store's contract no longer holds: so whoever deletes one hears of it.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
import pytest_asyncio
from msgspec import Raw
from tests.support.postgres import waits_for_a_lock

from taskflow_hub.domain import moves
from taskflow_hub.domain.lifecycle import FENCED, Move
from taskflow_hub.domain.messages import Held
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.postgres import statements as of_postgres
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.sqlite import statements as of_sqlite
from taskflow_hub.testing.store_contract import StoreContract
from taskflow_hub.testing.store_contract.kit import Kit, ManualClock
from taskflow_hub.testing.store_contract.workflow_kit import begin, node

GUARD: Final = re.compile(r"(?<![\w.])(?:task\.)?attempt = (?:item|call)\.attempt\b")
Check = Callable[[Kit], Awaitable[Any]]

contract: Final = StoreContract()


def stale(move: Move) -> Check:
    return partial(contract.test_a_word_of_another_attempt_changes_nothing, move=move, attempt=1)


async def stale_heartbeat(kit: Kit) -> None:
    """A heartbeat of the attempt before, to be written when the next has begun at the same worker."""
    attempt = await kit.run()
    worker = (await kit.get(attempt.id)).worker or ""
    target = kit.store._link.target  # type: ignore[attr-defined]
    sql, watcher = [await asyncpg.connect(target.dsn) for _ in range(2)]
    try:
        async with sql.transaction():
            await sql.execute("UPDATE tasks SET attempt = attempt + 1 WHERE id = $1", attempt.id)
            beating = asyncio.ensure_future(kit.store.heartbeat(worker, [Held(attempt.id, 1, True)]))
            await waits_for_a_lock(watcher)
        await beating
    finally:
        await sql.close()
        await watcher.close()
    assert (await kit.get(attempt.id)).started_at is None


async def stale_success_foreseen(kit: Kit) -> None:
    """A worker that lost its lease says that a node's task has succeeded, in the process that knows what would follow."""
    flow = await begin(kit, {"a": node(), "b": node("a")})
    attempt = await flow.attempt("a")
    late = moves.Succeed(id=attempt.id, attempt=attempt.attempt + 1, ran_s=0.1, result=Raw(b"1"))
    assert await kit.store.succeed([late]) == [moves.Verdict.STALE]
    assert await flow.states() == {"a": "running", "b": "blocked"}


MOVES: Final = {str(move): stale(move) for move in sorted(FENCED)}
PROGRESS: Final = {"progress": contract.test_progress_the_last_one_wins}
# Which checks of the contract each fenced statement answers for.
SQLITE: Final[dict[str, dict[str, Check]]] = {
    "misfits": MOVES
    | PROGRESS,  # one look sorts the items of every move; nothing comes between, for there is one writer
    "call_find": {"call": contract.test_a_call_is_made_once},
    "only/step_look": {"step": contract.test_only_who_owns_the_task_may_keep_sleep_wait_or_look},
}
POSTGRES: Final[dict[str, dict[str, Check]]] = {
    **{name: {name: check} for name, check in (MOVES | PROGRESS).items()},
    "beat_tasks": {"heartbeat": stale_heartbeat},
    "only/succeed_foreseen": {"succeed": stale_success_foreseen},
    "keep_step": {"step": contract.test_only_who_owns_the_task_may_keep_sleep_wait_or_look},
}


def cases(fenced: dict[str, dict[str, Check]]) -> pytest.MarkDecorator:
    found = [(name, said) for name, checks in fenced.items() for said in checks]
    return pytest.mark.parametrize(("name", "said"), found, ids=[f"{name}-{said}" for name, said in found])


@pytest.mark.parametrize(
    ("statements", "fenced"), [(of_sqlite, SQLITE), (of_postgres, POSTGRES)], ids=["sqlite", "postgres"]
)
def test_every_fenced_statement_is_known(statements: Any, fenced: dict[str, dict[str, Check]]) -> None:
    folder = Path(statements.__file__).parent / "sql"
    files = {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.sql")}
    assert {name for name, path in files.items() if GUARD.search(path.read_text())} == fenced.keys()


def take_the_guard_out(monkeypatch: pytest.MonkeyPatch, statements: Any, name: str) -> None:
    whole = statements.statement(name)
    text: str = whole if isinstance(whole, str) else whole.text
    without = GUARD.sub("true", text)
    assert without != text
    broken = without if isinstance(whole, str) else statements.Statement(name, without)
    package = statements.__name__.rpartition(".")[0]
    for module in [module for path, module in sys.modules.items() if path.startswith(f"{package}.")]:
        for word, value in vars(module).copy().items():
            if value is whole:
                monkeypatch.setattr(module, word, broken)


# --- the two stores ----------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def sqlite(database_path: Path) -> AsyncIterator[Kit]:
    clock = ManualClock()

    def open_one(clock: Any) -> Awaitable[SqliteStore]:
        return SqliteStore.open(f"sqlite:///{database_path}", clock=clock)

    kit = Kit(await open_one(clock), clock, open_one)
    yield kit
    await kit.close()


@pytest_asyncio.fixture
async def postgres(postgres_tables_url: str) -> AsyncIterator[Kit]:
    clock = ManualClock()

    def open_one(clock: Any) -> Awaitable[PostgresStore]:
        return PostgresStore.open(postgres_tables_url, clock=clock, survey_s=0.0)

    kit = Kit(await open_one(clock), clock, open_one)
    yield kit
    await kit.close()


@cases(SQLITE)
async def test_sqlite(sqlite: Kit, monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    await SQLITE[name][said](sqlite)
    take_the_guard_out(monkeypatch, of_sqlite, name)
    with pytest.raises(AssertionError):
        await SQLITE[name][said](sqlite)


@cases(POSTGRES)
async def test_postgres(postgres: Kit, monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    await POSTGRES[name][said](postgres)
    take_the_guard_out(monkeypatch, of_postgres, name)
    with pytest.raises(AssertionError):
        await POSTGRES[name][said](postgres)
