"""What processes have counted, over their lives, is what the store says: with failures, retries, redrives and a restart."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.hub_process import HubProcess, until

from taskflow_hub.domain.lifecycle import UNFINISHED, State

Samples = Counter[tuple[str, tuple[str, ...]]]
HERE = Path(__file__).parent


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[HubProcess]:
    environ = {
        "PYTHONPATH": str(HERE),
        "TASKFLOW_DATABASE_URL": database_url,
        "TASKFLOW_WORKER_SLOTS": "4",
        "TASKFLOW_WORKER_GRACE": "0",  # what runs at the end is handed back, and ends nothing that nobody has seen
    }
    with HubProcess(tmp_path, app="product_app:hub", environ=environ) as running:
        yield running


def counted(hub: HubProcess) -> Samples:
    """Every sample of a counter, and the counts of histograms, by the values of its labels."""
    found: Samples = Counter()
    for family in text_string_to_metric_families(hub.get("/metrics").text):
        for one in family.samples:
            if one.name.endswith(("_total", "_seconds_count")):
                found[one.name.removeprefix("taskflow_"), tuple(one.labels.values())] = int(one.value)
    return found


def total(samples: Samples, name: str) -> int:
    return sum(value for (one, _), value in samples.items() if one == name)


def in_store(hub: HubProcess) -> Counter[str]:
    tasks = hub.get("/tasks?limit=1000").json()["items"]
    return Counter(task["status"] for task in tasks)


def test_counters_agree_with_the_store(hub: HubProcess) -> None:
    flaky = [hub.submit("app.flaky", {"failures": n % 3})["id"] for n in range(12)]
    broken = [hub.submit("app.broken", {"text": "page"})["id"] for _ in range(4)]
    later = [hub.submit("app.flaky", {"failures": 0}, delay=3600)["id"] for _ in range(3)]
    late = hub.submit("app.flaky", {"failures": 0}, delay=3600, expires_at="2020-01-01T00:00:00Z")
    for id in (*flaky, *broken):
        hub.final(id)
    hub.final(late["id"])
    assert hub.post(f"/tasks/{later[0]}/cancel").status_code in {200, 202}
    assert hub.post(f"/tasks/{broken[0]}/redrive").status_code in {200, 202}
    hub.until(broken[0], "failed")
    asleep = hub.submit("app.slow_async", {"seconds": 0.2})["id"]
    hub.final(asleep)
    running = hub.submit("app.slow_async", {"seconds": 600})["id"]
    hub.until(running, "running")
    until(lambda: total(counted(hub), "leases_total") == total(counted(hub), "attempts_total") + 1)
    first = counted(hub)
    assert hub.terminate() == 0

    hub.start()
    hub.until(running, "running")
    assert hub.post(f"/tasks/{running}/cancel").status_code in {200, 202}
    hub.final(running)
    for id in (hub.submit("app.flaky", {"failures": 1})["id"] for _ in range(2)):
        hub.final(id)
    stored = in_store(hub)
    until(lambda: total(counted(hub), "tasks_finished_total") >= 3)
    samples = first + counted(hub)

    ended = Counter(
        {
            status: stored[status]
            for status in (State.SUCCESS, State.FAILED, State.CANCELLED)
            if stored[status]
        }
    )
    ended[State.FAILED] += 1  # it failed, was redriven, and failed again
    finished = Counter(
        {labels[0]: value for (name, labels), value in samples.items() if name == "tasks_finished_total"}
    )
    assert finished == ended
    in_flight = sum(stored[status] for status in UNFINISHED)
    assert in_flight == 2
    assert total(samples, "tasks_redriven_total") == 1
    assert (
        total(samples, "tasks_submitted_total") + total(samples, "tasks_redriven_total")
        == total(samples, "tasks_finished_total") + in_flight
    )
    assert total(samples, "tasks_submitted_total") == sum(stored.values())
    reasons = {
        labels[0]: value
        for (name, labels), value in samples.items()
        if name == "tasks_failed_total" and value
    }
    assert reasons == {"handler": 5, "expired": 1}
    retries = sum(n % 3 for n in range(12)) + 5 + 2
    assert total(samples, "retries_total") == retries
    assert samples["attempts_total", ("failed",)] == retries + 5
    assert samples["attempts_total", ("succeeded",)] == stored[State.SUCCESS]
    assert samples["attempts_total", ("aborted",)] == 1
    assert total(samples, "leases_lost_total") == total(samples, "stale_reports_refused_total") == 0
    assert total(samples, "loop_errors_total") == 0
