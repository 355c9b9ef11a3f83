"""Hints reach who listens, on the loop where they listen, and leave nothing behind."""

import asyncio
import threading

import pytest

from taskflow_hub.engine.hints import Hints, Topic


def test_a_listener_hears_its_topic_only() -> None:
    hints, heard = Hints(), list[str]()
    hints.on(Topic.WORK, lambda: heard.append("work"))
    hints.on(Topic.DUE, lambda: heard.append("due"))
    hints.tell(Topic.WORK)
    hints.tell(Topic.TASKS, Topic.DUE)
    assert heard == ["work", "due"]


def test_who_has_left_hears_nothing_more() -> None:
    hints, heard = Hints(), list[str]()
    leave = hints.on(Topic.WORK, lambda: heard.append("left"))
    hints.on(Topic.WORK, lambda: heard.append("stays"))
    leave()
    hints.tell(Topic.WORK)
    assert heard == ["stays"]


def test_a_listener_may_leave_while_it_is_told() -> None:
    hints, heard = Hints(), list[str]()

    def once() -> None:
        heard.append("once")
        leave()

    leave = hints.on(Topic.WORK, once)
    hints.on(Topic.WORK, lambda: heard.append("always"))
    hints.tell(Topic.WORK)
    hints.tell(Topic.WORK)
    assert heard == ["once", "always", "always"]


async def test_a_change_wakes_who_watches_that_task_and_nobody_else() -> None:
    hints = Hints()
    with hints.watch("a") as a, hints.watch("b") as b, hints.watch("a") as a2:
        hints.changed(["a", "c"])
        assert (a.is_set(), b.is_set(), a2.is_set()) == (True, False, True)


async def test_a_change_tells_who_listens_to_tasks_and_to_the_topics_named() -> None:
    hints, heard = Hints(), list[Topic]()
    for topic in Topic:
        hints.on(topic, lambda topic=topic: heard.append(topic))  # type: ignore[misc]
    hints.changed(["a"], Topic.WORK)
    assert heard == [Topic.TASKS, Topic.WORK]


async def test_a_change_from_outside_wakes_everyone() -> None:
    hints, heard = Hints(), set[Topic]()
    for topic in Topic:
        hints.on(topic, lambda topic=topic: heard.add(topic))  # type: ignore[misc]
    with hints.watch("a") as a, hints.watch("b") as b:
        hints.outside(*Topic)
        assert a.is_set()
        assert b.is_set()
    assert heard == set(Topic)


async def test_a_watcher_that_has_gone_leaves_nothing_behind() -> None:
    hints = Hints()
    with hints.watch("a"):
        with hints.watch("a"):
            pass
        assert list(hints._watches) == ["a"]
    with pytest.raises(RuntimeError), hints.watch("b"):
        raise RuntimeError
    assert hints._watches == {}


async def test_ids_may_come_from_a_generator_that_is_read_once() -> None:
    hints = Hints()
    with hints.watch("a") as a:
        hints.changed(task_id for task_id in ("z", "a"))
        assert a.is_set()


async def test_a_hint_from_another_thread_arrives_on_the_loop_that_was_bound() -> None:
    hints, heard = Hints(), list[threading.Thread]()
    hints.bind()
    woken = asyncio.Event()

    def listen() -> None:
        heard.append(threading.current_thread())
        woken.set()

    hints.on(Topic.WORK, listen)
    await asyncio.to_thread(hints.tell, Topic.WORK)
    await woken.wait()
    assert heard == [threading.current_thread()]


async def test_a_watcher_is_woken_from_another_thread() -> None:
    hints = Hints()
    hints.bind()
    with hints.watch("a") as a:
        await asyncio.to_thread(hints.changed, ["a"])
        await a.wait()
    with hints.watch("b") as b:
        await asyncio.to_thread(hints.outside)
        await b.wait()


async def test_a_watcher_on_another_loop_is_woken_on_that_loop() -> None:
    hints = Hints()
    hints.bind()
    watching = asyncio.Event()
    here = asyncio.get_running_loop()

    async def watch_elsewhere() -> bool:
        with hints.watch("a") as changed:
            here.call_soon_threadsafe(watching.set)
            return await changed.wait()

    elsewhere = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(watch_elsewhere())))
    await watching.wait()
    hints.changed(["a"])
    assert await elsewhere


async def test_many_threads_may_tell_at_once_and_no_hint_is_lost() -> None:
    hints, heard = Hints(), 0
    hints.bind()
    everything_heard = asyncio.Event()

    def count() -> None:
        nonlocal heard
        heard += 1
        if heard == 8 * 200:
            everything_heard.set()

    hints.on(Topic.WORK, count)

    def shout() -> None:
        for _ in range(200):
            hints.changed(["a", "b"], Topic.WORK)

    with hints.watch("a"):
        await asyncio.gather(*(asyncio.to_thread(shout) for _ in range(8)))
        await everything_heard.wait()
    assert heard == 1600


def test_a_hint_to_a_loop_that_has_closed_is_nobodys_business() -> None:
    hints = Hints()

    async def bind() -> None:
        hints.bind()

    asyncio.run(bind())
    hints.tell(Topic.WORK)
    hints.changed(["a"], Topic.WORK)
    hints.outside(*Topic)


async def test_a_hint_on_the_bound_loop_is_told_at_once() -> None:
    hints, heard = Hints(), list[str]()
    hints.bind()
    hints.on(Topic.WORK, lambda: heard.append("work"))
    hints.tell(Topic.WORK)
    assert heard == ["work"]


def test_what_a_task_did_to_its_workflow_is_told_with_the_task() -> None:
    moved = 0
    hints, heard = Hints(lambda: moved), list[Topic]()
    for topic in Topic:
        hints.on(topic, lambda topic=topic: heard.append(topic))  # type: ignore[misc]
    hints.tell(Topic.TASKS)
    assert heard == [Topic.TASKS]
    moved = 3
    hints.tell(Topic.WORK)
    hints.changed(["a task"])
    hints.changed(["another"])
    assert heard == [Topic.TASKS, Topic.WORK, Topic.TASKS, Topic.WORKFLOWS, Topic.TASKS]
