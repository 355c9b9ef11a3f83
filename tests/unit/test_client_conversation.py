"""Single requests: what is sent, when it is sent again, and what an answer means. Plans are played without a network."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.client.api import Api
from taskflow_hub.client.conversation import LONGEST_PAUSE_S, Manner, segment
from taskflow_hub.client.model import Task
from taskflow_hub.client.plan import Broken, Emit, Flow, Plan, Request, Response, Send, Sleep
from taskflow_hub.client.problems import PROBLEM, error_of, retry_after_s
from taskflow_hub.domain import errors, model
from taskflow_hub.domain.ended import TaskFailed
from taskflow_hub.domain.errors import FieldError, TaskflowError, all_errors
from taskflow_hub.domain.submission import Limit, Submission

T = TypeVar("T")
SERVER = "http://hub.test"
LOST = Broken("the connection was reset", sent=True)
NOT_SENT = Broken("connection refused", sent=False)
TASK = {
    "id": "0198c0de-0000-7000-8000-000000000001",
    "type": "demo.noop",
    "queue": "default",
    "priority": 5,
    "status": "queued",
    "rev": 1,
    "payload": {"a": [1, None]},
    "retry": {},
    "created_at": "2030-01-01T00:00:00Z",
}


def api(**manner: Any) -> Api:
    defaults: dict[str, Any] = {"chance": lambda: 0.5, "monotonic": lambda: 0.0, "new_key": lambda: "key-1"}
    return Api(SERVER, Manner(**(defaults | manner)))


def ok(value: Any = TASK, status: int = 200) -> Response:
    return Response(status, {"content-type": "application/json"}, msgspec.json.encode(value))


def problem(status: int, code: str, *, retry_after: str | None = None, **members: Any) -> Response:
    headers = {"content-type": PROBLEM} | ({} if retry_after is None else {"retry-after": retry_after})
    body = {"type": f"/problems/{code}", "title": "T", "status": status, "code": code, **members}
    return Response(status, headers, msgspec.json.encode(body))


def play(plan: Plan[T], *replies: Response | Broken) -> tuple[T, list[Request], list[float]]:
    """Run a plan against these replies, all of which it must use: its value, what it sent, how long it slept."""
    waiting = list(replies)
    sent: list[Request] = []
    slept: list[float] = []
    step: Any = next(plan)
    try:
        while True:
            match step:
                case Send(request):
                    sent.append(request)
                    reply = waiting.pop(0)
                    step = plan.throw(reply) if isinstance(reply, Broken) else plan.send(reply)
                case Sleep(seconds):
                    slept.append(seconds)
                    step = plan.send(None)
                case _:
                    raise AssertionError(step)
    except StopIteration as end:
        assert not waiting, "it stopped asking early"
        return end.value, sent, slept


def collect(flow: Flow[T], *replies: Response) -> tuple[list[T], list[Request]]:
    waiting, sent, items = list(replies), [], []
    step: Any = next(flow)
    try:
        while True:
            match step:
                case Send(request):
                    sent.append(request)
                    step = flow.send(waiting.pop(0))
                case Emit(item):
                    items.append(item)
                    step = flow.send(None)
    except StopIteration:
        return items, sent


# --- answers


def test_a_task_comes_back_with_python_values() -> None:
    task, [request], _ = play(api().get("0198c0de-0000-7000-8000-000000000001"), ok())
    assert (request.method, request.path) == ("GET", "tasks/0198c0de-0000-7000-8000-000000000001")
    assert task.payload == {"a": [1, None]}
    assert task.created_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert not task.done
    assert isinstance(task, model.Task)


def test_a_newer_hub_may_say_more() -> None:
    task, _, _ = play(api().get("x"), ok({**TASK, "brand_new": {"x": 1}}))
    assert task.type == "demo.noop"


def test_the_task_has_the_fields_of_the_domain_in_their_order() -> None:
    assert Task.__struct_fields__ == model.Task.__struct_fields__


def test_an_answer_that_is_no_hubs_is_said_to_be_one() -> None:
    with pytest.raises(errors.Unavailable, match=r"http://hub\.test sent an answer this client cannot read"):
        play(api().get("x"), Response(200, {}, b"<html>"))


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_a_problem_becomes_the_error_of_its_code(kind: type[TaskflowError]) -> None:
    said = error_of(
        problem(400, kind.code, detail="Look.", errors=[{"pointer": "/a", "detail": "odd"}]), SERVER
    )
    assert type(said) is kind
    assert (said.detail, str(said), said.errors) == ("Look.", "Look.", (FieldError("/a", "odd"),))


def test_an_error_class_with_a_constructor_of_its_own_is_made_too() -> None:
    assert type(error_of(problem(500, "task_failed", detail="x"), SERVER)) is TaskFailed


@pytest.mark.parametrize(
    ("status", "kind", "foreign"),
    [
        (400, errors.Invalid, errors.Unavailable),
        (403, errors.Refused, errors.Refused),
        (404, errors.NotFound, errors.Unavailable),
        (405, TaskflowError, errors.Unavailable),
        (413, errors.TooLarge, errors.TooLarge),
        (429, errors.QueueFull, errors.QueueFull),
        (500, TaskflowError, errors.Unavailable),
        (501, TaskflowError, errors.Unavailable),
        (502, errors.Unavailable, errors.Unavailable),
        (503, errors.Unavailable, errors.Unavailable),
    ],
)
def test_an_unknown_code_is_judged_by_the_status_and_none_by_what_a_proxy_may_say(
    status: int, kind: type[TaskflowError], foreign: type[TaskflowError]
) -> None:
    assert type(error_of(problem(status, "of_a_newer_hub", detail="x"), SERVER)) is kind
    for media_type in ("text/html", "application/json", PROBLEM):
        said = error_of(Response(status, {"content-type": media_type}, b"<h1>no</h1>"), SERVER)
        assert type(said) is foreign
        assert "not the way a hub does" in said.detail


@pytest.mark.parametrize("status", [404, 500, 501])
def test_what_is_no_hub_is_not_asked_again(status: int) -> None:
    with pytest.raises(errors.Unavailable, match="not the way a hub does"):
        play(api().get("x"), Response(status, {"content-type": "text/html"}, b""))


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_whose_hub_is_away_is_asked_again(status: int) -> None:
    task, sent, _ = play(api().get("x"), Response(status, {"content-type": "text/html"}, b""), ok())
    assert (task.id, len(sent)) == (TASK["id"], 2)


@pytest.mark.parametrize(
    ("given_", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after_is_understood_or_ignored(given_: str, seconds: float | None) -> None:
    assert retry_after_s(Response(503, {"retry-after": given_}, b"")) == seconds


# --- trying again


def test_unavailable_is_tried_again_with_growing_jittered_pauses() -> None:
    busy = problem(503, "store_unavailable", detail="x")
    task, sent, slept = play(api().get("x"), busy, busy, busy, ok())
    assert task.id == TASK["id"]
    assert len(sent) == 4
    assert slept == [0.05, 0.1, 0.2]


def test_what_the_hub_asks_to_wait_is_waited_and_a_little_more() -> None:
    _, _, slept = play(api().get("x"), problem(503, "unavailable", retry_after="2"), ok())
    assert slept == [2.05]


def test_a_hub_that_asks_for_too_long_is_not_waited_for() -> None:
    with pytest.raises(errors.Unavailable) as raised:
        play(api().get("x"), problem(503, "unavailable", retry_after=str(int(LONGEST_PAUSE_S) + 1)))
    assert raised.value.retry_after_s == LONGEST_PAUSE_S + 1


def test_who_asks_too_often_waits_as_long_as_is_asked_whatever_it_was() -> None:
    """It is refused before anything is done."""
    often = problem(429, "rate_limited", retry_after="3")
    _, sent, slept = play(api().redrive("x"), often, often, ok())
    assert len(sent) == 3
    assert slept == [3.05, 3.1]
    with pytest.raises(errors.RateLimited) as raised:
        play(api().get("x"), problem(429, "rate_limited", retry_after="60"))
    assert raised.value.retry_after_s == 60


def test_patience_ends() -> None:
    with pytest.raises(errors.ShuttingDown):
        play(api(retries=2).get("x"), *[problem(503, "shutting_down")] * 3)


@pytest.mark.parametrize("code", ["invalid", "not_found", "queue_full", "throttled", "internal", "conflict"])
def test_other_errors_are_not_tried_again(code: str) -> None:
    with pytest.raises(TaskflowError):
        play(api().get("x"), problem(400, code))


def test_a_lost_submit_is_sent_again_under_the_same_key() -> None:
    task, sent, _ = play(
        api().submit("demo.noop", {"n": 1}), LOST, problem(503, "shutting_down"), ok(status=202)
    )
    assert task.status == "queued"
    assert {request.headers["idempotency-key"] for request in sent} == {'"key-1"'}
    assert len({request.body for request in sent}) == 1


def test_what_may_not_happen_twice_is_not_sent_twice() -> None:
    with pytest.raises(errors.Unavailable, match="did not answer: the connection was reset"):
        play(api().redrive("x"), LOST)


def test_what_never_arrived_is_sent_again_whatever_it_is() -> None:
    _, sent, _ = play(api().redrive("x"), NOT_SENT, ok())
    assert [request.path for request in sent] == ["tasks/x/redrive"] * 2


def test_nobody_there_says_where_and_how_to_start_one() -> None:
    with pytest.raises(
        errors.Unavailable, match=r"no hub at http://hub\.test: connection refused.*taskflow up"
    ):
        play(api(retries=0).get("x"), NOT_SENT)


# --- requests


def body_of(request: Request) -> Any:
    assert request.body is not None
    return msgspec.json.decode(request.body)


def test_a_submit_says_what_was_given_and_nothing_else() -> None:
    _, [request], _ = play(api().submit("demo.noop"), ok(status=202))
    assert (request.method, request.path) == ("POST", "tasks")
    assert body_of(request) == {"type": "demo.noop", "payload": {}}
    assert "prefer" not in request.headers


def test_none_is_told_apart_from_not_given() -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    plan = api().submit(
        "x",
        {"at": at},
        max_retries=None,
        timeout=None,
        run_at=at,
        tags={"a"},
        unique={"key": "k"},
        limits=(Limit("a", running=1), {"key": "b"}),
        priority=9,
    )
    assert body_of(play(plan, ok(status=202))[1][0]) == {
        "type": "x",
        "payload": {"at": "2030-01-01T00:00:00Z"},
        "max_retries": None,
        "timeout": None,
        "run_at": "2030-01-01T00:00:00Z",
        "tags": ["a"],
        "unique": {"key": "k"},
        "limits": [{"key": "a", "running": 1, "per_second": None}, {"key": "b"}],
        "priority": 9,
    }


def test_json_text_is_sent_as_it_is() -> None:
    _, [request], _ = play(api().submit("x", msgspec.Raw(b'{"n": 1.10, "big": 1e400}')), ok(status=202))
    assert request.body is not None
    assert b'{"n": 1.10, "big": 1e400}' in request.body


@pytest.mark.parametrize("bad", [{"n": float("nan")}, {"f": print}, {"s": "\ud800"}, {1j: 1}], ids=repr)
def test_a_payload_that_is_not_json_is_refused_before_it_is_sent(bad: Any) -> None:
    with pytest.raises(errors.Invalid, match="/payload: cannot be written as JSON"):
        play(api().submit("x", bad))
    with pytest.raises(errors.Invalid, match="/tasks/1/payload: cannot be written as JSON"):
        play(api().submit_many([{"type": "x"}, {"type": "x", "payload": bad}]))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="run_at needs a time zone"):
        play(api().submit("x", run_at=datetime(2030, 1, 1)))  # noqa: DTZ001
    with pytest.raises(ValueError, match="created_after needs a time zone"):
        collect(api().search(created_after=datetime(2030, 1, 1)))  # noqa: DTZ001


@pytest.mark.parametrize(("key", "header"), [("plain", '"plain"'), ('a"b\\c', '"a\\"b\\\\c"')])
def test_a_key_is_sent_as_a_quoted_string(key: str, header: str) -> None:
    _, [request], _ = play(api().submit("x", idempotency_key=key), ok(status=202))
    assert request.headers["idempotency-key"] == header


@pytest.mark.parametrize("key", ["", "ключ", "a\nb", "x" * 256])
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(errors.Invalid, match="Idempotency-Key"):
        play(api().submit("x", idempotency_key=key))


def test_a_batch_mixes_kinds_and_none_is_nothing() -> None:
    ids, [request], _ = play(
        api().submit_many([{"type": "a", "payload": {"n": 1}, "delay": 5}, Submission(type="b")]),
        ok({"ids": ["1", "2"]}, 202),
    )
    assert ids == ["1", "2"]
    first, second = body_of(request)["tasks"]
    assert first == {"type": "a", "payload": {"n": 1}, "delay": 5}
    assert second["type"] == "b"
    with pytest.raises(StopIteration, match=r"\[\]"):
        next(api().submit_many([]))


def test_a_list_fetches_pages_as_needed_and_repeats_its_conditions() -> None:
    pages = [
        ok({"items": [TASK] * 100, "next_cursor": "c1"}),
        ok({"items": [TASK] * 30, "next_cursor": None}),
    ]
    items, sent = collect(api().search(status=["queued", "failed"], queue="mail"), *pages)
    assert len(items) == 130
    assert sent[0].params == (("status", "queued"), ("status", "failed"), ("queue", "mail"), ("limit", "100"))
    assert sent[1].params == (*sent[0].params, ("cursor", "c1"))


def test_a_limit_bounds_the_list_and_the_last_page() -> None:
    pages = [
        ok({"items": [TASK] * 100, "next_cursor": "c1"}),
        ok({"items": [TASK] * 20, "next_cursor": "c2"}),
    ]
    items, sent = collect(api().search(limit=120), *pages)
    assert len(items) == 120
    assert ("limit", "20") in sent[1].params


def test_only_what_is_given_is_updated() -> None:
    _, [request], _ = play(api().update("x", priority=0), ok())
    assert (request.method, body_of(request)) == ("PATCH", {"priority": 0})


@given(st.text(min_size=1))
def test_an_id_stays_one_step_of_the_path(value: str) -> None:
    try:
        quoted = segment(value)
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    assert not set(quoted) & set("/?#\\ ")
    assert quoted not in {".", ".."}
    assert quoted.isascii()


def test_an_empty_id_is_refused_since_its_path_is_another_one() -> None:
    with pytest.raises(errors.Invalid):
        play(api().get(""))


NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SCHEDULE = {
    "id": "x",
    "name": "n",
    "every": 300,
    "created_at": "2030-01-01T00:00:00Z",
    "updated_at": "2030-01-01T00:00:00Z",
}


def operations() -> Sequence[tuple[str, Plan[Any], Response, tuple[str, str]]]:
    worker = {
        "id": "w", "name": "n", "host": "h", "pid": 1, "version": "1", "state": "alive", "slots": 1, "window": 1,
        "registered_at": "2030-01-01T00:00:00Z", "last_beat_at": "2030-01-01T00:00:00Z",
    }  # fmt: skip
    bulk = {"id": "b", "action": "cancel", "status": "running", "total": 3, "done": 0, "skipped": 0}
    quota = {"account_id": "a", "used": {"in_minute": None, "in_day": 1, "queued": 2, "running": 3}}
    one, items = api(), ok({"items": []})
    return [
        ("cancel", one.cancel("x"), ok(), ("POST", "tasks/x/cancel")),
        ("promote", one.promote("x"), ok(), ("POST", "tasks/x/promote")),
        ("delete", one.delete("x"), ok({"id": "x"}), ("DELETE", "tasks/x")),
        ("attempts", one.attempts("x"), items, ("GET", "tasks/x/attempts")),
        ("queues", one.queues(), items, ("GET", "queues")),
        ("pause", one.pause("q"), ok({"name": "q", "paused": True}), ("POST", "queues/q/pause")),
        ("resume", one.resume("q"), ok({"name": "q"}), ("POST", "queues/q/resume")),
        ("update_queue", one.update_queue("q", max_size=None), ok({"name": "q"}), ("PATCH", "queues/q")),
        ("quota", one.quota(), ok(quota), ("GET", "quota")),
        ("quota_of", one.quota("a"), ok(quota), ("GET", "accounts/a/quota")),
        ("set_quota", one.set_quota("a", per_day=None), ok(quota), ("PATCH", "accounts/a/quota")),
        ("purge", one.purge("q"), ok({"cancelled": 7}), ("POST", "queues/q/purge")),
        ("workers", one.workers(), items, ("GET", "workers")),
        ("drain", one.drain("w"), ok(worker), ("POST", "workers/w/drain")),
        ("task_types", one.task_types(), items, ("GET", "task-types")),
        ("create_schedule", one.create_schedule("t", every="5m"), ok(SCHEDULE, 201), ("POST", "schedules")),
        ("schedule", one.schedule("a b"), ok(SCHEDULE), ("GET", "schedules/a%20b")),
        ("update_schedule", one.update_schedule("n", jitter=1), ok(SCHEDULE), ("PATCH", "schedules/n")),
        ("delete_schedule", one.delete_schedule("n"), ok({"id": "x"}), ("DELETE", "schedules/n")),
        ("pause_schedule", one.pause_schedule("n"), ok(SCHEDULE), ("POST", "schedules/n/pause")),
        ("resume_schedule", one.resume_schedule("n"), ok(SCHEDULE), ("POST", "schedules/n/resume")),
        ("trigger", one.trigger("n"), ok(status=202), ("POST", "schedules/n/trigger")),
        ("backfill", one.backfill("n", NOON, NOON), ok({"fired": 0}), ("POST", "schedules/n/backfill")),
        ("preview_schedule", one.preview_schedule("n"), ok({"items": []}), ("GET", "schedules/n/preview")),
        ("bulk", one.bulk("cancel", {"type": "x"}), ok(bulk, 202), ("POST", "bulk")),
        (
            "bulk_dry",
            one.bulk("delete", dry_run=True),
            ok({"action": "delete", "total": 2}),
            ("POST", "bulk"),
        ),
        ("bulk_status", one.bulk_status("b"), ok(bulk), ("GET", "bulk/b")),
        ("bulk_abort", one.bulk_abort("b"), ok(bulk), ("POST", "bulk/b/abort")),
    ]


@pytest.mark.parametrize(
    ("name", "plan", "answer", "request_line"), operations(), ids=lambda it: str(it)[:12]
)
def test_every_operation_asks_for_its_path(
    name: str, plan: Plan[Any], answer: Response, request_line: tuple[str, str]
) -> None:
    value, [request], _ = play(plan, answer)
    assert (request.method, request.path) == request_line
    assert value is not None or name == "delete"
