"""Waiting and watching: what lasts, and must survive a restart of the hub in the middle."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar, Unpack

from msgspec import Struct

from taskflow_hub.client.conversation import segment
from taskflow_hub.client.model import Task
from taskflow_hub.client.plan import Emit, Flow, Plan, Sleep, last
from taskflow_hub.client.tasks import PREFER_MAX_S, Payload, SubmitOptions, TaskPlans
from taskflow_hub.client.watching import PATIENCE_S, POLL_S, Watched, WatchPlans
from taskflow_hub.domain.ended import without_result
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import LogLine

LOG_PAGE: Final = 1000

T = TypeVar("T")


class _Logs(Struct, frozen=True):
    items: list[LogLine]
    next_cursor: str | None = None


class _Result(Struct, frozen=True):
    status: State
    result: Any = None


class FollowPlans(TaskPlans, WatchPlans):
    def submit(
        self,
        type: str,
        payload: Payload = None,
        *,
        wait: bool | float = False,
        idempotency_key: str | None = None,
        **options: Unpack[SubmitOptions],
    ) -> Plan[Task]:
        """Commit one task. When this returns, it is stored as durably as the hub's database stores anything.

        `wait`: return the task only when it has ended (True), or after so many seconds as it is then. The task's options are
        those of SubmitOptions; what is left out takes the type's default. The request carries an Idempotency-Key, made for
        this call unless given, so that it is sent again after a lost connection without submitting twice.
        Raises Invalid naming the field, QueueFull, QuotaExceeded, UniqueConflict, Unavailable.
        """
        started = self.manner.monotonic()
        wait_s = (PREFER_MAX_S if wait else 0.0) if isinstance(wait, bool) else float(wait)
        task = yield from self.submit_once(
            type,
            payload,
            idempotency_key=idempotency_key,
            prefer_wait_s=min(int(wait_s), PREFER_MAX_S),
            **options,
        )
        if task.done or not wait:
            return task
        left_s = None if wait is True else max(wait_s - (self.manner.monotonic() - started), 0.0)
        return (yield from self._last_seen(task.id, left_s)) or task

    def events(self, id: str, timeout: float | None = None) -> Flow[Task]:
        """Iterate over the task as it is now and after each change, up to its end, or for `timeout` seconds.

        Lives through a restart of the hub; changes that follow each other closely may come as one.
        Raises NotFound, also when the task is removed meanwhile; Unavailable when the hub stays away for a minute.
        """
        return self.watch(_watched(id), self.deadline(timeout))

    def wait(self, id: str, timeout: float | None = None) -> Plan[Task]:
        """The task, once it has ended. Raises TimeoutError after `timeout` seconds (the task goes on), NotFound."""
        task = yield from self._last_seen(id, timeout)
        if task is None or not task.done:
            raise TimeoutError(f"Task {id} has not ended after {timeout:g} s.")
        return task

    def result(self, id: str, timeout: float | None = None) -> Plan[Any]:
        """Wait for the end, and return what the handler returned, as a Python value.

        Raises TaskFailed or TaskCancelled when it ended otherwise, TimeoutError after `timeout` seconds, Gone when the
        result has been removed.
        """
        task = yield from self.wait(id, timeout)
        match task.status:
            case State.SUCCESS if task.result_ref is not None:
                return (yield from self.ask(_Result, "GET", f"tasks/{segment(id)}/result")).result
            case State.SUCCESS:
                return task.result
            case _:
                raise without_result(task)

    def logs(self, id: str, *, follow: bool = False) -> Flow[LogLine]:
        """Iterate over what the task's attempts logged, in order; with `follow`, wait for more until the task has ended.

        Raises NotFound; Unavailable when the hub stays away for a minute while following.
        """
        patience_s = 0.0  # for who has been there before
        after: str | None = None
        while True:
            # Whether it has ended is asked before the lines are, so that no last one is missed.
            ended = not follow or (yield from self._patiently(partial(self.get, id), patience_s)).done
            found = more = True
            while more:
                page = yield from self._patiently(partial(self._log_page, id, after), patience_s)
                patience_s = PATIENCE_S if follow else 0.0
                for line in page.items:
                    yield Emit(line)
                    after = f"{line.attempt}.{line.n}"
                found, more = bool(page.items), page.next_cursor is not None
            if ended:
                return
            yield Sleep(POLL_S / 4 if found else POLL_S)

    def _log_page(self, id: str, after: str | None) -> Plan[_Logs]:
        params = {"after": after, "limit": LOG_PAGE}
        return self.ask(_Logs, "GET", f"tasks/{segment(id)}/logs", params=params)

    def _last_seen(self, id: str, timeout: float | None) -> Plan[Task | None]:
        return last(self.watch(_watched(id), self.deadline(timeout)))

    def _patiently(self, plan: Callable[[], Plan[T]], patience_s: float) -> Plan[T]:
        """A hub that restarts is waited for."""
        since = self.manner.monotonic()
        for tried in itertools.count():
            try:
                return (yield from plan())
            except Unavailable:
                if self.manner.monotonic() - since >= patience_s:
                    raise
            yield Sleep(self.pause_s(tried))
        raise AssertionError("unreachable")


def _watched(id: str) -> Watched[Task]:
    return Watched(
        f"tasks/{segment(id)}",
        Task,
        lambda task, last: last is None or task.rev > last.rev,
        lambda task: str(task.rev),
    )
