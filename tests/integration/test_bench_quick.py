"""The bench runs, small, on the hub over SQLite; what it would call a regression is one."""

from pathlib import Path

import pytest
from bench import quick
from bench.compare import Watcher
from bench.tables import doubts


def test_a_quick_look_gives_a_ratio_for_each_workload_and_each_task_ran_once() -> None:
    found = quick.measure(Watcher(), rounds=1, share=0.05)
    assert doubts(found) == []
    ratios = quick.loops(found)
    assert set(ratios) == set(quick.FIGURES)
    assert all(ratio > 0 for ratio in ratios.values())


def test_what_costs_much_more_than_it_did_is_a_regression_and_what_is_new_is_none() -> None:
    then = {"drain": 10.0, "single": 10.0}
    now = {"drain": 10.0 * quick.WORSE + 0.1, "single": 10.0 * quick.WORSE - 0.1, "bulk": 99.0}
    assert quick.regressions(now, then) == ["drain"]


def test_what_is_kept_is_what_the_next_look_compares_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "KEPT", tmp_path / "results" / "quick.json")
    assert quick.kept() == {}
    quick.keep({"drain": 10.004, "bulk": 4.0})
    assert quick.kept() == {"drain": 10.0, "bulk": 4.0}
