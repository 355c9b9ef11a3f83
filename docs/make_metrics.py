"""docs/reference/metrics.md, made from the metrics themselves: `python -m docs.make_metrics`."""

import asyncio
import tempfile
from pathlib import Path
from typing import Final, Literal

from prometheus_client.parser import text_string_to_metric_families

from taskflow_hub.bootstrap import open_engine
from taskflow_hub.domain.model import AttemptOutcome
from taskflow_hub.engine.metrics import MAX_NAMES, Described
from taskflow_hub.settings import Settings
from taskflow_hub.store.settings import DatabaseSettings
from taskflow_hub.worker.health import Health
from taskflow_hub.worker.metrics import Numbers, exposition

PAGE: Final = Path(__file__).parent / "reference" / "metrics.md"

HEAD: Final = f"""# Metrics

<!-- Made by `python -m docs.make_metrics`; a test compares. -->

`GET /metrics` of `taskflow up` and `taskflow server` answers in Prometheus' text format. With accounts it needs a key with the
scope `admin` ([Share a hub](../how-to/accounts.md)). Names follow Prometheus' rules: base units, `_total` for what only rises.
No label holds an id, or a path that somebody asked for; of the names of queues and types, which callers choose, the first
{MAX_NAMES} of each are told apart and the rest is `other`.

**Counters and histograms are of one process**, and begin anew with it: sum them over processes, and use `rate` or `increase`.
Each process counts what it has done itself, so the tasks of a hub on two servers are in the sum of both.

**What is looked up when Prometheus asks** is of the whole hub, and every process says the same: take the `max`, not the sum.
It is one look at the database for each scrape; beyond 10 000 unfinished tasks, where counting takes long, depths are of some
seconds ago. While the database cannot be reached these metrics are absent, `taskflow_store_reachable` is 0, and all others are
answered as ever.

**What adds up**, over processes and their restarts, for tasks of submits, schedules, handlers and workflows alike:
`taskflow_tasks_submitted_total` and `taskflow_tasks_redriven_total` are together `taskflow_tasks_finished_total` and what is
unfinished. Each redrive of a task is a new life of it, which ends once more. A node's task is submitted when it is made, long
before it may run; one that will not run ends `skipped`. The `finally` of a workflow that is redriven gets a new task if
it had succeeded.

The sum leaves out what no server has done, or none could tell: what a program does in the database by itself
(`Hub(url)` submits and cancels without a server, and so does a submit within your own transaction), what `taskflow db
copy` brings, and what a process counts between its last scrape and its end. One that is killed, or whose connection
breaks while it commits, may have committed what it does not count.
"""

OF_THE_HUB: Final = """## What is looked up

| metric | labels | |
|---|---|---|"""
OF_A_PROCESS: Final = """
## What each process counts

| metric | kind | labels | |
|---|---|---|---|"""
TAIL: Final = """| `process_…` | | | CPU, memory and open files of the process |

## Of a worker alone

`taskflow worker run` answers `GET /metrics` beside its health, where `worker.health_port` says
([Settings](settings.md#worker)): it asks for no key, so let only Prometheus reach the port. It is answered while a handler
blocks the worker. How tasks ended, how long they waited and ran is told by the servers, whose word it is.

| metric | kind | labels | |
|---|---|---|---|
{of_worker}
## The four signals

| | |
|---|---|
| traffic | `taskflow_http_request_seconds_count`, `taskflow_db_transaction_seconds_count`, `taskflow_tasks_submitted_total` |
| errors | the same of requests with `status="5xx"`, `taskflow_tasks_failed_total`, `taskflow_store_reachable` |
| latency | `taskflow_http_request_seconds`, `taskflow_db_transaction_seconds`, `taskflow_wait_seconds` |
| saturation | `taskflow_http_requests_in_flight`, `taskflow_event_loop_lag_seconds`, `taskflow_worker_slots` |

A request that waits on purpose (`Prefer: wait`) is as long as it waited; a stream is timed to its first byte.
`taskflow_db_transaction_seconds` of kind `write` includes the wait for the database's lock or for a connection.
"""


def document() -> str:
    metrics = described()
    looked_up = [one for one in metrics if one.looked_up]
    counted = [one for one in metrics if not one.looked_up]
    rows = [HEAD, OF_THE_HUB]
    rows += [f"| `{one.name}` | {_labels(one)} | {one.about} |" for one in looked_up]
    rows.append(OF_A_PROCESS)
    rows += map(_row, counted)
    return "\n".join([*rows, TAIL.replace("{of_worker}", "".join(f"{_row(one)}\n" for one in of_worker()))])


def described() -> list[Described]:
    """What a server tells: of one that has done nothing."""
    return asyncio.run(_of_a_hub())


def of_worker() -> list[Described]:
    """What a worker alone tells."""
    health = Health(status="ok", worker="w", beat_age_s=0.0, loop_lag_s=0.0)
    numbers = Numbers(slots=1, running=0, waiting=0, unacknowledged=0, ended={AttemptOutcome.SUCCEEDED: 1})
    told = text_string_to_metric_families(exposition("1", numbers, health).decode())
    return [
        Described(one.samples[0].name, _kind(one.type), tuple(one.samples[0].labels), one.documentation)
        for one in told
        if one.name.startswith("taskflow_") and not one.name.endswith("_created")
    ]


def _kind(type: str) -> Literal["counter", "gauge"]:
    assert type in {"counter", "gauge"}
    return "counter" if type == "counter" else "gauge"


def _row(one: Described) -> str:
    return f"| `{one.name}` | {one.kind} | {_labels(one)} | {one.about} |"


def _labels(one: Described) -> str:
    return ", ".join(f"`{label}`" for label in one.labels)


async def _of_a_hub() -> list[Described]:
    with tempfile.TemporaryDirectory() as folder:
        database = DatabaseSettings(url=f"sqlite:///{folder}/taskflow.db")
        async with open_engine(Settings(database=database)) as (engine, _):
            return engine.metrics.described


if __name__ == "__main__":
    PAGE.write_text(document(), encoding="utf-8")
