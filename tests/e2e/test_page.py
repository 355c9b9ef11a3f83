"""The page at /ui/ in a real browser, around a real hub and worker."""

import asyncio
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import WIDE, Visitor, chromium, visiting
from tests.support.http_api import Threaded, api_in_thread

from taskflow_hub.domain.limits import PAGE_OCTETS
from taskflow_hub.http.server import refuse_requests
from taskflow_hub.worker.context import Context
from taskflow_hub.worker.registry import Registry

pytestmark = pytest.mark.debian

HOSTILE = "<img src=x onerror=\"document.title='taken over'\"><script>document.title='taken over'</script>"
NARROW = {"width": 375, "height": 800}


async def title(url: str) -> dict[str, str]:
    """Fetch a page and read its title."""
    return {"title": "Example", "url": url}


async def hold(ctx: Context) -> None:
    ctx.progress(0.4, "page 4 of 10")
    ctx.log.info("holding on", why="because")
    await asyncio.Event().wait()


async def fail(text: str) -> None:
    raise ValueError(text)


def handlers() -> Registry:
    made = Registry()
    made.add("web.title", title)
    made.add("demo.hold", hold, queue="slow")
    made.add("demo.fail", fail, max_retries=0)
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Threaded]:
    with api_in_thread(tmp_path, handlers=handlers()) as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, server: Threaded) -> Iterator[Visitor]:
    with visiting(browser, server) as made:
        yield made


def submit(server: Threaded, *given: Any, **fields: Any) -> str:
    task_id: str = server.run(server.hub.submit(*given, **fields))["id"]
    return task_id


def rows(page: Page) -> list[str]:
    return page.locator("#list .status").all_inner_texts()


def test_large_tasks_are_all_listed(visitor: Visitor, server: Threaded) -> None:
    """They come in several pages of the API; the reader sees one list."""
    for _ in range(12):
        submit(server, "nobody.serves", {"text": "x" * (PAGE_OCTETS // 10)})
    page = visitor.open()
    expect(page.locator("#list .row")).to_have_count(12)
    expect(page.locator("#more")).to_be_hidden()


def test_an_empty_hub_tells_what_to_type(visitor: Visitor) -> None:
    page = visitor.open()
    expect(page.locator("#empty")).to_contain_text("No tasks yet")
    expect(page.locator("#empty")).to_contain_text(f"curl {visitor.server.url}/tasks -d")
    expect(page.locator("#empty")).to_contain_text("taskflow task submit web.title")


def test_a_task_appears_and_changes_without_a_reload(visitor: Visitor) -> None:
    page = visitor.open()
    submit(visitor.server, "web.title", {"url": "http://a"})
    expect(page.locator("#list .row")).to_have_count(1)
    expect(page.locator("#list .status")).to_have_text("success")
    task = submit(visitor.server, "demo.hold")
    expect(page.locator("#list .row").first).to_contain_text("40 % page 4 of 10")
    visitor.server.run(visitor.server.hub.client.post(f"/tasks/{task}/cancel"))
    expect(page.locator("#list .status").first).to_have_text("cancelled")
    expect(page.locator('.chip[data-status="success"] .count')).to_have_text("1")


def test_a_task_is_submitted_from_the_form(visitor: Visitor) -> None:
    page = visitor.open()
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(r"\?new=1$"))
    expect(page.locator("#submit-type")).to_be_focused()
    page.keyboard.type("web.title")
    expect(page.locator("#submit-hint")).to_have_text("Fetch a page and read its title.")
    expect(page.locator("#submit-payload")).to_have_value('{\n  "url": ""\n}')
    page.fill("#submit-payload", '{"url": "http://a", "n": 12345678901234567890}')
    page.click("text=Submit")
    expect(page.locator("#submit-error")).to_contain_text("/payload/n")
    expect(page.locator("#submit-payload")).to_be_focused()
    page.fill("#submit-payload", '{"url": "http://a"}')
    page.keyboard.press("Control+Enter")
    expect(page.locator("#detail h2")).to_have_text("web.title")
    expect(page.locator("#submit")).to_be_hidden()
    expect(page.locator("#said")).to_have_text("Submitted web.title.")
    expect(page.locator("#detail .status")).to_have_text("success")


def test_the_form_says_what_is_wrong(visitor: Visitor) -> None:
    page = visitor.open("/ui/?new=1")
    page.fill("#submit-type", "Wrong Type")
    page.click("text=Submit")
    expect(page.locator("#submit-error")).to_contain_text("/type")
    page.fill("#submit-payload", "{")
    page.click("text=Submit")
    expect(page.locator("#submit-error")).to_contain_text("The payload is not JSON")


def test_a_task_is_shown_whole(visitor: Visitor) -> None:
    task = submit(visitor.server, "demo.fail", {"text": "no way\nout"}, tags=["red"], priority=7)
    page = visitor.open(f"/ui/?task={task}")
    detail = page.locator("#detail")
    expect(detail.locator(".status")).to_have_text("failed")
    expect(detail).to_contain_text("ValueError: no way")
    expect(detail.locator('pre[aria-label="traceback"]')).to_contain_text("in fail")
    expect(detail.locator('pre[aria-label="payload"]')).to_contain_text('"text": "no way\\nout"')
    expect(detail).to_contain_text(task)
    expect(detail.locator(".attempts li")).to_have_count(1)
    page.click("#detail >> text=Run again")
    expect(detail.locator(".attempts li")).to_have_count(2)
    page.click("#detail >> text=Delete")
    expect(detail).to_be_hidden()
    expect(page.locator("#list .row")).to_have_count(0)


def test_a_running_task_shows_progress_and_log_and_can_be_cancelled(visitor: Visitor) -> None:
    task = submit(visitor.server, "demo.hold")
    page = visitor.open(f"/ui/?task={task}")
    detail = page.locator("#detail")
    expect(detail.locator(".log li")).to_contain_text('holding on {"why":"because"}')
    expect(detail.locator("progress")).to_have_attribute("value", "0.4")
    page.click("#detail >> text=Cancel")
    expect(detail.locator(".status")).to_have_text("cancelled")


def test_a_scheduled_task_can_be_run_now(visitor: Visitor) -> None:
    task = submit(visitor.server, "web.title", {"url": "http://a"}, delay=3600)
    page = visitor.open(f"/ui/?task={task}")
    expect(page.locator("#list .row")).to_contain_text("in 1 hour")
    page.click("#detail >> text=Run now")
    expect(page.locator("#detail .status")).to_have_text("success")
    expect(page.locator('pre[aria-label="result"]')).to_contain_text('"title": "Example"')


def test_a_hostile_task_is_only_text(visitor: Visitor) -> None:
    task = submit(visitor.server, "demo.fail", {"text": HOSTILE}, tags=["<b>bold"])
    page = visitor.open(f"/ui/?task={task}")
    expect(page.locator("#detail .failure").first).to_contain_text(HOSTILE.splitlines()[0])
    expect(page.locator("#list .note")).to_contain_text("<img src=x")
    expect(page.locator("#detail .tag")).to_have_text("<b>bold")
    assert page.locator("img:not([src='icon.svg']), #detail b, #list b").count() == 0
    assert page.locator("script").count() == 1
    assert page.title() == "TaskFlow Hub"


def test_filters_stand_in_the_address(visitor: Visitor) -> None:
    submit(visitor.server, "web.title", {"url": "http://a"}, tags=["night"])
    submit(visitor.server, "other.type", queue="far")
    page = visitor.open()
    expect(page.locator("#list .row")).to_have_count(2)
    page.click('.chip[data-status="queued"]')
    expect(page).to_have_url(re.compile(r"\?status=queued$"))
    expect(page.locator("#list .row")).to_have_count(1)
    expect(page.locator("#list .row")).to_contain_text("no worker serves it")
    page.go_back()
    expect(page.locator("#list .row")).to_have_count(2)

    for query, count in (
        ("#night", 1),
        ("queue:far", 1),
        ("other.type queue:far", 1),
        ("#night queue:far", 0),
    ):
        page.fill("#query", query)
        expect(page.locator("#list .row")).to_have_count(count)
    expect(page.locator("#empty")).to_contain_text("No task matches")
    page.reload()
    expect(page.locator("#query")).to_have_value("#night queue:far")
    page.click("text=Show all tasks")
    expect(page.locator("#list .row")).to_have_count(2)


def test_a_wrong_filter_is_explained(visitor: Visitor) -> None:
    page = visitor.open("/ui/?query=Not+A+Type")
    expect(page.locator("#list-error")).to_contain_text("/query/type")


def test_keys(visitor: Visitor) -> None:
    ids = [submit(visitor.server, "web.title", {"url": f"http://{n}"}) for n in range(3)]
    page = visitor.open()
    expect(page.locator("#list .row")).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"task={ids[2]}"))
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(f"task={ids[1]}"))
    expect(page.locator("#detail")).to_contain_text(ids[1])
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("jkn/")
    expect(page.locator("#query")).to_have_value("jkn/")


def test_an_id_is_found(visitor: Visitor) -> None:
    task = submit(visitor.server, "web.title", {"url": "http://a"})
    page = visitor.open()
    page.fill("#query", task)
    expect(page.locator("#detail")).to_contain_text(task)


def test_a_task_that_is_not_there(visitor: Visitor) -> None:
    page = visitor.open("/ui/?task=018f0000-0000-7000-8000-000000000000")
    expect(page.locator("#detail .error")).to_contain_text("There is no task")


def test_queues_can_be_paused_and_say_who_serves_them(visitor: Visitor) -> None:
    submit(visitor.server, "nobody.serves", queue="far")
    page = visitor.open()
    card = page.locator("#strip li", has_text="queue far")
    expect(card).to_contain_text("1 without a worker")
    card.get_by_role("button").click()
    expect(card).to_contain_text("paused")
    expect(page.locator("#list .row")).to_contain_text("its queue is paused")
    card.get_by_role("button", name="resume queue far").click()
    expect(card).not_to_contain_text("paused")
    expect(page.locator("#strip")).to_contain_text("0 of 20 slots busy")


def test_more_are_shown_on_demand(visitor: Visitor) -> None:
    tasks = {"tasks": [{"type": "web.title", "payload": {"url": "http://a"}, "delay": 60}] * 70}
    visitor.server.run(visitor.server.hub.client.post("/tasks/batch", json=tasks))
    page = visitor.open()
    expect(page.locator("#list .row")).to_have_count(50)
    page.click("text=Show more")
    expect(page.locator("#list .row")).to_have_count(70)
    expect(page.locator("#more")).to_be_hidden()


def test_a_hub_that_is_away_is_told_and_missed(browser: Browser, tmp_path: Path) -> None:
    with contextlib.ExitStack() as tab:
        with api_in_thread(tmp_path, handlers=handlers()) as server:
            visitor = tab.enter_context(visiting(browser, server))
            page = visitor.open()
        expect(page.locator("#lost")).to_be_visible()
        expect(page.locator("#live-text")).to_have_text("not connected")
        with api_in_thread(tmp_path, handlers=handlers(), port=server.hub.address[1]) as again:
            expect(page.locator("#live")).to_have_attribute("data-state", "live")
            expect(page.locator("#lost")).to_be_hidden()
            submit(again, "web.title", {"url": "http://a"})
            expect(page.locator("#list .row")).to_have_count(1)
            tab.close()


def test_without_a_stream_it_polls(browser: Browser, tmp_path: Path) -> None:
    with (
        api_in_thread(tmp_path, handlers=handlers(), max_streams=0) as server,
        visiting(browser, server) as visitor,
    ):
        visitor.page.goto(server.url + "/ui/")
        expect(visitor.page.locator("#live")).to_have_attribute("data-state", "polling")
        submit(server, "web.title", {"url": "http://a"})
        expect(visitor.page.locator("#list .status")).to_have_text("success")


def test_a_shutdown_is_noticed(visitor: Visitor, server: Threaded) -> None:
    page = visitor.open()

    async def end() -> None:
        refuse_requests(server.hub.app)

    server.run(end())
    expect(page.locator("#live")).not_to_have_attribute("data-state", "live")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_it_fits_and_can_be_read(
    browser: Browser, server: Threaded, scheme: str, size: dict[str, int]
) -> None:
    task = submit(server, "demo.fail", {"text": "x" * 300}, tags=["a-very-long-tag-" * 4])
    for _ in range(3):
        submit(server, "web.title", {"url": "http://a"})
    with visiting(browser, server, viewport=size, color_scheme=scheme) as visitor:
        for path in ("/ui/", f"/ui/?task={task}", "/ui/?new=1"):
            page = visitor.open(path)
            expect(page.locator("#list .row")).to_have_count(4)
            overflow = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert overflow == 0, f"{path} is {overflow} pixels too wide"
            assert not page.evaluate(UNREADABLE), path
            assert not page.evaluate(UNNAMED), path


# Text whose contrast with its ground is below 4.5 : 1 (WCAG AA); blended colours are the page's own, without transparency.
UNREADABLE = """() => {
  const light = (color) => {
    const linear = (c) => c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$/.test(color) && color.startsWith("rgb")) return color;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("body *")].filter((node) => {
    const speaks = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!speaks || !node.checkVisibility()) return false;
    const [a, b] = [light(getComputedStyle(node).color), light(ground(node))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05) < 4.5;
  }).map((node) => node.outerHTML.slice(0, 200));
}"""

# What can be used, but has no name that a screen reader could say.
UNNAMED = """() => [...document.querySelectorAll("button, input, textarea, a[href], meter, progress")].filter((node) =>
  node.checkVisibility() && !(node.textContent.trim() || node.getAttribute("aria-label") || node.labels?.length)
).map((node) => node.outerHTML.slice(0, 200))"""


def test_the_reference_shows_every_operation(browser: Browser, server: Threaded) -> None:
    with visiting(browser, server) as visitor:
        visitor.page.goto(server.url + "/docs")
        expect(visitor.page.locator("#submit_task")).to_contain_text("Submit a task")
        document = server.run(server.hub.client.get("/openapi.json")).json()
        operations = [
            operation["operationId"] for item in document["paths"].values() for operation in item.values()
        ]
        for name in operations:
            expect(visitor.page.locator(f"#{name}")).to_be_visible()
        expect(visitor.page.locator("#submit_task")).to_contain_text("Idempotency-Key")
        expect(visitor.page.locator("#submit_task")).to_contain_text("on_conflict")
