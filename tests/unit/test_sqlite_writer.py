"""The writer: gathers, commits once, blames only the guilty, waits for other processes, ends in order."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from taskflow_hub.domain.clock import utc_now
from taskflow_hub.domain.errors import ShuttingDown, StoreUnavailable
from taskflow_hub.store.sqlite import writer as writer_module
from taskflow_hub.store.sqlite.connection import is_busy
from taskflow_hub.store.sqlite.statements import Statement
from taskflow_hub.store.sqlite.transaction import Transaction
from taskflow_hub.store.sqlite.url import Location
from taskflow_hub.store.sqlite.writer import Writer

BUSY_S, MANY = 0.2, 100
PUT = Statement("put", "INSERT INTO notes (note) VALUES (?)")


def put(tx: Transaction, notes: Sequence[str]) -> list[int]:
    """A verb with items; each answer names the transaction it was part of."""
    for note in notes:
        tx.run(PUT, note)
        if note == "bad":
            raise ValueError(note)
    return [id(tx)] * len(notes)


def put_one(tx: Transaction, note: str) -> int:
    return put(tx, [note])[0]


@pytest_asyncio.fixture
async def writer(database_path: Path) -> AsyncIterator[Writer]:
    with sqlite3.connect(database_path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE notes (note TEXT NOT NULL)")
    connection.close()
    writer = Writer(Location(path=database_path, busy_timeout_s=BUSY_S), utc_now)
    writer.start()
    yield writer
    await asyncio.to_thread(writer.stop)


def notes(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT note FROM notes ORDER BY rowid")]
    finally:
        connection.close()


class Held:
    """Keeps the writer inside a transaction, so that calls gather behind it."""

    def __init__(self, writer: Writer) -> None:
        self._inside, self._go_on = threading.Event(), threading.Event()
        self._call = asyncio.ensure_future(writer.write(self._wait))

    def _wait(self, tx: Transaction) -> None:
        self._inside.set()
        assert self._go_on.wait(30)

    async def __aenter__(self) -> None:
        assert await asyncio.to_thread(self._inside.wait, 30)

    async def __aexit__(self, *_: object) -> None:
        self._go_on.set()
        await self._call


async def test_what_gathers_is_one_transaction(writer: Writer, database_path: Path) -> None:
    async with Held(writer):
        calls = [asyncio.ensure_future(writer.write_many(put, [f"a{n}", f"b{n}"])) for n in range(20)]
        calls += [asyncio.ensure_future(writer.write_many(put, [f"c{n}"])) for n in range(20)]
        single = asyncio.ensure_future(writer.write(put_one, "d"))
        await asyncio.sleep(0)
        assert notes(database_path) == []
    answers = await asyncio.gather(*calls)
    assert [len(answer) for answer in answers] == [2] * 20 + [1] * 20, "each call gets its own answers"
    assert len({answer[0] for answer in answers} | {await single}) == 1
    assert len(notes(database_path)) == 61


async def test_only_the_guilty_is_blamed(writer: Writer, database_path: Path) -> None:
    async with Held(writer):
        calls = [
            asyncio.ensure_future(writer.write_many(put, [f"{n}", "bad" if n == 3 else "x"]))
            for n in range(6)
        ]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(answer, ValueError) for answer in answers] == [n == 3 for n in range(6)]
    assert notes(database_path) == [note for n in range(6) if n != 3 for note in (str(n), "x")]


async def test_a_call_that_raises_leaves_nothing(writer: Writer, database_path: Path) -> None:
    with pytest.raises(ValueError, match="bad"):
        await writer.write(put_one, "bad")
    await writer.write(put_one, "good")
    assert notes(database_path) == ["good"]


async def test_a_caller_who_gave_up(writer: Writer, database_path: Path) -> None:
    async with Held(writer):
        call = asyncio.ensure_future(writer.write(put_one, "a"))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    await writer.write(put_one, "b")
    assert notes(database_path) == ["a", "b"], "what was asked is done, nobody hears of it"


async def test_a_loop_that_is_gone(writer: Writer, database_path: Path) -> None:
    async with Held(writer):

        def ask_and_leave() -> None:
            loop = asyncio.new_event_loop()
            call = loop.create_task(writer.write(put_one, "a"))
            loop.run_until_complete(asyncio.sleep(0))
            call.cancel()
            loop.run_until_complete(asyncio.gather(call, return_exceptions=True))
            loop.close()

        await asyncio.to_thread(ask_and_leave)
    await writer.write(put_one, "b")
    assert notes(database_path) == ["a", "b"]


async def test_it_waits_for_another_process(writer: Writer, database_path: Path) -> None:
    other = sqlite3.connect(database_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    call = asyncio.ensure_future(writer.write(put_one, "a"))
    done, _ = await asyncio.wait({call}, timeout=0.05)
    assert not done
    other.execute("COMMIT")
    await call
    other.close()


@pytest.fixture
def kept_shut(writer: Writer, database_path: Path) -> Iterator[sqlite3.Connection]:
    """Nobody else can so much as open the file: as while it is closed by the last who used it, or mended after a kill."""
    writer.stop()
    connection = sqlite3.connect(database_path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


async def test_it_waits_for_another_process_that_lets_nobody_open_the_file(
    kept_shut: sqlite3.Connection, database_path: Path
) -> None:
    second = Writer(Location(path=database_path, busy_timeout_s=30), utc_now)
    start = asyncio.ensure_future(asyncio.to_thread(second.start))
    done, _ = await asyncio.wait({start}, timeout=0.05)
    assert not done
    kept_shut.close()
    await start
    await second.write(put_one, "a")
    assert notes(database_path) == ["a"]
    await asyncio.to_thread(second.stop)


async def test_nor_for_ever_for_a_file_it_cannot_open(
    kept_shut: sqlite3.Connection, database_path: Path
) -> None:
    second = Writer(Location(path=database_path, busy_timeout_s=BUSY_S), utc_now)
    with pytest.raises(StoreUnavailable, match=r"locked by another process for 0\.2 s"):
        await asyncio.to_thread(second.start)


async def test_it_does_not_wait_for_ever(writer: Writer, database_path: Path) -> None:
    other = sqlite3.connect(database_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(10):
        answers = await asyncio.gather(
            *(writer.write(put_one, note) for note in ("a", "b", "c")), return_exceptions=True
        )
    assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    assert "locked by another process" in str(answers[0])
    assert str(database_path) in str(answers[0])
    other.execute("ROLLBACK")
    await writer.write(put_one, "d")
    assert notes(database_path) == ["d"], "and nothing needs to be opened anew"
    other.close()


async def test_stopping_finishes_what_was_asked(writer: Writer, database_path: Path) -> None:
    async with Held(writer):
        calls = [asyncio.ensure_future(writer.write(put_one, f"{n}")) for n in range(5)]
        await asyncio.sleep(0)
        stopping = asyncio.ensure_future(asyncio.to_thread(writer.stop))
        while not writer.closed:  # noqa: ASYNC110 -- the thread has no event to wait for
            await asyncio.sleep(0)
        with pytest.raises(ShuttingDown):
            await writer.write(put_one, "late")
    await stopping
    await asyncio.gather(*calls)
    writer.stop()
    assert notes(database_path) == ["0", "1", "2", "3", "4"]
    assert not (database_path.parent / f"{database_path.name}-wal").exists(), "one tidy file is left"


async def test_a_long_batch_is_cut(writer: Writer) -> None:
    """Nobody waits behind more than a few thousand items."""
    async with Held(writer):
        calls = [asyncio.ensure_future(writer.write_many(put, ["x"] * 500)) for _ in range(10)]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*calls)
    assert len(answers) == 10


async def test_a_lost_connection_is_opened_anew(writer: Writer, database_path: Path) -> None:
    def close_it(tx: Transaction) -> None:
        tx.connection.close()

    with pytest.raises(sqlite3.ProgrammingError):
        await writer.write(close_it)
    await writer.write(put_one, "a")
    assert notes(database_path) == ["a"]


async def test_many_wait_no_longer_than_one(writer: Writer, database_path: Path) -> None:
    """What hinders one hinders all, so it is not tried anew for each."""
    other = sqlite3.connect(database_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    answers = await asyncio.gather(
        *(writer.write(put_one, f"{n}") for n in range(MANY)), return_exceptions=True
    )
    assert time.monotonic() - began < MANY * BUSY_S / 2, "twice the time-out, and not a hundred times"
    assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    other.close()


async def test_trouble_while_looking_for_the_guilty(writer: Writer, database_path: Path) -> None:
    """One call is bad, so each is done alone; then the database is taken away: nobody waits for it in turn."""
    other = sqlite3.connect(database_path, isolation_level=None, check_same_thread=False)

    def take_the_lock_away(tx: Transaction) -> None:
        tx.connection.execute("ROLLBACK")
        other.execute("BEGIN IMMEDIATE")
        raise ValueError

    async with Held(writer):
        first = asyncio.ensure_future(writer.write(take_the_lock_away))
        calls = [asyncio.ensure_future(writer.write(put_one, f"{n}")) for n in range(MANY)]
        await asyncio.sleep(0)
    began = time.monotonic()
    answers = await asyncio.gather(first, *calls, return_exceptions=True)
    assert time.monotonic() - began < MANY * BUSY_S / 2
    assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    other.close()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN])
async def test_what_the_database_cannot_is_not_tried_again(writer: Writer, code: int) -> None:
    tried: list[int] = []

    def fail(tx: Transaction, items: Sequence[int]) -> list[None]:
        tried.append(len(items))
        error = sqlite3.OperationalError("no")
        error.sqlite_errorcode, error.sqlite_errorname = code, "SQLITE_SOMETHING"
        raise error

    async with Held(writer):
        calls = [asyncio.ensure_future(writer.write_many(fail, [n])) for n in range(5)]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    assert tried == [5]


async def test_stopping_does_not_wait_for_others_for_long(
    database_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "CLOSING_S", 0.1)
    writer = Writer(Location(path=database_path, busy_timeout_s=60), utc_now)
    writer.start()
    other = sqlite3.connect(database_path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    waits = threading.Event()

    def tell(error: sqlite3.Error) -> bool:
        waits.set()
        return is_busy(error)

    monkeypatch.setattr(writer_module, "is_busy", tell)
    calls = [asyncio.ensure_future(writer.write(put_one, f"{n}")) for n in range(5)]
    async with asyncio.timeout(10):
        await asyncio.to_thread(waits.wait)
        await asyncio.to_thread(writer.stop)
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    other.close()


async def test_it_survives_what_nobody_foresaw(
    writer: Writer, database_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(tx: Transaction) -> None:
        raise SystemExit

    def poll() -> None:
        monkeypatch.undo()
        raise PermissionError

    async with asyncio.timeout(10):
        with pytest.raises(StoreUnavailable, match="SystemExit"):
            await writer.write(leave)
        await writer.write(put_one, "a")
        monkeypatch.setattr(writer, "_poll", poll)
        await writer.write(put_one, "b")
        await writer.write(put_one, "c")
    assert notes(database_path) == ["a", "b", "c"]


async def test_what_is_heavy_goes_alone(writer: Writer) -> None:
    """So a heartbeat does not wait for it, and it waits for nobody: a heavy call is still one transaction."""

    def which(tx: Transaction, items: Sequence[int]) -> list[Transaction]:
        return [tx] * len(items)

    async with Held(writer):
        light = [asyncio.ensure_future(writer.write_many(which, [n, n])) for n in range(3)]
        heavy = [asyncio.ensure_future(writer.write_many(which, [n], weight=10_000)) for n in range(2)]
        last = asyncio.ensure_future(writer.write_many(which, [1]))
        await asyncio.sleep(0)
    found = [answer[0] for answer in await asyncio.gather(*light, *heavy, last)]
    assert len({id(tx) for tx in found}) == 4
    assert found[0] is found[1] is found[2]
