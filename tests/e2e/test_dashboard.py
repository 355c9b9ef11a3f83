"""The dashboard in a real browser, around a real hub and worker: the shell, and the list of tasks."""

import contextlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.support.browser import Visitor, visiting
from tests.support.dashboard import handlers, submit
from tests.support.http_api import Threaded, api_in_thread

from taskflow_hub.domain.limits import COUNTED, PAGE_OCTETS
from taskflow_hub.http.server import refuse_requests

pytestmark = pytest.mark.debian

ROWS = "#list tbody tr"


def test_large_tasks_are_all_listed(visitor: Visitor, served: Threaded) -> None:
    """They come in several pages of the API; the reader sees one list."""
    for _ in range(12):
        submit(served, "nobody.serves", {"text": "x" * (PAGE_OCTETS // 10)})
    page = visitor.open()
    expect(page.locator(ROWS)).to_have_count(12)
    expect(page.locator("#older")).to_have_count(0)


def test_an_empty_hub_tells_what_to_type(visitor: Visitor) -> None:
    page = visitor.open()
    expect(page.locator("#empty")).to_contain_text("No tasks yet")
    expect(page.locator("#empty")).to_contain_text(f"curl {visitor.server.url}/tasks -d")
    expect(page.locator("#empty")).to_contain_text("taskflow task submit web.title")


def test_a_task_appears_and_changes_without_a_reload(visitor: Visitor, served: Threaded) -> None:
    page = visitor.open()
    submit(served, "web.title", {"url": "http://a"})
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator("#list .status")).to_have_text("success")
    task = submit(served, "demo.hold")
    expect(page.locator(ROWS).first).to_contain_text("40 % page 4 of 10")
    served.run(served.hub.client.post(f"/tasks/{task}/cancel"))
    expect(page.locator("#list .status").first).to_have_text("cancelled")
    expect(page.locator('.chip[data-status="success"] .count')).to_have_text("1")


def test_filters_stand_in_the_address(visitor: Visitor, served: Threaded) -> None:
    submit(served, "web.title", {"url": "http://a"}, tags=["night"])
    submit(served, "other.type", queue="far")
    page = visitor.open()
    expect(page.locator(ROWS)).to_have_count(2)
    page.click('.chip[data-status="queued"]')
    expect(page).to_have_url(re.compile(r"/ui/tasks\?status=queued$"))
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(ROWS)).to_contain_text("no worker serves it")
    page.click('.chip[data-status="success"]', modifiers=["Control"])
    expect(page.locator(ROWS)).to_have_count(2)
    page.go_back()
    expect(page.locator(ROWS)).to_have_count(1)
    page.go_back()
    expect(page.locator(ROWS)).to_have_count(2)

    for query, types in (
        ("#night", ["web.title"]),
        ("queue:far", ["other.type"]),
        ("web.title #night", ["web.title"]),
        ("#night queue:far", []),
    ):
        page.fill("#search", query)
        expect(page.locator(f"{ROWS} .col-type")).to_have_text(types)
    expect(page.locator("#empty")).to_contain_text("No task matches")
    page.reload()
    expect(page.locator("#search")).to_have_value("queue:far #night")
    page.click("text=Show all tasks")
    expect(page.locator(ROWS)).to_have_count(2)
    expect(page.locator("#search")).to_have_value("")


def test_a_time_is_a_condition(visitor: Visitor, served: Threaded) -> None:
    submit(served, "web.title", {"url": "http://a"})
    page = visitor.open()
    page.select_option("#within", "15m")
    expect(page).to_have_url(re.compile(r"within=15m"))
    expect(page.locator(ROWS)).to_have_count(1)
    page.select_option("#within", "custom")
    page.fill("#to", "2020-01-01T00:00")
    page.locator("#to").blur()
    expect(page).to_have_url(re.compile(r"to=2020-01-01"))
    expect(page.locator("#empty")).to_contain_text("No task matches")
    page.reload()
    expect(page.locator("#to")).to_have_value("2020-01-01T00:00")


def test_a_wrong_filter_is_explained(visitor: Visitor) -> None:
    page = visitor.open("/ui/tasks?type=Not+A+Type")
    expect(page.locator("main .error")).to_contain_text("/query/type")


def test_columns_are_chosen(visitor: Visitor, served: Threaded) -> None:
    submit(served, "web.title", {"url": "http://a"}, priority=7)
    page = visitor.open()
    expect(page.locator("#list th.col-queue")).to_be_visible()
    page.click("text=Columns")
    page.get_by_label("Priority").check()
    page.get_by_label("Queue", exact=True).uncheck()
    expect(page.locator("#list td.col-priority")).to_have_text("7")
    expect(page.locator("#list th.col-queue")).to_have_count(0)
    page.reload()
    expect(page.locator("#list td.col-priority")).to_have_text("7")


def test_keys(visitor: Visitor, served: Threaded) -> None:
    ids = [submit(served, "web.title", {"url": f"http://{n}"}) for n in range(3)]
    page = visitor.open()
    expect(page.locator(ROWS)).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/ui/tasks/{ids[2]}"))
    expect(page.locator("#task")).to_contain_text(ids[2])
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(f"/ui/tasks/{ids[1]}"))
    expect(page.locator("#task")).to_contain_text(ids[1])
    page.keyboard.press("Escape")
    expect(page.locator(ROWS)).to_have_count(3)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("jkn/?")
    expect(page.locator("#search")).to_have_value("jkn/?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("new task")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.type("gw")
    expect(page.locator("h1")).to_have_text("Workers")


def test_who_goes_elsewhere_is_not_called_back_by_words(visitor: Visitor) -> None:
    """Words are looked for soon after they were typed, but not once one has left."""
    visitor.page.clock.install()
    page = visitor.open()
    page.evaluate(
        """() => {
            const search = document.getElementById("search");
            search.value = "web.title";
            search.dispatchEvent(new Event("input"));
            document.querySelector("nav a[href$=workers]").click();
        }"""
    )
    expect(page.locator("h1")).to_have_text("Workers")
    page.clock.fast_forward(1000)
    expect(page.locator("#search")).to_have_value("")
    expect(page.locator("h1")).to_have_text("Workers")
    expect(page).to_have_url(re.compile("/ui/workers$"))


def test_an_id_is_found(visitor: Visitor, served: Threaded) -> None:
    task = submit(served, "web.title", {"url": "http://a"})
    page = visitor.open("/ui/queues")
    page.fill("#search", task)
    expect(page.locator("#task")).to_contain_text(task)


def test_there_are_older_pages(visitor: Visitor, served: Threaded) -> None:
    tasks = {"tasks": [{"type": "web.title", "payload": {"url": "http://a"}, "delay": 60}] * 70}
    served.run(served.hub.client.post("/tasks/batch", json=tasks))
    page = visitor.open()
    expect(page.locator(ROWS)).to_have_count(50)
    page.click("#older")
    expect(page.locator(ROWS)).to_have_count(20)
    submit(served, "web.title", {"url": "http://b"})
    expect(page.locator('.chip[data-status="success"] .count')).to_have_text("1")
    expect(page.locator(ROWS)).to_have_count(20)
    page.reload()
    expect(page.locator(ROWS)).to_have_count(20)
    page.click("text=Newest")
    expect(page.locator(ROWS)).to_have_count(50)
    expect(page.locator("#list .status").first).to_have_text("success")


def test_what_is_not_counted_is_not_said_to_be(visitor: Visitor, served: Threaded) -> None:
    """10 000 of a state are counted; beyond, SQLite knows of no more than that there are as many."""
    queued, all_of_them = (
        visitor.page.locator(f".chip{which} .count") for which in ('[data-status="queued"]', ":first-child")
    )
    tasks = {"tasks": [{"type": "nobody.serves"}] * COUNTED}
    served.run(served.hub.client.post("/tasks/batch", json=tasks))
    visitor.open()
    expect(queued).to_have_text("10,000")
    for _ in range(2):
        submit(served, "nobody.serves", delay=60)
    expect(all_of_them).to_have_text("10,002")
    submit(served, "nobody.serves")
    expect(queued).to_have_text("10,000+")
    expect(all_of_them).to_have_text("10,002+")


def test_what_one_reads_stays_where_it_is(visitor: Visitor, served: Threaded) -> None:
    """A chosen row is not pushed away by new tasks: they are counted, and shown when one asks for them."""
    first = submit(served, "web.title", {"url": "http://a"})
    page = visitor.open()
    expect(page.locator(ROWS)).to_have_count(1)
    page.keyboard.press("j")
    for _ in range(2):
        submit(served, "web.title", {"url": "http://b"})
    expect(page.locator(".newer")).to_have_text("2 newer, show")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(":focus")).to_have_attribute("href", re.compile(first))
    page.click(".newer button")
    expect(page.locator(ROWS)).to_have_count(3)
    expect(page.locator(".newer")).to_have_count(0)


def test_many_are_run_again_or_cancelled_at_once(visitor: Visitor, served: Threaded) -> None:
    for _ in range(3):
        submit(served, "demo.fail", {"text": "no"})
        submit(served, "nobody.serves", tags=["later"])
    page = visitor.open("/ui/tasks?type=demo.fail")
    expect(page.locator('.chip[data-status="failed"] .count')).to_have_text("3")
    page.click("text=Run again…")
    expect(page.locator("#bulk-count")).to_contain_text("3 tasks match now")
    page.click("text=Run again 3 tasks")
    expect(page.locator("#bulk-state")).to_contain_text("3 tasks run again")
    expect(page.locator("#bulk-state")).to_contain_text("That was all")
    expect(page).to_have_url(re.compile(r"bulk=[0-9a-f-]{36}"))
    page.locator("dialog").get_by_role("button", name="Close").last.click()
    expect(page).to_have_url(re.compile(r"/ui/tasks\?type=demo.fail$"))

    page.goto(f"{served.url}/ui/tasks?tag=later")
    page.click("text=Cancel…")
    page.click("text=Cancel 3 tasks")
    expect(page.locator("#bulk-state")).to_contain_text("3 tasks cancelled")
    page.keyboard.press("Escape")
    expect(page.locator('#list .status[data-status="cancelled"]')).to_have_count(3)


def test_a_bulk_operation_can_be_stopped(visitor: Visitor, served: Threaded) -> None:
    """It is looked at by its id, so also by somebody who has closed it meanwhile."""
    answer = served.run(served.hub.client.post("/bulk", json={"filter": {}, "action": "cancel"}))
    page = visitor.open(f"/ui/tasks?bulk={answer.json()['id']}")
    expect(page.locator("#bulk-state")).to_contain_text("0 tasks cancelled. That was all.")
    expect(page.locator("dialog").get_by_role("button", name="Stop")).to_have_count(0)


def test_light_and_dark_can_be_chosen(visitor: Visitor) -> None:
    page = visitor.open()

    def ground() -> str:
        found: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return found

    light = ground()
    page.click("#theme")
    assert ground() == light
    page.click("#theme")
    dark = ground()
    assert dark != light
    page.reload()
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    assert ground() == dark, "it is remembered"
    page.click("#theme")
    assert ground() == light, "as the system has it"
    assert page.evaluate("localStorage.length") == 0


def test_an_address_that_is_none(visitor: Visitor) -> None:
    page = visitor.open("/ui/tasks")
    page.evaluate(
        "history.pushState(null, '', 'nothing'); dispatchEvent(new PopStateEvent('popstate', {state: {}}))"
    )
    expect(page.locator("h1")).to_have_text("There is no such page")


def test_a_hub_that_is_away_is_told_and_missed(browser: Browser, tmp_path: Path) -> None:
    with contextlib.ExitStack() as tab:
        with api_in_thread(tmp_path, handlers=handlers()) as server:
            visitor = tab.enter_context(visiting(browser, server))
            page = visitor.open()
        expect(page.locator("#lost")).to_be_visible()
        expect(page.locator("#live-text")).to_have_text("not connected")
        with api_in_thread(tmp_path, handlers=handlers(), port=server.hub.address[1]) as again:
            expect(page.locator("#live")).to_have_attribute("data-state", "live")
            expect(page.locator("#lost")).to_have_count(0)
            submit(again, "web.title", {"url": "http://a"})
            expect(page.locator(ROWS)).to_have_count(1)
            tab.close()


def test_without_a_stream_it_polls(browser: Browser, tmp_path: Path) -> None:
    with (
        api_in_thread(tmp_path, handlers=handlers(), max_streams=0) as server,
        visiting(browser, server) as visitor,
    ):
        page = visitor.page
        page.goto(server.url + "/ui/tasks")
        expect(page.locator("#live")).to_have_attribute("data-state", "polling")
        task = submit(server, "web.title", {"url": "http://a"})
        expect(page.locator("#list .status")).to_have_text("success")
        page.goto(f"{server.url}/ui/tasks/{task}")
        expect(page.locator("#live")).to_have_attribute("data-state", "polling")
        server.run(server.hub.client.delete(f"/tasks/{task}"))
        expect(page.locator("main .error")).to_contain_text("There is no task")


def test_a_shutdown_is_noticed(visitor: Visitor, served: Threaded) -> None:
    page = visitor.open()

    async def end() -> None:
        refuse_requests(served.hub.app)

    served.run(end())
    expect(page.locator("#live")).not_to_have_attribute("data-state", "live")


def test_queues_can_be_paused_limited_and_emptied(visitor: Visitor, served: Threaded) -> None:
    task = submit(served, "nobody.serves", queue="far")
    page = visitor.open("/ui/queues")
    card = page.locator('[data-queue="far"]')
    expect(card).to_contain_text("1 task: no worker serves it")
    expect(card).to_contain_text("No worker serves nobody.serves")
    card.get_by_role("button", name="Pause queue far").click()
    expect(card).to_contain_text("paused")
    card.get_by_role("button", name="Resume queue far").click()
    expect(card.locator(".tag", has_text="paused")).to_have_count(0)
    card.get_by_role("button", name="Limits of queue far").click()
    page.get_by_label("How many may run at a time").fill("x")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice.bad")).to_contain_text("/running")
    page.get_by_label("How many may run at a time").fill("7")
    page.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("0 of 7 that may run at a time")
    card.get_by_role("button", name="Empty queue far").click()
    page.get_by_role("button", name="Cancel them").click()
    expect(card).not_to_contain_text("no worker serves it")
    assert served.run(served.hub.client.get(f"/tasks/{task}")).json()["status"] == "cancelled"


def test_workers_say_what_they_run_and_can_be_drained(visitor: Visitor, served: Threaded) -> None:
    task = submit(served, "demo.hold")
    page = visitor.open("/ui/workers")
    card = page.locator("#workers > li")
    expect(card).to_contain_text("1 of 20 slots busy")
    expect(card.locator(".runs")).to_contain_text("demo.hold 40 % page 4 of 10")
    card.locator(".runs a").click()
    expect(page).to_have_url(re.compile(f"/ui/tasks/{task}"))
    page.go_back()
    card.get_by_role("button", name="Drain").click()
    expect(card).to_contain_text("draining")
    expect(card.get_by_role("button", name="Drain")).to_have_count(0)
    served.run(served.hub.client.post(f"/tasks/{task}/cancel"))
    expect(page.locator("#workers .runs")).to_have_count(0)
