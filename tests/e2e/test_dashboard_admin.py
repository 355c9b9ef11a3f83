"""The dashboard's pages for admins in a real browser; and what of them others see."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, expect
from tests.support.browser import Visitor, visiting
from tests.support.dashboard import HOSTILE, handlers, violations
from tests.support.http_api import Threaded, api_in_thread
from tests.support.people import ACCOUNTS, SECRET, Headers, bearer

from taskflow_hub import settings

pytestmark = pytest.mark.debian

ADA, VIC, OTTO, PASSWORD = "ada@example.org", "vic@example.org", "otto@example.org", "correct horse battery"
URL_PASSWORD = "the-databases-password"
TABS = ("users", "keys", "limits", "quotas", "audit", "settings")
LIMITED = {"type": "demo.hold", "limits": [{"key": "host:example.org", "running": 9}]}


class Hub:
    """A hub with an admin, a viewer of the same account, and a user of another one."""

    def __init__(self, server: Threaded) -> None:
        self.server = server
        self.ada: Headers = {}
        self.ada = bearer(self.post("/auth/register", {"email": ADA, "password": PASSWORD})["access_token"])
        for email, role, account in ((VIC, "viewer", "default"), (OTTO, "user", "others")):
            self.post("/users", {"email": email, "password": PASSWORD, "role": role, "account": account})

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.server.run(self.server.hub.client.post(path, json=body, headers=self.ada))
        assert answer.is_success, answer.text
        return answer.json()

    def status(self, path: str, headers: Headers) -> int:
        return self.server.run(self.server.hub.client.get(path, headers=headers)).status_code


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    environ = {
        "TASKFLOW_AUTH_SECRET": SECRET,
        "TASKFLOW_DATABASE_URL": f"postgresql://ada:{URL_PASSWORD}@db/hub",
        "TASKFLOW_BROKER_URL": f"redis://:{URL_PASSWORD}@cache:6379/0",
    }
    loaded = settings.load({"http.port": 8181}, environ=environ, file=tmp_path / "none.toml")
    shown = settings.shown(loaded.settings, loaded.origins)
    with api_in_thread(tmp_path, auth=ACCOUNTS, handlers=handlers(), shown=shown) as running:
        yield Hub(running)


@pytest.fixture
def visitor(browser: Browser, hub: Hub) -> Iterator[Visitor]:
    with visiting(browser, hub.server) as made:
        yield made


def log_in(visitor: Visitor, email: str, path: str = "/ui/admin") -> Page:
    page = visitor.page
    page.goto(f"{visitor.server.url}{path}")
    page.fill("#login-email", email)
    page.fill("#login-password", PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#who-email")).to_have_text(email)
    return page


def field(page: Page, label: str) -> Locator:
    return page.locator("dialog").get_by_label(label, exact=True)


def go(page: Page, tab: str) -> None:
    page.get_by_role("navigation", name="Administration").get_by_role("link", name=tab).click()
    expect(page.locator("h1")).to_have_text(tab)


def tabs_of(page: Page) -> list[str]:
    expect(page.locator("nav.tabs a").first).to_be_visible()
    return page.locator("nav.tabs a").all_inner_texts()


def test_a_user_is_added_and_their_role_changed(visitor: Visitor, hub: Hub) -> None:
    page = log_in(visitor, ADA)
    expect(page.locator("#users tbody tr")).to_have_count(3)
    page.click("#new-user")
    expect(field(page, "E-mail address")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.locator("#new-user")).to_be_focused()

    page.keyboard.press("Enter")
    field(page, "E-mail address").fill("grace@example.org")
    field(page, "Password").fill("short")
    page.get_by_role("button", name="Add").click()
    expect(field(page, "Password")).to_be_focused()
    expect(field(page, "Password")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("dialog .field .error")).to_contain_text("length >= 8")
    field(page, "Password").fill(PASSWORD)
    field(page, "E-mail address").fill(VIC)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("e-mail address")
    field(page, "E-mail address").fill("grace@example.org")
    field(page, "Role").select_option("viewer")
    page.get_by_role("button", name="Add").dblclick()
    expect(page.locator(".notice")).to_contain_text("grace@example.org can log in now.")
    expect(page.locator("#users tbody tr")).to_have_count(4)
    assert PASSWORD not in page.url

    page.get_by_role("button", name="Role of grace@example.org").click()
    field(page, "Role").select_option("user")
    page.get_by_role("button", name="Change it").click()
    expect(page.locator("[data-user='grace@example.org'] .tag")).to_have_text("user")
    expect(page.get_by_role("button", name="Role of grace@example.org")).to_be_focused()
    page.get_by_role("button", name=f"Role of {ADA}").click()
    field(page, "Role").select_option("user")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("alert")).to_contain_text("admin")
    expect(page.locator(f"[data-user='{ADA}'] .tag")).to_have_text("admin")


def test_a_key_is_made_used_and_revoked(visitor: Visitor, hub: Hub) -> None:
    page = log_in(visitor, ADA, "/ui/admin/keys")
    expect(page.locator(".empty")).to_contain_text("No keys yet.")
    page.click("#new-key")
    page.get_by_role("button", name="Make it").click()
    expect(field(page, "Name")).to_have_attribute("aria-invalid", "true")
    field(page, "Name").fill("nightly")
    field(page, "Only in the queues").fill("default, slow")
    field(page, "Good").select_option("a day")
    page.get_by_role("button", name="Make it").dblclick()
    secret = page.locator("#secret").inner_text()
    expect(page.get_by_role("button", name="Copy the secret")).to_be_visible()
    page.get_by_role("button", name="I have it").click()
    expect(page.locator("#keys tbody tr")).to_have_count(1)
    assert secret not in page.content()
    page.reload()
    row = page.locator("[data-key='nightly']")
    expect(row).to_contain_text("in default, slow only")
    expect(row).to_contain_text("ends in 1d")
    expect(row).to_contain_text("never")
    assert secret not in page.content()
    assert secret not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")

    assert hub.status("/tasks", bearer(secret)) == 200
    expect(row).not_to_contain_text("never")
    page.get_by_role("button", name="Revoke nightly").click()
    page.keyboard.press("Escape")
    assert hub.status("/tasks", bearer(secret)) == 200, "nothing is revoked that was not confirmed"
    page.get_by_role("button", name="Revoke nightly").click()
    page.get_by_role("button", name="Revoke it").click()
    expect(row).to_contain_text("revoked")
    assert hub.status("/tasks", bearer(secret)) == 401
    expect(page.get_by_role("button", name="Revoke nightly")).to_have_count(0)


def test_a_limit_set_here_holds_tasks_back(visitor: Visitor, hub: Hub) -> None:
    page = log_in(visitor, ADA, "/ui/admin/limits")
    page.click("#new-limit")
    field(page, "Key").fill("host:example.org")
    field(page, "How many may run at a time").fill("none")
    page.get_by_role("button", name="Set it").click()
    expect(field(page, "How many may run at a time")).to_be_focused()
    field(page, "How many may run at a time").fill("1")
    page.get_by_role("button", name="Set it").click()
    row = page.locator("[data-limit='host:example.org']")
    expect(row).to_contain_text("0 of 1")
    expect(row).to_contain_text("pinned")
    for _ in range(3):
        hub.post("/tasks", LIMITED)
    expect(row).to_contain_text("1 of 1")
    expect(row).to_contain_text("2 tasks")
    page.get_by_role("button", name="Change host:example.org").click()
    field(page, "How many may run at a time").fill("2")
    page.get_by_role("button", name="Set it").click()
    expect(row).to_contain_text("2 of 2")
    expect(row).to_contain_text("1 task")
    page.get_by_role("button", name="Unset host:example.org").click()
    page.get_by_role("button", name="Unset it").click()
    expect(row).to_have_count(0)
    page.goto(f"{hub.server.url}/ui/tasks?status=running")
    expect(page.locator("#list tbody tr")).to_have_count(3)


def test_a_quota_set_here_refuses_a_submit(visitor: Visitor, hub: Hub) -> None:
    page = log_in(visitor, ADA, "/ui/admin/quotas")
    expect(page.locator(".empty")).to_contain_text("No account has a quota.")
    page.click("#new-quota")
    field(page, "Account").fill("nobodys")
    page.get_by_role("button", name="Set it").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no account nobodys.")
    field(page, "Account").fill("default")
    field(page, "How many in a day").fill("1")
    page.get_by_role("button", name="Set it").click()
    card = page.locator("[data-account='default']")
    expect(card).to_contain_text("0 of 1")
    expect(card).to_contain_text("ada@example.org and 1 other")
    hub.post("/tasks", {"type": "demo.hold"})
    expect(card).to_contain_text("1 of 1")
    expect(card).to_contain_text("used up")
    page.click("#new")
    page.fill("#submit-type", "demo.hold")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("may submit 1 task a day")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Change the quota of default").click()
    field(page, "How many in a day").fill("")
    page.get_by_role("button", name="Set it").click()
    expect(card).to_have_count(0)


def test_the_audit_tells_what_was_changed(visitor: Visitor, hub: Hub) -> None:
    hub.post("/limits", {"key": "k", "running": 1})
    hub.post("/limits", {"key": "k", "running": 2})
    hub.post("/keys", {"name": "ci", "scopes": ["read"]})
    page = log_in(visitor, ADA, "/ui/admin/audit")
    entries = page.locator("#audit > li")
    expect(entries.first).to_contain_text("login.begin")
    page.select_option("#audit-action", "limit.set")
    expect(entries).to_have_count(2)
    expect(page).to_have_url(re.compile(r"/ui/admin/audit\?action=limit\.set$"))
    entries.first.locator("summary").click()
    row = entries.first.locator(".difference tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator("del")).to_have_text("1")
    expect(row.locator("ins")).to_have_text("2")
    page.reload()
    expect(entries).to_have_count(2)
    page.select_option("#audit-action", "")
    page.fill("#audit-actor", "nobody@example.org")
    page.keyboard.press("Enter")
    expect(page.locator(".empty")).to_contain_text("No entry matches.")
    page.get_by_role("link", name="Show all").click()
    page.select_option("#audit-entity", "key")
    expect(entries).to_have_count(1)
    expect(entries).to_contain_text("ci")
    entries.locator("summary").click()
    entries.get_by_role("button", name="only this").click()
    expect(page).to_have_url(re.compile("entity=key&id="))
    hub.post("/keys", {"name": "another", "scopes": ["read"]})
    page.goto(f"{hub.server.url}/ui/admin/audit?entity=key&within=15m")
    expect(entries).to_have_count(2)
    expect(entries.first).to_contain_text("another")


def test_an_answer_takes_no_word_away_that_one_is_typing(visitor: Visitor, hub: Hub) -> None:
    page = log_in(visitor, ADA, "/ui/admin/audit")
    entries, actor = page.locator("#audit > li"), page.locator("#audit-actor")
    expect(entries.first).to_contain_text("login.begin")
    actor.press_sequentially("nobody")
    hub.post("/keys", {"name": "ci", "scopes": ["read"]})
    expect(entries.first).to_contain_text("key.create")
    expect(actor).to_have_value("nobody")
    actor.press("Enter")
    expect(page.locator(".empty")).to_contain_text("No entry matches.")
    page.get_by_role("link", name="Show all").click()
    expect(entries.first).to_contain_text("key.create")
    expect(actor).to_have_value("")


def test_settings_show_no_secret(visitor: Visitor) -> None:
    answers: list[Response] = []
    visitor.page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 (no method will do)
    page = log_in(visitor, ADA, "/ui/admin/settings")
    hidden = page.locator("[data-setting='auth.secret']")
    expect(hidden).to_contain_text("********")
    expect(hidden).to_contain_text("secret hidden")
    expect(page.locator("[data-setting='database.url'] .value")).to_contain_text(
        "postgresql://ada:********@db/hub"
    )
    expect(page.locator("[data-setting='http.port']")).to_contain_text("8181")
    expect(page.locator("[data-setting='http.port']")).to_contain_text("command line")
    expect(page.locator("[data-setting='http.port']")).to_contain_text("Default: 8080.")
    expect(page.locator("#about")).to_contain_text("1.2.3")
    for tab in ("Users", "Keys", "Limits", "Quotas", "Audit", "Settings"):
        go(page, tab)
    told = page.content() + "".join(
        answer.text() for answer in answers if "json" in answer.headers.get("content-type", "")
    )
    assert '"auth.secret"' in told
    for secret in (SECRET, URL_PASSWORD):
        assert secret not in told
    page.fill("#find-setting", "http.keep_alive")
    expect(page.locator("[data-setting]")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?find=http\.keep_alive$"))
    page.fill("#find-setting", "")
    page.check("#only-set")
    expect(page.locator("[data-setting]")).to_have_count(4)
    page.fill("#find-setting", "no such setting")
    expect(page.locator(".empty")).to_contain_text("No setting matches.")


def test_who_is_no_admin_sees_what_is_theirs(browser: Browser, hub: Hub) -> None:
    hub.post("/keys", {"name": "adas-key", "scopes": ["read"]})
    hub.post("/limits", {"key": "adas-limit", "running": 1})
    for email, tabs in ((VIC, ["Limits", "Quotas"]), (OTTO, ["Keys", "Limits", "Quotas", "Audit"])):
        with visiting(browser, hub.server) as visitor:
            page = log_in(visitor, email)
            expect(page.get_by_role("link", name="Account")).to_have_attribute("aria-current", "page")
            assert tabs_of(page) == tabs
            for tab in {"Users", "Keys", "Audit", "Settings"} - set(tabs):
                page.goto(f"{hub.server.url}/ui/admin/{tab.lower()}")
                expect(page.locator("#refused")).to_be_visible()
            expect(page.locator("#refused")).to_contain_text("may")
            page.goto(f"{hub.server.url}/ui/admin/quotas")
            expect(page.locator("#quotas > li")).to_have_count(1)
            expect(page.locator("main .buttons, #new-quota")).to_have_count(0)
            for path in ("settings", "quotas", "accounts/default/quota"):
                status = page.evaluate(f"fetch('../{path}').then(answer => answer.status)")
                assert status == 403, path
            for tab in tabs:
                page.goto(f"{hub.server.url}/ui/admin/{tab.lower()}")
                expect(page.locator("main .empty, main table, main ol, main ul").first).to_be_visible()
                assert ADA not in page.locator("main").inner_text()
                assert "adas-key" not in page.locator("main").inner_text()
                if email == OTTO:
                    assert "adas-limit" not in page.locator("main").inner_text()


def test_a_viewer_may_look_and_not_act(visitor: Visitor, hub: Hub) -> None:
    hub.post("/limits", {"key": "k", "running": 1})
    page = log_in(visitor, VIC, "/ui/admin/limits")
    expect(page.locator("[data-limit='k']")).to_be_visible()
    expect(page.locator("main button")).to_have_count(1)
    page.get_by_role("button", name="Change your password…").click()
    field(page, "Present password").fill("not this one")
    field(page, "New password").fill("another horse battery")
    page.get_by_role("button", name="Change it").click()
    expect(page.locator("dialog .error:visible").first).to_be_visible()
    field(page, "Present password").fill(PASSWORD)
    page.get_by_role("button", name="Change it").click()
    expect(page.locator(".notice")).to_contain_text("Your password is changed.")
    expect(page.locator("[data-limit='k']")).to_be_visible()
    page.reload()
    expect(page.locator("#who-email")).to_have_text(VIC)


def test_whose_role_is_taken_meanwhile_is_told_why_not(visitor: Visitor, hub: Hub) -> None:
    eve = hub.post("/users", {"email": "eve@example.org", "password": PASSWORD, "role": "admin"})
    page = log_in(visitor, "eve@example.org", "/ui/admin/limits")
    assert tabs_of(page) == ["Users", "Keys", "Limits", "Quotas", "Audit", "Settings"]
    client = hub.server.hub.client
    answer = hub.server.run(client.patch(f"/users/{eve['id']}", json={"role": "user"}, headers=hub.ada))
    assert answer.is_success
    go(page, "Settings")
    expect(page.get_by_role("alert")).to_have_text("This needs the scope admin.")


def test_what_others_wrote_stays_text(visitor: Visitor, hub: Hub) -> None:
    hub.post("/keys", {"name": HOSTILE[:100], "scopes": ["read"]})
    hub.post("/limits", {"key": "<img/src=x/onerror=alert(1)>", "running": 1})
    page = log_in(visitor, ADA)
    for tab in TABS:
        page.goto(f"{hub.server.url}/ui/admin/{tab}")
        expect(page.locator("main table, main ol, main .empty, main .settings").first).to_be_visible()
        for summary in page.locator("summary").all():
            summary.click()
        assert page.locator("main img, main b, main script").count() == 0
    page.goto(f"{hub.server.url}/ui/admin/keys")
    expect(page.locator("#keys .name")).to_contain_text("<img src=x")
    page.goto(f"{hub.server.url}/ui/admin/audit?actor=%3Cimg%20src%3Dx%3E&id=%3Cscript%3E")
    expect(page.locator("#audit-actor")).to_have_value("<img src=x>")
    page.goto(f"{hub.server.url}/ui/admin/audit?action=no.such")
    expect(page.get_by_role("alert")).to_be_visible()
    assert "taken over" not in page.title()


def test_a_hub_without_accounts_shows_what_there_is(browser: Browser, served: Threaded) -> None:
    with visiting(browser, served) as visitor:
        page = visitor.open("/ui/admin")
        assert tabs_of(page) == ["Limits", "Quotas", "Audit", "Settings"]
        expect(page.get_by_role("button", name="Change your password…")).to_have_count(0)
        page.click("#new-limit")
        field(page, "Key").fill("k")
        field(page, "How many may run at a time").fill("3")
        page.keyboard.press("Enter")
        expect(page.locator("[data-limit='k']")).to_contain_text("0 of 3")
        go(page, "Audit")
        expect(page.locator("#audit > li")).to_contain_text("anybody")
        go(page, "Settings")
        expect(page.locator(".empty")).to_contain_text("was not told its settings")
        for tab in ("users", "keys"):
            visitor.open(f"/ui/admin/{tab}")
            expect(page.locator("#refused")).to_contain_text("This hub has no accounts")
        visitor.open("/ui/admin/nothing")
        expect(page.locator("h1")).to_have_text("There is no such page")
        page.keyboard.type("ga")
        expect(page).to_have_url(f"{served.url}/ui/admin")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 375])
def test_it_fits_and_can_be_read(browser: Browser, hub: Hub, scheme: str, width: int) -> None:
    hub.post("/keys", {"name": "k" * 100, "scopes": ["read", "work"], "queues": ["q" * 60, "r" * 60]})
    hub.post("/keys", {"name": "short", "scopes": ["read"], "expires_in": 3600})
    hub.post("/limits", {"key": "x" * 100, "running": 1, "per_second": 0.5})
    for _ in range(2):
        hub.post("/tasks", {"type": "demo.hold", "limits": [{"key": "x" * 100, "running": 1}]})
    client = hub.server.hub.client
    quota = {"per_minute": 5, "per_day": 1_000_000_000, "queued": 1, "weight": 2}
    hub.server.run(client.patch("/accounts/default/quota", json=quota, headers=hub.ada))
    hub.server.run(client.patch(f"/queues/{'q' * 60}", json={"max_size": 5}, headers=hub.ada))
    with visiting(
        browser,
        hub.server,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
    ) as visitor:
        page = log_in(visitor, ADA)

        def look(what: str) -> None:
            overflow = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert overflow == 0, f"{what} is {overflow} pixels too wide"
            assert violations(page) == [], what

        for tab in TABS:
            page.goto(f"{hub.server.url}/ui/admin/{tab}")
            expect(page.locator("main table, main ol, main ul, main .settings").first).to_be_visible()
            if tab == "audit":
                for summary in page.locator("summary").all()[:3]:
                    summary.click()
            look(tab)
            form = page.locator(".page-head .tools button")
            if form.count():
                form.click()
                expect(page.locator("dialog")).to_be_visible()
                look(f"the form of {tab}")
