"""Child processes: started when needed, watched, replaced, and never left behind."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.integration.worker_handlers import registry
from tests.integration.worker_house import LONG_S, House

from taskflow_hub.domain.limits import RESULT_MAX
from taskflow_hub.domain.messages import Failed, How, Logged, Progressed, Succeeded
from taskflow_hub.worker.executors import wire
from taskflow_hub.worker.sink import PROGRESS_S

ROOT = Path(__file__).parents[2]


def value(ended: Any) -> Any:
    assert isinstance(ended, Succeeded), ended
    return json.loads(bytes(ended.result))


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_end(pid: int) -> None:
    """Of any process, be it our child or not."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([watched], [], [], LONG_S)[0], f"{pid} runs on"
    finally:
        os.close(watched)


def read_fifo(fifo: Path) -> str:
    """What a process writes into it, once it does."""
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert select.select([descriptor], [], [], LONG_S)[0], f"nobody writes to {fifo.name}"
        return os.read(descriptor, 1_000).decode()
    finally:
        os.close(descriptor)


def children() -> set[int]:
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in found if alive(int(pid))}


async def gone(*pids: int) -> None:
    for pid in pids:
        await asyncio.to_thread(wait_for_end, pid)


# --- life of a child ---


async def test_a_child_is_started_when_needed_and_used_again(tmp_path: Path) -> None:
    before = children()
    async with House(registry(), tmp_path) as house:
        await house.run("answer.async", {"what": "none"})
        assert children() == before
        pids = {value(await house.run("who")) for _ in range(5)}
        assert len(pids) == 1
        assert children() - before == pids
    assert children() == before


async def test_attempts_at_once_have_a_child_each(tmp_path: Path) -> None:
    async with House(registry(), tmp_path, slots=2) as house:
        sleeping = await house.give("sleep.process")
        await house.until(lambda: house.said(sleeping, Progressed))
        busy = children()  # and perhaps one that an earlier test has let go, on its way out
        other = value(await house.run("who"))
        assert busy
        assert other not in busy


@pytest.mark.parametrize(
    ("settings", "type", "payload"),
    [
        ({"process_max_tasks": 1}, "who", {}),
        ({"process_max_rss_mb": 60}, "eat", {"megabytes": 60}),
        ({"process_idle_s": 0}, "who", {}),
    ],
    ids=["after its tasks", "when too large", "when idle"],
)
async def test_a_child_is_replaced(tmp_path: Path, settings: dict[str, Any], type: str, payload: Any) -> None:
    async with House(registry(), tmp_path, **settings) as house:
        first = value(await house.run(type, payload))
        await gone(first)
        assert value(await house.run(type, payload)) != first


async def test_a_small_child_is_kept(tmp_path: Path) -> None:
    async with House(registry(), tmp_path, process_max_rss_mb=200) as house:
        assert value(await house.run("eat", {"megabytes": 1})) == value(await house.run("who"))


async def test_a_child_that_died_in_its_sleep_is_not_used(tmp_path: Path) -> None:
    async with House(registry(), tmp_path) as house:
        first = value(await house.run("who"))
        os.kill(first, signal.SIGKILL)
        await gone(first)
        await house.beat()  # by now the loop has heard of it
        assert value(await house.run("who")) != first


# --- handlers and what they are given ---


async def test_handlers_are_found_by_reference(tmp_path: Path) -> None:
    async with House(registry(), tmp_path) as house:
        assert value(await house.run("decorated", {"a": 1})) == 2
        assert value(await house.run("bound", {"a": 1, "c": 3})) == [1, 2, 3]
        assert value(await house.run("typed", {"point": {"x": "1", "at": "/x"}})) == [
            "Point",
            "1",
            "PosixPath",
        ]
        assert value(await house.run("arguments")) == sys.argv


async def test_what_a_child_says_in_a_hurry_is_bounded(tmp_path: Path) -> None:
    async with House(registry(), tmp_path) as house:
        began = time.monotonic()
        task_id = await house.give("chatter", {"lines": 3000})
        assert isinstance(await house.ending(task_id), Succeeded)
        lines = [line for report in house.said(task_id, Logged) for line in report.lines]
        assert [line.n for line in lines] == list(range(1, 1001))
        assert "dropped" in lines[-1].message
        seconds = (time.monotonic() - began) / PROGRESS_S
        assert len(house.said(task_id, Progressed)) <= seconds + 2, "the first, the last, and one a second"


async def test_a_result_may_be_as_large_as_is_allowed(tmp_path: Path) -> None:
    async with House(registry(), tmp_path) as house:
        ended = await house.run("large", {"characters": RESULT_MAX - 2})
        assert len(ended.result) == RESULT_MAX


async def test_a_larger_one_is_refused_as_everywhere_and_its_child_lives_on(tmp_path: Path) -> None:
    """The engine refuses it, whatever ran the handler: what comes of it is a result above the limit."""
    async with House(registry(), tmp_path) as house:
        pid = value(await house.run("who"))
        ended = await house.run("large", {"characters": wire.FRAME_MAX})
        assert isinstance(ended, Succeeded)
        assert RESULT_MAX < len(ended.result) < wire.FRAME_MAX
        assert value(await house.run("submit_large", {"characters": wire.FRAME_MAX})) == "too large"
        assert value(await house.run("who")) == pid


# --- death ---


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("exit", "exit status 7"),
        ("segfault", "killed by SIGSEGV"),
        ("kill", "killed by SIGKILL; perhaps the system ran out of memory"),
    ],
)
async def test_a_child_that_dies_is_a_failure_that_says_how(tmp_path: Path, how: str, words: str) -> None:
    async with House(registry(), tmp_path, slots=1) as house:
        ended = await house.run("die", {"how": how})
        assert isinstance(ended, Failed)
        assert (ended.how, ended.error.type) == (How.RAISED, "WorkerProcessDied")
        assert words in ended.error.message
        assert value(await house.run("who"))


async def test_a_child_that_hangs_up_is_ended(tmp_path: Path) -> None:
    async with House(registry(), tmp_path, slots=1) as house:
        ended = await house.run("die", {"how": "hang up"})
        assert ended.error.type == "WorkerProcessDied"
        assert value(await house.run("who"))


async def test_a_child_that_babbles_is_ended(tmp_path: Path) -> None:
    """A length beyond all measure is not waited for."""
    async with House(registry(), tmp_path, slots=1) as house:
        ended = await house.run("die", {"how": "babble"})
        assert (ended.how, ended.error.type) == (How.RAISED, "WorkerProcessDied")
        assert "4294967295 bytes" in ended.error.message
        assert value(await house.run("who"))


async def test_a_death_is_noticed_while_a_forked_process_lives_on(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    async with House(registry(), tmp_path) as house:
        ended = await house.run("fork_and_die", {"file": str(file)}, timeout=None)
        assert ended.error.type == "WorkerProcessDied"
        await gone(int(file.read_text()))


async def test_a_timeout_kills_what_the_handler_has_started(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    async with House(registry(), tmp_path) as house:
        await house.run("who")  # the child is there, so that its handler gets all of its time
        ended = await house.run("write_pid_and_sleep", {"file": str(file), "grandchild": True}, timeout=5.0)
        assert ended.how is How.TIMEOUT
        await gone(*map(int, file.read_text().split()))


async def test_a_timeout_ends_a_handler_that_holds_the_interpreter(tmp_path: Path) -> None:
    async with House(registry(), tmp_path) as house:
        assert (await house.run("hold_interpreter", timeout=0.5)).how is How.TIMEOUT


async def test_what_a_handler_leaves_behind_ends_with_its_child(tmp_path: Path) -> None:
    async with House(registry(), tmp_path) as house:
        left = value(await house.run("leave_behind", {"file": str(tmp_path / "pid")}))
        assert alive(left)
    await gone(left)


async def test_signals_for_everybody_do_not_end_a_child(tmp_path: Path) -> None:
    """Ctrl-C in a terminal, SIGTERM of a service manager: the worker decides."""
    async with House(registry(), tmp_path) as house:
        pid = value(await house.run("who"))
        assert os.getpgid(pid) != os.getpgid(0)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(pid, number)
        assert value(await house.run("who")) == pid


async def test_a_child_cannot_start_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from taskflow_hub.domain.errors import Misconfigured

    monkeypatch.setattr(wire, "in_child", True)
    house = House(registry(), tmp_path)
    with pytest.raises(Misconfigured, match="__main__"):
        await house.worker.start()


# --- programs of their own ---

PROGRAM = """
import asyncio, sys
from pathlib import Path
from tests.integration.worker_house import House
from taskflow_hub.worker.registry import Registry
from tests.integration import worker_handlers

def double(a: int) -> int:
    return 2 * a

registry = worker_handlers.registry()
registry.add("double", double, cpu=True)

async def main(what: str, folder: Path) -> None:
    async with House(registry, folder, slots=2) as house:
        if what == "double":
            ended = await house.run("double", {"a": 21})
            print(bytes(ended.result).decode(), __name__)
        else:
            await house.give("hold_interpreter", {"file": str(folder / "holder")}, timeout=None)
            await house.give("write_pid_and_sleep", {"file": str(folder / "sleeper"), "grandchild": True}, timeout=None)
            await asyncio.sleep(3600)

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


@pytest.mark.parametrize("how", ["file", "module"])
async def test_a_handler_in_the_main_module_works(tmp_path: Path, how: str) -> None:
    (tmp_path / "program_of_mine.py").write_text(PROGRAM)
    command = ["-m", "program_of_mine"] if how == "module" else ["program_of_mine.py"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    program = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, *command, "double", str(tmp_path)],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert program.returncode == 0, program.stderr
    assert program.stdout.split() == ["42", "__main__"]


async def test_when_the_worker_is_killed_its_children_end(tmp_path: Path) -> None:
    """Even one whose handler holds the interpreter, and with all that a handler has started."""
    (tmp_path / "program_of_mine.py").write_text(PROGRAM)
    files = [tmp_path / "holder", tmp_path / "sleeper"]
    for file in files:
        os.mkfifo(file)
    program = subprocess.Popen(
        [sys.executable, "program_of_mine.py", "wait", str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        pids = [int(pid) for file in files for pid in (await asyncio.to_thread(read_fifo, file)).split()]
        assert len(pids) == 3
        assert all(map(alive, pids))
    finally:
        program.kill()
        program.wait()
    await gone(*pids)
