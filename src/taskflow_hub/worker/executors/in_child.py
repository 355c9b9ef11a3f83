"""`cpu=True` handlers: a supervised child process each, started when needed and kept for the next attempt."""

import asyncio
import pickle
import sys
from collections.abc import Coroutine
from pathlib import Path

from taskflow_hub.about import ABOUT
from taskflow_hub.domain.errors import Invalid, Misconfigured
from taskflow_hub.domain.messages import How
from taskflow_hub.domain.model import TaskError
from taskflow_hub.worker.executors import wire
from taskflow_hub.worker.executors.base import Ended
from taskflow_hub.worker.executors.supervised import Child, ChildDied
from taskflow_hub.worker.executors.wire import Job
from taskflow_hub.worker.held import HeldAttempt
from taskflow_hub.worker.outcome import Obeyed, Outcome, Raised, raised
from taskflow_hub.worker.runner import not_called
from taskflow_hub.worker.text import clean


class InChild:
    """Children in use never outnumber the slots. An idle one ends after `idle_s`; one that has done `max_tasks` attempts, or
    is larger than `max_rss_mb` after one, is replaced.
    """

    def __init__(self, ended: Ended, *, max_tasks: int, max_rss_mb: float, idle_s: float) -> None:
        if wire.in_child:
            raise Misconfigured(
                "a child process imported a module that starts a hub: put the start under `if __name__ == '__main__':`"
            )
        self._ended = ended
        self._max_tasks, self._max_rss_mb, self._idle_s = max_tasks, max_rss_mb, idle_s
        self._loop = asyncio.get_running_loop()
        self._idle: dict[
            Child, asyncio.TimerHandle
        ] = {}  # the last one used goes first, so that the others may end
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, held: HeldAttempt) -> None:
        self._spawn(self._run(held))

    def stop(self, held: HeldAttempt) -> None:
        child: Child | None = held.job
        if child is not None:
            child.kill()

    def where(self, held: HeldAttempt) -> str | None:
        return None

    async def close(self) -> None:
        for child in tuple(self._idle):
            self._let_go(child)
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def _run(self, held: HeldAttempt) -> None:
        ABOUT.set(held.about)
        try:
            outcome = await self._attempt(held)
        except (
            Exception
        ) as error:  # a frame that makes no sense, say: the slot must become free whatever it is
            outcome = raised(error, held.secrets)
        self._ended(held, outcome)

    async def _attempt(self, held: HeldAttempt) -> Outcome:
        try:
            job = _job(held)
        except Exception as error:
            return not_called(error, held.secrets)
        try:
            child = await self._child()
        except OSError as error:
            return _died(f"the system gave no child process: {error}")
        held.job = child
        try:
            if held.stopping is not None:  # since it was started
                return Obeyed()
            return (await child.run(job, held.sink)).outcome
        except ChildDied as error:
            return Obeyed() if held.stopping is not None else _died(str(error))
        except BaseException:
            child.kill()
            raise
        finally:
            held.job = None
            self._put_back(child)

    async def _child(self) -> Child:
        while self._idle:
            child, timer = self._idle.popitem()
            timer.cancel()
            if child.usable:
                return child
            self._spawn(_end(child))
        return await Child.spawn()

    def _put_back(self, child: Child) -> None:
        if child.usable and child.jobs < self._max_tasks and child.rss_mb <= self._max_rss_mb:
            self._idle[child] = self._loop.call_later(self._idle_s, self._let_go, child)
        else:
            self._spawn(_end(child))

    def _let_go(self, child: Child) -> None:
        self._idle.pop(child).cancel()
        self._spawn(_end(child))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _job(held: HeldAttempt) -> Job:
    """Raises Invalid for a payload that does not fit, or cannot be sent; SecretUnreadable."""
    handler = held.handler
    assert handler.reference is not None
    arguments = held.arguments()
    try:
        pickled = pickle.dumps(arguments)
    except Exception as error:  # the values' own code runs here
        raise Invalid(f"it cannot be sent to a child process: {type(error).__name__}: {error}") from error
    return Job(
        handler=handler.reference,
        arguments=pickled,
        assignment=held.assignment,
        context_name=handler.context_name,
        secrets=held.secrets.words,
        traceparent=None if held.trace is None else held.trace.traceparent,
        main=_main() if handler.reference.module == "__main__" else None,
    )


def _main() -> dict[str, str]:
    """How a child imports the program's main module: as multiprocessing.spawn does."""
    main = sys.modules["__main__"]
    if (spec := getattr(main, "__spec__", None)) is not None:
        return {"init_main_from_name": spec.name}
    return {"init_main_from_path": str(Path(str(main.__file__)).absolute())}


def _died(how: str) -> Raised:
    return Raised(How.RAISED, TaskError("WorkerProcessDied", clean(how)))


async def _end(child: Child) -> None:
    await child.end()
