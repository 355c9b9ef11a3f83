"""What a page's main thread did, as the browser itself has traced it."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final

from playwright.sync_api import Browser, Page

CATEGORIES: Final = ["toplevel", "disabled-by-default-devtools.timeline", "devtools.timeline"]
TASKS: Final = {"RunTask", "ThreadControllerImpl::RunTask"}


class Trace:
    """`tasks_ms` is the CPU time of every task of the main thread, once it has been recorded: time in which the machine did
    something else is nobody's fault."""

    def __init__(self) -> None:
        self.tasks_ms: list[float] = []


@contextlib.contextmanager
def traced(browser: Browser, page: Page) -> Iterator[Trace]:
    found = Trace()
    browser.start_tracing(page=page, categories=CATEGORIES)
    try:
        yield found
    finally:
        events: list[dict[str, Any]] = json.loads(browser.stop_tracing())["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    found.tasks_ms = [
        event["tdur"] / 1000
        for event in events
        if event["name"] in TASKS and "tdur" in event and (event["pid"], event["tid"]) in main
    ]
