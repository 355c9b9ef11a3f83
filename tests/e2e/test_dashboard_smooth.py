"""A hub in which 200 tasks change every second, in a real browser: the page stays smooth, and what one reads stays put."""

import re
import time

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import Visitor
from tests.support.http_api import Threaded
from tests.support.trace import traced

pytestmark = [pytest.mark.debian, pytest.mark.timeout(300)]

ROWS = "#list tbody tr"
RATE, EVERY_S = 200, 0.1
LONG_MS = 100.0
COUNTED_MS = 120_000  # a busy machine looks seldom
SLOW = """() => new MutationObserver(() => {
  let x = 1;  // work and not waiting: what counts is CPU time
  for (let i = 0; i < 1e8; i++) x = (x * 1103515245 + 12345) % 2147483648;
  document.body.dataset.worked = x;
}).observe(document.querySelector("#list tbody"), { childList: true, subtree: true, characterData: true })"""


def changing(page: Page, served: Threaded, seconds: float) -> int:
    """So many tasks are submitted and run to their end, evenly; how many. A busy machine takes longer, and does no less."""
    each = round(RATE * EVERY_S)
    batch = {"tasks": [{"type": "web.title", "payload": {"url": "http://a"}, "tags": ["busy"]}] * each}
    began = time.monotonic()
    times = round(seconds / EVERY_S)
    for number in range(times):
        answer = served.run(served.hub.client.post("/tasks/batch", json=batch))
        assert answer.status_code == 202, answer.text
        page.wait_for_timeout(max(began + (number + 1) * EVERY_S - time.monotonic(), 0) * 1000)  # the pace
    return times * each


def ids(page: Page) -> list[str]:
    found: list[str] = page.locator(f"{ROWS} .row-link").evaluate_all(
        "links => links.map(link => link.pathname)"
    )
    return found


def test_no_task_of_its_main_thread_is_long(browser: Browser, visitor: Visitor, served: Threaded) -> None:
    page = visitor.open()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    changing(page, served, 0.5)
    expect(page.locator(ROWS)).to_have_count(50)
    before, began = ids(page), time.monotonic()
    with traced(browser, page) as trace:
        changing(page, served, 10)
    took_s = time.monotonic() - began
    lists = [url for url in asked if "/tasks?" in url]
    assert len(trace.tasks_ms) > 100, "the trace has seen the page work"
    assert max(trace.tasks_ms) < LONG_MS, sorted(trace.tasks_ms)[-5:]
    assert 0 < len(lists) < 2 * took_s + 5, "many changes are one look"
    expect(page.locator('.chip[data-status="success"] .count')).to_have_text("2,100", timeout=COUNTED_MS)
    assert set(ids(page)).isdisjoint(before), "it was live all the while"


def test_a_slow_page_would_be_noticed(browser: Browser, visitor: Visitor, served: Threaded) -> None:
    page = visitor.open()
    changing(page, served, 0.5)
    expect(page.locator(ROWS)).to_have_count(50)
    page.evaluate(SLOW)
    with traced(browser, page) as trace:
        changing(page, served, 1)
        expect(page.locator("body")).to_have_attribute("data-worked", re.compile(r"\d"), timeout=COUNTED_MS)
    assert max(trace.tasks_ms) > LONG_MS


def test_what_one_reads_stays_put_meanwhile(visitor: Visitor, served: Threaded) -> None:
    page = visitor.open()
    changing(page, served, 0.6)
    expect(page.locator(ROWS)).to_have_count(50)
    page.click("#older")
    expect(page.get_by_role("button", name="Newest")).to_be_visible()
    expect(page.locator("#list")).to_have_attribute("aria-busy", "false")
    older = ids(page)
    changing(page, served, 2)
    assert ids(page) == older, "a later page has nothing to do with what comes"
    page.click("text=Newest")
    expect(page).to_have_url(re.compile(r"/ui/tasks$"))
    expect(page.locator("#list")).to_have_attribute("aria-busy", "false")
    page.keyboard.press("j")
    expect(page.locator(f"{ROWS} .row-link").first).to_be_focused()
    chosen = ids(page)
    changing(page, served, 2)
    assert ids(page) == chosen
    expect(page.locator(".newer")).to_have_text("100 or more newer, show")
    page.click(".newer button")
    expect(page.locator(".newer")).to_have_count(0)
    assert set(ids(page)).isdisjoint(chosen)
