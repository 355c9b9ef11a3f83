"""The programs under examples/ do what they say."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from examples import approval, newsletter, nightly_report, payments, pipeline, report, shop, welcome
from tests.support.http_api import Running, api
from tests.support.web_server import WebServer, answer

from taskflow_hub import Invalid, RetryPolicy, TaskFailed, TaskHandle, WorkflowFailed, WorkflowHandle
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.testing.handlers import RecordedContext, working
from taskflow_hub.worker.registry import Registry


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def test_welcome() -> None:
    async with working(welcome.hub):
        handle = await welcome.welcome.submit(user_id=42)
        assert await handle.result(timeout=20) == "welcomed user 42"
        with pytest.raises(Invalid, match="/payload/user_id"):
            await welcome.hub.submit("email.welcome", {"user_id": "forty-two"})


async def test_newsletter() -> None:
    async with working(newsletter.hub) as hub:
        handle = await newsletter.issue.submit(number=7)
        assert await handle.result(timeout=20) == len(newsletter.READERS)
        ctx = RecordedContext()
        await newsletter.issue(ctx, number=8)
        assert len(ctx.submitted) == len(newsletter.READERS)
        again = await hub.submit("newsletter.mail", {"number": 7, "reader": "grace@example.org"})
        await again.result(timeout=20)
        assert (await again.task()).retry_count == 1
    assert Path("outbox").is_dir()


async def test_nightly_report(tmp_path: Path) -> None:
    """For nights of the past, as by a backfill; and by the clock, which a real hub has, every second."""
    night = datetime(2026, 1, 3, 2, 30, tzinfo=UTC)
    assert nightly_report.orders(night) == {"2026-01-02": [7, 80]}
    assert nightly_report.write(RecordedContext(), {"2026-01-02": [7, 80]}) == "reports/2026-01-02.txt"
    Path("reports/2026-01-02.txt").unlink()
    handlers = Registry()
    handlers.include(nightly_report.hub.registry)
    handlers.schedule(nightly_report.report.submission(), every=1, name="each-second", overlap="allow")
    async with api(tmp_path, handlers=handlers) as hub:
        made = (await hub.client.get("/schedules/nightly-report")).json()
        assert (made["cron"], made["tz"], made["origin"]) == ("30 2 * * *", "Europe/Amsterdam", "code")
        nights = {"from": "2026-01-02T00:00:00Z", "to": "2026-01-04T00:00:00Z"}
        done = (await hub.client.post("/schedules/nightly-report/backfill", json=nights)).json()
        ended = [await ended_workflow(hub, one["workflow_id"]) for one in done["items"]]
        assert [one["result"] for one in ended] == ["reports/2026-01-01.txt", "reports/2026-01-02.txt"]
        assert {one["schedule_id"] for one in ended} == {made["id"]}
        assert Path("reports/2026-01-01.txt").read_text() == "2026-01-01: 3 orders, 274 euros\n"
        assert Path("reports/2026-01-02.txt").read_text() == "2026-01-02: 2 orders, 87 euros\n"

        fires: list[dict[str, Any]] = []
        async with asyncio.timeout(20), hub.client.stream("GET", "/events") as events:
            async for _ in events.aiter_lines():  # which tell that something has changed
                fires = (await hub.client.get("/schedules/each-second/fires")).json()["items"]
                if fires:
                    break
        by_clock = await ended_workflow(hub, fires[-1]["workflow_id"])
        assert by_clock["status"] == "success"
        yesterday = datetime.fromisoformat(fires[-1]["planned_at"]).date() - timedelta(days=1)
        assert by_clock["result"] == f"reports/{yesterday}.txt"


async def ended_workflow(hub: Running, id: str) -> dict[str, Any]:
    """As it is when its stream of events says that it has ended."""
    await hub.client.get(f"/workflows/{id}/events", timeout=20)
    found: dict[str, Any] = (await hub.client.get(f"/workflows/{id}")).json()
    return found


@pytest.mark.parametrize(
    ("card", "status", "retries"), [("good", "success", 0), ("declined", "failed", 0), ("busy", "failed", 3)]
)
async def test_payments(card: str, status: str, retries: int) -> None:
    async with working(payments.hub) as hub:
        options = payments.charge.options(retry=RetryPolicy(base=0))
        handle = await options.submit(order="17", card=card, cents=990)
        with contextlib.suppress(TaskFailed):
            assert await handle.result(timeout=20) == "order 17 is paid"
        task = await handle.task()
        assert (str(task.status), task.retry_count) == (status, retries)
        assert (handle.id in payments.bank.charged) == (card == "good")

        first, second = await payments.pay("18", "closed", 100), await payments.pay("18", "closed", 100)
        assert first == second, "one order, one task"
        await hub.handle(first).cancel()


async def test_approval() -> None:
    async with working(approval.hub) as hub:
        small = await approval.order.submit(item="pen", cents=200)
        assert await small.result(timeout=20) == "reserve pen-1: pay for pen-2"

        large = await approval.order.submit(item="desk", cents=90_000)
        await asleep(large)
        assert (await large.send_event("approved", {"yes": True, "by": "ada"})).accepted
        assert await large.result(timeout=20) == "reserve desk-3: pay for desk-5"

        refused = await approval.order.submit(item="yacht", cents=9_000_000)
        await hub.send_event(refused.id, "approved", {"yes": False, "by": "ada"})
        assert await refused.result(timeout=20) == "reserve yacht-6: ada said no"

        late = await approval.order.submit(item="car", cents=900_000, patience="100ms")
        assert await late.result(timeout=20) == "reserve car-9: nobody answered within 100ms"
        assert approval.shop.calls[-3:] == ["reserve car", "ask about car", "give back car"]

    ctx = RecordedContext(events={"approved": {"yes": True, "by": "a test"}})
    await approval.order(ctx, item="desk", cents=90_000)
    assert list(ctx.steps) == ["reserve", "ask", "pay"]


async def asleep(handle: TaskHandle[str]) -> None:
    async with asyncio.timeout(20):
        while await handle.status() is not State.SCHEDULED:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_report(tmp_path: Path) -> None:
    story = tmp_path / "story.txt"
    story.write_text("the cat and the dog\nand the bird\n")
    async with working(report.hub):
        handle = await report.words.submit(path=str(story), top=2)
        assert await handle.result(timeout=30) == {"the": 3, "and": 2}


async def test_pipeline() -> None:
    story = answer("<p>the cat, the dog and the cat</p>", content_type="text/html")
    async with WebServer(pages={"/story": story}) as web, working(pipeline.hub) as hub:
        given = {"name": "cats", "url": web.url("/story")}
        handle = await pipeline.pipeline.submit(hub, input=given, idempotency_key="cats")
        assert await handle.result(timeout=20) == {
            "words": {"the": 3, "cat": 2},
            "told": "cats: library/cats.json",
        }
        assert json.loads(Path("library/cats.json").read_text()) == {"the": 3, "cat": 2}
        assert await states(handle) == {
            "download": "success",
            "count": "success",
            "keep": "success",
            "tell": "success",
            "apologise": "skipped",
            "finally": "success",
        }
        again = await pipeline.pipeline.submit(hub, input=given, idempotency_key="cats")
        assert again.id == handle.id

        lost = await pipeline.pipeline.submit(hub, input={"name": "dogs", "url": web.url("/dogs")})
        with pytest.raises(WorkflowFailed, match="download"):
            await lost.result(timeout=20)
        assert await states(lost) == {
            "download": "failed",
            "count": "skipped",
            "keep": "skipped",
            "tell": "skipped",
            "apologise": "success",
            "finally": "success",
        }
        nodes = (await lost.workflow()).nodes or {}
        apology = nodes["apologise"].result
        assert apology is not None
        assert b"dogs: HTTP Error 404" in bytes(apology)


async def states(handle: WorkflowHandle) -> dict[str, str]:
    return {name: str(node.status) for name, node in ((await handle.workflow()).nodes or {}).items()}


async def test_shop() -> None:
    async with working(welcome.hub) as hub, shop.lifespan(shop.app):
        transport = httpx.ASGITransport(shop.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            first, second = [(await client.post("/users/7")).json()["task"] for _ in range(2)]
        assert first == second, "signing up twice sends one mail"
        handle = hub.handle(first)
        assert await handle.result(timeout=20) == "welcomed user 7"
        assert await handle.status() is State.SUCCESS
