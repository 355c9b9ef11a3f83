"""What charts make of numbers: the hub's answers are made up here, so that each case of axis, gap and clock is one."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.support.browser import Visitor, visiting
from tests.support.dashboard import handlers
from tests.support.http_api import Threaded, api_in_thread

pytestmark = pytest.mark.debian

STEPS: Final = {"1h": (60, 60), "24h": (900, 96), "7d": (7200, 84)}
END: Final = datetime(2026, 3, 31, 12, tzinfo=UTC)  # two days after the clocks of Amsterdam went forward
CALM: Final[dict[str, Any]] = {
    "success": 0, "failed": 0, "cancelled": 0, "queued": 0, "running": 0, "oldest_age": None,
    "wait_p50": None, "wait_p95": None, "run_p50": None, "run_p95": None,
}  # fmt: skip
HEIGHT: Final = 138  # of a plot without its axes
Overview = Callable[..., Page]


def made_up(within: str, steps: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Calm but for what is said of some steps, which are counted from the first."""
    length, count = STEPS[within]
    first = END - timedelta(seconds=length * count)
    moments = [
        (first + timedelta(seconds=length * n)).isoformat().replace("+00:00", "Z") for n in range(count)
    ]
    points = [{"at": at, **CALM, **steps.get(n, {})} for n, at in enumerate(moments)]
    workers = {"alive": 1, "draining": 0, "slots": 20, "busy": 1}
    return {
        "range": within,
        "step": length,
        "from": moments[0],
        "to": END.isoformat().replace("+00:00", "Z"),
        "now": {"queued": 0, "running": 1, "scheduled": 0, "oldest_age": None, "workers": workers},
        "totals": {"success": 0, "failed": 0, "cancelled": 0},
        "points": points,
        "types": [],
        "attention": [],
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Threaded]:
    """One for all, for it is asked for its page and nothing else."""
    with api_in_thread(tmp_path_factory.mktemp("hub"), handlers=handlers()) as running:
        yield running


@pytest.fixture
def overview(browser: Browser, served: Threaded) -> Iterator[Overview]:
    """Opens the page on what a hub is made to answer, in Amsterdam."""
    with visiting(browser, served, timezone_id="Europe/Amsterdam", locale="en-GB") as visitor:

        def opened(steps: Mapping[int, Mapping[str, Any]], *, within: str = "1h", query: str = "") -> Page:
            def answer(route: Route) -> None:
                route.fulfill(json=made_up(within, steps))

            visitor.page.route("**/overview?*", answer)
            page = visitor.open(f"/ui/?range={within}{query}")
            expect(page.locator("[data-chart=latency] .plot svg")).to_be_visible()
            return page

        yield opened


def path_of(page: Page, chart: str, kind: str, look: str) -> str:
    drawn = page.locator(f'[data-chart={chart}] .plot path.{kind}[data-look="{look}"]').get_attribute("d")
    assert drawn is not None
    return drawn


def labels(page: Page, chart: str, *, of: str = "g.tick:not(.time)") -> list[str]:
    return page.locator(f"[data-chart={chart}] .plot {of} text").all_text_contents()


def bars_of(page: Page, look: str) -> list[tuple[int, int, int, int]]:
    """Left, bottom, width and height of each bar."""
    drawn = re.findall(r"M(\d+) (\d+)h(\d+)v-(\d+)h-\d+z", path_of(page, "ended", "bars", look))
    return [(int(x), int(y), int(width), int(height)) for x, y, width, height in drawn]


def test_what_nobody_counted_is_a_gap_and_zero_is_none(overview: Overview) -> None:
    away: dict[str, Any] = {"queued": None, "running": None}
    steps = {n: {"queued": n % 3, "running": 0} for n in range(60)} | dict.fromkeys([20, 21, 22, 24], away)
    page = overview(steps)
    for look in ("queued", "running"):
        line = path_of(page, "depth", "line", look)
        assert line.count("M") == 2, "it ends where nobody counted, and begins again"
        assert line.count("L") == 19 + 34
        assert path_of(page, "depth", "dots", look).count("M") == 1, "a count between two gaps is a dot"
    assert {y for _, y in places(path_of(page, "depth", "line", "running"))} == {HEIGHT}, (
        "zero is on the ground"
    )
    for chart in ("ended", "depth", "latency"):
        gone = page.locator(f"[data-chart={chart}] rect.away")
        expect(gone).to_have_count(2)
        first, second = (int(gone.nth(n).get_attribute("width") or 0) for n in (0, 1))
        assert abs(first - 3 * second) <= 3


def places(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, ["0", "1"]),
        (1, ["0", "1"]),
        (4, ["0", "1", "2", "3", "4"]),
        (47, ["0", "10", "20", "30", "40", "50"]),
        (1_001, ["0", "500", "1K", "1.5K"]),
        (9_999_999, ["0", "2M", "4M", "6M", "8M", "10M"]),
    ],
)
def test_counts_have_whole_and_round_ticks(overview: Overview, most: int, ticks: list[str]) -> None:
    page = overview({30: {"queued": most}})
    assert labels(page, "depth") == ticks
    top = min(y for _, y in places(path_of(page, "depth", "line", "queued")))
    assert 0 <= top <= HEIGHT


@pytest.mark.parametrize(
    ("query", "wait", "run", "ticks"),
    [
        ("", 0.004, 30.0, ["1 ms", "10 ms", "100 ms", "1 s", "10 s", "1 min"]),
        ("", 0.0, 0.02, ["1 ms", "10 ms", "100 ms"]),
        ("", 2.0, 400_000.0, ["10 s", "10 min", "6 h", "10 d"]),
        ("&axis=linear", 0.004, 0.03, ["0", "10 ms", "20 ms", "30 ms"]),
        ("&axis=linear", 1.0, 42.0, ["0", "10 s", "20 s", "30 s", "40 s", "50 s"]),
        ("&axis=linear", 1.0, 500.0, ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]),
        ("&axis=linear", 1.0, 40_000.0, ["0", "3 h", "6 h", "9 h", "12 h"]),
    ],
)
def test_durations_have_ticks_that_are_read_at_once(
    overview: Overview, query: str, wait: float, run: float, ticks: list[str]
) -> None:
    measured = {"wait_p50": wait, "wait_p95": wait, "run_p50": run, "run_p95": run}
    page = overview({10: measured, 11: measured}, query=query)
    assert labels(page, "latency") == ticks
    for look in ("wait", "wait-most", "run", "run-most"):
        assert all(0 <= y <= HEIGHT for _, y in places(path_of(page, "latency", "line", look)))


def test_the_axis_of_durations_is_chosen(overview: Overview) -> None:
    page = overview({10: {"run_p50": 0.5}})
    page.get_by_role("button", name="linear").click()
    expect(page).to_have_url(re.compile(r"axis=linear"))
    expect(page.locator("[data-chart=latency] g.tick:not(.time) text").first).to_have_text("0")
    page.get_by_role("button", name="log", exact=True).click()
    expect(page).not_to_have_url(re.compile(r"axis"))


def test_a_single_failure_among_thousands_is_seen_and_bars_stand_on_each_other(overview: Overview) -> None:
    page = overview(
        {7: {"success": 9_000, "failed": 1}, 8: {"success": 3_000, "failed": 3_000, "cancelled": 3_000}}
    )
    (x, bottom, width, height), (_, _, _, third) = bars_of(page, "failed")
    assert (bottom, height) == (HEIGHT, 2)
    (over, on, across, tall), (_, above, _, _) = bars_of(page, "success")
    assert (over, across, on) == (x, width, HEIGHT - 2)
    ((_, between, _, second),) = bars_of(page, "cancelled")
    assert between == HEIGHT - third
    assert above == between - second
    assert abs(tall - 3 * third) <= 3


def test_the_clock_is_the_readers(overview: Overview) -> None:
    page = overview({}, within="24h")
    clock = labels(page, "ended", of="g.tick.time")
    assert "Tue 31" in clock, "midnight in Amsterdam"
    assert all(re.fullmatch(r"\d\d:00|Tue 31", words) for words in clock)
    hours = [int(words[:2]) if ":" in words else 24 for words in clock]
    assert len({(late - early) % 24 for early, late in pairwise(hours)}) == 1


def test_days_are_right_where_clocks_are_changed(overview: Overview) -> None:
    page = overview({}, within="7d")
    wide = ["Wed 25", "Thu 26", "Fri 27", "Sat 28", "Sun 29", "Mon 30", "Tue 31"]
    assert labels(page, "ended", of="g.tick.time") == wide
    marks = [
        float(re.findall(r"M([\d.]+)", mark.get_attribute("d") or "")[0])
        for mark in page.locator("[data-chart=ended] g.tick.time path").all()
    ]
    days = [late - early for early, late in pairwise(marks)]
    assert min(days) == days[4], "the day of 23 hours is the shortest"


def test_a_step_is_chosen_by_keyboard_in_all_charts_at_once(overview: Overview) -> None:
    page = overview({
        59: {"success": 1_234, "queued": 5, "wait_p50": 0.25},
        58: {"failed": 3},
        0: {"queued": None, "running": None},
    })  # fmt: skip
    ended, depth = (page.locator(f"[data-chart={name}]") for name in ("ended", "depth"))
    slider = ended.get_by_role("slider")
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuenow", "59")
    expect(slider).to_have_attribute(
        "aria-valuetext", "13:59, so far: succeeded 1,234, cancelled 0, failed 0"
    )
    expect(depth.locator(".legend")).to_contain_text("queued 5")
    expect(page.locator("[data-chart=latency] .legend")).to_contain_text("wait p50 250 ms")
    expect(page.locator(".cross")).to_have_count(3)
    slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "13:58: succeeded 0, cancelled 0, failed 3")
    expect(page.locator("[data-chart=latency] .legend")).to_contain_text("wait p50 –")
    slider.press("PageDown")
    expect(slider).to_have_attribute("aria-valuenow", "48")
    slider.press("Home")
    slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    expect(depth.locator("header")).to_contain_text("13:00, the hub was not there")
    slider.press("Escape")
    expect(page.locator(".cross")).to_have_count(0)
    expect(ended.locator("header")).to_contain_text("per minute")


def test_a_pointer_chooses_and_nothing_moves(overview: Overview) -> None:
    page = overview(
        {n: {"success": 99_999, "failed": 9_999, "wait_p95": 119.0, "run_p95": 86_399.0} for n in range(60)}
    )
    before = where(page)
    plot = page.locator("[data-chart=latency] .plot")
    plot.hover(position={"x": 250, "y": 80})
    expect(page.locator(".cross")).to_have_count(3)
    expect(page.locator("[data-chart=ended] .legend")).to_contain_text("succeeded 99,999")
    assert where(page) == before
    page.mouse.move(2, 2)
    expect(page.locator(".cross")).to_have_count(0)


def where(page: Page) -> list[Any]:
    found: list[Any] = page.evaluate(
        "[...document.querySelectorAll('main .card')].map((one) => JSON.stringify(one.getBoundingClientRect()))"
    )
    return found


def test_it_follows_the_window_without_a_reload(overview: Overview) -> None:
    page = overview({n: {"success": n} for n in range(60)})
    svg = page.locator("[data-chart=ended] .plot svg")
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(svg).not_to_have_attribute("width", re.compile(r"^[0-3]?\d\d$"))
    wide = len(labels(page, "ended", of="g.tick.time"))
    page.set_viewport_size({"width": 375, "height": 800})
    expect(svg).to_have_attribute("width", re.compile(r"^3\d\d$"))
    assert 2 <= len(labels(page, "ended", of="g.tick.time")) < wide
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert len(bars_of(page, "success")) == 59


def test_the_same_numbers_are_a_table(overview: Overview) -> None:
    page = overview({59: {"success": 7, "wait_p50": 0.25}, 0: {"queued": None, "running": None}})
    page.click("text=These numbers as a table")
    expect(page).to_have_url(re.compile(r"table=1"))
    rows = page.locator(".numbers-table tbody tr")
    expect(rows).to_have_count(60)
    assert rows.first.locator("th, td").all_text_contents()[:8] == [
        "13:59",
        "7",
        "0",
        "0",
        "0",
        "0",
        "–",
        "250 ms",
    ]
    assert rows.last.locator("th, td").all_text_contents()[:6] == ["13:00", "0", "0", "0", "–", "–"]


def test_a_hub_that_knows_less_is_said_so(visitor: Visitor) -> None:
    visitor.page.route(
        "**/overview?*", lambda route: route.fulfill(status=422, json={"detail": "The range is wrong."})
    )
    page = visitor.open("/ui/")
    expect(page.locator("main .error")).to_have_text("The range is wrong.")
