"""What the system does not give costs one attempt, never a slot."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.integration.worker_handlers import registry
from tests.integration.worker_house import House

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.domain.messages import Failed, How, Succeeded
from taskflow_hub.worker.registry import Registry


async def test_without_a_thread_an_attempt_fails_and_its_slot_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async with House(registry(), tmp_path, slots=1) as house:
        with monkeypatch.context() as scarce:
            scarce.setattr(threading.Thread, "start", refuse)
            ended = await house.run("answer.thread", {"what": "none"})
        assert isinstance(ended, Failed)
        assert (ended.how, ended.error.message) == (How.RAISED, "can't start new thread")
        assert isinstance(await house.run("answer.thread", {"what": "none"}), Succeeded)


async def test_without_a_process_an_attempt_fails_and_its_slot_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    async with House(registry(), tmp_path, slots=1) as house:
        with monkeypatch.context() as scarce:
            scarce.setattr(subprocess, "Popen", refuse)
            for _ in range(3):
                ended = await house.run("who")
                assert isinstance(ended, Failed)
                assert (ended.how, ended.error.type) == (How.RAISED, "WorkerProcessDied")
                assert "gave no child process" in ended.error.message
        assert isinstance(await house.run("who"), Succeeded)


async def test_a_module_that_breaks_in_the_child_is_a_failure_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fragile_module.py").write_text("def work() -> None: ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import fragile_module  # type: ignore[import-not-found]

    mine = Registry()
    mine.add("work", fragile_module.work, cpu=True)
    try:
        async with House(mine, tmp_path, process_max_tasks=1) as house:
            assert isinstance(await house.run("work"), Succeeded)
            (tmp_path / "fragile_module.py").write_text("raise LookupError('no settings here')\n")
            ended = await house.run("work")
            assert (ended.how, ended.error.type) == (How.RAISED, "LookupError")
            assert "fragile_module.py" in ended.error.traceback
    finally:
        del sys.modules["fragile_module"]


async def test_a_main_module_without_a_file_cannot_have_cpu_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    def here() -> None: ...

    main = sys.modules["__main__"]
    here.__module__, here.__qualname__ = "__main__", "here"
    monkeypatch.setattr(main, "here", here, raising=False)
    monkeypatch.setattr(main, "__spec__", None, raising=False)
    monkeypatch.delattr(main, "__file__", raising=False)
    mine = Registry()
    mine.add("here", here, cpu=True)
    with pytest.raises(Misconfigured, match="needs a handler in a file"):
        mine.types()
