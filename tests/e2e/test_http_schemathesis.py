"""schemathesis over /openapi.json, all checks on: what the document allows is accepted, what it forbids is refused, and every
answer is one that it describes.

Left out, and why:
* GET /events, and those of a task and a workflow, are streams that do not end by themselves; tests/integration/
  test_http_events.py and test_http_workflows.py have them.
* POST /workflows may refuse what the document allows: whether names and references lead somewhere, no schema can say.
* So it is with a cron expression, a period or a zone that cannot be read, and with times of which one must be the later.
* A used Idempotency-Key with another body is 422 by contract, which no schema can say: tests/support/schemathesis_hooks.py
  makes each key a new one.
* A limit's key that stands twice in one task, or that is new and has no number, is 422: mended in the same file.
* GET /tasks/{id}/result answers 410 for an id that is older than the retention; 410 is set as one of the statuses that a valid
  request may meet, as 404 is by default.
* The types that the hub knows here declare no schema for their payload: where one does, a payload that does not fit is 422,
  which depends on the workers that have registered, not on the document.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.support.http_api import Threaded, api_in_thread
from tests.support.people import ACCOUNTS, People

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import TaskType

ROOT = Path(__file__).parents[2]
STREAMS = ("/events", "/tasks/{id}/events", "/workflows/{id}/events")
# Neither is about speed: a busy machine makes data and answers slowly.
CONFIG = """
suppress-health-check = ["too_slow"]
request-timeout = 60

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 410, 429, "5xx"]

[[operations]]
include-name = ["POST /workflows", "POST /schedules"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422]

[[operations]]
include-name = ["PATCH /schedules/{id}", "GET /schedules/{id}/preview", "POST /schedules/{id}/backfill"]
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 422]
"""
WORKER = "018f0000-0000-7000-8000-00000000000a"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Threaded]:
    with api_in_thread(tmp_path) as running:
        running.run(populate(running))
        yield running


async def populate(server: Threaded) -> None:
    """Something of every kind, so that more than 404 comes back."""
    hub = server.hub
    await hub.engine.workers.answer(
        Register(
            worker=WORKER,
            name="w",
            host="h",
            pid=1,
            version="1",
            slots=3,
            window=1,
            types=(TaskType(type="known"),),
        )
    )
    for _ in range(3):
        await hub.submit("known", tags=["red"])
        await hub.submit("unknown", queue="other")
        await hub.submit("known", delay=3600)
        await hub.client.post(f"/tasks/{(await hub.submit('unknown'))['id']}/cancel")
    workflow = {"name": "known", "nodes": {"n": {"type": "known", "for_each": [1, 2]}}}
    await hub.client.post("/workflows", json=workflow)
    made = (await hub.client.post("/workflows", json=workflow)).json()
    await hub.client.post(f"/workflows/{made['id']}/cancel")
    await hub.client.post("/bulk", json={"filter": {"type": "nothing"}, "action": "cancel"})


@pytest.mark.timeout(300)  # on a busy machine the program alone takes a while to start
def test_the_api_is_what_its_document_says(server: Threaded, tmp_path: Path) -> None:
    schemathesis(server, tmp_path, "all", seconds=45)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("known", [False, True], ids=["nobody", "admin"])
def test_with_accounts_every_answer_is_one_that_it_describes(known: bool, tmp_path: Path) -> None:
    """Asked by nobody that is known, and by an admin. What a valid request meets depends on who asks, so that is left out."""
    with api_in_thread(tmp_path, auth=ACCOUNTS) as server:
        headers = server.run(People(server.hub).key(Scope.ADMIN)) if known else {}
        checks = (
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
        )
        schemathesis(server, tmp_path, checks, seconds=20, headers=headers)


def schemathesis(
    server: Threaded, folder: Path, checks: str, *, seconds: int, headers: Mapping[str, str] | None = None
) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
    command += ["--checks", checks, "--max-time", str(seconds), "--seed", "1"]
    command += ["--continue-on-failure", "--no-color"]
    for name, value in (headers or {}).items():
        command += ["--header", f"{name}: {value}"]
    for path in STREAMS:
        command += ["--exclude-path", path]
    (folder / "schemathesis.toml").write_text(CONFIG)
    environ = os.environ | {"SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: PLW1510
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout or " warning" in done.stdout
