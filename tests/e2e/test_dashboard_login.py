"""The dashboard of a hub with accounts in a real browser: logging in and out, and what a viewer may."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import Visitor, visiting
from tests.support.http_api import Threaded, api_in_thread
from tests.support.people import ACCOUNTS

from taskflow_hub.http.identify import COOKIE

pytestmark = pytest.mark.debian

ADA, VIC, PASSWORD = "ada@example.org", "vic@example.org", "correct horse battery"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Threaded]:
    """With an admin and a viewer of the same account, and a task that waits."""
    with api_in_thread(tmp_path, auth=ACCOUNTS) as running:
        client = running.hub.client
        who = {"email": ADA, "password": PASSWORD}
        registered = running.run(client.post("/auth/register", json=who)).json()
        as_ada = {"Authorization": f"Bearer {registered['access_token']}"}
        viewer = {"email": VIC, "password": PASSWORD, "role": "viewer"}
        task = {"type": "nobody.serves", "queue": "far"}
        for path, body in (("/users", viewer), ("/tasks", task)):
            answer = running.run(client.post(path, json=body, headers=as_ada))
            assert answer.is_success, answer.text
        yield running


@pytest.fixture
def visitor(browser: Browser, server: Threaded) -> Iterator[Visitor]:
    with visiting(browser, server) as made:
        yield made


def try_to_log_in(visitor: Visitor, email: str, password: str = PASSWORD) -> Page:
    page = visitor.page
    if page.url == "about:blank":
        page.goto(f"{visitor.server.url}/ui/tasks")
    page.fill("#login-email", email)
    page.fill("#login-password", password)
    page.get_by_role("button", name="Log in").click()
    return page


def log_in(visitor: Visitor, email: str) -> Page:
    page = try_to_log_in(visitor, email)
    expect(page.locator("#who-email")).to_have_text(email)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    return page


def test_who_is_not_known_sees_the_form_and_nothing_else(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{visitor.server.url}/ui/tasks")
    expect(page.locator("#login-email")).to_be_focused()
    for missing in ("#list", "nav", "#new", "#who", "dialog"):
        expect(page.locator(missing)).to_have_count(0)


def test_a_wrong_password_is_told_and_lets_nobody_in(visitor: Visitor) -> None:
    page = try_to_log_in(visitor, ADA, "not this one")
    expect(page.locator("#login-error")).to_have_text("No user has this e-mail address and password.")
    expect(page.locator("#login-email")).to_be_visible()
    expect(page.locator("#list tbody tr")).to_have_count(0)
    assert visitor.context.cookies() == []
    try_to_log_in(visitor, ADA)
    expect(page.locator("#list tbody tr")).to_have_count(1)


def test_logged_in_one_works_until_one_logs_out(visitor: Visitor) -> None:
    page = log_in(visitor, ADA)
    expect(page.locator("#login-email")).to_have_count(0)
    expect(page.locator("#list tbody tr")).to_contain_text("nobody.serves")
    assert PASSWORD not in page.url
    page.click("#list a")
    page.click("#task >> text=Cancel")  # what changes something needs more than the cookie
    expect(page.locator("#task .lead .status")).to_have_text("cancelled")
    page.reload()
    expect(page.locator("#who-email")).to_have_text(ADA)
    [cookie] = visitor.context.cookies()
    page.click("#logout")
    expect(page.locator("#login-email")).to_be_visible()
    expect(page.locator("#list tbody tr")).to_have_count(0)
    assert visitor.context.cookies() == []
    visitor.context.add_cookies(
        [{"name": cookie["name"], "value": cookie["value"], "url": visitor.server.url}]
    )
    page.reload()
    expect(page.locator("#login-email")).to_be_visible()


def test_the_cookie_is_the_browsers_alone(visitor: Visitor) -> None:
    page = log_in(visitor, ADA)
    [cookie] = visitor.context.cookies()
    assert (cookie["name"], cookie["path"]) == (COOKIE, "/")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == "", "no script can read it"
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert json.loads(kept) == [{}, {}], "nor anything as good"
    status = page.evaluate(
        "fetch('../tasks', {method: 'POST', body: '{\"type\": \"t\"}'}).then(answer => answer.status)"
    )
    assert status == 403, "the cookie alone changes nothing"


def test_a_viewer_is_offered_nothing_that_changes_anything(visitor: Visitor) -> None:
    page = log_in(visitor, VIC)
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#new")).to_have_count(0)
    expect(page.locator(".tools button")).to_have_count(0)
    page.click("#list a")
    expect(page.locator("#task .lead .status")).to_have_text("queued")
    for label in ("Cancel", "Delete", "Run again", "Run now", "Edit and submit…"):
        expect(page.locator(f"#task >> text={label}")).to_have_count(0)
    page.keyboard.press("n")
    expect(page.locator("dialog")).to_have_count(0)
    for name in ("Overview", "Queues", "Workers", "Workflows", "Schedules"):
        page.get_by_role("link", name=name).click()
        expect(page.locator("h1")).to_have_text(name)
        expect(page.locator("main button:not(.chip, .sparks)")).to_have_count(0)


def test_a_viewer_who_gets_to_the_form_is_told_why_not(visitor: Visitor) -> None:
    """By an address that somebody else has kept."""
    page = log_in(visitor, VIC)
    page.goto(f"{visitor.server.url}/ui/tasks?new=1")
    expect(page.locator("dialog")).to_contain_text("You may look, but not submit tasks.")
    expect(page.locator("dialog form")).to_have_count(0)
    expect(page.locator("#list tbody tr")).to_have_count(1)


def test_a_login_that_ends_elsewhere_is_asked_for_anew(visitor: Visitor) -> None:
    page = log_in(visitor, ADA)
    page.click("#list a")
    expect(page.locator("#task")).to_be_visible()
    visitor.context.clear_cookies()
    page.click("#task >> text=Cancel")
    expect(page.locator("#login-email")).to_be_focused()
    address = page.url
    try_to_log_in(visitor, ADA)
    expect(page.locator("#task .lead .status")).to_have_text("queued")
    assert page.url == address, "one is where one was"
