"""One task in the dashboard, and how one is submitted there."""

import json
import re

import pytest
from playwright.sync_api import expect
from tests.support.browser import Visitor
from tests.support.dashboard import LARGE, submit
from tests.support.http_api import Threaded

pytestmark = pytest.mark.debian


def test_a_task_is_submitted_from_its_form(visitor: Visitor) -> None:
    page = visitor.open()
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(r"\?new=1$"))
    expect(page.locator("#submit-type")).to_be_focused()
    page.keyboard.type("web.title")
    expect(page.locator("#submit-hint")).to_have_text("Fetch a page and read its title.")
    page.get_by_label("url").fill('http://"a"')
    page.keyboard.press("Control+Enter")
    expect(page.locator("#task h1")).to_have_text("web.title")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator(".notice")).to_contain_text("Submitted web.title.")
    expect(page.locator("#task .lead .status")).to_have_text("success")
    expect(page.locator("#payload")).to_contain_text('url: http://"a"')


def test_a_payload_travels_as_it_was_typed(visitor: Visitor) -> None:
    page = visitor.open("/ui/tasks?new=web.title")
    page.get_by_role("button", name="Edit as JSON").click()
    expect(page.locator("#submit-payload")).to_have_value('{\n  "url": ""\n}')
    page.fill("#submit-payload", '{"url": "http://a", "n": 12345678901234567890}')
    page.click("dialog >> text=Submit")
    expect(page.locator("#submit-error")).to_contain_text("/payload/n")
    expect(page.locator("#submit-payload")).to_be_focused()
    page.fill("#submit-type", "nobody.serves")
    page.click("dialog >> text=Submit")
    expect(page.locator("#payload")).to_contain_text("12345678901234567890")


def test_the_form_says_what_is_wrong(visitor: Visitor) -> None:
    page = visitor.open("/ui/?new=1")
    page.fill("#submit-type", "Wrong Type")
    page.click("dialog >> text=Submit")
    expect(page.locator("#submit-error")).to_contain_text("/type")
    expect(page.locator("#submit-type")).to_have_attribute("aria-invalid", "true")
    page.fill("#submit-payload", "{")
    page.click("dialog >> text=Submit")
    expect(page.locator("#submit-error")).to_contain_text("The payload is not JSON")


def test_a_task_is_shown_whole(visitor: Visitor, served: Threaded) -> None:
    task = submit(served, "demo.fail", {"text": "no way\nout"}, tags=["red"], priority=7)
    page = visitor.open(f"/ui/tasks/{task}")
    shown = page.locator("#task")
    expect(shown.locator(".lead .status")).to_have_text("failed")
    expect(page.locator("#error")).to_contain_text("ValueError: no way\nout")
    page.click("#error summary")
    expect(shown.locator('pre[aria-label="traceback"]')).to_contain_text("in fail")
    expect(page.locator("#payload")).to_contain_text("text: no way\nout")
    expect(shown).to_contain_text(task)
    expect(shown.locator(".attempts > li")).to_have_count(1)
    page.click("#task >> text=Run again")
    expect(shown.locator(".attempts > li")).to_have_count(2)
    expect(shown.locator(".attempts > li").last).to_contain_text("backed off")
    page.click("#task >> text=Delete")
    expect(page).to_have_url(re.compile(r"/ui/tasks$"))
    expect(page.locator("#empty")).to_be_visible()


def test_a_task_is_run_again_with_another_payload(visitor: Visitor, served: Threaded) -> None:
    task = submit(served, "demo.fail", {"text": "no"}, tags=["red"], queue="other")
    page = visitor.open(f"/ui/tasks/{task}")
    page.click("text=Edit and submit…")
    expect(page.locator("#submit-type")).to_have_value("demo.fail")
    expect(page.locator("#submit-payload")).to_have_value('{\n  "text": "no"\n}')
    page.get_by_role("button", name="Edit as a form").click()
    page.get_by_label("text", exact=True).fill("yes")
    page.click("dialog >> text=Submit")
    expect(page).not_to_have_url(re.compile(task))
    expect(page.locator("#error")).to_contain_text("ValueError: yes")
    expect(page.locator(".facts")).to_contain_text("other")
    expect(page.locator(".facts")).to_contain_text("red")


def test_a_task_is_copied_for_elsewhere(visitor: Visitor, served: Threaded) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    payload = {"text": 'it\'s "so"', "n": None, "yes": True}
    task = submit(served, "nobody.serves", payload, priority=7, tags=["a b"])
    page = visitor.open(f"/ui/tasks/{task}")

    def copied(name: str) -> str:
        page.click("text=Copy as")
        page.locator(".menu-items").get_by_role("button", name=name).click()
        expect(page.locator(".notice").last).to_contain_text("Copied as")
        text: str = page.evaluate("navigator.clipboard.readText()")
        page.locator(".notice button").first.click()
        expect(page.locator(".menu-items")).not_to_be_visible()
        return text

    curl = copied("curl")
    assert curl.startswith(f"curl {served.url}/tasks -d '")
    body = json.loads(curl.partition(" -d ")[2][1:-1].replace("'\\''", "'"))
    again = {"type": "nobody.serves", "queue": "default", "payload": payload, "priority": 7, "tags": ["a b"]}
    assert body == again
    assert copied("command line").endswith("--queue default --priority 7 --tag 'a b'")
    python = copied("Python")
    assert '{"text": "it\'s \\"so\\"", "n": None, "yes": True}' in python
    compile(python, "copied", "exec")


def test_a_task_says_of_which_workflow_it_is(visitor: Visitor, served: Threaded) -> None:
    graph = {"name": "w", "nodes": {"a": {"type": "nobody.serves"}}}
    workflow = served.run(served.hub.client.post("/workflows", json=graph)).json()
    page = visitor.open(f"/ui/tasks/{workflow['nodes']['a']['task_id']}")
    expect(page.locator(".facts")).to_contain_text(f"Workflow{workflow['id']}")


def test_a_running_task_shows_progress_and_log_and_can_be_cancelled(
    visitor: Visitor, served: Threaded
) -> None:
    task = submit(served, "demo.hold")
    page = visitor.open(f"/ui/tasks/{task}")
    log = page.locator(".log li")
    expect(log).to_have_count(2)
    expect(log.first).to_contain_text('holding on {"why":"because"}')
    expect(page.locator("#task > .progress progress")).to_have_attribute("value", "0.4")
    page.select_option("#log-level", "warning")
    expect(log).to_have_count(1)
    expect(page).to_have_url(re.compile(r"level=warning"))
    page.select_option("#log-level", "")
    page.fill("#log-words", "BECAUSE")
    expect(log).to_have_count(1)
    page.reload()
    expect(log).to_have_count(1)
    page.click("#task >> text=Cancel")
    expect(page.locator("#task .lead .status")).to_have_text("cancelled")


def test_a_scheduled_task_can_be_run_now(visitor: Visitor, served: Threaded) -> None:
    task = submit(served, "web.title", {"url": "http://a"}, delay=3600)
    page = visitor.open(f"/ui/tasks/{task}")
    expect(page.locator("#task")).to_contain_text("in 1h")
    page.click("#task >> text=Run now")
    expect(page.locator("#task .lead .status")).to_have_text("success")
    expect(page.locator("#result")).to_contain_text("title: Example")


def test_a_waiting_task_says_why(visitor: Visitor, served: Threaded) -> None:
    task = submit(served, "nobody.serves", queue="far")
    page = visitor.open(f"/ui/tasks/{task}")
    expect(page.locator("#why")).to_contain_text("No live worker serves the type nobody.serves")
    served.run(served.hub.client.post("/queues/far/pause"))
    expect(page.locator("#why")).to_contain_text("paused")
    page.locator("#why").get_by_role("link", name="Queue far").click()
    expect(page.locator("[data-queue]")).to_have_count(1)


def test_a_picture_is_seen_and_a_large_result_fetched(visitor: Visitor, served: Threaded) -> None:
    task = submit(served, "demo.draw")
    page = visitor.open(f"/ui/tasks/{task}")
    expect(page.locator("#result img")).to_have_js_property("naturalWidth", 10)
    task = submit(served, "demo.large")
    page = visitor.open(f"/ui/tasks/{task}")
    expect(page.locator('#result pre[aria-label="preview"]')).to_contain_text("xxxx")
    page.click("text=Show all 78 KiB")
    page.click("#result >> text=/show all [0-9,]+ characters/")
    assert len(page.locator("#result .json-string").inner_text()) == LARGE


def test_a_task_that_is_not_there(visitor: Visitor) -> None:
    page = visitor.open("/ui/tasks/018f0000-0000-7000-8000-000000000000")
    expect(page.locator("main .error")).to_contain_text("There is no task")
