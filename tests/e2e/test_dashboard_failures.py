"""Failures in the dashboard: what went wrong is found, looked into, run again together; and what it says stays text."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.support.browser import Visitor
from tests.support.dashboard import kind_of, mended, submit
from tests.support.http_api import Threaded

pytestmark = pytest.mark.debian

HOSTILE = "<img src=x onerror=\"document.title='taken over'\">"


def chip(page: Page, name: str) -> None:
    expect(page.locator(".chip.condition")).to_contain_text(name)


def test_nothing_has_failed(visitor: Visitor) -> None:
    page = visitor.open("/ui/tasks")
    page.keyboard.type("gx")
    expect(page).to_have_url(re.compile("/ui/failures$"))
    expect(page.locator("#empty")).to_contain_text("No failures in the last 7 days.")
    page.select_option("#range", "24h")
    expect(page.locator("#empty")).to_contain_text("No failures in the last 24 hours.")
    expect(page).to_have_url(re.compile("range=24h"))


def test_a_group_is_looked_into_and_run_again(visitor: Visitor, served: Threaded) -> None:
    mended.clear()
    tasks = [submit(served, "demo.charge", {"card": "4"}) for _ in range(3)]
    other = submit(served, "demo.fail", {"text": "something else"})
    kind = kind_of(served, tasks[-1])
    kind_of(served, other)
    page = visitor.open("/ui/failures?sort=count")
    rows = page.locator("#failures tr[data-fingerprint]")
    expect(rows).to_have_count(2)
    first = page.locator(f'[data-fingerprint="{kind}"]')
    expect(first).to_contain_text("PermissionError")
    expect(first).to_contain_text("card 4 is refused")
    expect(first).to_contain_text("demo.charge · dashboard.py in charge")
    expect(first.locator(".col-count")).to_have_text("3")
    expect(first.locator("svg")).to_have_attribute("aria-label", "3 failures in all, at most 3 in one step")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"fingerprint={kind}"))
    detail = page.locator(".failure-detail")
    expect(detail.locator("pre")).to_contain_text("PermissionError: card 4 is refused")
    expect(detail.locator(".newest li")).to_have_count(3)

    mended.add("4")
    detail.get_by_role("button", name="Run again…").click()
    expect(page.locator("#bulk-count")).to_contain_text("3 tasks match now")
    page.get_by_role("button", name="Run again 3 tasks").click()
    expect(page.locator("#bulk-state")).to_contain_text("3 tasks run again")
    page.locator(".modal .buttons").get_by_role("button", name="Close").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("something else")
    for task in tasks:
        page = visitor.open(f"/ui/tasks/{task}")
        expect(page.locator("#task .status").first).to_have_text("success")


def test_a_group_is_deleted_and_leads_to_its_tasks(visitor: Visitor, served: Threaded) -> None:
    kind = kind_of(served, submit(served, "demo.fail", {"text": "one"}))
    page = visitor.open(f"/ui/failures?fingerprint={kind}")
    page.get_by_role("link", name="Its task").click()
    expect(page.locator("#list tbody tr")).to_have_count(1)
    chip(page, kind)
    page.go_back()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete 1 task").click()
    expect(page.locator("#bulk-state")).to_contain_text("1 task deleted")
    page.locator(".modal .buttons").get_by_role("button", name="Close").click()
    expect(page.locator("#empty")).to_be_visible()


def test_new_failures_appear_by_themselves(visitor: Visitor, served: Threaded) -> None:
    page = visitor.open("/ui/failures")
    expect(page.locator("#empty")).to_be_visible()
    submit(served, "demo.fail", {"text": "just now"})
    expect(page.locator("#failures")).to_contain_text("just now")


def test_tasks_are_found_by_text_in_their_error(visitor: Visitor, served: Threaded) -> None:
    submit(served, "demo.fail", {"text": 'no "such" thing'})
    last = submit(served, "demo.fail", {"text": "another"})
    kind_of(served, last)
    page = visitor.open("/ui/tasks")
    page.fill("#search", 'error:"no "SUCH" thing"')
    page.keyboard.press("Enter")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    chip(page, 'no "SUCH" thing')
    expect(page.locator("#search")).to_have_value('error:"no "SUCH" thing"')
    page.get_by_role("button", name="Run again…").click()
    expect(page.locator("#bulk-count")).to_contain_text("1 task matches now")
    page.keyboard.press("Escape")
    page.fill("#search", "error:nothing-says-this")
    page.keyboard.press("Enter")
    expect(page.locator("#empty")).to_contain_text("No task matches.")


def test_what_errors_say_is_only_text(visitor: Visitor, served: Threaded) -> None:
    kind = kind_of(served, submit(served, "demo.fail", {"text": HOSTILE}))
    page = visitor.open(f"/ui/failures?fingerprint={kind}")
    expect(page.locator("#failures .said-of")).to_have_text(HOSTILE)
    expect(page.locator(".failure-detail pre")).to_contain_text(HOSTILE)
    page.goto(f"{served.url}/ui/tasks?error=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    chip(page, "<img src=x onerror=alert(1)>")
    assert page.locator("img:not([src='icon.svg'])").count() == 0
    assert "taken over" not in page.title()
