"""A real browser before the page of a real hub, and everything that goes wrong in it."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright
from tests.support.http_api import Threaded

CHROMIUM: Final = "/usr/bin/chromium"
REFUSED: Final = re.compile(
    r"status of (401|403|404|409|422|429|503)|net::ERR_"
)  # the browser logs every answer that says no
WIDE: Final[ViewportSize] = {"width": 1280, "height": 900}
expect.set_options(
    timeout=30_000
)  # nothing here is about speed; five seconds, the default, a busy machine may need


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


class Visitor:
    """A browser tab, and everything that went wrong in it."""

    def __init__(self, context: BrowserContext, server: Threaded) -> None:
        self.context = context
        self.page, self.server, self.faults = context.new_page(), server, list[str]()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda line: self._note(line.text) if line.type == "error" else None)
        self.page.on("request", lambda request: self._check(request.url))

    def _note(self, line: str) -> None:
        if not REFUSED.search(line):
            self.faults.append(line)

    def _check(self, url: str) -> None:
        if not url.startswith(self.server.url + "/"):
            self.faults.append(f"asked {url}")

    def open(self, path: str = "/ui/tasks") -> Page:
        self.page.goto(self.server.url + path)
        expect(self.page.locator("#live")).to_have_attribute("data-state", "live")
        return self.page


@contextlib.contextmanager
def visiting(browser: Browser, server: Threaded, **options: Any) -> Iterator[Visitor]:
    context = browser.new_context(**{"viewport": WIDE, **options})
    try:
        visitor = Visitor(context, server)
        yield visitor
        assert not visitor.faults, visitor.faults
    finally:
        context.close()
