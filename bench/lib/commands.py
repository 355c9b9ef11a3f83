"""The command line of a Python program under test, which ends with `commands.main()`.

    setup | prefill KIND N | single N | bulk N | concurrent N CALLERS | latency N INTERVAL_S | fan N | worker VARIANT…
    history FROM TO

`single`, `bulk` and `concurrent` print a line of JSON: how many tasks were submitted, in how many seconds, and with how many
seconds of CPU. What the program defines is used, each a plain function or a coroutine function, all of one sort:

- `one(kind, number)` submits a task. Its handler is given the number and `tick.PAYLOAD`; of the kind `latency` the number is
  when it was sent, in ns since 1970.
- `many(kind, numbers)`, if the system can submit many at once.
- `fan(numbers)`, if the system has words for it: submits a `noop` of each of the numbers, and a `latency` that starts when
  all of them have ended, and is given when `fan` was called.
- `session()`, a context manager around all submits, asynchronous like them.
- `setup()`, called once on empty servers; `worker(*arguments)`, if the system has no command of its own to start one;
- `history(first, last)`, if its history can be made: tasks of these numbers are there as if they had been done days ago.
"""

import asyncio
import importlib
import inspect
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

WARM = 200  # submits before those that are measured: connections are open, caches are filled
FILLERS = 32  # callers at a time that fill a queue where there is no `many`


def main() -> None:
    # By its name, so that tasks are called program.noop here as in a worker that imports it.
    program = importlib.import_module("program")
    command, *arguments = sys.argv[1:]
    if command in ("setup", "worker", "history"):
        found = getattr(program, command, _nothing)(*arguments)
        if inspect.isawaitable(found):
            asyncio.run(_wait(found))
    elif inspect.iscoroutinefunction(program.one):
        asyncio.run(_submit_async(program, command, arguments))
    else:
        _submit(program, command, arguments)


def _nothing() -> None: ...


async def _wait(found: Awaitable[object]) -> None:
    await found


def _submit(program: Any, command: str, arguments: list[str]) -> None:
    with getattr(program, "session", nullcontext)():

        def single(kind: str, numbers: range) -> None:
            for number in numbers:
                program.one(kind, number)

        def concurrent(kind: str, numbers: range, callers: int) -> None:
            with ThreadPoolExecutor(callers) as pool:
                shares = [numbers[caller::callers] for caller in range(callers)]
                list(pool.map(lambda share: single(kind, share), shares))

        many = getattr(program, "many", None)
        match command, arguments:
            case "prefill", [kind, count]:
                (many or single)(kind, range(int(count)))
            case "latency", [count, interval_s]:
                for pause_s in _pace(int(count), float(interval_s)):
                    time.sleep(pause_s)
                    program.one("latency", time.time_ns())
            case "fan", [count]:
                program.fan(range(int(count)))
            case "single", [count]:
                _measured(single, int(count))
            case "bulk", [count]:
                _measured(program.many, int(count))
            case "concurrent", [count, callers]:
                _measured(lambda kind, numbers: concurrent(kind, numbers, int(callers)), int(count))
            case _:
                raise SystemExit(__doc__)


def _measured(submit: Callable[[str, range], object], count: int) -> None:
    submit("noop", range(WARM))
    began, cpu_s = time.perf_counter(), time.process_time()
    submit("noop", range(count))
    _say(count, time.perf_counter() - began, time.process_time() - cpu_s)


async def _submit_async(program: Any, command: str, arguments: list[str]) -> None:
    async with getattr(program, "session", nullcontext)():

        async def single(kind: str, numbers: range) -> None:
            for number in numbers:
                await program.one(kind, number)

        async def concurrent(kind: str, numbers: range, callers: int) -> None:
            await asyncio.gather(*(single(kind, numbers[caller::callers]) for caller in range(callers)))

        many = getattr(program, "many", None)
        match command, arguments:
            case "prefill", [kind, count] if many:
                await many(kind, range(int(count)))
            case "prefill", [kind, count]:
                await concurrent(kind, range(int(count)), FILLERS)
            case "latency", [count, interval_s]:
                for pause_s in _pace(int(count), float(interval_s)):
                    await asyncio.sleep(pause_s)
                    await program.one("latency", time.time_ns())
            case "fan", [count]:
                await program.fan(range(int(count)))
            case "single", [count]:
                await _measured_async(single, int(count))
            case "bulk", [count]:
                await _measured_async(program.many, int(count))
            case "concurrent", [count, callers]:
                await _measured_async(
                    lambda kind, numbers: concurrent(kind, numbers, int(callers)), int(count)
                )
            case _:
                raise SystemExit(__doc__)


async def _measured_async(submit: Callable[[str, range], Awaitable[object]], count: int) -> None:
    await submit("noop", range(WARM))
    began, cpu_s = time.perf_counter(), time.process_time()
    await submit("noop", range(count))
    _say(count, time.perf_counter() - began, time.process_time() - cpu_s)


def _pace(count: int, interval_s: float) -> Iterator[float]:
    """How long to wait before each: they are sent by the clock, however long a submit takes."""
    began = time.perf_counter()
    for number in range(count):
        yield max(0.0, began + number * interval_s - time.perf_counter())


def _say(count: int, secs: float, cpu_s: float) -> None:
    print(json.dumps({"n": count, "secs": secs, "cpu_s": cpu_s}))
