"""Dramatiq over Redis, results kept there too."""

import os
import time

import commands
import dramatiq
import tick
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage, GroupCallbacks
from dramatiq.rate_limits.backends import RedisBackend as Barriers
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

broker = RedisBroker(url=os.environ["BENCH_REDIS_URL"])
broker.add_middleware(Results(backend=RedisBackend(url=os.environ["BENCH_REDIS_URL"])))
broker.add_middleware(CurrentMessage())
broker.add_middleware(GroupCallbacks(Barriers(url=os.environ["BENCH_REDIS_URL"])))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def noop(number, payload):
    tick.started()
    return number


@dramatiq.actor(store_results=True)
def latency(number, payload):
    tick.started(number)
    return 0


@dramatiq.actor(store_results=True)
def io(number, payload):
    tick.started()
    time.sleep(0.05)
    tick.ended()
    return number


def sometimes_fails(number, payload):
    if number % 10 == 0 and not CurrentMessage.get_current_message().options.get("retries"):
        raise RuntimeError("fails the first time")
    tick.started()
    return number


# A priority is an actor's, not a message's.
MIXED = [
    dramatiq.actor(
        sometimes_fails,
        actor_name=f"mixed{priority}",
        priority=priority,
        store_results=True,
        min_backoff=1,
        max_backoff=1,
    )
    for priority in range(3)
]


def one(kind, number):
    if kind != "mixed":
        globals()[kind].send(number, tick.PAYLOAD)
    else:
        MIXED[number % 3].send_with_options(
            args=(number, tick.PAYLOAD), delay=1_000 if number % 10 == 5 else None
        )


def fan(numbers):
    sent = time.time_ns()
    group = dramatiq.group(noop.message(number, tick.PAYLOAD) for number in numbers)
    group.add_completion_callback(latency.message(sent, tick.PAYLOAD))
    group.run()


if __name__ == "__main__":
    commands.main()
