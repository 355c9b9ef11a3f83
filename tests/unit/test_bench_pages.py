"""What the page of benchmarks makes of results."""

import re

from bench.pages import DRAIN, page, plots
from bench.results import Machine, Results, Run, Told
from bench.system import Guarantees
from bench.tables import doubts

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
    )


def drained(system: str, rate: float, *, started: int = 10) -> Run:
    figures = {"rate": rate, "started": started, "worker_cpu_us": 30.0, "server_cpu_us": 12.0}
    return Run("drain", system, "variant", tasks=10, calibration_ms=10.0, figures=figures)


def woken(system: str, p50: float) -> Run:
    return Run(
        "latency", system, "variant", tasks=10, calibration_ms=10.0, figures={"p50": p50, "p99": 3 * p50}
    )


RESULTS = Results(
    date="2026-01-01",
    commit="abcdef0",
    machine=MACHINE,
    servers=["Redis 7"],
    rounds=3,
    share=0.5,
    systems={"taskflow_redis": told("Ours"), "slow": told("Slow"), "broken": told("Broken")},
    runs=[
        *(drained("taskflow_redis", rate) for rate in (100.0, 3000.0, 2000.0)),
        *(drained("slow", rate) for rate in (400.0, 500.0, 600.0)),
        drained("slow", 500.0, started=11),
        Run("drain", "broken", "variant", tasks=10, calibration_ms=10.0, figures={}, failed="it broke"),
        *(woken("taskflow_redis", p50) for p50 in (1.0, 2.0, 3.0)),
        *(woken("slow", p50) for p50 in (4.0, 5.0, 6.0)),
    ],
)


def test_a_row_has_median_spread_and_ratio_to_ours_on_the_same_server_and_the_best_comes_first() -> None:
    lines = page(RESULTS).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("## W1"))
    ours, slow, broken = lines[start + 4 : start + 7]
    assert ours.startswith("| Ours | variant | 2,000 (100 – 3,000) | 1.00 × |")
    assert slow.startswith("| Slow | variant | 500 (400 – 600) | 0.25 × |")
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
        "`run it`",
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


def test_a_plot_has_a_bar_for_each_that_did_not_fail_as_long_as_its_value() -> None:
    svg = plots(RESULTS)[DRAIN]
    assert "Broken" not in svg
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" height="17"', svg)]
    assert len(widths) == 2
    assert abs(widths[1] / widths[0] - 0.25) < 0.01
