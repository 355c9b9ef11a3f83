"""Celery over Redis, results kept there too; acknowledged after the task has run."""

import os
import time

import commands
import tick
from celery import Celery, chord

app = Celery("program", broker=os.environ["BENCH_REDIS_URL"], backend=os.environ["BENCH_REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    result_expires=3600,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    # Ten connections are the default. A hundred threads that acknowledge want more, lose acknowledgements without, and run
    # tasks twice.
    broker_transport_options={"max_connections": 300, "queue_order_strategy": "priority"},
    redis_max_connections=300,
    result_backend_thread_safe=True,  # else each thread opens a connection of its own
)


@app.task
def noop(number, payload):
    tick.started()
    return number


@app.task
def latency(number, payload):
    tick.started(number)
    return 0


@app.task
def io(number, payload):
    tick.started()
    time.sleep(0.05)
    tick.ended()
    return number


@app.task(bind=True)
def mixed(self, number, payload):
    if number % 10 == 0 and self.request.retries == 0:
        raise self.retry(countdown=0)
    tick.started()
    return number


def one(kind, number):
    task = globals()[kind]
    if kind != "mixed":
        task.delay(number, tick.PAYLOAD)
    else:
        task.apply_async(
            (number, tick.PAYLOAD), priority=3 * (number % 3), countdown=1 if number % 10 == 5 else None
        )


def fan(numbers):
    sent = time.time_ns()
    chord(noop.s(number, tick.PAYLOAD) for number in numbers)(latency.si(sent, tick.PAYLOAD))


if __name__ == "__main__":
    commands.main()
