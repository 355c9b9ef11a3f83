"""Why a task is not running: from what is known to causes in plain words."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from taskflow_hub.domain.audit import Actor, AuditEntry
from taskflow_hub.domain.explain import explain
from taskflow_hub.domain.graph import FINALLY, Edge
from taskflow_hub.domain.holds import Serving
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.model import Queue, Reason, Task, Worker, WorkerState
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.steps import Sleeping
from taskflow_hub.domain.why import Cause, CauseKind, LimitState, Missing, Why
from taskflow_hub.domain.workflow_view import NodeView, Workflow, WorkflowState

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def task(status: State = State.QUEUED, **fields: Any) -> Task:
    given = {
        "id": "id",
        "type": "mail.send",
        "queue": "mail",
        "priority": 5,
        "rev": 1,
        "payload": Raw(b"{}"),
        "retry": RetryPolicy(),
        "created_at": NOW,
        **fields,
    }
    return Task(status=status, **given)


def worker(*types: str, **fields: Any) -> Worker:
    given = {
        "id": "w",
        "name": "w",
        "host": "h",
        "pid": 1,
        "version": "1",
        "state": WorkerState.ALIVE,
        "slots": 2,
        "window": 1,
        "registered_at": NOW,
        "last_beat_at": NOW,
        **fields,
    }
    return Worker(types=types or ("mail.send",), **given)


def limit(key: str = "api", **fields: Any) -> LimitState:
    given = {
        "at_most": None,
        "running": 0,
        "tasks": (),
        "per_second": None,
        "hold": None,
        "next_in_s": None,
        "at": NOW,
        **fields,
    }
    return LimitState(key=key, **given)


def full(key: str = "api") -> LimitState:
    return limit(key, at_most=1, running=1, tasks=("other",), hold=f"limit:{key}")


def spent(key: str = "api", next_in_s: float = 1.25) -> LimitState:
    return limit(key, per_second=0.5, hold=f"rate:{key}", next_in_s=next_in_s)


@dataclass
class Scene:
    """Somebody asks of a task that waits; by default one worker with free slots serves it."""

    hold: str | None = None
    workers: tuple[Worker, ...] = (worker(),)
    paused: bool = False
    ahead: int = 0
    limits: tuple[LimitState, ...] = ()
    crashes: int = 0

    def why(self) -> Why:
        serving = Serving.of([Queue(name="mail", paused=self.paused)], self.workers)
        waiting = task(hold=self.hold, crashes=self.crashes)
        return explain(waiting, serving, ahead=self.ahead, limits=self.limits, now=NOW)

    def kinds(self) -> list[CauseKind]:
        return [cause.kind for cause in self.why().causes]

    def only(self) -> Cause:
        (cause,) = self.why().causes
        return cause


def of(status: State, **fields: Any) -> Why:
    return explain(task(status, **fields), Serving.of([], []), now=NOW)


# --- its turn


def test_a_ready_task_with_free_slots_is_next() -> None:
    why = Scene().why()
    assert (why.id, why.status, why.hold, why.summary) == ("id", State.QUEUED, None, "Its turn is next.")
    (cause,) = why.causes
    assert (cause.kind, cause.queue, cause.ahead, cause.more_than) == (CauseKind.TURN, "mail", 0, None)
    assert (cause.slots, cause.busy) == (2, 0)


def test_slots_of_those_that_serve_it_are_counted_and_the_window_is_no_slot() -> None:
    mine, others = worker(running=2), worker("web.title", running=2)
    away = worker(queues=("cpu",), running=2)
    assert (Scene(workers=(mine, others, away)).only().slots, Scene(workers=(mine,)).only().busy) == (2, 2)
    assert Scene(workers=(mine,)).why().summary == "Its turn is next."  # into the window
    cause = Scene(workers=(worker(running=3), worker(running=3, slots=4, window=0))).only()
    assert (cause.slots, cause.busy) == (6, 5)


def test_all_slots_are_busy() -> None:
    why = Scene(workers=(worker(running=3),)).why()
    assert why.summary == "It is first in line, and waits for a slot (2 of 2 slots busy)."


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (1, "1 task of its queue comes before it (2 of 2 slots busy)."),
        (999, "999 tasks of its queue come before it (2 of 2 slots busy)."),
        (1_000, "1 000 tasks of its queue come before it (2 of 2 slots busy)."),
        (1_001, "More than 1 000 tasks of its queue come before it (2 of 2 slots busy)."),
    ],
)
def test_its_place_is_exact_to_a_thousand(ahead: int, words: str) -> None:
    why = Scene(ahead=ahead, workers=(worker(running=3),)).why()
    assert why.summary == words
    told = (why.causes[0].ahead, why.causes[0].more_than)
    assert told == ((ahead, None) if ahead <= 1_000 else (None, 1_000))


def test_what_killed_workers_waits_for_an_empty_one() -> None:
    why = Scene(crashes=2, workers=(worker(running=1),)).why()
    assert "waits for an empty one (1 of 2 slots busy)" in why.summary


# --- queue and workers


def paused_by(kind: Actor, **fields: Any) -> AuditEntry:
    nobody: dict[str, Any] = dict.fromkeys(AuditEntry.__struct_fields__)
    return AuditEntry(**{**nobody, "actor_kind": kind, "ts": NOW, **fields})


@pytest.mark.parametrize(
    ("entry", "who"),
    [
        (paused_by(Actor.USER, actor_name="ada@example.org"), "ada@example.org"),
        (paused_by(Actor.KEY, actor_name="cron"), "the key cron"),
        (paused_by(Actor.ANYBODY, address="::1"), "somebody at ::1"),
        (paused_by(Actor.ANYBODY), "somebody"),
        (paused_by(Actor.OPERATOR, actor_name="root@db"), "the operator root@db"),
        (paused_by(Actor.OPERATOR), "an operator"),
        (paused_by(Actor.USER), "an admin"),
        (paused_by(Actor.KEY), "an admin"),
    ],
)
def test_who_has_paused_the_queue(entry: AuditEntry, who: str) -> None:
    serving = Serving.of([Queue(name="mail", paused=True)], [worker()])
    [cause] = explain(task(), serving, paused=entry, now=LATER).causes
    assert (cause.paused_by, cause.since) == (who, NOW)
    assert cause.text == f"Its queue mail is paused, by {who} since 2030-01-01 12:00:00 UTC."


def test_a_paused_queue() -> None:
    cause = Scene(paused=True).only()
    assert (cause.kind, cause.queue, cause.text) == (CauseKind.PAUSED, "mail", "Its queue mail is paused.")
    assert cause.help == "Resume the queue: taskflow queue resume mail"
    assert Scene(paused=True).why().hold == "paused"


@pytest.mark.parametrize(
    ("workers", "missing"),
    [
        ((), Missing.WORKER),
        ((worker(state=WorkerState.DEAD),), Missing.WORKER),
        ((worker("web.title"),), Missing.TYPE),
        ((worker("web.title", state=WorkerState.DRAINING),), Missing.TYPE),
        ((worker(queues=("cpu",)), worker("web.title", queues=("mail",))), Missing.QUEUE),
        ((worker(queues=("cpu",), state=WorkerState.DRAINING),), Missing.QUEUE),
        ((worker(state=WorkerState.DRAINING), worker(queues=("cpu",))), Missing.DRAINING),
    ],
)
def test_nobody_serves_it(workers: tuple[Worker, ...], missing: Missing) -> None:
    why = Scene(workers=workers, hold="no_worker").why()
    (cause,) = why.causes
    assert (why.hold, cause.kind, cause.missing) == ("no_worker", CauseKind.NO_WORKER, missing)
    assert (cause.type, cause.queue) == ("mail.send", "mail")
    assert cause.help


def test_somebody_serves_it_by_now_and_the_hub_has_not_brought_it_back_yet() -> None:
    why = Scene(hold="no_worker").why()
    assert (why.hold, why.causes[0].kind, why.causes[0].missing) == ("no_worker", CauseKind.NO_WORKER, None)
    assert "now one does" in why.summary


def test_several_causes_are_all_told_and_the_hold_is_the_first() -> None:
    scene = Scene(paused=True, workers=(), limits=(full(),), hold="limit:api")
    assert scene.kinds() == [CauseKind.PAUSED, CauseKind.NO_WORKER, CauseKind.LIMIT]
    assert scene.why().hold == "paused"


# --- limits


def test_a_full_limit_names_what_runs() -> None:
    why = Scene(hold="limit:api", limits=(full(),)).why()
    (cause,) = why.causes
    assert (why.hold, why.summary) == ("limit:api", "The limit api is full (1 of 1 running).")
    assert (cause.kind, cause.key, cause.at_most, cause.running) == (CauseKind.LIMIT, "api", 1, 1)
    assert cause.tasks == ("other",)


def test_a_rate_says_when_the_next_start_is_possible() -> None:
    why = Scene(hold="rate:api", limits=(spent(),)).why()
    (cause,) = why.causes
    assert why.summary == "The rate of api is used up; the next start is possible in 1.2 s."
    assert (cause.kind, cause.key, cause.per_second) == (CauseKind.RATE, "api", 0.5)
    assert (cause.next_start_in, cause.next_start_at) == (1.25, NOW + timedelta(seconds=1.25))


def test_of_several_limits_the_one_that_the_hold_names_is_the_first() -> None:
    why = Scene(hold="limit:b", limits=(full("a"), full("b"), spent("c"), limit("d"))).why()
    assert [(cause.kind, cause.key) for cause in why.causes] == [
        (CauseKind.LIMIT, "b"),
        (CauseKind.LIMIT, "a"),
        (CauseKind.RATE, "c"),
    ]


def test_a_limit_that_has_room_again_and_another_that_is_full() -> None:
    why = Scene(hold="limit:a", limits=(limit("a", at_most=2, running=1), full("b"))).why()
    assert [(cause.kind, cause.key) for cause in why.causes] == [
        (CauseKind.LIMIT, "a"),
        (CauseKind.LIMIT, "b"),
    ]
    assert why.summary == (
        "The limit a was full when the hub last looked, and is not any more (1 of 2 running). "
        "The limit b is full (1 of 1 running)."
    )


@pytest.mark.parametrize("hold", ["limit:a", "rate:a"])
def test_what_has_room_again_starts_in_its_turn(hold: str) -> None:
    why = Scene(hold=hold, limits=(limit("a"),)).why()
    assert why.hold == hold
    assert [cause.kind for cause in why.causes] == [CauseKind(hold.removesuffix(":a")), CauseKind.TURN]
    assert "is not any more" in why.summary
    assert why.summary.endswith("Its turn is next.")
    assert why.causes[0].next_start_at is None


def test_a_key_whose_bound_has_changed_its_kind() -> None:
    why = Scene(hold="rate:a", limits=(full("a"),)).why()
    assert [cause.kind for cause in why.causes] == [CauseKind.RATE, CauseKind.LIMIT]


def test_a_ready_task_that_a_limit_would_hold_is_not_told_that_it_is_next() -> None:
    why = Scene(limits=(full(),)).why()
    assert (why.hold, why.summary) == (None, "It is first in line.")
    assert [cause.kind for cause in why.causes] == [CauseKind.TURN, CauseKind.LIMIT]


# --- what does not wait in line


def test_a_task_whose_time_has_not_come() -> None:
    (cause,) = of(State.SCHEDULED, run_at=LATER).causes
    assert (cause.kind, cause.run_at) == (CauseKind.RUN_AT, LATER)
    assert cause.text == "It waits for its time, 2030-01-01 12:05:00 UTC."
    assert cause.help == "Run it now: POST /tasks/id/promote"
    again = of(State.SCHEDULED, run_at=LATER, attempt=2)
    assert again.summary == "It waits for its next attempt, at 2030-01-01 12:05:00 UTC."
    assert of(State.SCHEDULED, run_at=NOW).summary == "Its time has come: it will be queued in a moment."


def test_a_task_that_waits_for_others() -> None:
    assert of(State.BLOCKED).causes[0].kind is CauseKind.PARENTS


def test_a_task_that_runs() -> None:
    (cause,) = of(State.RUNNING, worker="w", started_at=NOW).causes
    assert (cause.kind, cause.worker, cause.since) == (CauseKind.RUNNING, "w", NOW)
    assert cause.text == "The worker w has been running it since 2030-01-01 12:00:00 UTC."
    fresh = of(State.RUNNING, worker="w", cancel_requested_at=LATER)
    assert fresh.summary == (
        "The worker w has it, and has not said yet that it began; it was asked to end it."
    )
    assert fresh.causes[0].cancel_requested_at == LATER


@pytest.mark.parametrize("reason", [*Reason, None])
def test_every_reason_has_words(reason: Reason | None) -> None:
    (cause,) = of(State.FAILED, reason=reason).causes
    assert (cause.kind, cause.reason) == (CauseKind.ENDED, reason)
    assert cause.text.startswith("It failed")
    assert cause.help == "Run it again: taskflow task redrive id"


@pytest.mark.parametrize("status", sorted(FINAL))
def test_every_end_has_words_and_no_hold(status: State) -> None:
    why = of(status, hold="limit:api")
    assert (why.status, why.hold, why.causes[0].kind) == (status, None, CauseKind.ENDED)
    assert why.summary.startswith("It ")


# --- always


_limits = st.lists(
    st.sampled_from("abc").flatmap(lambda key: st.sampled_from([full(key), spent(key), limit(key)])),
    max_size=3,
    unique_by=lambda one: one.key,
)
_workers = st.lists(
    st.builds(
        worker,
        st.sampled_from(["mail.send", "web.title"]),
        state=st.sampled_from(WorkerState),
        queues=st.sampled_from([(), ("mail",), ("cpu",)]),
        running=st.integers(0, 3),
    ),
    max_size=3,
)


@given(
    status=st.sampled_from(State),
    hold=st.sampled_from([None, "no_worker", "limit:a", "rate:b"]),
    workers=_workers,
    paused=st.booleans(),
    ahead=st.integers(0, 1_001),
    limits=_limits,
)
def test_the_first_cause_is_what_the_hold_says(
    status: State,
    hold: str | None,
    workers: list[Worker],
    paused: bool,
    ahead: int,
    limits: list[LimitState],
) -> None:
    serving = Serving.of([Queue(name="mail", paused=paused)], workers)
    named = [] if hold is None or ":" not in hold else [limit(hold.split(":")[1])]
    known = [*named, *(one for one in limits if one.key not in {other.key for other in named})]
    why = explain(task(status, hold=hold), serving, ahead=ahead, limits=known, now=NOW)
    assert why.causes
    assert why.summary.startswith(why.causes[0].text)
    assert all(cause.text.endswith(".") for cause in why.causes)
    assert why.hold == serving.hold(status, "mail", "mail.send", hold)
    if status is State.QUEUED:
        assert why.causes[0].kind == ("turn" if why.hold is None else why.hold.split(":")[0])
    else:
        assert why.hold is None


def test_a_full_queue_is_said_first_and_written_on_no_task() -> None:
    shut = limit("queue:mail", at_most=3, running=3, hold="limit:queue:mail", standing=True)
    why = Scene(ahead=2, limits=(shut,)).why()
    assert why.hold is None
    assert [cause.kind for cause in why.causes] == [CauseKind.LIMIT, CauseKind.TURN]
    assert why.summary == "Its queue mail runs as many tasks as it may (3 of 3 running)."
    assert why.causes[0].help == "An admin may let it do more: taskflow queue limit mail --running N"


def test_an_account_that_may_run_no_more_is_called_so() -> None:
    shut = limit("account:a-1", at_most=1, running=1, hold="limit:account:a-1", standing=True)
    why = Scene(limits=(shut,)).why()
    assert why.summary == "Its account runs as many tasks as it may (1 of 1 running)."


def test_a_queue_that_has_started_enough_says_when_it_goes_on() -> None:
    shut = limit("queue:mail", per_second=2.0, next_in_s=0.5, hold="rate:queue:mail", standing=True)
    why = Scene(limits=(shut,)).why()
    words = "Its queue mail has started as many tasks as it may; the next start is possible in 0.5 s."
    assert why.summary == words
    assert why.causes[0].next_start_in == 0.5


# --- in a workflow


def in_workflow(*parents: State, own: str = "sum") -> Workflow:
    names = [f"n{place}" for place in range(len(parents))]
    nodes = {
        name: NodeView(type="t", after=(), status=state) for name, state in zip(names, parents, strict=True)
    }
    edges = () if own == FINALLY else tuple(Edge(name) for name in names)
    nodes[own] = NodeView(type="t", after=edges, status=State.BLOCKED, task_id="id")
    return Workflow(
        id="w", name="w", status=WorkflowState.RUNNING, rev=1, created_at=NOW, counts={}, nodes=nodes
    )


def parents_of(workflow: Workflow | None) -> Cause:
    blocked = task(State.BLOCKED, workflow_id="w")
    [cause] = explain(blocked, Serving.of([], []), workflow=workflow, now=NOW).causes
    return cause


def test_a_blocked_task_says_which_nodes_it_waits_for() -> None:
    cause = parents_of(in_workflow(State.SUCCESS, State.RUNNING, State.BLOCKED))
    assert cause.text == "It waits for n1 (running) and n2 (blocked) to end."
    assert [(one.node, one.status) for one in cause.nodes] == [("n1", State.RUNNING), ("n2", State.BLOCKED)]
    assert cause.workflow_id == "w"
    assert parents_of(in_workflow(State.QUEUED)).text == "It waits for n0 (queued) to end."


def test_of_many_some_are_named_and_all_are_told() -> None:
    cause = parents_of(in_workflow(*[State.RUNNING] * 8))
    assert cause.text.endswith("n4 (running) and 3 more to end.")
    assert len(cause.nodes) == 8


def test_the_last_node_waits_for_all() -> None:
    cause = parents_of(in_workflow(State.SUCCESS, State.RUNNING, own=FINALLY))
    assert [one.node for one in cause.nodes] == ["n1"]


def test_a_blocked_task_whose_workflow_is_not_known() -> None:
    assert parents_of(None).text == "It waits for its parents to end."


# --- durable steps


@pytest.mark.parametrize(
    ("sleeping", "kind", "text"),
    [
        (Sleeping(until=LATER), CauseKind.ASLEEP, "Its handler sleeps until 2030-01-01 12:05:00 UTC."),
        (
            Sleeping(until=LATER, events=("approved",)),
            CauseKind.EVENT,
            "Its handler waits for the event approved, until 2030-01-01 12:05:00 UTC.",
        ),
        (
            Sleeping(until=None, events=("a", "b", "c")),
            CauseKind.EVENT,
            "Its handler waits for one of the events a, b and c, without end.",
        ),
    ],
)
def test_what_a_handler_sleeps_for(sleeping: Sleeping, kind: CauseKind, text: str) -> None:
    asleep = task(State.SCHEDULED, run_at=LATER, attempt=1)
    why = explain(asleep, Serving.of([], []), sleeping=sleeping, now=NOW)
    (cause,) = why.causes
    assert (cause.kind, cause.text, cause.run_at, cause.events) == (
        kind,
        text,
        sleeping.until,
        sleeping.events,
    )
    if sleeping.events:
        assert cause.help == f"Send it: taskflow task event id {sleeping.events[0]}"


def test_who_has_been_woken_waits_for_a_moment_only() -> None:
    woken = task(State.SCHEDULED, run_at=NOW, attempt=1)
    why = explain(woken, Serving.of([], []), sleeping=Sleeping(until=NOW, events=("a",)), now=NOW)
    assert (why.causes[0].kind, why.summary) == (
        CauseKind.RUN_AT,
        "Its time has come: it will be queued in a moment.",
    )
