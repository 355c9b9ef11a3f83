"""The product as a user meets it, in one process and in two: HTTP in, the outcome out."""

import asyncio
import fcntl
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.grounds import Ground
from tests.support.hub_process import HubProcess, hub_on, until

from taskflow_hub import Hub

ENVIRON = {"PYTHONPATH": str(Path(__file__).parent), "TASKFLOW_WORKER_GRACE": "5"}


@pytest.fixture(scope="module")
def hub(module_ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with product(module_ground, tmp_path_factory.mktemp("product")) as running:
        yield running


def product(ground: Ground, folder: Path, **environ: str) -> AbstractContextManager[HubProcess]:
    return hub_on(ground, folder, app="product_app:hub", environ={**ENVIRON, **environ})


def attempts(hub: HubProcess, task_id: str) -> list[dict[str, object]]:
    items: list[dict[str, object]] = hub.get(f"/tasks/{task_id}/attempts").json()["items"]
    return items


def moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text))


def test_a_task_that_fails_twice_is_retried_as_its_policy_says_and_succeeds(hub: HubProcess) -> None:
    task = hub.final(hub.submit("app.flaky", {"failures": 2})["id"])

    assert (task["status"], task["retry_count"], task["attempt"], task["result"]) == ("success", 2, 3, "done")
    tries = attempts(hub, task["id"])
    assert [one["outcome"] for one in tries] == ["failed", "failed", "succeeded"]
    assert [one["error"]["message"] for one in tries[:2]] == ["not yet: 1 of 2", "not yet: 2 of 2"]  # type: ignore[index]
    for earlier, later in itertools.pairwise(tries):
        assert moment(later["started_at"]) - moment(earlier["ended_at"]) >= timedelta(seconds=0.29)


def test_a_task_that_always_fails_says_how(hub: HubProcess) -> None:
    task = hub.final(hub.submit("app.broken", {"text": "sense"})["id"])

    assert (task["status"], task["reason"], task["retry_count"]) == ("failed", "handler", 1)
    assert (task["error"]["type"], task["error"]["message"]) == ("LookupError", "no sense anywhere")
    assert "in broken" in task["error"]["traceback"]
    assert "taskflow_hub" not in task["error"]["traceback"], "the hub's own frames are nobody's business"


def test_a_killed_child_process_costs_a_retry_and_not_a_crash(hub: HubProcess) -> None:
    """As docs/adr/0020 says: the worker lives on, and knows what happened."""
    task = hub.final(hub.submit("app.dies_once")["id"])

    assert (task["status"], task["result"]) == ("success", "survived")
    assert (task["retry_count"], task["crashes"], task["attempt"]) == (1, 0, 2)
    first, second = attempts(hub, task["id"])
    assert (first["outcome"], second["outcome"]) == ("failed", "succeeded")
    assert first["error"]["type"] == "WorkerProcessDied"  # type: ignore[index]
    assert first["worker"] == second["worker"]


@pytest.mark.parametrize(
    ("how", "status"), [("callback", "success"), ("left", "success"), ("awaited", "failed")]
)
def test_sys_exit_beside_a_handler_is_logged_and_ends_no_hub(tmp_path: Path, how: str, status: str) -> None:
    with HubProcess(tmp_path, app="product_app:hub", environ=ENVIRON) as hub:
        task = hub.submit("app.leaves", {"how": how}, max_retries=0)
        said = hub.until_says("what a handler left running called sys.exit: the hub goes on")
        assert re.search(r"product_app\.py:[0-9]+ in gone$", said["where"])
        assert hub.final(task["id"])["status"] == status
        assert hub.terminate() == 0


def test_fail_ends_it_whatever_retries_are_left(hub: HubProcess) -> None:
    task = hub.final(hub.submit("app.gives_up")["id"])
    assert (task["status"], task["attempt"], task["error"]["message"]) == (
        "failed",
        1,
        "the customer has left",
    )


def test_retry_and_snooze_run_it_again(hub: HubProcess) -> None:
    again, snoozed = hub.submit("app.again"), hub.submit("app.snoozes")
    task = hub.final(again["id"])
    assert (task["result"], task["retry_count"]) == ("ready", 1)
    task = hub.final(snoozed["id"])
    assert (task["result"], task["retry_count"]) == ("woke in attempt 2", 0)


@pytest.mark.parametrize("kind", ["async", "thread", "process"])
def test_a_timeout_ends_the_attempt_at_its_deadline(hub: HubProcess, kind: str) -> None:
    task = hub.final(hub.submit(f"app.slow_{kind}", {"seconds": 300}, timeout=0.5, max_retries=0)["id"])
    assert (task["status"], task["reason"]) == ("failed", "timeout")
    assert [one["outcome"] for one in attempts(hub, task["id"])] == ["timeout"]


@pytest.mark.parametrize("kind", ["async", "thread", "process"])
def test_a_running_task_can_be_cancelled(hub: HubProcess, kind: str) -> None:
    task_id = hub.submit(f"app.slow_{kind}", {"seconds": 30})["id"]
    hub.until(task_id, "running")

    asked = hub.post(f"/tasks/{task_id}/cancel")

    assert asked.status_code in {200, 202}, asked.text
    task = hub.final(task_id)
    assert task["status"] == "cancelled"
    assert task["cancel_requested_at"] is not None
    assert hub.post(f"/tasks/{task_id}/cancel").status_code == 200, "cancelling twice is the same cancel"


def test_a_queued_task_is_cancelled_at_once_and_a_finished_one_not_at_all(hub: HubProcess) -> None:
    waiting = hub.submit("app.flaky", {"failures": 0}, delay=3600)["id"]
    assert hub.post(f"/tasks/{waiting}/cancel").status_code == 200
    assert hub.task(waiting)["status"] == "cancelled"
    done = hub.final(hub.submit("app.flaky", {"failures": 0})["id"])["id"]
    assert hub.post(f"/tasks/{done}/cancel").status_code == 409


def test_run_at_and_delay_start_it_then_and_promote_starts_it_now(hub: HubProcess) -> None:
    due = datetime.now(UTC) + timedelta(seconds=1)
    task = hub.submit("app.flaky", {"failures": 0}, run_at=due.isoformat())
    assert task["status"] == "scheduled"
    assert moment(hub.final(task["id"])["started_at"]) >= due
    later = hub.submit("app.flaky", {"failures": 0}, delay=3600)["id"]
    assert hub.post(f"/tasks/{later}/promote").status_code == 200
    assert hub.final(later)["status"] == "success"


def test_a_task_nobody_could_start_in_time_expires(hub: HubProcess) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
    task = hub.final(hub.submit("nobody.serves.this", expires_at=soon)["id"])
    assert (task["status"], task["reason"], task["attempt"]) == ("failed", "expired", 0)


def test_a_type_nobody_serves_says_what_it_waits_for(hub: HubProcess) -> None:
    task = hub.submit("nobody.serves.that")
    assert hub.task(task["id"])["hold"] == "no_worker"
    queues = {queue["name"]: queue for queue in hub.get("/queues").json()["items"]}
    assert "nobody.serves.that" in queues["default"]["unserved_types"]


def test_logs_progress_children_and_the_idempotency_key_reach_the_outside(hub: HubProcess) -> None:
    task = hub.final(hub.submit("app.talks")["id"])

    assert task["result"]["key"] == task["id"]
    child = hub.final(task["result"]["child"])
    assert (child["parent_id"], child["status"]) == (task["id"], "success")
    lines = hub.get(f"/tasks/{task['id']}/logs").json()["items"]
    assert [(line["level"], line["message"], line["fields"]) for line in lines] == [
        ("info", "reading", {"page": 1}),
        ("warning", "page 2 is empty", {"page": 2}),
    ]


def test_a_large_result_lies_outside_the_store_and_comes_back_whole(hub: HubProcess) -> None:
    task = hub.final(hub.submit("app.large", {"size": 300_000})["id"])
    assert task["result"] is None
    assert task["result_ref"]["size"] == 300_002
    assert hub.get(f"/tasks/{task['id']}/result").json()["result"] == "x" * 300_000


def test_an_invalid_payload_is_refused_at_submit_and_names_the_field(hub: HubProcess) -> None:
    answer = hub.post("/tasks", {"type": "app.flaky", "payload": {"failures": "two"}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/payload/failures"


def test_a_paused_queue_starts_nothing_and_pause_and_priority_survive_a_restart(
    ground: Ground, tmp_path: Path
) -> None:
    """Where the worker is elsewhere, it lives on while the server restarts."""
    with product(ground, tmp_path, TASKFLOW_WORKER_SLOTS="1") as hub:
        assert hub.post("/queues/mail/pause").status_code == 200
        ids = [hub.submit("app.mail", {"n": n}, priority=n % 3)["id"] for n in range(9)]
        hub.final(
            hub.submit("app.flaky", {"failures": 0})["id"]
        )  # the worker runs; it just leaves the queue alone
        assert {hub.task(task_id)["hold"] for task_id in ids} == {"paused"}
        hub.kill()
        hub.start()
        hub.final(hub.submit("app.flaky", {"failures": 0})["id"])
        assert {hub.task(task_id)["status"] for task_id in ids} == {"queued"}

        assert hub.post("/queues/mail/resume").status_code == 200

        ran = {hub.final(task_id)["result"]: n for n, task_id in enumerate(ids)}
    assert [ran[at] for at in sorted(ran)] == [2, 5, 8, 1, 4, 7, 0, 3, 6], (
        "higher priority first, then in order"
    )


def test_what_was_set_at_run_time_survives_a_kill_and_a_restart(database_url: str, tmp_path: Path) -> None:
    with product(Ground(database_url), tmp_path) as hub:

        def patch(path: str, changes: dict[str, object]) -> None:
            answer = hub.client.patch(path, json=changes)
            assert answer.status_code == 200, answer.text

        later = hub.submit("app.mail", {"n": 1}, delay=3600)["id"]
        at = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        patch(f"/tasks/{later}", {"priority": 9, "queue": "bounded", "run_at": at})
        patch("/queues/bounded", {"max_size": 2})
        patch("/queues/open", {"max_size": 1})
        patch("/queues/open", {"max_size": None})
        hub.submit("nobody.serves.this", queue="bounded")
        for end in (hub.kill, hub.terminate):
            end()
            hub.start()
            full = hub.post("/tasks", {"type": "nobody.serves.this", "queue": "bounded"})
            assert (full.status_code, full.json()["code"]) == (429, "queue_full")
            bounds = {queue["name"]: queue["max_size"] for queue in hub.get("/queues").json()["items"]}
            assert bounds["bounded"] == 2
            assert bounds.get("open") is None
            hub.submit("nobody.serves.this", queue="open")
            task = hub.task(later)
            assert (task["status"], task["priority"], task["queue"]) == ("scheduled", 9, "bounded")
            assert moment(task["run_at"]) == moment(at)


def test_two_processes_share_one_database(database_url: str, tmp_path: Path) -> None:
    with (
        product(Ground(database_url), tmp_path, TASKFLOW_WORKER_SLOTS="2") as first,
        product(Ground(database_url), tmp_path, TASKFLOW_WORKER_SLOTS="2") as second,
        (tmp_path / "gate").open("w") as gate,
    ):
        fcntl.flock(gate, fcntl.LOCK_EX)
        work = {"gate": str(tmp_path / "gate")}
        ids = [hub.submit("app.gated", work)["id"] for _ in range(100) for hub in (first, second)]
        until(lambda: len(second.at_work()) == 2)
        fcntl.flock(gate, fcntl.LOCK_UN)
        tasks = [second.final(task_id) for task_id in ids]
        assert {task["status"] for task in tasks} == {"success"}
        assert {task["attempt"] for task in tasks} == {1}, "no task was given to both"
        assert len(first.get("/workers").json()["items"]) == 2
        first.kill()
        after = second.submit("app.slow_async", {"seconds": 0.02})["id"]
        assert second.final(after)["status"] == "success"


TEN_LINES = """
import asyncio
from product_app import flaky, hub

async def main():
    async with hub:
        handle = await flaky.submit(failures=1)
        print(await handle.result(timeout=30), await handle.status())

asyncio.run(main())
"""


def test_a_python_script_of_ten_lines_submits_and_waits(hub: HubProcess, module_ground: Ground) -> None:
    run = subprocess.run(
        [sys.executable, "-c", TEN_LINES],
        cwd=hub.folder,
        env={"PYTHONPATH": str(Path(__file__).parent), "TASKFLOW_DATABASE_URL": module_ground.database_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout.strip()) == (0, "done success"), run.stderr


def test_one_hub_serves_one_asyncio_run_after_another(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hub = Hub(database_url)
    ids = [asyncio.run(hub.submit("nobody.serves.this")).id for _ in range(2)]  # neither closes the hub

    async def statuses() -> list[str]:
        async with hub:
            return [await hub.handle(task_id).status() for task_id in ids]

    assert asyncio.run(statuses()) == ["queued", "queued"]


def test_up_serves_the_database_that_the_hub_names(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("from taskflow_hub import Hub\nhub = Hub('sqlite:///own.db')\n")
    with HubProcess(tmp_path, app="own:hub") as hub:
        hub.submit("nobody.serves.this")
    assert sorted(file.name for file in tmp_path.glob("*.db")) == ["own.db"]
