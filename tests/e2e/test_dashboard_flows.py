"""Workflows and schedules in the dashboard."""

import re

import pytest
from playwright.sync_api import expect
from tests.support.browser import Visitor
from tests.support.dashboard import flows, scheduled
from tests.support.http_api import Threaded

pytestmark = pytest.mark.debian

FAR = {"name": "nightly", "cron": "30 2 * * *", "tz": "Europe/Amsterdam"}
TITLE = {"type": "web.title", "payload": {"url": "http://a"}}


def test_a_workflow_is_followed_to_its_end(visitor: Visitor, served: Threaded) -> None:
    nodes = {
        "first": {"type": "demo.hold"},
        "then": {
            "type": "web.title",
            "payload": {"url": "http://a"},
            "after": [{"node": "first", "on": "done"}],
        },
    }
    answer = served.run(served.hub.client.post("/workflows", json={"name": "steps", "nodes": nodes}))
    workflow = answer.json()
    page = visitor.open("/ui/workflows")
    page.click("#workflows >> text=steps")
    first, then = page.locator('[data-node="first"]'), page.locator('[data-node="then"]')
    expect(first).to_have_attribute("data-status", "running")
    expect(then).to_have_attribute("data-status", "blocked")
    served.run(served.hub.client.post(f"/tasks/{workflow['nodes']['first']['task_id']}/cancel"))
    expect(then).to_have_attribute("data-status", "success")
    expect(page.locator(".lead .status")).not_to_have_text("running")
    then.click()
    expect(page.locator("#task h1")).to_have_text("web.title")
    page.locator(".facts").get_by_role("link", name=workflow["id"]).click()
    page.click("text=along its time")
    expect(page).to_have_url(re.compile("view=time"))
    expect(page.locator(".lanes li")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator("#workflows tbody tr")).to_have_count(1)


def test_a_failed_workflow_shows_where_and_goes_on(visitor: Visitor, served: Threaded) -> None:
    flow = flows(served)
    page = visitor.open(f"/ui/workflows/{flow}")
    expect(page.locator(".lead .status")).to_have_text("failed")
    for name, status in (
        ("check", "failed"),
        ("apologise", "success"),
        ("store", "skipped"),
        ("each", "success"),
    ):
        expect(page.locator(f'[data-node="{name}"]')).to_have_attribute("data-status", status)
    expect(page.locator("#error")).to_contain_text("check")
    page.locator('[data-node="each"]').click()
    expect(page).to_have_url(re.compile(r"\?node=each"))
    expect(page.locator("#items li")).to_have_count(3)
    page.locator("#items").get_by_role("button", name="failed").click()
    expect(page.locator("#items")).to_contain_text("None.")
    page.click("text=Go on from what failed")
    expect(page.locator(".notice")).to_contain_text("It goes on.")
    expect(page.locator(".lead .status")).to_have_text("failed")
    page.click("#workflow >> text=Delete")
    expect(page.locator("main")).to_contain_text("No workflows yet")


def test_workflows_are_found_by_status_and_name(visitor: Visitor, served: Threaded) -> None:
    flows(served)
    page = visitor.open("/ui/workflows")
    expect(page.locator("#workflows .status")).to_have_text("failed")
    page.locator(".chips").get_by_role("button", name="success").click()
    expect(page.locator(".empty")).to_contain_text("No workflow matches")
    page.locator(".chips").get_by_role("button", name="all").click()
    page.fill("#workflow-name", "other")
    page.keyboard.press("Enter")
    expect(page.locator(".empty")).to_contain_text("No workflow matches")
    expect(page).to_have_url(re.compile("name=other"))


def test_a_schedule_is_triggered_paused_and_resumed(visitor: Visitor, served: Threaded) -> None:
    scheduled(served, {**FAR, "task": TITLE})
    page = visitor.open("/ui/schedules")
    expect(page.locator("#schedules tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("nightly")
    expect(page.locator("#next li")).to_have_count(8)
    expect(page.locator("#next li").first).to_contain_text("T02:30:00+0")
    expect(page.locator("#history")).to_contain_text("It has not come to a tick yet.")
    page.click("text=Run now")
    expect(page.locator("#history li")).to_contain_text("fired")
    expect(page.locator("#history li")).to_contain_text("by trigger")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".lead")).to_contain_text("paused")
    expect(page.locator("#next")).to_contain_text("None while it is paused.")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#next li")).to_have_count(8)
    page.click("#history >> text=task")
    expect(page.locator("#task .lead .status")).to_have_text("success")
    page.locator(".facts a", has=page.locator("code")).last.click()
    expect(page.locator("h1")).to_have_text("nightly")


def test_another_time_is_shown_before_it_is_saved(visitor: Visitor, served: Threaded) -> None:
    plan = scheduled(served, {**FAR, "task": TITLE})
    page = visitor.open(f"/ui/schedules/{plan}")
    page.click("text=Change when…")
    page.fill("#cron", "0 9 * * 1-5")
    expect(page.locator("#next")).to_contain_text("At 09:00 on Monday through Friday")
    expect(page.locator("#next li").first).to_contain_text("T09:00:00+0")
    page.fill("#cron", "61 * * * *")
    expect(page.locator("#next .error")).to_contain_text("/query/cron")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.fill("#every", "90s")
    expect(page.locator("#next .error")).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".facts")).to_contain_text("every 1 min 30 s")
    page.click("#schedule >> text=Delete")
    expect(page.locator("main")).to_contain_text("No schedules yet")
