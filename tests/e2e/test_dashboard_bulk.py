"""A bulk operation over thousands of tasks, begun, watched and stopped in the page."""

import asyncio
import re

import pytest
from playwright.sync_api import expect
from tests.support.browser import Visitor
from tests.support.http_api import Threaded

from taskflow_hub.engine.loops.bulk import CHUNK, BulkRunner
from taskflow_hub.store.values import Bulk

pytestmark = pytest.mark.debian

TASKS = 6 * CHUNK


class Gate:
    """Lets the hub do one chunk at a time, so that whoever stops it is in time."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._open = asyncio.Semaphore(0)
        advance = BulkRunner._advance

        async def gated(runner: BulkRunner, bulk: Bulk) -> None:
            await self._open.acquire()
            await advance(runner, bulk)

        patch.setattr(BulkRunner, "_advance", gated)

    def let_one_pass(self, server: Threaded) -> None:
        async def release() -> None:
            self._open.release()

        server.run(release())


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


def test_it_is_watched_left_found_again_and_stopped(gate: Gate, visitor: Visitor, served: Threaded) -> None:
    tasks = {"tasks": [{"type": "nobody.serves", "tags": ["night"]}] * TASKS}
    assert served.run(served.hub.client.post("/tasks/batch", json=tasks)).status_code == 202
    page = visitor.open("/ui/tasks?tag=night")
    state, stop = page.locator("#bulk-state"), page.locator("dialog").get_by_role("button", name="Stop")
    page.click("text=Cancel…")
    page.click(f"text=Cancel {TASKS:,} tasks")
    expect(state).to_contain_text(f"0 tasks cancelled. {TASKS:,} tasks in all.")
    gate.let_one_pass(served)
    expect(state).to_contain_text(f"{CHUNK:,} tasks cancelled. {TASKS:,} tasks in all.")

    page.reload()
    expect(state).to_contain_text(f"{CHUNK:,} tasks cancelled. {TASKS:,} tasks in all.")
    expect(page.locator('.chip[data-status="cancelled"] .count')).to_have_text(f"{CHUNK:,}")
    gate.let_one_pass(served)
    expect(state).to_contain_text(f"{2 * CHUNK:,} tasks cancelled. {TASKS:,} tasks in all.")
    progress = float(page.locator("dialog progress").get_attribute("value") or 0)
    assert progress == pytest.approx(2 * CHUNK / TASKS)

    stop.click()
    expect(page.locator(".notice")).to_contain_text("It stops after what is in flight.")
    gate.let_one_pass(served)
    expect(state).to_contain_text(f"{3 * CHUNK:,} tasks cancelled. It was stopped.")
    expect(stop).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/ui/tasks\?tag=night$"))
    for status in ("cancelled", "queued"):
        expect(page.locator(f'.chip[data-status="{status}"] .count')).to_have_text(f"{TASKS // 2:,}")
