"""The first page of the dashboard on a hub with real work, and how its queues fared."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.support.browser import Visitor
from tests.support.dashboard import submit
from tests.support.http_api import Threaded

pytestmark = pytest.mark.debian


def number(page: Page, part: str, name: str) -> str:
    """As it stands below its name."""
    found = page.locator(f"{part} .numbers > div", has=page.get_by_text(name, exact=True)).locator("dd")
    return found.inner_text().strip()


def test_a_new_hub_says_how_to_submit_its_first_task(visitor: Visitor, served: Threaded) -> None:
    page = visitor.open("/ui/")
    expect(page.locator("#empty")).to_contain_text("Nothing has been submitted yet")
    expect(page.locator("#empty code")).to_have_text(re.compile(f"^curl {re.escape(served.url)}/tasks -d "))
    expect(page.locator(".plot")).to_have_count(0)
    page.get_by_role("button", name="Submit a task").click()
    page.fill("#submit-type", "web.title")
    page.fill("#field-url", "http://a")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile(r"/ui/tasks/"))
    page.keyboard.type("go")
    expect(page.locator("#ended dd").first).to_have_text("1")
    expect(page).to_have_title("Overview · TaskFlow Hub")
    expect(page.locator("nav [aria-current=page]")).to_have_text("Overview")


def test_the_first_task_is_seen_without_a_reload(visitor: Visitor, served: Threaded) -> None:
    page = visitor.open("/ui/")
    expect(page.locator("#empty")).to_be_visible()
    submit(served, "web.title", {"url": "http://a"})
    expect(page.locator("#ended dd").first).to_have_text("1")
    expect(page.locator("#empty")).to_have_count(0)
    expect(page.locator("#attention")).to_have_text("All is well: nothing needs you.")
    expect(page.locator("#failing")).to_contain_text("None did.")


def at_work(served: Threaded) -> None:
    """Three succeed, two fail, one is cancelled, one runs, one is for later, one is in a paused queue, one nobody serves."""
    client = served.hub.client
    for _ in range(3):
        submit(served, "web.title", {"url": "http://a"})
    for _ in range(2):
        submit(served, "demo.fail", {"text": "no"})
    later = [submit(served, "web.title", {"url": "http://b"}, delay=3600) for _ in range(2)]
    served.run(client.post(f"/tasks/{later[0]}/cancel"))
    served.run(client.post("/queues/night/pause"))
    submit(served, "web.title", {"url": "http://c"}, queue="night")
    submit(served, "nobody.serves", queue="far")
    submit(served, "demo.hold")


def test_numbers_attention_and_where_they_lead(visitor: Visitor, served: Threaded) -> None:
    at_work(served)
    page = visitor.open("/ui/")
    expect(page.locator("#ended dd")).to_have_text(["3", "2 33 %", "1"])
    expect(page.locator("#now dd").nth(1)).to_have_text("1")
    assert [number(page, "#now", name) for name in ("queued", "running", "scheduled", "workers")] == [
        "2",
        "1",
        "1",
        "1",
    ]
    assert number(page, "#now", "slots busy") == "1 of 20"
    expect(page.locator("#failing li")).to_have_text(re.compile(r"demo\.fail\s*2 of 2"))

    lines = page.locator("#attention li")
    expect(lines).to_have_count(2)
    expect(lines.nth(0)).to_have_attribute("data-code", "no_worker")
    expect(lines.nth(0)).to_contain_text("nobody.serves")
    expect(lines.nth(1)).to_have_attribute("data-code", "queue_paused")
    lines.nth(0).get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/ui/tasks\?.*type=nobody\.serves"))
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#list")).to_contain_text("no worker serves it")
    page.go_back()
    page.locator("#attention a", has_text="night").click()
    expect(page).to_have_url(re.compile(r"/ui/queues\?find=night$"))
    page.get_by_role("button", name="Resume queue night").click()
    expect(page.locator('[data-queue="night"] .tag')).to_have_count(0)
    page.click("nav >> text=Overview")
    expect(page.locator("#attention li")).to_have_count(1)
    expect(page.locator("#ended dd").first).to_have_text("4")
    page.click("#failing a")
    expect(page).to_have_url(re.compile(r"/ui/tasks\?status=failed&type=demo\.fail$"))
    expect(page.locator("#list tbody tr")).to_have_count(2)


def test_charts_tell_what_was_counted(visitor: Visitor, served: Threaded) -> None:
    at_work(served)
    page = visitor.open("/ui/")
    expect(page.locator("#ended dd")).to_have_text(["3", "2 33 %", "1"])
    page.click("text=These numbers as a table")
    rows = page.locator(".numbers-table tbody tr")
    expect(rows).to_have_count(60)
    ended = [[int(text) for text in row.locator("td").all_text_contents()[:3]] for row in rows.all()[:10]]
    assert [sum(column) for column in zip(*ended, strict=True)] == [3, 1, 2]
    expect(
        page.locator("[data-chart=latency] .plot :is(.line, .dots)[data-look=run]").last
    ).not_to_have_attribute("d", "")
    expect(page.locator("[data-chart=ended] .plot .bars")).to_have_count(3)


def test_how_far_back_stands_in_the_address(visitor: Visitor, served: Threaded) -> None:
    at_work(served)
    page = visitor.open("/ui/")
    slider = page.get_by_role("slider").first
    expect(slider).to_have_attribute("aria-valuemax", "59")
    page.get_by_role("button", name="24 h").click()
    expect(page).to_have_url(re.compile(r"/ui/\?range=24h$"))
    expect(slider).to_have_attribute("aria-valuemax", "95")
    expect(page.locator("#ended h2")).to_have_text("Ended in the last 24 hours")
    expect(page.locator("#ended dd")).to_have_text(["3", "2 33 %", "1"])
    page.reload()
    expect(slider).to_have_attribute("aria-valuemax", "95")
    page.get_by_role("button", name="7 d").click()
    expect(slider).to_have_attribute("aria-valuemax", "83")
    page.go_back()
    expect(slider).to_have_attribute("aria-valuemax", "95")
    visitor.open("/ui/?range=toString")
    expect(slider).to_have_attribute("aria-valuemax", "59")


def test_what_happens_is_seen_and_moves_nothing(visitor: Visitor, served: Threaded) -> None:
    at_work(served)
    page = visitor.open("/ui/")
    expect(page.locator("#ended dd")).to_have_text(["3", "2 33 %", "1"])
    expect(page.locator("#now dd").nth(1)).to_have_text("1")
    expect(page.locator("#attention li")).to_have_count(2)
    before = page.locator("main .card").evaluate_all(
        "(all) => all.map((one) => JSON.stringify(one.getBoundingClientRect()))"
    )
    page.evaluate("document.querySelector('[data-chart=ended] .plot svg').dataset.mark = 'kept'")
    submit(served, "web.title", {"url": "http://a"})
    expect(page.locator("#ended dd").first).to_have_text("4")
    expect(page.locator("[data-mark=kept]")).to_have_count(1)
    assert before == page.locator("main .card").evaluate_all(
        "(all) => all.map((one) => JSON.stringify(one.getBoundingClientRect()))"
    )


def test_a_queue_unfolds_to_its_charts(visitor: Visitor, served: Threaded) -> None:
    at_work(served)
    page = visitor.open("/ui/queues")
    card = page.locator('[data-queue="default"]')
    expect(card.locator(".spark")).to_have_count(2)
    card.get_by_role("button", name=re.compile("^Trend of queue default")).press("Enter")
    expect(page).to_have_url(re.compile(r"trend=default"))
    expect(card.locator(".plot svg")).to_have_count(3)
    slider = card.locator("[data-chart=ended]").get_by_role("slider")
    page.get_by_role("button", name="24 h").click()
    expect(page).to_have_url(re.compile(r"trend=default&range=24h|range=24h&trend=default"))
    expect(slider).to_have_attribute("aria-valuemax", "95")
    slider.press("End")
    slider.press("ArrowLeft")
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"succeeded 3, cancelled 1, failed 2"))
    page.reload()
    expect(card.locator(".plot svg")).to_have_count(3)
    expect(card).to_contain_text("served by")
    card.get_by_role("button", name=re.compile("^Trend of queue default")).click()
    expect(card.locator(".plot")).to_have_count(0)
