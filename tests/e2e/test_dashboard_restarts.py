"""The hub is killed under open pages, and comes back: the same, another, or newer. Nobody reloads a page for it."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.support.browser import WIDE
from tests.support.hub_process import HubProcess
from tests.support.people import SECRET

import taskflow_hub

pytestmark = pytest.mark.debian

ADA: Final = {"email": "ada@example.org", "password": "correct horse battery"}
TITLES: Final = ("Tasks", "Queues", "Workflows", "Schedules", "Workers")


class Tab:
    """A page, in a browser of its own, for one browser lends a host six connections; logged in as the first is."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.goto(url)
        # Of this very document: a reload would make another.
        self.page.evaluate("window.opened = true")

    def is_live(self) -> None:
        expect(self.page.locator("#live")).to_have_attribute("data-state", "live")
        expect(self.page.locator("#lost")).to_have_count(0)

    def is_lost(self) -> None:
        expect(self.page.locator("#lost")).to_be_visible()
        expect(self.page.locator("#live-text")).to_have_text("not connected")

    @property
    def never_reloaded(self) -> bool:
        return self.page.evaluate("window.opened === true") is True


def log_in(page: Page, url: str) -> None:
    page.goto(url)
    again(page)


def again(page: Page) -> None:
    page.fill("#login-email", ADA["email"])
    page.fill("#login-password", ADA["password"])
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#who-email")).to_have_text(ADA["email"])


def register(hub: HubProcess) -> None:
    hub.client.headers.pop("Authorization", None)
    answer = hub.post("/auth/register", ADA)
    assert answer.status_code == 201, answer.text
    hub.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def made(hub: HubProcess, path: str, body: Any) -> str:
    answer = hub.post(path, body)
    assert answer.is_success, answer.text
    made_id: str = answer.json()["id"]
    return made_id


def with_other_names(folder: Path) -> Path:
    """A hub of tomorrow: the same, but that the names of its dashboard's files are others."""
    package = folder / "taskflow_hub"
    shutil.copytree(Path(taskflow_hub.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    ui = package / "http" / "ui"
    renamed = {
        file.name: re.sub(r"-[\w-]{8}\.", "-tomorrow.", file.name) for file in (ui / "assets").iterdir()
    }
    assert len({*renamed.values()} - {*renamed}) == len(renamed)
    for file in [ui / "index.html", *(ui / "assets").iterdir()]:
        text = file.read_text()
        for old, new in renamed.items():
            text = text.replace(old, new)
        file.write_text(text)
        if file.name in renamed:
            file.rename(file.with_name(renamed[file.name]))
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    environ = {"TASKFLOW_AUTH_SECRET": SECRET, "TASKFLOW_WORKER_GRACE": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    with HubProcess(tmp_path, environ=environ) as running:
        register(running)
        yield running


@pytest.mark.timeout(480)
def test_the_hub_is_killed_under_every_page(browser: Browser, hub: HubProcess, tmp_path: Path) -> None:
    sleeps = made(hub, "/tasks", {"type": "demo.sleep", "payload": {"seconds": 3600}})
    made(hub, "/tasks", {"type": "nobody.serves", "queue": "far"})
    flow = made(hub, "/workflows", {"name": "steps", "nodes": {"only": {"type": "nobody.serves"}}})
    made(hub, "/schedules", {"name": "nightly", "cron": "30 2 * * *", "task": {"type": "demo.noop"}})
    hub.until(sleeps, "running")
    ui = f"{hub.url}/ui"
    with contextlib.ExitStack() as contexts:

        def context(**options: Any) -> BrowserContext:
            opened = browser.new_context(viewport=WIDE, **options)
            contexts.callback(opened.close)
            return opened

        first = context()
        log_in(first.new_page(), ui)
        known: Any = first.storage_state()
        paths = {
            "tasks": "/tasks",
            "task": f"/tasks/{sleeps}",
            "queues": "/queues",
            "workflows": "/workflows",
            "workflow": f"/workflows/{flow}",
            "schedules": "/schedules",
            "workers": "/workers",
        }
        tabs = {name: Tab(context(storage_state=known), ui + path) for name, path in paths.items()}
        page = {name: tab.page for name, tab in tabs.items()}
        for tab in tabs.values():
            tab.is_live()
        expect(page["tasks"].locator("#list tbody tr")).to_have_count(3)
        expect(page["task"].locator(".lead .status")).to_have_text("running")

        # --- killed: every page says so, and goes on showing what it knew

        hub.kill()
        for tab in tabs.values():
            tab.is_lost()
        expect(page["tasks"].locator("#list tbody tr")).to_have_count(3)
        expect(page["task"].locator(".lead .status")).to_have_text("running")
        page["tasks"].click("nav >> text=Workers")  # one can go to pages that were never looked at
        expect(page["tasks"].locator("h1")).to_have_text("Workers")
        page["tasks"].go_back()

        # --- back, and things have changed: every page shows them, and whoever was logged in still is

        hub.start()
        hub.post(f"/tasks/{sleeps}/cancel")
        made(hub, "/tasks", {"type": "nobody.serves", "queue": "far"})
        made(hub, "/workflows", {"name": "more", "nodes": {"only": {"type": "nobody.serves"}}})
        for path in ("/queues/far/pause", f"/workflows/{flow}/cancel", "/schedules/nightly/pause"):
            assert hub.post(path).is_success
        for tab in tabs.values():
            tab.is_live()
            expect(tab.page.locator("#who-email")).to_have_text(ADA["email"])
        expect(page["tasks"].locator("#list tbody tr")).to_have_count(5)
        expect(page["task"].locator(".lead .status")).to_have_text("cancelled")
        expect(page["queues"].locator('[data-queue="far"]')).to_contain_text("paused")
        expect(page["workflows"].locator("#workflows tbody tr")).to_have_count(2)
        expect(page["workflow"].locator(".lead .status")).to_have_text("cancelled")
        expect(page["schedules"].locator("#schedules")).to_contain_text("paused")
        expect(page["workers"].locator("#workers > li")).to_have_count(1)
        expect(page["workers"].locator("#workers > li")).to_contain_text(f"process {hub.pid}")
        assert all(tab.never_reloaded for tab in tabs.values())

        # --- back, and newer: what is shown goes on, and the next page is the newer dashboard's

        hub.kill()
        for tab in tabs.values():
            tab.is_lost()
        hub.environ["PYTHONPATH"] = str(with_other_names(tmp_path / "tomorrow"))
        hub.start()
        for tab in tabs.values():
            tab.is_live()
            expect(tab.page.locator("#upgraded")).to_be_visible()
        made(hub, "/tasks", {"type": "nobody.serves"})
        expect(page["tasks"].locator("#list tbody tr")).to_have_count(6)
        assert all(tab.never_reloaded for tab in tabs.values())
        for title in TITLES[1:]:
            page["task"].get_by_role("link", name=title, exact=True).click()
            expect(page["task"].locator("h1")).to_have_text(title)
            expect(page["task"].locator("#upgraded")).to_have_count(0)
        script = page["task"].locator('script[type="module"]').get_attribute("src")
        assert script is not None
        assert "tomorrow" in script
        page["queues"].click("text=Load the new dashboard")
        expect(page["queues"].locator('[data-queue="far"]')).to_contain_text("paused")
        expect(page["queues"].locator("#upgraded")).to_have_count(0)
        tabs["queues"].is_live()

        # --- back, and it is another: nothing is left of what one saw, and nobody is known

        hub.kill()
        hub.environ["TASKFLOW_DATABASE_URL"] = f"sqlite:///{tmp_path}/another.db"
        hub.start()
        register(hub)
        for tab in tabs.values():
            expect(tab.page.locator("#login-email")).to_be_visible()
            expect(tab.page.locator("main .card, .list")).to_have_count(1)  # the form
        for name, words in (
            ("tasks", "No tasks yet"),
            ("workflow", "There is no workflow"),
            ("schedules", "No schedules yet"),
        ):
            again(page[name])
            expect(page[name].locator("main")).to_contain_text(words)
            tabs[name].is_live()
        assert [tab.faults for tab in tabs.values()] == [[]] * len(tabs)


@contextlib.contextmanager
def without(browser: Browser, hub: HubProcess, missing: str) -> Iterator[Tab]:
    """The list of tasks, where nothing can be had whose address matches `missing`."""
    context = browser.new_context(viewport=WIDE)
    context.route(re.compile(missing), lambda route: route.abort())
    tab = Tab(context, f"{hub.url}/ui/tasks")
    again(tab.page)
    tab.is_live()
    yield tab
    assert tab.faults == []
    context.close()


def test_a_page_that_cannot_be_had_is_waited_for(browser: Browser, hub: HubProcess) -> None:
    """What one sees stays as long as nothing can be had; then one goes there by oneself."""
    with without(browser, hub, r"QueuesPage|/ui/$") as tab:
        page = tab.page
        with page.expect_event("requestfailed", lambda request: request.url.endswith("/ui/")):
            page.click("nav >> text=Queues")
        expect(page.locator("h1")).to_have_text("Tasks")
        assert tab.never_reloaded
        page.context.unroute_all(behavior="wait")
        expect(page.locator("h1")).to_have_text("Queues")


def test_a_page_that_is_missing_alone_is_waited_for(browser: Browser, hub: HubProcess) -> None:
    """The hub is there: it may be a newer one, so the page is loaded anew, and again until it can be had."""
    with without(browser, hub, "QueuesPage") as tab:
        page = tab.page
        page.click("nav >> text=Queues")
        expect(page).to_have_url(f"{hub.url}/ui/queues")
        assert not tab.never_reloaded
        with page.expect_event("requestfailed", lambda request: "QueuesPage" in request.url):
            pass  # once more, by itself
        page.context.unroute_all(behavior="wait")
        expect(page.locator("h1")).to_have_text("Queues")
