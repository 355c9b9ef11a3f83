"""What is seen of the dashboard: it fits, can be read, is named; and what others wrote in a task stays text."""

import pytest
from playwright.sync_api import Browser, expect
from tests.support.browser import WIDE, Visitor, visiting
from tests.support.dashboard import HOSTILE, flows, kind_of, scheduled, submit, violations
from tests.support.http_api import Threaded
from tests.support.prefix_proxy import below

pytestmark = pytest.mark.debian

NARROW = {"width": 375, "height": 800}
ROOMY = {"width": 1440, "height": 900}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [ROOMY, NARROW], ids=["wide", "narrow"])
def test_it_fits_and_can_be_read(
    browser: Browser, served: Threaded, scheme: str, size: dict[str, int]
) -> None:
    long = submit(served, "demo.fail", {"text": "x" * 300 + "\nline" * 200}, tags=["a-very-long-tag-" * 4])
    waits = submit(served, "x" * 80, {"שלום": "مرحبا بالعالم"}, queue="y" * 60)
    held = submit(served, "demo.hold")
    drawn = submit(served, "demo.draw")
    flow = flows(served, HOSTILE)
    plan = scheduled(
        served,
        {"name": "x" * 100, "every": "1s", "task": {"type": "demo.fail", "payload": {"text": HOSTILE}}},
    )
    kind = kind_of(served, long)
    served.run(served.hub.client.post("/queues/night/pause"))
    submit(served, "web.title", {"url": "http://a"}, queue="night")
    paths = [
        "/ui/",
        "/ui/?range=7d&axis=linear&table=1",
        "/ui/tasks",
        "/ui/tasks?type=nothing.there",
        "/ui/tasks?new=web.title",
        "/ui/tasks?new=1",
        f"/ui/tasks/{long}?new=1&from={long}",
        "/ui/tasks?status=failed&bulk=redrive",
        *(f"/ui/tasks/{task}" for task in (long, waits, held, drawn)),
        "/ui/failures",
        f"/ui/failures?sort=count&range=24h&fingerprint={kind}",
        "/ui/failures?type=nothing.there",
        f"/ui/failures?fingerprint={kind}&bulk=redrive",
        "/ui/queues",
        "/ui/queues?trend=default&range=24h",
        "/ui/workers",
        "/ui/workflows",
        f"/ui/workflows/{flow}?node=each",
        f"/ui/workflows/{flow}?view=time",
        "/ui/schedules",
        f"/ui/schedules/{plan}",
    ]
    with visiting(browser, served, viewport=size, color_scheme=scheme, reduced_motion="reduce") as visitor:
        for path in paths:
            page = visitor.open(path)
            expect(page.locator("main")).not_to_be_empty()
            expect(
                page.locator(
                    "main .status, main .plot svg, main .card, main .empty, main #empty, main #schedules, main #failures"
                ).first
            ).to_be_visible()
            overflow = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert overflow == 0, f"{path} is {overflow} pixels too wide"
            assert violations(page) == [], path


def test_a_hostile_task_is_only_text(visitor: Visitor, served: Threaded) -> None:
    tasks = [
        submit(served, "demo.fail", {"text": HOSTILE}, tags=["<b>bold"]),
        submit(served, "demo.speak", {"text": HOSTILE}, tags=["<b>bold"]),
    ]
    graph = {"name": "w", "nodes": {"a": {"type": "nobody.serves", "payload": {HOSTILE: [HOSTILE]}}}}
    served.run(served.hub.client.post("/workflows", json=graph))
    page = visitor.open()
    expect(page.locator("#list tbody tr")).to_have_count(3)
    expect(page.locator("#list")).to_contain_text("<img src=x")
    for task in tasks:
        page = visitor.open(f"/ui/tasks/{task}")
        expect(page.locator("#payload")).to_contain_text(HOSTILE)
        expect(page.locator(".facts")).to_contain_text("<b>bold")
        page.click("text=Edit and submit…")
        expect(page.locator("#submit-payload")).to_have_value(f'{{\n  "text": {_quoted(HOSTILE)}\n}}')
        page.keyboard.press("Escape")
        assert page.locator("img:not([src='icon.svg']), main b, main script").count() == 0
    expect(page.locator(".log")).to_contain_text(HOSTILE)
    expect(page.locator("#result")).to_contain_text(f"{HOSTILE}: {HOSTILE}")
    page.goto(f"{served.url}/ui/tasks?tag=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    expect(page.locator(".chip.condition")).to_contain_text("<img src=x onerror=alert(1)>")
    assert "taken over" not in page.title()
    assert page.locator("script").count() == 2


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def test_a_picture_is_shown_only_if_it_is_one(visitor: Visitor, served: Threaded) -> None:
    script = "data:image/svg+xml;base64," + "A" * 100
    task = submit(served, "demo.speak", {"text": script})
    page = visitor.open(f"/ui/tasks/{task}")
    expect(page.locator("#payload")).to_contain_text(script)
    expect(page.locator("main img")).to_have_count(0)


def test_it_works_below_any_prefix(browser: Browser, served: Threaded) -> None:
    """A proxy that takes a prefix away tells the hub nothing of it: the page finds its way by itself, and so do its streams."""
    task = submit(served, "demo.hold")
    flow = flows(served)
    context = browser.new_context(viewport=WIDE)
    page, asked = context.new_page(), set[str]()
    page.on("request", lambda request: asked.add(request.url))
    with below(served, "/any/where") as root:
        page.goto(f"{root}/ui/tasks/{task}")
        expect(page.locator("#task h1")).to_have_text("demo.hold")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        page.click("#task >> text=Cancel")
        expect(page.locator("#task .lead .status")).to_have_text("cancelled")
        page.click("nav >> text=Queues")
        expect(page).to_have_url(f"{root}/ui/queues")
        expect(page.locator("[data-queue]").first).to_be_visible()
        page.reload()
        expect(page.locator("[data-queue]").first).to_be_visible()
        page.goto(f"{root}/ui/workflows/{flow}?node=each")
        page.locator("#items li a").first.click()
        expect(page.locator("#task h1")).to_have_text("web.title")
        page.click("text=API")
        expect(page).to_have_url(f"{root}/docs")
        assert {url for url in asked if not url.startswith(root)} == set()
        context.close()
