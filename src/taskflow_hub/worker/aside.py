"""A plain function beside the event loop, in a thread of its own.

Not `asyncio.to_thread`: its few threads keep the process from ending while one hangs.
"""

import asyncio
import concurrent.futures
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def aside(call: Callable[[], T]) -> T:
    """`call()`, with the context variables of whoever asks. Cancelled, it runs on and nobody waits for it."""
    outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
    context = contextvars.copy_context()

    def run() -> None:
        if not outcome.set_running_or_notify_cancel():
            return
        try:
            value = context.run(call)
        except StopIteration as error:  # no coroutine can be given one
            outcome.set_exception(RuntimeError(f"a step raised StopIteration: {error}"))
        except BaseException as error:
            outcome.set_exception(error)
        else:
            outcome.set_result(value)

    threading.Thread(target=run, name="taskflow-step", daemon=True).start()
    return await asyncio.wrap_future(outcome)
