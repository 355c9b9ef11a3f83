"""DBOS on PostgreSQL: a queue of workflows. A step is what it retries, not a workflow."""

import asyncio
import os
import signal
import time
from contextlib import contextmanager

import commands
import tick
from dbos import DBOS, DBOSClient

DATABASE = os.environ["BENCH_POSTGRES_URL"].replace("postgresql://", "postgresql+psycopg://")
QUEUE = "bench"
client = None


@DBOS.workflow(name="noop")
async def noop(number, payload):
    tick.started()
    return number


@DBOS.workflow(name="latency")
async def latency(number, payload):
    tick.started(number)
    return 0


@DBOS.workflow(name="io")
async def io(number, payload):
    tick.started()
    await asyncio.sleep(0.05)
    tick.ended()
    return number


@DBOS.step(retries_allowed=True, interval_seconds=0.0, max_attempts=2)
async def fails_the_first_time():
    if DBOS.step_status.current_attempt == 0:
        raise RuntimeError("fails the first time")


@DBOS.workflow(name="mixed")
async def mixed(number, payload):
    if number % 10 == 0:
        await fails_the_first_time()
    tick.started()
    return number


@DBOS.workflow(name="fan")
async def fan_out(sent, first, last):
    tasks = [
        await DBOS.enqueue_workflow_async(QUEUE, noop, number, tick.PAYLOAD) for number in range(first, last)
    ]
    for task in tasks:
        await task.get_result()
    tick.started(sent)


def launch():
    DBOS(
        config={
            "name": "bench",
            "system_database_url": DATABASE,
            "log_level": "CRITICAL",
            "run_admin_server": False,
            "application_version": "1",
            "executor_id": f"{os.getpid()}",
        }
    )
    DBOS.launch()
    most = os.environ.get("DBOS_CONCURRENCY")
    DBOS.register_queue(
        QUEUE,
        worker_concurrency=int(most) if most else None,
        polling_interval_sec=float(os.environ.get("DBOS_POLL_S", "1.0")),
        on_conflict="always_update",
    )


def setup():
    launch()
    DBOS.destroy()


@contextmanager
def session():
    global client
    client = DBOSClient(system_database_url=DATABASE, application_name="bench")
    yield
    client.destroy()


def one(kind, number):
    options = {"queue_name": QUEUE, "workflow_name": kind}
    if kind == "mixed":
        options["priority"] = 1 + number % 3
        if number % 10 == 5:
            options["delay_seconds"] = 1.0
    client.enqueue(options, number, tick.PAYLOAD)


def fan(numbers):
    sent = time.time_ns()
    client.enqueue({"queue_name": QUEUE, "workflow_name": "fan"}, sent, numbers.start, numbers.stop)


def worker():
    launch()
    signal.pause()


if __name__ == "__main__":
    commands.main()
