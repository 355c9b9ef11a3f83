"""What a submit hands back: a task, from the submitter's side."""

import time
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from taskflow_hub.domain.ended import without_result
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.steps import Event

R_co = TypeVar("R_co", covariant=True)


class _Reader(Protocol):
    async def read(self, task_id: str) -> Task: ...
    async def wait(self, task_id: str, wait_s: float) -> Task: ...
    async def cancel(self, task_id: str) -> Task: ...
    async def result_text(self, task: Task) -> bytes: ...
    async def send_event(self, task_id: str, name: str, payload: object = None) -> Event: ...


class TaskHandle(Generic[R_co]):
    """One task. `id` finds it again from anywhere: `hub.handle(id)`."""

    def __init__(self, hub: _Reader, task_id: str) -> None:
        self._hub, self.id = hub, task_id

    async def task(self) -> Task:
        """The task as it is now. Raises NotFound once retention has removed it."""
        return await self._hub.read(self.id)

    async def status(self) -> State:
        return (await self.task()).status

    async def result(self, timeout: float | None = None) -> R_co:
        """Wait for the end, and return what the handler returned, as JSON values.

        Raises TimeoutError after `timeout` seconds (None: waits as long as it takes; the task goes on either way),
        TaskFailed (TaskCancelled) when the task ends any other way than `success`, Gone when its result has been removed.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left_s = 60.0 if deadline is None else max(deadline - time.monotonic(), 0.0)
            task = await self._hub.wait(self.id, left_s)
            if task.status is State.SUCCESS:
                value: Any = msgspec.json.decode(await self._hub.result_text(task))
                return value  # type: ignore[no-any-return]
            if task.status in FINAL:
                raise without_result(task)
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"Task {self.id} is still {task.status} after {timeout} s.")

    async def cancel(self) -> State:
        """Ask it to end: `cancelled` at once if it had not started, `running` if its worker has been asked.

        Raises NotAllowed when it had already ended in another way.
        """
        return (await self._hub.cancel(self.id)).status

    async def send_event(self, name: str, payload: object = None) -> Event:
        """Send it an event, for which its handler waits or will: see `Hub.send_event`."""
        return await self._hub.send_event(self.id, name, payload)

    def __repr__(self) -> str:
        return f"TaskHandle({self.id!r})"
