"""The hub that the bench sets beside one with metrics really counts nothing."""

from bench.silent import Silent
from prometheus_client import generate_latest

from taskflow_hub.domain.moves import Verdict
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.store.values import Followed


def test_what_it_is_told_is_not_kept() -> None:
    silent = Silent("1")
    before = generate_latest(silent.registry)
    silent.followed(Followed(again=3))
    silent.finished("success", 2)
    silent.transaction("write", 0.1)
    silent.leased.inc(2)
    silent.http.observe((0.1,), ("/tasks", "GET", "2xx"))
    silent.loop_errors.labels("cron").inc()
    assert silent.lost("lost", [Verdict.APPLIED, Verdict.STALE, Verdict.ABORTED], [Verdict.APPLIED], []) == 3
    assert generate_latest(silent.registry) == before


def test_whatever_else_metrics_are_told() -> None:
    told = {name for name, one in vars(Metrics).items() if callable(one) and not name.startswith("_")}
    assert told <= set(vars(Silent))
