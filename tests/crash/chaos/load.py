"""The workload: clients that submit over HTTP for as long as it runs, and keep at it until each submit is answered.

There are always some more tasks than slots, so what is measured is how fast the hub keeps its slots busy.
"""

import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tests.crash.chaos.caller import Answer, Caller, Unanswered
from tests.crash.chaos.history import Cancel, Submit
from tests.crash.chaos.lines import Line, What
from tests.crash.chaos.plans import WAITERS, Plan, When, endless

SUBMITTERS: Final = 6
CANCELLERS: Final = 2
CALL_S: Final = 8.0  # a hub without its database says so after 5
PAUSES_S: Final = (0.05, 0.5)
KEEP: Final = 50  # submits, before a client goes to the next process
GIVE_UP_S: Final = 90.0  # for an answer, once the load has been told to end


class Load:
    """`ports` of the processes it talks to; `unfinished` is how many tasks it keeps in the hub."""

    def __init__(self, ports: Sequence[int], *, unfinished: int, seed: int = 0) -> None:
        self.submits: list[Submit] = []
        self.cancels: list[Cancel] = []
        self._ports, self._room_for = list(ports), unfinished
        self._plans = endless(seed)
        self._beside: deque[Plan] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._give_up_at = float("inf")
        self._unfinished: set[str] = set()
        self._finished: set[str] = set()  # before their submit was answered
        self._under_way = 0
        self._asked: set[str] = set()
        self._to_cancel: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._submitters = [
            threading.Thread(
                target=self._submit_all, args=(number,), name=f"chaos.submit-{number}", daemon=True
            )
            for number in range(SUBMITTERS)
        ]
        self._cancellers = [
            threading.Thread(
                target=self._cancel_all, args=(number,), name=f"chaos.cancel-{number}", daemon=True
            )
            for number in range(CANCELLERS)
        ]

    def start(self) -> None:
        for thread in (*self._submitters, *self._cancellers):
            thread.start()

    def end(self) -> None:
        """Submit no more; returns when every submit and every cancel is answered, or nothing has been for a long time."""
        with self._changed:
            self._ending = True
            self._give_up_at = time.monotonic() + GIVE_UP_S
            self._changed.notify_all()
        for thread in self._submitters:
            thread.join()
        for _ in self._cancellers:
            self._to_cancel.put(None)
        for thread in self._cancellers:
            thread.join()

    def submit(self, plan: Plan, count: int) -> None:
        """So many of these, beside the load, which stays what it is."""
        with self._changed:
            self._beside.extend([plan] * count)
            self._changed.notify_all()

    def on_line(self, line: Line) -> None:
        """A handler has written this. Called by the witness."""
        if line.what is What.STARTED and line.type in WAITERS:
            self._ask_to_cancel(line.id)
        elif line.last:
            self._is_over(line.id)

    # --- submitting ---

    def _submit_all(self, number: int) -> None:
        client = self._client(number)
        while (given := self._next()) is not None:
            plan, beside = given
            submit = self._submit(client, plan)
            with self._changed:
                self.submits.append(submit)
                self._under_way -= not beside
                if submit.id is not None and submit.id not in self._finished and not beside:
                    self._unfinished.add(submit.id)
                self._changed.notify_all()
            if submit.id is not None and plan.cancel is When.WAITING:
                self._ask_to_cancel(submit.id)
        client.close()

    def _next(self) -> tuple[Plan, bool] | None:
        """And whether it goes beside the load."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._ending or self._beside or len(self._unfinished) + self._under_way < self._room_for
                )
            )
            if self._ending:
                return None
            if self._beside:
                return self._beside.popleft(), True
            self._under_way += 1
            return next(self._plans), False

    def _submit(self, client: "_Client", plan: Plan) -> Submit:
        key, asked_at = str(uuid.uuid4()), time.monotonic()
        answer, tries = client.until_answered("/tasks", plan.body, {"Idempotency-Key": key})
        now = time.monotonic()
        if answer is not None and answer.status in {200, 202}:
            return Submit(plan, key, asked_at, now, tries, id=answer.json()["id"])
        refused = f"{answer.status} {answer.text[:300].decode()}" if answer is not None else None
        return Submit(plan, key, asked_at, now, tries, refused=refused)

    def _is_over(self, id: str) -> None:
        with self._changed:
            self._unfinished.discard(id)
            self._finished.add(id)
            self._changed.notify_all()

    # --- cancelling ---

    def _ask_to_cancel(self, id: str) -> None:
        if id not in self._asked:
            self._asked.add(id)
            self._to_cancel.put(id)

    def _cancel_all(self, number: int) -> None:
        client = self._client(number)
        while (id := self._to_cancel.get()) is not None:
            self.cancels.append(self._cancel(client, id))
            self._is_over(id)
        client.close()

    def _cancel(self, client: "_Client", id: str) -> Cancel:
        answer, _ = client.until_answered(f"/tasks/{id}/cancel")
        now = time.monotonic()
        if answer is None:
            return Cancel(id, now, 0, words="never answered")
        if answer.status in {200, 202}:
            return Cancel(id, now, answer.status, answer.json()["attempt"])
        return Cancel(id, now, answer.status, words=answer.text[:300].decode())

    def _client(self, number: int) -> "_Client":
        return _Client(self._ports, number, lambda: time.monotonic() > self._give_up_at)


class _Client:
    """What one thread calls with: like a patient load balancer, it goes on to the next process until one says yes or no."""

    def __init__(self, ports: Sequence[int], first: int, give_up: Callable[[], bool]) -> None:
        self._ports, self._turn, self._give_up = ports, first, give_up
        self._caller = Caller(CALL_S)
        self._calls = 0

    def until_answered(
        self, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Answer | None, int]:
        """The answer, and how many calls it took."""
        pause_s, longest_s = PAUSES_S
        tries = 0
        self._calls += 1
        self._turn += self._calls % KEEP == 0
        while not self._give_up():
            tries += 1
            try:
                answer = self._caller.call(
                    self._ports[self._turn % len(self._ports)], "POST", path, body, headers
                )
                if not answer.later:
                    return answer, tries
            except Unanswered:
                pass
            self._turn += 1
            if tries % len(self._ports) == 0:
                time.sleep(pause_s)  # a client's backoff
                pause_s = min(pause_s * 2, longest_s)
        return None, tries

    def close(self) -> None:
        self._caller.close()
