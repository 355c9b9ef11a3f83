"""A real Prometheus scrapes a working hub, and has an answer to everything that our dashboards and alerts ask it."""

import json
import math
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from deploy.monitoring.alerts import alerts
from deploy.monitoring.make import FOLDER
from deploy.monitoring.names import names_of_code
from tests.support.alert_cases import rule_tests
from tests.support.hub_process import HubProcess, until
from tests.support.ports import free_port
from tests.support.redis import redis_server

pytestmark = pytest.mark.debian

HERE: Final = Path(__file__).parent
CONFIG: Final = FOLDER / "prometheus" / "prometheus.yml"
RULES: Final = FOLDER / "prometheus" / "alerts.yml"
SPEAKS_WITHIN_S: Final = 30.0
QUICK: Final = {
    "PYTHONPATH": str(HERE),
    "TASKFLOW_WORKER_GRACE": "1",
    "TASKFLOW_WORKER_HEARTBEAT_S": "0.5",
    "TASKFLOW_WORKER_SELF_STOP_S": "4",
    "TASKFLOW_ENGINE_DEAD_AFTER": "5",
}
# As Grafana fills them in where "All" is chosen; the data source is said by where the question is asked.
VARIABLES: Final = {"__rate_interval": "1m", "job": ".*", "instance": ".*", "queue": ".*", "type": ".*"}


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/bin")
    assert found, f"Debian's {name} is missing: make test-all installs it"
    return found


class Prometheus:
    """Asked over HTTP, as Grafana asks."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=10)

    def ask(self, expression: str) -> list[dict[str, Any]]:
        answer = self.client.post("/api/v1/query", data={"query": expression}).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return [one for one in found if not math.isnan(float(one["value"][1]))]

    def number(self, expression: str) -> float:
        return sum(float(one["value"][1]) for one in self.ask(expression))


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Of a hub, a server and a worker over Redis, to which everything that is counted has happened."""
    folder = tmp_path_factory.mktemp("monitoring")
    health, port = free_port(), free_port()
    with ExitStack() as ends:
        redis = ends.enter_context(redis_server())
        environ = QUICK | {
            "TASKFLOW_BROKER_URL": redis.url,
            "TASKFLOW_DATABASE_URL": f"sqlite:///{folder}/t.db",
            "TASKFLOW_AUTH_SECRET": secrets.token_urlsafe(32),
        }
        server = ends.enter_context(HubProcess(folder, environ=environ, role=("server",)))
        del environ["TASKFLOW_DATABASE_URL"], environ["TASKFLOW_AUTH_SECRET"]
        role = ("worker", "run", "--health-port", str(health))
        worker = HubProcess(_made(folder / "worker"), app="product_app:hub", environ=environ, role=role)
        ends.enter_context(worker)
        key = folder / "taskflow-key"
        key.write_text(admin_key(server))
        config = scraping({"taskflow-api": server.port, "taskflow-worker": health}, key)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        with (folder / "prometheus.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    program("prometheus"),
                    f"--config.file={folder}/prometheus.yml",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=log,
                stderr=log,
            )
        ends.callback(process.wait, 30)
        ends.callback(process.terminate)
        found = Prometheus(f"http://127.0.0.1:{port}")
        ends.callback(found.client.close)
        until(lambda: _answers(found))
        live(server, worker)
        yield found


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _answers(prometheus: Prometheus) -> bool:
    try:
        return prometheus.number("sum(up)") == 2
    except httpx.HTTPError:
        return False


def scraping(ports: dict[str, int], key: Path) -> dict[str, Any]:
    """The configuration that we ship, which asks these ports on this machine instead, and every second."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES)]
    for job in config["scrape_configs"]:
        del job["dns_sd_configs"]
        if "authorization" in job:
            job["authorization"]["credentials_file"] = str(key)
        job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[job['job_name']]}"]}]
    return config


def admin_key(server: HubProcess) -> str:
    """Registers, as whoever first opens a hub does; `server` asks as this admin from now on."""
    ada = {"email": "ada@example.org", "password": "correct horse battery"}
    token = server.post("/auth/register", ada).json()["access_token"]
    server.client.headers["Authorization"] = f"Bearer {token}"
    made = server.post("/keys", {"name": "prometheus", "scopes": ["admin"]})
    assert made.status_code == 201, made.text
    return str(made.json()["secret"])


def live(server: HubProcess, worker: HubProcess) -> None:
    """Successes, failures, retries, limits, a workflow, schedules, one that misses its ticks, and a worker taken for dead."""
    assert (
        server.post("/tasks", {"type": "app.mail", "payload": {"n": 1}, "queue": "full"}).status_code == 202
    )
    assert server.post("/queues/full/pause").status_code == 200
    assert (
        server.post("/tasks", {"type": "app.mail", "payload": {"n": 2}, "queue": "full"}).status_code == 202
    )
    assert server.post("/tasks", {"type": "nobody.knows", "queue": "unserved"}).status_code == 202
    assert server.post("/tasks", {"type": "nobody.knows", "delay": 3600}).status_code == 202
    # Full before the first tick: had that one made a task, which waits for as long as the queue is paused, all after it would
    # be skipped for the run that has not ended, and none would be refused.
    assert server.client.patch("/queues/full", json={"max_size": 1}).status_code == 200
    refused = {"type": "app.mail", "payload": {"n": 1}, "queue": "full"}
    for name, task in (("refused", refused), ("fired", {"type": "app.mail", "payload": {"n": 1}})):
        answer = server.post("/schedules", {"name": name, "every": 1, "task": task})
        assert answer.status_code == 201, answer.text
    nodes = {"first": {"type": "app.mail", "payload": {"n": 1}}}
    assert server.post("/workflows", {"name": "w", "nodes": nodes}).status_code in {200, 202}
    assert server.get("/nowhere").status_code == 404
    ids = [server.submit("app.flaky", {"failures": n % 2})["id"] for n in range(6)]
    ids += [server.submit("app.broken", {"text": "page"})["id"] for _ in range(2)]
    limited = {"limits": [{"key": "customer:1", "running": 2}]}
    asleep = [server.submit("app.slow_async", {"seconds": 3600}, **limited)["id"]]
    asleep += [server.submit("app.slow_async", {"seconds": 3600})["id"] for _ in range(6)]
    for id in ids:
        server.final(id)
    for id in asleep:
        server.until(id, "running")
    worker.signal(signal.SIGSTOP)
    until(lambda: counter(server, "taskflow_workers_lost_total") > 0)
    worker.signal(signal.SIGCONT)  # it hands back what it has lost long since
    until(lambda: counter(server, "taskflow_stale_reports_refused_total") == len(asleep))


def counter(hub: HubProcess, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", hub.get("/metrics").text, re.M)
    assert found, name
    return float(found[1])


def queries() -> Iterator[tuple[str, str, set[str]]]:
    """Every query of every panel, filled in, with where it is and the labels that its legend shows."""
    for path in sorted((FOLDER / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                expression = re.sub(r"\$(\w+)", lambda found: VARIABLES[found[1]], target["expr"])
                labels = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
                yield f"{path.stem} / {panel['title']} / {target['refId']}", expression, labels


def silent(prometheus: Prometheus, asked: dict[str, str]) -> dict[str, str]:
    """Those of the queries that still have no answer when enough has been scraped for any."""
    give_up = time.monotonic() + SPEAKS_WITHIN_S
    while True:
        asked = {where: query for where, query in asked.items() if not prometheus.ask(query)}
        if not asked or time.monotonic() > give_up:
            return asked
        time.sleep(0.2)  # nothing tells of a scrape


def test_every_series_of_every_dashboard_has_data(prometheus: Prometheus) -> None:
    asked = list(queries())
    assert len(asked) > 60
    assert silent(prometheus, {where: query for where, query, _ in asked}) == {}
    for where, query, labels in asked:
        shown = {label for one in prometheus.ask(query) for label in one["metric"]}
        assert labels <= shown, f"{where}: its legend shows {labels - shown}, which no series has"


def test_what_every_alert_watches_has_data(prometheus: Prometheus) -> None:
    assert silent(prometheus, {one.name: one.value for one in alerts(names_of_code())}) == {}


def test_what_happened_can_be_seen(prometheus: Prometheus) -> None:
    wanted = (
        'taskflow_tasks_finished_total{status="success"}',
        'taskflow_tasks_failed_total{reason="handler"}',
        "taskflow_retries_total",
        'taskflow_leases_lost_total{outcome="lost"}',
        "taskflow_workers_lost_total",
        "taskflow_stale_reports_refused_total",
        'taskflow_schedule_ticks_total{outcome="fired"}',
        'taskflow_schedule_ticks_total{outcome="missed",reason="refused"}',
        'taskflow_limit_saturation_ratio{queue="full",limit="max_size"}',
        'taskflow_limit_saturation_ratio{limit="customer:*"}',
        'taskflow_http_request_seconds_count{status="4xx"}',
        'taskflow_worker_attempts_total{outcome="succeeded",job="taskflow-worker"}',
    )
    assert silent(prometheus, {query: f"{query} > 0" for query in wanted}) == {}


def test_prometheus_evaluates_every_rule(prometheus: Prometheus) -> None:
    def rules() -> list[dict[str, Any]]:
        [group] = prometheus.client.get("/api/v1/rules").json()["data"]["groups"]
        found: list[dict[str, Any]] = group["rules"]
        return found

    def firing() -> set[str]:
        return {rule["name"] for rule in rules() if rule["state"] == "firing"}

    until(lambda: all(rule["health"] != "unknown" for rule in rules()))
    assert {rule["name"]: rule["health"] for rule in rules()} == {
        one.name: "ok" for one in alerts(names_of_code())
    }
    happened = {"TaskflowScheduleMissed", "TaskflowWorkersLost", "TaskflowLeasesLost", "TaskflowStaleReports"}
    until(lambda: happened <= firing())


# --- promtool -------------------------------------------------------------------------------------------------------


def promtool(*args: str | Path) -> str:
    command = [program("promtool"), *map(str, args)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_accepts_the_files() -> None:
    assert f"{len(alerts(names_of_code()))} rules found" in promtool("check", "rules", RULES)
    promtool("check", "config", "--syntax-only", CONFIG)  # the key's file is where Prometheus will run


def test_every_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    cases = rule_tests(RULES)
    asked = {one["name"].split(":")[0] for one in cases["tests"]}
    assert asked == {one.name for one in alerts(names_of_code())}
    tests = tmp_path / "alerts_test.yml"
    tests.write_text(yaml.safe_dump(cases))
    assert "SUCCESS" in promtool("test", "rules", tests)
