"""What the page of benchmarks makes of results."""

import re

from bench.pages import DRAIN, HISTORY, page, plots
from bench.results import Machine, Results, Run, Told
from bench.system import Guarantees
from bench.tables import doubts
from msgspec import structs

MACHINE = Machine(processor="a processor", cores=2, memory_gb=8, kernel="6", python="3.11")
GUARANTEES = Guarantees(
    durable="yes", result_kept="yes", acknowledged_after="no: before", stale_report_refused="no"
)


def told(title: str) -> Told:
    return Told(
        title=title,
        language="Python",
        broker="redis",
        advice="its documentation",
        guarantees=GUARANTEES,
        versions={"package": "1.2.3"},
        commands={"variant": ["run it"]},
        environments={"variant": {"SLOTS": "2"}},
    )


def run(
    workload: str,
    system: str,
    number: int,
    figures: dict[str, float],
    *,
    failed: str = "",
    date: str = "2026-01-01",
) -> Run:
    return Run(
        workload=workload,
        system=system,
        variant="variant",
        round=number,
        date=date,
        commit="abcdef0",
        tasks=10,
        took_s=2.0,
        calibration_ms=10.0,
        figures=figures,
        failed=failed,
    )


def drained(system: str, number: int, rate: float, *, started: int = 10) -> Run:
    figures = {"rate": rate, "started": started, "worker_cpu_us": 30.0, "server_cpu_us": 12.0}
    return run("drain", system, number, figures)


def woken(system: str, number: int, p50: float) -> Run:
    return run("latency", system, number, {"p50": p50, "p99": 3 * p50})


RESULTS = Results(
    machine=MACHINE,
    servers=["Redis 7"],
    share=0.5,
    systems={"taskflow_redis": told("Ours"), "slow": told("Slow"), "broken": told("Broken")},
    runs=[
        *(drained("taskflow_redis", n, rate) for n, rate in enumerate((100.0, 3000.0, 2000.0), 1)),
        *(drained("slow", n, rate) for n, rate in enumerate((400.0, 500.0, 600.0), 1)),
        drained("slow", 4, 500.0, started=11),
        run("drain", "broken", 1, {}, failed="it broke"),
        *(woken("taskflow_redis", n, p50) for n, p50 in enumerate((1.0, 2.0, 3.0), 1)),
        *(woken("slow", n, p50) for n, p50 in enumerate((4.0, 5.0, 6.0), 1)),
    ],
)


def test_a_row_has_median_spread_and_ratio_to_ours_of_the_same_rounds_and_the_best_comes_first() -> None:
    lines = page(RESULTS).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("## W1"))
    ours, slow, broken = lines[start + 6 : start + 9]
    assert ours.startswith("| Ours | variant | 2,000 (100 – 3,000) | 1.00 × |")
    assert slow.startswith("| Slow | variant | 500 (400 – 600) | 0.30 × |")
    assert broken.startswith("| Broken | variant | failed |  |")


def test_where_less_is_better_the_least_comes_first() -> None:
    text = page(RESULTS)
    latencies = text[text.index("## W3") : text.index("## What each guarantees")]
    assert latencies.index("| Ours |") < latencies.index("| Slow | variant | 5.0 (4.0 – 6.0) | 2.50 × |")


def test_it_says_what_was_measured_how_and_that_it_is_rough() -> None:
    text = page(RESULTS)
    for said in (
        "2026-01-01",
        "abcdef0",
        "a processor",
        "Redis 7",
        "0.5 of the usual",
        "`SLOTS=2 run it`",
        "package 1.2.3",
    ):
        assert said in text
    assert "| Slow | yes | yes | no: before | no |" in text


def test_what_failed_and_what_ran_twice_is_told() -> None:
    assert doubts(RESULTS) == [
        "drain · slow variant: 11 attempts at 10 tasks",
        "drain · broken variant failed: it broke",
    ]
    assert all(doubt in page(RESULTS) for doubt in doubts(RESULTS))


def test_what_was_not_measured_has_no_plot_and_no_picture_on_the_page() -> None:
    assert HISTORY not in plots(RESULTS)
    beside = {"rate": 9.0, "rate_beside_0": 10.0, "rate_beside_1000000": 9.0}
    found = structs.replace(RESULTS, runs=[run("history", "taskflow_redis", n, beside) for n in (1, 2)])
    assert list(plots(found)) == [HISTORY]
    assert [HISTORY in page(found), DRAIN in page(found)] == [True, False]


def test_a_plot_has_a_bar_for_each_that_did_not_fail_as_long_as_its_value() -> None:
    svg = plots(RESULTS)[DRAIN]
    assert "Broken" not in svg
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="17"', svg)]
    assert len(widths) == 2
    assert abs(widths[1] / widths[0] - 0.25) < 0.01
