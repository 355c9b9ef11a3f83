"""What takes minutes by its size runs small, too, and says how it stands to W1 of the same run."""

from bench.compare import Watcher, compare, turns
from bench.results import Results
from bench.tables import doubts
from bench.workloads import WORKLOADS
from bench.workloads.history import RATE_BESIDE

LONG = [workload.name for workload in WORKLOADS if workload.long]
SMALL = 1e-6


def measured() -> Results:
    return compare(turns(["taskflow_sqlite"], LONG, share=SMALL), 1, SMALL, Watcher(), keep=lambda _: None)


def test_each_gives_its_ratio_to_w1_and_each_task_ran_once() -> None:
    found = measured()
    assert doubts(found) == []
    assert [run.workload for run in found.runs] == LONG
    for run in found.runs:
        assert run.figures["ratio"] > 0
    by_name = {run.workload: run for run in found.runs}
    assert "rss_growth" in by_name["queued"].figures
    sizes = [key for key in by_name["history"].figures if key.startswith(RATE_BESIDE)]
    assert sizes == [f"{RATE_BESIDE}{count}" for count in (0, 10, 40, 100)]
