"""The programs under examples/ do what they say."""

import contextlib
from pathlib import Path

import httpx
import pytest
from examples import newsletter, payments, report, shop, welcome

from taskflow_hub import Invalid, RetryPolicy, TaskFailed
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.testing.handlers import RecordedContext, working


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


async def test_report(tmp_path: Path) -> None:
    story = tmp_path / "story.txt"
    story.write_text("the cat and the dog\nand the bird\n")
    async with working(report.hub):
        handle = await report.words.submit(path=str(story), top=2)
        assert await handle.result(timeout=30) == {"the": 3, "and": 2}


async def test_shop() -> None:
    async with working(welcome.hub) as hub, shop.lifespan(shop.app):
        transport = httpx.ASGITransport(shop.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            first, second = [(await client.post("/users/7")).json()["task"] for _ in range(2)]
        assert first == second, "signing up twice sends one mail"
        handle = hub.handle(first)
        assert await handle.result(timeout=20) == "welcomed user 7"
        assert await handle.status() is State.SUCCESS
