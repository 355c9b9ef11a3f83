"""Waiting and watching, through everything that can happen to a connection. Time is the test's own."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.unit.test_client_conversation import LOST, NOT_SENT, SERVER, TASK, ok, problem

from taskflow_hub.client.api import Api
from taskflow_hub.client.conversation import Manner
from taskflow_hub.client.plan import Broken, Close, Emit, Open, Read, Request, Response, Send, Sleep
from taskflow_hub.client.watching import PATIENCE_S, POLL_S, SILENCE_S
from taskflow_hub.domain.ended import TaskCancelled, TaskFailed
from taskflow_hub.domain.errors import NotFound, Unavailable

STREAM = Response(200, {"content-type": "text/event-stream"}, b"")
SILENT = Broken("it took too long", sent=True)


def seen(rev: int, status: str = "running", **fields: Any) -> dict[str, Any]:
    return {**TASK, "rev": rev, "status": status, **fields}


def event(rev: int, status: str = "running", **fields: Any) -> bytes:
    return b"id: %d\nevent: task.%b\ndata: %b\n\n" % (
        rev,
        status.encode(),
        msgspec.json.encode(seen(rev, status, **fields)),
    )


class Play:
    """Replies in order: a Response to Send or Open, bytes to Read, a Broken to any. A number is so many seconds before
    the next of them."""

    def __init__(self, *replies: Response | Broken | bytes | float | None) -> None:
        self.replies = iter(replies)
        self.now = 100.0
        self.asked: list[Request] = []
        self.emitted: list[Any] = []
        self.slept: list[float] = []
        self.api = Api(
            SERVER,
            Manner(chance=lambda: 0.5, monotonic=lambda: self.now, new_key=lambda: "key-1", retries=2),
        )

    def run(self, plan: Any) -> Any:
        step = next(plan)
        try:
            while True:
                match step:
                    case Sleep(seconds):
                        self.slept.append(seconds)
                        self.now += seconds
                        step = plan.send(None)
                    case Emit(item):
                        self.emitted.append(item)
                        step = plan.send(None)
                    case Close():
                        step = plan.send(None)
                    case Send() | Open() | Read():
                        if not isinstance(step, Read):
                            self.asked.append(step.request)
                        while isinstance(reply := next(self.replies), float):
                            self.now += reply
                        step = plan.throw(reply) if isinstance(reply, Broken) else plan.send(reply)
        except StopIteration as end:
            assert next(self.replies, "all used") == "all used", "it stopped asking early"
            return end.value

    @property
    def paths(self) -> list[str]:
        return [request.path.rpartition("/")[2] for request in self.asked]

    @property
    def revs(self) -> list[int]:
        return [task.rev for task in self.emitted]


def test_one_look_is_enough_for_a_task_that_has_ended() -> None:
    play = Play(ok(seen(3, "success", result=7)))
    assert play.run(play.api.wait("x")).result == 7
    assert play.paths == ["x"]


def test_changes_are_told_as_the_stream_brings_them() -> None:
    play = Play(
        ok(seen(1)), STREAM, event(2)[:20], event(2)[20:] + event(3), b": still here\n\n", event(4, "success")
    )
    play.run(play.api.events("x"))
    assert play.revs == [1, 2, 3, 4]
    assert play.asked[1].headers["last-event-id"] == "1"


def test_the_snapshot_of_a_stream_is_no_change() -> None:
    play = Play(ok(seen(1)), STREAM, event(1), event(2, "success"))
    play.run(play.api.events("x"))
    assert play.revs == [1, 2]


@pytest.mark.parametrize("end", [LOST, SILENT, b""], ids=["lost", "silent", "ended"])
def test_a_stream_that_ends_is_followed_by_a_look(end: Broken | bytes) -> None:
    play = Play(ok(seen(1)), STREAM, event(2), end, ok(seen(5)), STREAM, event(6, "failed"))
    play.run(play.api.events("x"))
    assert play.revs == [1, 2, 5, 6]
    assert play.paths == ["x", "events", "x", "events"]


def test_an_end_that_the_stream_did_not_bring_is_seen_by_the_look() -> None:
    play = Play(ok(seen(1)), STREAM, LOST, ok(seen(9, "cancelled")))
    assert play.run(play.api.wait("x")).status == "cancelled"


@pytest.mark.parametrize(
    "no_stream",
    [None, problem(503, "unavailable"), Response(404, {}, b""), NOT_SENT],
    ids=["full", "503", "404", "no"],
)
def test_where_no_stream_can_be_had_it_polls(no_stream: Response | Broken | None) -> None:
    play = Play(ok(seen(1)), no_stream, ok(seen(1)), no_stream, ok(seen(2, "success")))
    assert play.run(play.api.wait("x")).rev == 2
    assert play.slept == [POLL_S, POLL_S]


def test_a_hub_that_restarts_is_waited_for() -> None:
    down = [NOT_SENT] * 8
    play = Play(ok(seen(1)), STREAM, LOST, *down, problem(503, "store_unavailable"), ok(seen(2, "success")))
    assert play.run(play.api.wait("x")).rev == 2


def test_who_asks_too_often_waits_as_long_as_is_asked() -> None:
    often = problem(429, "rate_limited", retry_after="20")
    play = Play(often, ok(seen(1)), STREAM, LOST, often, ok(seen(2, "success")))
    assert play.run(play.api.wait("x")).rev == 2
    assert [pause for pause in play.slept if pause >= 20] == [pytest.approx(20.1), pytest.approx(20.1)]


def test_a_hub_that_stays_away_is_given_up() -> None:
    play = Play(ok(seen(1)), STREAM, LOST, *[NOT_SENT] * 1000)
    with pytest.raises(Unavailable, match="no hub at"):
        play.run(play.api.wait("x"))
    assert PATIENCE_S < play.now - 100 < PATIENCE_S + 10


def test_a_hub_that_was_never_there_is_given_up_at_once() -> None:
    play = Play(NOT_SENT, NOT_SENT, NOT_SENT)
    with pytest.raises(Unavailable):
        play.run(play.api.wait("x"))
    assert play.now - 100 < 1


def test_a_task_that_is_not_there_is_told() -> None:
    with pytest.raises(NotFound):
        play = Play(problem(404, "not_found"))
        play.run(play.api.wait("x"))
    with pytest.raises(NotFound):
        play = Play(ok(seen(1)), STREAM, b"", problem(404, "not_found"))
        play.run(play.api.wait("x"))


def test_the_deadline_holds() -> None:
    play = Play(2.0, ok(seen(1)), STREAM, 3.0, SILENT, ok(seen(1)))
    with pytest.raises(TimeoutError, match="has not ended after 5 s"):
        play.run(play.api.wait("x", timeout=5))
    assert play.asked[1].read_timeout_s == 3.0, "the stream is not listened to for longer than is left"
    assert play.now == 105.0


def test_near_the_deadline_a_stream_that_speaks_is_opened_anew_with_less_patience() -> None:
    play = Play(
        ok(seen(1)), STREAM, b"retry: 1000\n\n", 4.0, event(2), ok(seen(2)), STREAM, 3.0, SILENT, ok(seen(2))
    )
    with pytest.raises(TimeoutError):
        play.run(play.api.wait("x", timeout=7))
    opened = [request.read_timeout_s or 0.0 for request in play.asked if request.path.endswith("events")]
    assert opened == [7.0, pytest.approx(2.95)]


def test_without_a_deadline_silence_ends_a_stream() -> None:
    play = Play(ok(seen(1)), STREAM, SILENT, ok(seen(2, "success")))
    play.run(play.api.wait("x"))
    assert play.asked[1].read_timeout_s == SILENCE_S


def test_a_timeout_of_nothing_is_one_look() -> None:
    play = Play(ok(seen(1)))
    with pytest.raises(TimeoutError):
        play.run(play.api.wait("x", timeout=0))


# --- submit and wait


def test_a_submit_that_waits_asks_the_hub_to_hold_its_answer() -> None:
    play = Play(ok(seen(3, "success")))
    assert play.run(play.api.submit("t", wait=True)).done
    assert play.asked[0].headers["prefer"] == "wait=60"
    assert play.asked[0].read_timeout_s == 90.0


def test_a_submit_that_waits_goes_on_waiting() -> None:
    play = Play(ok(seen(2), 202), ok(seen(2)), STREAM, event(3, "failed"))
    assert play.run(play.api.submit("t", wait=True)).status == "failed"


def test_a_submit_that_waits_so_long_answers_with_what_there_is() -> None:
    play = Play(2.0, ok(seen(2), 202), 1.0, ok(seen(2)))
    assert play.run(play.api.submit("t", wait=2.5)).status == "running"
    assert play.asked[0].headers["prefer"] == "wait=2"


# --- results


def test_a_result_is_a_value() -> None:
    play = Play(ok(seen(3, "success", result=None)))
    assert play.run(play.api.result("x")) is None


def test_a_large_result_is_fetched() -> None:
    ref = {"storage": "folder", "ref": "r", "preview": "", "size": 100_000, "ttl": None}
    play = Play(
        ok(seen(3, "success", result_ref=ref)), ok({"status": "success", "result": [1], "error": None})
    )
    assert play.run(play.api.result("x")) == [1]
    assert play.paths == ["x", "result"]


@pytest.mark.parametrize(
    ("status", "kind"), [("failed", TaskFailed), ("cancelled", TaskCancelled), ("skipped", TaskCancelled)]
)
def test_no_result_raises_what_happened(status: str, kind: type[TaskFailed]) -> None:
    error = {"type": "ValueError", "message": "boom", "traceback": "Traceback …"}
    play = Play(ok(seen(3, status, error=error)))
    with pytest.raises(TaskFailed, match="ValueError: boom") as raised:
        play.run(play.api.result("x"))
    assert type(raised.value) is kind
    assert raised.value.task.error is not None
    assert raised.value.task.error.traceback == "Traceback …"


# --- logs


def line(attempt: int, n: int) -> dict[str, Any]:
    return {
        "attempt": attempt,
        "n": n,
        "at": "2030-01-01T00:00:00Z",
        "level": "info",
        "message": f"{attempt}.{n}",
    }


def page(*lines: tuple[int, int], more: bool = False) -> Response:
    cursor = "{}.{}".format(*lines[-1]) if more else None
    return ok({"items": [line(*one) for one in lines], "next_cursor": cursor})


def messages(play: Play) -> Iterator[str]:
    return (line.message for line in play.emitted)


def test_logs_are_paged_to_their_end() -> None:
    play = Play(page((1, 1), (1, 2), more=True), page((2, 1)))
    play.run(play.api.logs("x"))
    assert list(messages(play)) == ["1.1", "1.2", "2.1"]
    assert dict(play.asked[1].params)["after"] == "1.2"


def test_logs_are_followed_until_the_task_has_ended_and_its_last_lines_are_read() -> None:
    play = Play(ok(seen(1)), page((1, 1)), ok(seen(1)), page(), ok(seen(2, "success")), page((1, 2)))
    play.run(play.api.logs("x", follow=True))
    assert list(messages(play)) == ["1.1", "1.2"]
    assert play.slept == [POLL_S / 4, POLL_S]


def test_following_logs_does_not_wait_for_a_hub_that_was_never_there() -> None:
    play = Play(*[NOT_SENT] * 3)
    with pytest.raises(Unavailable):
        play.run(play.api.logs("x", follow=True))
    assert play.now - 100 < 1


def test_following_logs_lives_through_a_restart_but_reading_them_does_not_wait() -> None:
    play = Play(ok(seen(1)), page((1, 1)), *[NOT_SENT] * 9, ok(seen(2, "success")), page())
    play.run(play.api.logs("x", follow=True))
    assert list(messages(play)) == ["1.1"]
    away = Play(*[NOT_SENT] * 3)
    with pytest.raises(Unavailable):
        away.run(away.api.logs("x"))
