"""The queue by itself: many submits beside a close, many closes and starts, workers whose processor raises, what is kept."""

import asyncio
import contextlib
import gc
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from memory_queue import jobqueue
from memory_queue.jobqueue import Closed, Full, JobQueue
from memory_queue.processing import ProcessingFailed


class Script:
    """Does what is written for an id, an entry for each attempt, and then succeeds; yields to others before and after."""

    def __init__(self, **script: Sequence[BaseException]) -> None:
        self._script = {id: iter(errors) for id, errors in script.items()}
        self.begun = Counter[str]()
        self.now = self.most = 0

    async def process(self, id: str, payload: bytes) -> None:
        self.begun[id] += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            for _ in range(random.randrange(3)):
                await asyncio.sleep(0)
            error = next(self._script.get(id, iter(())), None)
            if error:
                raise error
        finally:
            self.now -= 1


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0)


def queue_of(processor: Script, workers: int = 3, size: int = 64) -> JobQueue:
    return JobQueue(processor, workers=workers, size=size, sleep=at_once)


async def test_twelve_tasks_on_three_workers_all_end() -> None:
    processor = Script()
    queue = queue_of(processor)
    queue.start()
    for number in range(12):
        queue.enqueue(str(number), b"x", 0)
    await queue.drain()
    assert processor.begun == Counter(map(str, range(12)))
    assert processor.most == 3
    assert queue.stats() == {
        "queued": 0,
        "running": 0,
        "accepted": 12,
        "rejected": 0,
        "done": 12,
        "failed": 0,
    }


async def test_after_a_stop_nothing_is_accepted_and_nothing_changed() -> None:
    queue = queue_of(Script())
    queue.enqueue("before", b"", 0)
    await queue.drain()
    for _ in range(2):
        with pytest.raises(Closed):
            queue.enqueue("before", b"", 5)
    found = queue.find("before")
    assert found
    assert (found.status, found.max_retries) == ("done", 0)
    assert queue.stats()["rejected"] == 2


async def test_a_full_queue_changes_nothing_of_the_task_that_lives() -> None:
    queue = queue_of(Script(), workers=1, size=1)
    queue.enqueue("live", b"", 0)
    live = queue.find("live")
    with pytest.raises(Full):
        queue.enqueue("live", b"", 3)
    assert queue.find("live") is live
    await queue.drain()


async def test_a_storm_of_submits_beside_a_close_loses_nothing_and_lets_nothing_in_late() -> None:
    for turn in range(30):
        processor = Script()
        queue = queue_of(processor, size=20)
        queue.start()
        accepted = Counter[str]()
        refused = Counter[str]()

        async def submit(
            name: str,
            queue: JobQueue = queue,
            accepted: Counter[str] = accepted,
            refused: Counter[str] = refused,
        ) -> None:
            for number in range(20):
                closed = queue.closed
                try:
                    queue.enqueue(f"{name}-{number}", b"", 0)
                except (Closed, Full) as error:
                    refused[type(error).__name__] += 1
                else:
                    assert not closed
                    accepted[f"{name}-{number}"] += 1
                await asyncio.sleep(0)

        async def stop(queue: JobQueue = queue, turn: int = turn) -> None:
            for _ in range(turn):
                await asyncio.sleep(0)
            await queue.drain()

        await asyncio.gather(*(submit(str(number)) for number in range(10)), stop(), stop())
        assert processor.begun == accepted
        assert accepted.total() + refused.total() == 200
        stats = queue.stats()
        assert (stats["done"], stats["rejected"], stats["queued"], stats["running"]) == (
            accepted.total(), refused.total(), 0, 0,
        )  # fmt: skip


async def test_a_storm_of_starts_and_stops_is_one_start_and_one_stop() -> None:
    processor = Script()
    queue = queue_of(processor)
    for number in range(50):
        queue.start()
        queue.enqueue(str(number), b"", 0)
    await asyncio.gather(*(queue.drain() for _ in range(20)))
    queue.start()
    await queue.drain()
    assert processor.begun.total() == 50
    assert processor.most == 3


async def test_a_queue_that_was_never_started_is_drained_all_the_same() -> None:
    processor = Script()
    queue = queue_of(processor)
    queue.enqueue("a", b"", 0)
    await queue.drain()
    assert processor.begun["a"] == 1


async def test_the_third_attempt_succeeds() -> None:
    queue = queue_of(Script(a=[ProcessingFailed("1"), ProcessingFailed("2")]))
    queue.enqueue("a", b"", 2)
    await queue.drain()
    found = queue.find("a")
    assert found
    assert (found.status, found.attempts) == ("done", 3)


async def test_retries_end() -> None:
    queue = queue_of(Script(a=[ProcessingFailed(str(number)) for number in range(9)]))
    queue.enqueue("a", b"", 3)
    await queue.drain()
    found = queue.find("a")
    assert found
    assert (found.status, found.attempts) == ("failed", 4)


async def test_whatever_a_processor_raises_its_worker_lives_on(caplog: pytest.LogCaptureFixture) -> None:
    """Its cancelling itself too: that is not the worker's being cancelled."""
    script = Script(bug=[KeyError("x")], cancelled=[asyncio.CancelledError()])
    queue = queue_of(script, workers=1)
    for id in ("bug", "cancelled", "after"):
        queue.enqueue(id, b"", 1)
    await queue.drain()
    assert script.begun == {"bug": 2, "cancelled": 2, "after": 1}
    assert queue.stats()["done"] == 3
    assert [record.message for record in caplog.records] == [
        "attempt 1 raised id=bug",
        "attempt 1 raised id=cancelled",
    ]


async def test_the_numbers_add_up_at_every_moment() -> None:
    queue = queue_of(Script(**{str(n): [ProcessingFailed(str(n))] for n in range(0, 40, 2)}))
    queue.start()
    for number in range(40):
        queue.enqueue(str(number), b"", 0)
        await asyncio.sleep(0)
        stats = queue.stats()
        assert stats["accepted"] == number + 1
        assert stats["accepted"] == stats["queued"] + stats["running"] + stats["done"] + stats["failed"]
        assert 0 <= stats["running"] <= 3
    await queue.drain()
    assert queue.stats()["failed"] == 20


async def test_of_the_finished_only_so_many_are_remembered_and_no_payload_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobqueue, "REMEMBERED", 10)
    queue = queue_of(Script(), size=100)
    for number in range(50):
        queue.enqueue(str(number), b"payload", 0)
    queue.enqueue(
        "0", b"payload", 0
    )  # ends last: that its first namesake is forgotten does not take it along
    await queue.drain()
    found = [task for number in range(50) if (task := queue.find(str(number)))]
    assert len(found) == 10
    assert found[0].id == "0"
    assert all(task.payload == b"" for task in found)


async def test_who_is_refused_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    """Not even until the next garbage collection: while thousands are refused, their payloads would add up."""
    caplog.set_level("CRITICAL", "memory_queue")  # pytest would keep what was logged
    queue = queue_of(Script(), size=1)
    queue.enqueue("a", b"", 0)
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            with contextlib.suppress(Full):
                queue.enqueue("b", bytes(100), 0)
        assert gc.collect() == 0
    finally:
        gc.enable()
    await queue.drain()
