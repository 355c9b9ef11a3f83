"""Why a queued task does not run, as people are told."""

from datetime import UTC, datetime

import pytest

from taskflow_hub.domain.holds import NO_WORKER, PAUSED, Serving
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Queue, Worker, WorkerState

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def worker(*types: str, queues: tuple[str, ...] = (), state: WorkerState = WorkerState.ALIVE) -> Worker:
    return Worker(
        id="w",
        name="w",
        host="h",
        pid=1,
        version="1",
        state=state,
        slots=1,
        window=1,
        queues=queues,
        types=types,
        registered_at=NOW,
        last_beat_at=NOW,
    )


def hold(serving: Serving, *, stored: str | None = None, status: State = State.QUEUED) -> str | None:
    return serving.hold(status, "mail", "mail.send", stored)


def test_a_task_that_somebody_serves_is_not_held() -> None:
    assert hold(Serving.of([Queue(name="mail")], [worker("mail.send")])) is None


def test_a_task_that_nobody_serves_waits_for_a_worker() -> None:
    assert hold(Serving.of([], [])) == NO_WORKER
    assert hold(Serving.of([], [worker("web.title")])) == NO_WORKER


def test_a_worker_of_other_queues_does_not_count() -> None:
    assert hold(Serving.of([], [worker("mail.send", queues=("cpu",))])) == NO_WORKER
    assert hold(Serving.of([], [worker("mail.send", queues=("cpu", "mail"))])) is None


@pytest.mark.parametrize("state", sorted(set(WorkerState) - {WorkerState.ALIVE}))
def test_a_worker_that_takes_nothing_new_does_not_count(state: WorkerState) -> None:
    assert hold(Serving.of([], [worker("mail.send", state=state)])) == NO_WORKER


def test_a_paused_queue_is_named_before_a_missing_worker() -> None:
    paused = Serving.of([Queue(name="mail", paused=True), Queue(name="cpu")], [])
    assert hold(paused, stored=NO_WORKER) == PAUSED


def test_what_the_store_wrote_is_shown_while_somebody_serves_the_task() -> None:
    assert hold(Serving.of([], [worker("mail.send")]), stored="limit:api") == "limit:api"


@pytest.mark.parametrize("status", [state for state in State if state is not State.QUEUED])
def test_only_a_queued_task_is_held(status: State) -> None:
    nobody = Serving.of([Queue(name="mail", paused=True)], [])
    assert hold(nobody, stored=NO_WORKER, status=status) is None
