"""No space, no permission: a clear error, a sound file, and on with the work once the trouble is over."""

import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from msgspec import Raw

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import StoreFull, TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import NewTask, Submit, Submitted, TaskFilter

NOBODY = 65534


def new_task(size: int = 20_000) -> NewTask:
    payload = Raw(b'{"x":"' + b"y" * size + b'"}')
    return NewTask(id=new_id(), type="t", payload=payload, max_retries=3, retry=RetryPolicy(), timeout=60.0)


def integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


async def fill(store: SqliteStore) -> tuple[list[str], TaskflowError]:
    """Submit until it is refused: what was accepted, and the error."""
    accepted: list[str] = []
    while True:
        request = Submit((new_task(),))
        try:
            (outcome,) = await store.submit([request])
        except TaskflowError as error:
            return accepted, error
        assert isinstance(outcome, Submitted)
        accepted.append(request.tasks[0].id)


# --- a bound of our own ------------------------------------------------------------------------------------------------


async def test_max_page_count(database_path: Path) -> None:
    store = await SqliteStore.open(f"sqlite:///{database_path}?max_page_count=300")
    accepted, error = await fill(store)
    assert isinstance(error, StoreFull)
    assert error.detail == (
        f"database {database_path} has no space left: its max_page_count of 300 is used up"
    )
    assert len(accepted) > 20
    assert set(await store.tasks(accepted)) == set(accepted), "what was accepted is there"
    assert await store.count(DEFAULT_ACCOUNT, TaskFilter()) == len(accepted), "what was refused is not"

    await store.cancel(DEFAULT_ACCOUNT, accepted[:10])
    assert await store.delete(DEFAULT_ACCOUNT, accepted[:10]) == [None] * 10
    (outcome,) = await store.submit([Submit((new_task(),))])
    assert isinstance(outcome, Submitted), "there is space again, and it goes on"
    await store.close()
    assert integrity(database_path) == "ok"
    assert database_path.stat().st_size <= 300 * 4096

    store = await SqliteStore.open(f"sqlite:///{database_path}?max_page_count=600")
    more, error = await fill(store)
    assert more
    assert isinstance(error, StoreFull)
    await store.close()


async def test_full_in_good_company(database_path: Path) -> None:
    """Several callers at once: those for whom there is room are served, the others are told; nobody waits for ever."""
    store = await SqliteStore.open(f"sqlite:///{database_path}?max_page_count=300")
    requests = [Submit((new_task(),)) for _ in range(80)]
    answers = await asyncio.gather(*(store.submit([request]) for request in requests), return_exceptions=True)
    accepted = [
        request.tasks[0].id
        for request, answer in zip(requests, answers, strict=True)
        if not isinstance(answer, BaseException)
    ]
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert accepted
    assert refused
    assert all(isinstance(error, StoreFull) for error in refused)
    assert set(await store.tasks([request.tasks[0].id for request in requests])) == set(accepted)
    await store.close()
    assert integrity(database_path) == "ok"


async def test_an_existing_file_larger_than_its_bound(database_path: Path) -> None:
    store = await SqliteStore.open(f"sqlite:///{database_path}")
    await store.submit([Submit(tuple(new_task() for _ in range(50)))])
    await store.close()
    store = await SqliteStore.open(f"sqlite:///{database_path}?max_page_count=100")
    assert isinstance((await fill(store))[1], StoreFull)
    assert await store.count(DEFAULT_ACCOUNT, TaskFilter()) >= 50
    await store.close()


# --- a bound set from outside ------------------------------------------------------------------------------------------


class Child:
    """A process with a store, told what to do line by line."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, __file__, *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, word: str) -> Any:
        stdin, stdout = self._pipes()
        stdin.write(f"{word}\n")
        stdin.flush()
        return json.loads(stdout.readline())

    def end(self) -> None:
        stdin, stdout = self._pipes()
        stdin.close()
        assert self.process.wait(60) == 0
        stdout.close()

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit another process")
@pytest.mark.parametrize("limit", [1_000_000, 3_000_000], ids=["the log cannot grow", "the file cannot grow"])
def test_file_size_limit_lifted_while_it_runs(database_path: Path, limit: int) -> None:
    child = Child("serve", f"sqlite:///{database_path}")
    try:
        before = child.ask("some")
        assert before["error"] is None
        _, hard = resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, (limit, hard))
        full = child.ask("fill")
        assert full["error"] == "StoreFull", full
        assert str(database_path) in full["detail"]
        assert "file size limit" in full["detail"]
        assert child.ask("fill")["error"] == "StoreFull", "still"
        assert child.ask("read")["count"] == before["accepted"] + full["accepted"]

        resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
        after = child.ask("some")
        assert after["error"] is None, "it goes on, nothing was started anew"
        assert child.ask("cycle")["succeeded"] > 0
    finally:
        child.end()
    assert integrity(database_path) == "ok"
    connection = sqlite3.connect(database_path)
    (count,) = connection.execute(
        "SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM finished_tasks)"
    ).fetchone()
    connection.close()
    assert count == before["accepted"] + full["accepted"] + after["accepted"], (
        "all that was accepted, nothing else"
    )


# --- no permission -----------------------------------------------------------------------------------------------------


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Where another user can look: pytest's own folders are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder
        folder.chmod(0o777)


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "why"),
    [
        (0o444, 0o755, "this user may not write the file"),
        (0o444, 0o777, "this user may not write the file"),
        (0o666, 0o755, "this user may not write to the folder"),
        (None, 0o755, "this user may not write to the folder"),
        (0o000, 0o777, "this user may not write the file"),
    ],
)
def test_a_database_this_user_may_not_write(
    public_folder: Path, file_mode: int | None, folder_mode: int, why: str
) -> None:
    path = public_folder / "hub.db"
    if file_mode is not None:
        asyncio.run(_make(path))
        path.chmod(file_mode)
    public_folder.chmod(folder_mode if os.getuid() == 0 else folder_mode & 0o555)
    before = sorted(entry.name for entry in public_folder.iterdir())
    done = subprocess.run(
        [sys.executable, __file__, "open", f"sqlite:///{path}"], capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    assert answer["error"] == "StoreUnavailable", answer
    assert str(path) in answer["detail"]
    assert why in answer["detail"]
    assert sorted(entry.name for entry in public_folder.iterdir()) == before


async def _make(path: Path) -> None:
    store = await SqliteStore.open(f"sqlite:///{path}")
    await store.submit([Submit((new_task(),))])
    await store.close()


# --- what the children do ----------------------------------------------------------------------------------------------


async def serve(url: str) -> None:
    store = await SqliteStore.open(url)
    await store.register(
        Register(
            worker=new_id(),
            name="w",
            host="h",
            pid=1,
            version="1",
            slots=1_000,
            window=0,
            types=(TaskType(type="t"),),
        )
    )
    for line in sys.stdin:
        match line.strip():
            case "some":
                outcomes = await store.submit([Submit((new_task(),)) for _ in range(10)])
                answer: dict[str, Any] = {"error": None, "accepted": len(outcomes)}
            case "fill":
                accepted, error = await fill(store)
                answer = {"error": type(error).__name__, "detail": error.detail, "accepted": len(accepted)}
            case "read":
                answer = {"count": await store.count(DEFAULT_ACCOUNT, TaskFilter())}
            case _:
                from taskflow_hub.domain import moves

                leased = await store.lease(None, 100)
                items = [
                    moves.Succeed(id=lease.assignment.id, attempt=1, ran_s=0.1) for lease in leased.leases
                ]
                await store.succeed(items)
                answer = {
                    "succeeded": await store.count(DEFAULT_ACCOUNT, TaskFilter(status=(State.SUCCESS,)))
                }
        print(json.dumps(answer), flush=True)
    await store.close()


async def open_as_nobody(url: str) -> None:
    try:
        store = await SqliteStore.open(url)
    except TaskflowError as error:
        print(json.dumps({"error": type(error).__name__, "detail": error.detail}))
    else:
        await store.close()
        print(json.dumps({"error": None}))


if __name__ == "__main__":
    what, where = sys.argv[1:]
    if what == "serve":
        asyncio.run(serve(where))
    else:
        if os.getuid() == 0:
            os.setuid(NOBODY)
        asyncio.run(open_as_nobody(where))
