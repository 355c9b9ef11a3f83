"""Following and waiting for workflows: as for tasks, but their revision does not tell all, so what is seen is compared."""

from typing import Any

import msgspec
import pytest
from tests.unit.test_client_conversation import LOST, ok
from tests.unit.test_client_following import STREAM, Play

from taskflow_hub import Workflow, task
from taskflow_hub.client.plan import last
from taskflow_hub.domain.ended import WorkflowCancelled, WorkflowFailed
from taskflow_hub.domain.errors import Invalid

ID = "0198c0de-0000-7000-8000-000000000001"


def seen(rev: int, status: str = "running", node: str = "running") -> dict[str, Any]:
    return {
        "id": ID,
        "name": "report",
        "status": status,
        "rev": rev,
        "created_at": "2030-01-01T00:00:00Z",
        "counts": {node: 1},
        "nodes": {"a": {"type": "t", "after": [], "status": node}},
    }


def event(mark: str, *told: Any) -> bytes:
    return b"id: %b\nevent: workflow.running\ndata: %b\n\n" % (
        mark.encode(),
        msgspec.json.encode(seen(*told)),
    )


def statuses(play: Play) -> list[str]:
    return [f"{workflow.status} {workflow.nodes['a'].status}" for workflow in play.emitted]


def test_what_changes_at_the_same_revision_is_told_and_what_does_not_is_not() -> None:
    play = Play(
        ok(seen(1, "running", "queued")),
        STREAM,
        event("1-aa", 1, "running", "queued"),
        event("1-bb", 1, "running", "running"),
        event("2-cc", 2, "success", "success"),
    )
    play.run(play.api.workflow_events(ID))
    assert statuses(play) == ["running queued", "running running", "success success"]
    assert [request.path for request in play.asked] == [f"workflows/{ID}", f"workflows/{ID}/events"]
    assert "last-event-id" not in play.asked[1].headers


def test_a_restart_of_the_hub_is_lived_through() -> None:
    play = Play(ok(seen(1)), STREAM, LOST, ok(seen(1)), STREAM, b"", ok(seen(2, "failed", "failed")))
    play.run(play.api.workflow_events(ID))
    assert statuses(play) == ["running running", "failed failed"]


def test_to_wait_is_to_follow_to_the_end() -> None:
    play = Play(ok(seen(1)), STREAM, event("2-cc", 2, "failed", "failed"))
    assert play.run(play.api.wait_workflow(ID)).status == "failed"
    play = Play(ok(seen(1)))
    with pytest.raises(TimeoutError, match="has not ended after 0 s"):
        play.run(play.api.wait_workflow(ID, timeout=0))


def test_a_submit_that_waits_asks_the_hub_to_hold_its_answer_and_goes_on_waiting() -> None:
    play = Play(ok(seen(1)), ok(seen(2, "success", "success")))
    done = play.run(play.api.submit_workflow({"name": "report"}, wait=True))
    assert done.succeeded
    assert play.asked[0].headers == {"idempotency-key": '"key-1"', "prefer": "wait=60"}
    assert play.asked[0].body == b'{"name":"report"}'
    play = Play(ok(seen(1)))
    assert not play.run(play.api.submit_workflow({"name": "report"})).done
    assert play.asked[0].headers == {"idempotency-key": '"key-1"'}


def test_what_json_cannot_carry_is_refused_before_it_is_sent() -> None:
    play = Play()
    with pytest.raises(Invalid):
        play.run(play.api.submit_workflow({"nodes": object()}))
    assert play.asked == []


def test_items_are_paged_to_their_end() -> None:
    def page(*numbers: int, more: str | None = None) -> Any:
        items = [{"item": n, "task_id": ID, "status": "failed", "result": {"n": n}} for n in numbers]
        return ok({"items": items, "next_cursor": more})

    play = Play(page(0, 1, more="1"), page(2))
    assert play.run(last(play.api.workflow_items(ID, "each", status="failed"))).result == {"n": 2}
    assert play.asked[0].path == f"workflows/{ID}/nodes/each/items"
    assert play.asked[1].params == (("status", "failed"), ("limit", "1000"), ("cursor", "1"))


def test_lists_are_paged_up_to_the_limit() -> None:
    page = {"items": [{**seen(1), "nodes": None}] * 100, "next_cursor": "c"}
    play = Play(ok(page), ok({**page, "items": page["items"][:50]}))
    play.run(play.api.workflows(status=["running", "failed"], name="report", limit=150))
    assert len(play.emitted) == 150
    assert play.asked[0].params[:3] == (("status", "running"), ("status", "failed"), ("name", "report"))


def test_a_workflow_that_was_put_together_in_python_is_taken_as_it_is() -> None:
    with Workflow("report") as flow:
        task("t").node(n=1)
    play = Play(ok(seen(1)))
    play.run(play.api.submit_workflow(flow))
    assert msgspec.json.decode(play.asked[0].body or b"") == flow.definition()


def test_a_result_is_a_value_or_raises_what_happened() -> None:
    play = Play(ok({**seen(2, "success", "success"), "result": {"n": 1}}))
    assert play.run(play.api.workflow_result(ID)) == {"n": 1}
    for status, kind in (("failed", WorkflowFailed), ("cancelled", WorkflowCancelled)):
        play = Play(ok(seen(2, status, status)))
        with pytest.raises(kind):
            play.run(play.api.workflow_result(ID))
