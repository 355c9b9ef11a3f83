"""RQ, with jobs in the worker itself, not in a fork for each: so its documentation says it is fast. Priorities are queues."""

import os
import time
from datetime import timedelta

import commands
import tick
from redis import Redis
from rq import Queue, Retry, SimpleWorker, get_current_job

BATCH = 500
connection = Redis.from_url(os.environ["BENCH_REDIS_URL"])
queues = [Queue(name, connection=connection) for name in ("high", "default", "low")]
default = queues[1]


def noop(number, payload):
    tick.started()
    return number


def latency(number, payload):
    tick.started(number)
    return 0


def io(number, payload):
    tick.started()
    time.sleep(0.05)
    tick.ended()
    return number


def mixed(number, payload):
    if number % 10 == 0 and not get_current_job().number_of_retries:
        return Retry(max=1)
    tick.started()
    return number


def one(kind, number):
    handler = globals()[kind]
    if kind != "mixed":
        default.enqueue(handler, number, tick.PAYLOAD)
    elif number % 10 == 5:
        queues[number % 3].enqueue_in(timedelta(seconds=1), handler, number, tick.PAYLOAD)
    else:
        queues[number % 3].enqueue(handler, number, tick.PAYLOAD)


def many(kind, numbers):
    if kind == "mixed":
        for number in numbers:
            one(kind, number)
        return
    handler = globals()[kind]
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        default.enqueue_many([Queue.prepare_data(handler, (number, tick.PAYLOAD)) for number in some])


def fan(numbers):
    sent = time.time_ns()
    prepared = [Queue.prepare_data(noop, (number, tick.PAYLOAD)) for number in numbers]
    default.enqueue(latency, sent, tick.PAYLOAD, depends_on=default.enqueue_many(prepared))


def worker(scheduler=""):
    SimpleWorker(queues, connection=connection).work(
        logging_level="WARNING", with_scheduler=scheduler == "scheduler"
    )


if __name__ == "__main__":
    commands.main()
