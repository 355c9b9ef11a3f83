"""Dashboards and alerts: made from the names that the code's metrics have, and as they are committed."""

import json
import re
from typing import Any, Final

import pytest
import yaml
from deploy.monitoring.alerts import OURS, RUNBOOKS, alerts
from deploy.monitoring.make import FOLDER, files
from deploy.monitoring.names import Names, names_of_code

ROOT: Final = FOLDER.parents[1]
# Told for whoever asks, and on no dashboard.
ASIDE: Final = {"taskflow_tasks_redriven_total"}
NAMES: Final = names_of_code()


def used(text: str) -> set[str]:
    return {name for name in NAMES.known if re.search(rf"\b{name}(_bucket|_count)?\b", text)}


def test_the_files_are_what_the_code_makes() -> None:
    for path, text in files(NAMES):
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: make monitoring"


def test_a_metric_that_is_renamed_is_missed() -> None:
    everything = "".join(text for _, text in files(NAMES))
    for name in used(everything):
        renamed = Names(NAMES.known - {name} | {f"{name}_of_today"})
        with pytest.raises(AttributeError, match=name):
            list(files(renamed))


def test_every_metric_is_watched() -> None:
    everything = "".join(text for _, text in files(NAMES))
    assert NAMES.known - used(everything) == ASIDE
    assert not re.search(r"(?<!_)taskflow_[a-z_]+", re.sub("|".join(NAMES.known), "", everything)), "others"


def panels_of(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("name", ["overview", "queues", "workers", "schedules"])
def test_a_dashboard_is_whole(name: str) -> None:
    board = json.loads((FOLDER / "grafana" / "dashboards" / f"{name}.json").read_text())
    assert board["uid"] == f"taskflow-{name}"
    assert "id" not in board, "Grafana gives it one"
    assert "`make monitoring`" in board["description"]
    variables = {one["name"] for one in board["templating"]["list"]}
    assert {"datasource", "job", "instance"} <= variables
    panels = panels_of(board)
    assert len({panel["title"] for panel in panels}) == len(panels)
    queries = []
    for panel in panels:
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["targets"]
        queries += [target["expr"] for target in panel["targets"]]
    named = {found for query in queries for found in re.findall(r"\$(\w+)", query)}
    assert named - {"__rate_interval"} == variables - {"datasource"}, "variables that are used, and no others"
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places), "no panel lies on another"


def test_every_alert_says_what_to_do() -> None:
    page = (ROOT / RUNBOOKS).read_text(encoding="utf-8")
    sections = set(re.findall(r"^### (\w+)$", page, re.M))
    assert sections == {one.name for one in alerts(NAMES)}
    for one in alerts(NAMES):
        assert one.name.startswith("Taskflow")
        assert one.summary and one.description.endswith(".")  # noqa: PT018
        assert one.rule(RUNBOOKS)["annotations"]["runbook_url"].endswith(f"#{one.name.lower()}")


def test_jobs_are_those_of_prometheus() -> None:
    config = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text())
    jobs = {job["job_name"] for job in config["scrape_configs"]}
    assert jobs == {"taskflow-api", "taskflow-worker"}
    assert all(re.fullmatch(OURS.removeprefix('job=~"').removesuffix('"'), job) for job in jobs)
    assert (FOLDER / "prometheus" / config["rule_files"][0]).exists()
