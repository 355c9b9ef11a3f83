"""The handlers that are measured."""

import time

from taskflow_hub import Hub

hub = Hub()


@hub.task("bench.noop")
async def noop(text: str = "") -> None:
    """Nothing, with a payload of about 100 bytes."""


@hub.task("bench.stamp")
async def stamp() -> float:
    """When it started, in seconds since the epoch: the same clock as the submitter's, on one host."""
    return time.time()


@hub.task("bench.numbers")
async def numbers(count: int) -> list[int]:
    """A list for a fan-out."""
    return [*range(count)]


PAYLOAD = {"text": "x" * 89}  # 100 bytes of JSON
