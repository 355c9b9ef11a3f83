"""What is hard to show and to reach: long, many, deep, from right to left; by keyboard alone, magnified, without motion."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import WIDE, Visitor, visiting
from tests.support.dashboard import AXE, handlers
from tests.support.hard_content import ARABIC, LONG, TURNED, Hard, fill
from tests.support.http_api import Threaded, api_in_thread

pytestmark = [pytest.mark.debian, pytest.mark.timeout(480)]

# 320 pixels are 1280 at a zoom of 400 %, 640 at 200 %.
WIDTHS: Final = (320, 375, 640, 768, 1440)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Threaded]:
    with api_in_thread(tmp_path_factory.mktemp("hard"), handlers=handlers()) as running:
        yield running


@pytest.fixture(scope="module")
def hard(served: Threaded) -> Hard:
    return fill(served, queues=40, workers=12, schedules=4, nodes=60, items=250)


def pages_of(hard: Hard) -> list[str]:
    return [
        "/ui/workers",  # first, as long as those that were only registered are thought alive
        "/ui/tasks?columns=queue,tags,priority,attempt,took,worker",
        *(f"/ui/tasks/{hard.tasks[name]}" for name in ("long", "lines", "speaks", "deep", "held", "large")),
        "/ui/queues",
        "/ui/workflows",
        *(f"/ui/workflows/{hard.flows[name]}" for name in ("wide", "edges")),
        f"/ui/workflows/{hard.flows['fan']}?node=each",
        f"/ui/workflows/{hard.flows['failed']}?view=time",
        "/ui/schedules",
        f"/ui/schedules/{hard.schedule}",
    ]


def ready(visitor: Visitor, path: str) -> Page:
    page = visitor.open(path)
    expect(page.locator("main .status, main .card, main #schedules").first).to_be_visible()
    return page


def test_it_fits_at_every_width_and_can_be_read_in_the_dark(
    browser: Browser, served: Threaded, hard: Hard
) -> None:
    with visiting(browser, served, viewport=WIDE, color_scheme="dark", reduced_motion="reduce") as visitor:
        for path in pages_of(hard):
            page = ready(visitor, path)
            for details in page.locator(".json details:not([open]) > summary").all()[:3]:
                details.click()
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                over = page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert over == 0, f"{path} is {over} pixels too wide at {width}"
            page.evaluate(AXE.read_text())
            found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            serious = [one["id"] for one in found["violations"] if one["impact"] in {"serious", "critical"}]
            assert serious == [], path


def test_what_is_cut_can_be_read(browser: Browser, served: Threaded, hard: Hard) -> None:
    with visiting(browser, served) as visitor:
        page = ready(visitor, f"/ui/tasks/{hard.tasks['long']}")
        expect(page.locator("#error .failure")).to_have_text(re.compile("^ValueError: x{600} …$"))
        page.click("text=show all 3,000 characters >> nth=0")
        expect(page.locator("#error .failure")).to_have_text(re.compile("^ValueError: x{3000}$"))
        page = ready(visitor, f"/ui/workflows/{hard.flows['fan']}?node=big")
        expect(page.locator("#items li").first).to_contain_text("its result is large: it is with its task")
        expect(page.locator('[data-node="one"] title')).to_contain_text("its result is large")
        page = ready(visitor, f"/ui/workflows/{hard.flows['fan']}?node=each")
        expect(page.locator("#items li").first).to_contain_text('{"title":"Example","url":"http://a"}')
        page = ready(visitor, f"/ui/schedules/{hard.schedule}")
        told = page.locator(
            "#history li", has_text=re.compile(r"fired.*\d m?s late")
        )  # the newest may not have started yet
        expect(told.first).to_be_visible()
        page = ready(visitor, "/ui/queues")
        page.fill("#queue-name", "queue-39")
        expect(page.locator("[data-queue]")).to_have_count(1)
        page = ready(visitor, "/ui/tasks")
        row = page.locator("#list tr", has_text=ARABIC[:10]).first
        expect(row.locator(".col-note")).to_have_attribute("title", re.compile("^ValueError: "))


def test_text_turns_nothing_but_itself(browser: Browser, served: Threaded, hard: Hard) -> None:
    """What is from right to left stands apart from what is beside it; what would turn that, too, is shown and does not."""
    with visiting(browser, served) as visitor:
        page = ready(visitor, f"/ui/tasks/{hard.tasks['speaks']}")
        shown = TURNED.replace("\u202e", "\\u202e")
        for place in ("#payload", "#result", "#log"):
            expect(page.locator(place)).to_contain_text(shown)
        assert "\u202e" not in page.locator("main").inner_text()
        for apart in ("#log bdi", "#result .json-name bdi", "#payload .json-string"):
            found = page.locator(apart).first.evaluate("(one) => getComputedStyle(one).unicodeBidi")
            assert found in {"isolate", "plaintext"}, apart


def test_chosen_columns_are_shown_on_a_phone(browser: Browser, served: Threaded, hard: Hard) -> None:
    with visiting(browser, served, viewport={"width": 375, "height": 800}) as visitor:
        page = ready(visitor, "/ui/tasks")
        expect(page.locator("#list td.col-queue").first).not_to_be_visible()
        page.click("text=Columns")
        page.get_by_label("Priority").check()
        expect(page.locator("#list td.col-priority").first).to_be_visible()
        ready(visitor, "/ui/workers")
        expect(page.locator("nav [aria-current]")).to_be_in_viewport(ratio=1)
        ready(visitor, f"/ui/workflows/{hard.flows['failed']}?view=time")
        expect(page.locator(".lanes li").last).to_contain_text(LONG[:64])


# --- lines of a graph

CROSSED: Final = """() => {
  const boxes = [...document.querySelectorAll(".node")].map((one) => [one.dataset.node, one.querySelector("rect").getBBox()]);
  return [...document.querySelectorAll(".edge")].flatMap((line) => {
    const [from, to] = line.querySelector("title").textContent.split(/ → |, on /), met = [];
    const length = line.getTotalLength();
    for (let at = 0; at <= length; at += 4) {
      const {x, y} = line.getPointAtLength(at);
      for (const [name, box] of boxes)
        if (name !== from && name !== to && x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height)
          met.push(name);
    }
    return [...new Set(met)].map((name) => `${from} → ${to} behind ${name}`);
  });
}"""


@pytest.mark.parametrize("name", ["edges", "wide", "fan"])
def test_no_line_runs_behind_a_box(browser: Browser, served: Threaded, hard: Hard, name: str) -> None:
    with visiting(browser, served) as visitor:
        page = ready(visitor, f"/ui/workflows/{hard.flows[name]}")
        expect(page.locator(".edge").first).to_be_attached()
        assert page.evaluate(CROSSED) == []
        page.locator("a.node").first.focus()
        expect(page.locator(".edge.near").first).to_be_attached()


# --- keyboard

REACHABLE: Final = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((one) => !one.disabled && one.checkVisibility() && !one.closest(".hidden")).map((one, n) => (one.dataset.n = n))"""
FOCUSED: Final = """() => {
  const one = document.activeElement, drawn = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const seen = drawn(getComputedStyle(one)) || drawn(getComputedStyle(one, "::after"))
    || (one.querySelector(":scope > rect") && getComputedStyle(one.querySelector("rect")).strokeWidth === "3px");
  return [one.dataset?.n ?? null, Boolean(seen), one.outerHTML.slice(0, 120)];
}"""


def test_everything_is_reached_by_tab_and_seen_to_be(browser: Browser, served: Threaded, hard: Hard) -> None:
    with visiting(browser, served) as visitor:
        for path in (
            "/ui/tasks?status=failed&columns=queue",
            f"/ui/tasks/{hard.tasks['lines']}",
            f"/ui/workflows/{hard.flows['edges']}",
            "/ui/queues?name=queue-1",
            f"/ui/schedules/{hard.schedule}",
            "/ui/schedules",
        ):
            page = ready(visitor, path)
            page.evaluate("document.querySelectorAll('main').forEach((one) => one.focus())")
            wanted = {str(n) for n in page.evaluate(REACHABLE)}
            reached, unseen = set(), []
            for _ in range(3 * len(wanted)):
                page.keyboard.press("Tab")
                n, seen, html = page.evaluate(FOCUSED)
                reached.add(n)
                if n is not None and not seen:
                    unseen.append(html)
                if wanted <= reached:
                    break
            kept = {
                str(n)
                for n in page.evaluate(
                    "[...document.querySelectorAll('[data-n]')].map((one) => one.dataset.n)"
                )
            }
            assert (wanted & kept) - reached == set(), path
            assert unseen == [], path


def test_escape_closes_what_is_uppermost_and_gives_the_focus_back(
    browser: Browser, served: Threaded, hard: Hard
) -> None:
    with visiting(browser, served) as visitor:
        page = ready(visitor, f"/ui/tasks/{hard.tasks['speaks']}")
        page.locator("summary", has_text="Copy as").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".menu-items")).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(page.locator(".menu-items")).not_to_be_visible()
        expect(page.locator("summary", has_text="Copy as")).to_be_focused()

        page.locator("#log-words").focus()
        page.keyboard.press("Escape")
        expect(page.locator("#log-words")).not_to_be_focused()
        expect(page.locator("#task")).to_be_visible()

        page.locator("#new").focus()
        page.keyboard.press("Enter")
        expect(page.locator("dialog[open]")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_have_count(0)
        expect(page.locator("#new")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("dialog[open]")).to_be_visible()
        page.go_back()
        expect(page.locator("dialog")).to_have_count(0)
        expect(page.locator("#new")).to_be_focused()
        page.keyboard.press("?")
        expect(page.locator("dialog[open]")).to_contain_text("these keys")
        page.keyboard.press("Escape")
        expect(page.locator("#new")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("h1")).to_have_text("Tasks")

        page = ready(visitor, f"/ui/schedules/{hard.schedule}")
        page.click("text=Change when…")
        page.locator("#tz").focus()
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        expect(page.locator("#tz")).to_have_count(0)
        expect(page.locator("#schedule")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#schedules")).to_be_visible()


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
def test_nothing_moves_for_whoever_wants_that(
    browser: Browser, served: Threaded, hard: Hard, motion: str, moves: bool
) -> None:
    with visiting(browser, served, reduced_motion=motion) as visitor:
        page = ready(visitor, f"/ui/tasks/{hard.tasks['held']}")
        expect(page.locator(".lead .status")).to_have_text("running")
        assert (page.evaluate("document.getAnimations().length") > 0) is moves
